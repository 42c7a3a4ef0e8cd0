"""A node that runs what drainbot itself needs: people are asked before its pods are touched.

The only worker that would be left, before the cordon; its Redis and its last bot, before the first
eviction. Where it is the worker, the question closes by itself when another one starts elsewhere,
and the drain goes on from there.
"""

import itertools
from collections.abc import Mapping
from typing import Any

from jobs.activities.cordon import cordon_node
from jobs.durable import Fired, Question, Signal, Timer
from jobs.models import NodeStatus, QuestionKind
from jobs.workflows import choices
from jobs.workflows.asking import notices
from jobs.workflows.endings import end, leave, let_go, unanswered
from jobs.workflows.node_state import NodeDrain

_WORKER = "worker"  # of the parts that jobs.drain.own names


def cordon(node: NodeDrain, key: str) -> dict[str, Any]:
    """Cordon the node, and ask before that if no other worker would be left.

    Returns what :func:`~jobs.activities.cordon.cordon_node` does; or `{result: ended, end}`.
    """
    for turn in itertools.count():
        anyway = {"own_anyway": sorted(node.own_anyway)} if node.own_anyway else {}
        cordoned: dict[str, Any] = node.ctx.activity(
            f"{key}:own:{turn}" if turn else key, cordon_node, **node.common(),
            requested_by=node.drain.requester, reason=node.drain.reason, since=node.started,
            **anyway,
        )  # fmt: skip
        if cordoned["result"] != "own":
            return cordoned
        ended = ask_about_own(node, f"{key}:{turn}", cordoned, untouched=key == "cordon")
        if ended is not None:
            return {"result": "ended", "end": ended}
    raise AssertionError("unreachable")


def ask_about_own(
    node: NodeDrain, turn: str, outcome: Mapping[str, Any], *, untouched: bool = False
) -> Any:
    """Ask whether to go on though drainbot itself goes; the node's end, or None to go on.

    `untouched`: it is not even cordoned.
    """
    fired = _ask(node, turn, outcome)
    if fired.name == "freed":
        node.log("freed")
        return None
    if fired.name == "stop":
        return _untouched(node) if untouched else unanswered(node)
    if fired.value["choice"] == choices.GO_ON:
        node.own_anyway += outcome["own"]
        node.log("own_anyway", by=", ".join(fired.value["by"]), own=", ".join(outcome["own"]))
        return None
    if fired.value["choice"] == choices.RETRY:
        return None
    return leave(node, f"own:{turn}", fired.value)


def _untouched(node: NodeDrain) -> Any:
    node.log("stopped")
    let_go(node)
    return end(node, NodeStatus.STOPPED, "nobody answered; it was not touched")


def _ask(node: NodeDrain, turn: str, outcome: Mapping[str, Any]) -> Fired:
    needs, name = node.drain.requirements, node.drain.node
    node.show(NodeStatus.BLOCKED, "drainbot itself runs on it")
    payload = {
        "node": name, "detail": outcome["detail"], "thread_key": f"{name}:own",
        "pods_left": node.pods["total"] - node.pods["gone"], "pods_total": node.pods["total"],
    }  # fmt: skip
    watching = {**node.common(), "worker_elsewhere": True, "free_for": needs.auto_resume_after_free}
    asked_at = node.ctx.now()
    fired = node.ctx.first(
        f"ask:own:{turn}",
        watching=watching if outcome["own"] == [_WORKER] else None,
        answer=Question(
            QuestionKind.OWN, payload, choices.OWN, notices=notices(needs),
            stop_after=needs.stop_after,
        ),
        freed=Signal("freed"),
        stop=Timer(needs.stop_after, movable=True),
    )  # fmt: skip
    node.postponed += (fired.at - asked_at) / 1000  # people's time is not the drain's
    return fired
