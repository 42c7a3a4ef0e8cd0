"""One question of several nodes: what each of them asks, put together."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.models.base import Frozen
from jobs.models.pods import PodRef

__all__ = ["OnNode", "joint_facts", "joint_thread"]

_PARTS = ("refusals", "blocks", "wont_stop")


class OnNode(Frozen):
    """What one of several nodes has to do with a question: its pods that can't move."""

    node: str
    pods: tuple[PodRef, ...]
    pods_left: int = 0
    pods_total: int = 0


def joint_facts(asked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a question of several nodes is about, from what each of them asks."""
    if len(asked) == 1:
        return dict(asked[0])
    facts: dict[str, Any] = {
        part: [each for payload in asked for each in payload.get(part, ())] for part in _PARTS
    }
    return facts | {
        "detail": "; ".join(dict.fromkeys(p["detail"] for p in asked if p.get("detail"))),
        "pods_left": sum(payload["pods_left"] for payload in asked),
        "pods_total": sum(payload["pods_total"] for payload in asked),
        "by_node": [_on_node(payload) for payload in asked],
    }


def joint_thread(keys: Sequence[str]) -> str:
    """Return the key of the one message about questions that had messages of their own before.

    The same for the same ones in any order: what is asked once more finds its message.
    """
    if len(keys) == 1:
        return keys[0]
    return f"all:{hashlib.sha256(' '.join(sorted(keys)).encode()).hexdigest()[:16]}"


def _on_node(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "node": payload["node"],
        "pods": [each["pod"] for part in _PARTS for each in payload.get(part, ())],
        "pods_left": payload["pods_left"],
        "pods_total": payload["pods_total"],
    }
