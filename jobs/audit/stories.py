"""Reads entries of the audit log, and puts the history of a node or an operation together; pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from jobs.models import AuditEntry, Grounds, Shown

__all__ = ["entry_of", "of_node", "of_operation", "subjects", "without_pods"]

UNREADABLE = "unreadable"
_FACTS = frozenset(
    {"by", "nodes", "note", "channel", "grounds", "shown", "key", "what", "at", "fields"}
)
_KNOWN = frozenset(
    {
        "at", "what", "op", "wf", "facts", "by", "note", "reason", "why", "question", "kind",
        "choice", "result", "asked_at", "node", "nodes", "counted",
    }
)  # fmt: skip
_WORDY = frozenset(
    {
        "pods", "pod", "anyway", "workloads", "volumes", "detail", "why", "because", "reason",
        "note", "error",
    }
)  # fmt: skip


def of_node(node: str) -> str:
    """Return the subject that a node is."""
    return f"node:{node}"


def of_operation(id: str) -> str:
    """Return the subject that an operation is."""
    return f"op:{id}"


def subjects(entry: AuditEntry) -> frozenset[str]:
    """Return what an entry is about: its operation, and the nodes that it names."""
    found = {of_node(node) for node in entry.nodes}
    return frozenset({*found, of_operation(entry.operation)} if entry.operation else found)


def entry_of(text: str, seq: int, link: str = "") -> AuditEntry:
    """Read an entry as Redis holds it, with its hash; what we can't have written is unreadable."""
    try:
        raw = json.loads(text)
        return _entry(raw, seq, link)
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError):
        return AuditEntry(seq=seq, what=UNREADABLE, hash=link)


def _entry(raw: Mapping[str, Any], seq: int, link: str) -> AuditEntry:
    facts = raw.get("facts")
    facts = facts if isinstance(facts, dict) else {}
    told = facts if raw["what"] == "told" else {}
    line = dict(told.get("fields", {}))
    nodes = [*_list(raw.get("nodes")), *_list(facts.get("nodes"))]
    nodes += [name for name in (raw.get("node"), line.pop("node", "")) if name]
    more = {key: value for key, value in raw.items() if key not in _KNOWN}
    more |= {key: value for key, value in facts.items() if key not in _FACTS}
    return AuditEntry(
        seq=seq,
        at=told.get("at", raw["at"]),
        what=raw["what"],
        word=str(told.get("what", "")),
        operation=raw.get("op", ""),
        workflow=raw.get("wf", ""),
        nodes=tuple(dict.fromkeys(str(name) for name in nodes)),
        by=str(raw.get("by") or facts.get("by") or line.pop("by", "")),
        note=str(_first(raw, "note", "reason", "why") or facts.get("note", "")),
        channel=str(facts.get("channel", "")),
        question=raw.get("question", ""),
        kind=raw.get("kind", ""),
        choice=raw.get("choice", ""),
        result=raw.get("result", ""),
        counted=tuple(str(each) for each in _list(raw.get("counted"))),
        asked_at=raw.get("asked_at", 0),
        grounds=Grounds.model_validate(facts["grounds"]) if "grounds" in facts else None,
        shown=Shown.model_validate(facts["shown"]) if "shown" in facts else None,
        fields=_flat({**more, **line}),
        hash=link,
    )


def _first(raw: Mapping[str, Any], *names: str) -> Any:
    return next((raw[name] for name in names if raw.get(name)), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _flat(fields: Mapping[str, Any]) -> dict[str, str | int | bool]:
    """Return fields as they are shown: what is nested becomes a text."""
    return {
        key: value
        if isinstance(value, str | int | bool)
        else json.dumps(value, ensure_ascii=False, sort_keys=True)
        for key, value in fields.items()
        if value not in (None, "", {}, [])
    }


def without_pods(
    entries: Iterable[AuditEntry], channel: str, namespaces: frozenset[str]
) -> tuple[AuditEntry, ...]:
    """Leave out what must not be read in a channel: names of pods, and words that may name some.

    Nothing is left out of operations that are told there; of others only the pods in `namespaces`
    stay, which are their owners' to know.
    """
    known = tuple(entries)
    told = {entry.operation for entry in known if entry.channel == channel and entry.operation}
    return tuple(e if e.operation in told else _bare(e, namespaces) for e in known)


def _bare(entry: AuditEntry, namespaces: frozenset[str]) -> AuditEntry:
    fields = {key: value for key, value in entry.fields.items() if key not in _WORDY}
    shown = entry.shown
    if shown is not None:
        kept = {
            name: tuple(each for each in getattr(shown, name) if _space(each) in namespaces)
            for name in ("pods", "single_replicas", "workloads", "budgets", "never")
        }
        shown = shown.model_copy(update={**kept, "volumes": ()})
    return entry.model_copy(update={"shown": shown, "note": "", "fields": fields})


def _space(name: str) -> str:
    return name.partition("/")[0]
