"""Arguments of script calls, as an activation makes them."""

import json
from typing import Any

from jobs.durable.records import Token
from tests.jobs.durable.harness import Group

ANSWER = {"name": "answer", "kind": "question", "question": "q-1"}
STUCK = {
    "id": "q-stuck",
    "kind": "stuck",
    "payload": '{"detail":"it failed"}',
    "choices": '["retry","abort"]',
    "votes_needed": "{}",
    "notices": [],
}


def question(id: str = "q-1", **changes: Any) -> dict[str, Any]:
    """A question to ask."""
    asked = {
        "id": id,
        "kind": "block",
        "payload": '{"pod":"db-2"}',
        "choices": '["retry","skip","force"]',
        "votes_needed": "{}",
        "notices": [],
    }
    return asked | changes


def timer(name: str = "stop", seconds: float = 3600, *, movable: bool = False) -> dict[str, Any]:
    return {"name": name, "kind": "timer", "after": int(seconds * 1000), "movable": movable}


def signal(name: str = "freed") -> dict[str, Any]:
    return {"name": name, "kind": "signal", "signal": name}


def children(*refs: str, need: int) -> dict[str, Any]:
    return {"name": "children", "kind": "children", "ids": list(refs), "need": need}


def wait(*parts: dict[str, Any], key: str = "ask", interruptible: bool = True) -> dict[str, Any]:
    """The wait of a suspend call."""
    return {"key": key, "fp": "f", "interruptible": interruptible, "parts": list(parts)}


def start(group: Group, id: str = "op-1", **changes: Any) -> str:
    """Start a workflow; returns its id."""
    given: dict[str, Any] = {"name": "drain", "input": "null", "hash": "h", "dedup": f"d-{id}"}
    return str(group.twice("start", id=id, **(given | changes))["id"])


def suspend(
    group: Group, token: Token, *parts: dict[str, Any], ask: tuple[Any, ...] = (), **changes: Any
) -> dict[str, Any]:
    """Wait for the first of some things; returns the reply."""
    given: dict[str, Any] = {"wait": wait(*parts), "questions": list(ask)}
    return group.twice("suspend", **token.arguments(), **(given | changes))


def rest(
    group: Group, token: Token, *, until: int = 0, seen: str = "", **changes: Any
) -> dict[str, Any]:
    """Free the slot of an activity; `seen` names the flags that it knew of."""
    flags = {flag: flag in seen for flag in ("abort", "pause", "freeze")}
    given = {"yield": {"until": until}, "seen": flags}
    return group.twice("suspend", **token.arguments(), **(given | changes))


def settle(group: Group, choice: str = "skip", id: str = "q-1", **changes: Any) -> str:
    given = {"by": "T:U1", "note": "", "evidence": ""}
    return str(group.twice("settle", question=id, choice=choice, **(given | changes))["result"])


def control(group: Group, action: str, id: str = "op-1", **changes: Any) -> str:
    given = {"by": "T:U1", "reason": "wrong node"}
    return str(group.twice("control", id=id, action=action, **(given | changes))["result"])


def commit(group: Group, token: Token, step: str = "cordon", **changes: Any) -> dict[str, Any]:
    given = {"step": step, "fp": "f", "status": "ok", "value": '"done"'}
    return group.twice("commit", **token.arguments(), **(given | changes))


def finish(group: Group, token: Token, state: str = "done", **changes: Any) -> dict[str, Any]:
    given = {"state": state, "outcome": '"drained"'}
    return group.twice("finish", **token.arguments(), **(given | changes))


def release(group: Group, token: Token, **changes: Any) -> dict[str, Any]:
    given = {"crash": "", "after": 0}
    return group.twice("release", **token.arguments(), **(given | changes))


def spawn(group: Group, token: Token, id: str = "op-1-1", **changes: Any) -> dict[str, Any]:
    child = {"group": group.name, "id": id, "name": "node", "input": '"node-1"'}
    given: dict[str, Any] = {"step": f"spawn:{id}", "fp": "f", "child": child}
    return group.twice("spawn", **token.arguments(), **(given | changes))


def step(group: Group, key: str, id: str = "op-1") -> dict[str, Any]:
    """A stored step."""
    stored: dict[str, Any] = json.loads(group.hash(f"wf:{id}:steps")[key])
    return stored
