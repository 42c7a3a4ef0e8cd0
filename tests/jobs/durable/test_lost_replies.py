"""A lost reply to each script: the client sends the call again, and it counts once.

The connection really loses the reply, after the script ran; redis-py itself sends the call again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Connection, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from jobs.durable.scripts import Scripts
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group
from tests.jobs.failover import snapshot

ROOT = Path(__file__).resolve().parents[3]
Case = Callable[[Group], dict[str, Any]]


class Lossy(Connection):
    """Loses the reply to the next script."""

    losses = 0
    _script = False

    def send_command(self, *args: Any, **options: Any) -> Any:
        self._script = args[0] == "EVALSHA"
        return super().send_command(*args, **options)  # type: ignore[no-untyped-call]

    def read_response(self, *args: Any, **options: Any) -> Any:
        reply = super().read_response(*args, **options)
        if self._script and Lossy.losses:
            Lossy.losses -= 1
            raise RedisConnectionError("the reply was lost")
        return reply


@pytest.fixture
def lossy(redis: "Redis") -> Iterator["Redis"]:
    known = redis.connection_pool.connection_kwargs
    address = {key: known[key] for key in ("host", "port", "db")}
    pool = ConnectionPool(
        connection_class=Lossy, decode_responses=True, retry=Retry(NoBackoff(), 3), **address
    )
    with Redis(connection_pool=pool) as client:
        yield client
    pool.disconnect()


def activation(group: Group, id: str = "op-1") -> dict[str, Any]:
    calls.start(group, id)
    return group.take(id).arguments()


def asked(group: Group) -> dict[str, Any]:
    """A workflow that waits for an answer, a signal or an hour."""
    token = activation(group)
    given = calls.wait(calls.ANSWER, calls.timer(movable=True), calls.signal())
    group.store.scripts.call(
        "suspend", call="asked", **token, wait=given, questions=[calls.question()]
    )
    return {"id": "op-1"}


def owned(group: Group) -> dict[str, Any]:
    """An activation whose operation has reserved a node."""
    token = activation(group)
    sent = {**token, "operation": "op-1", "call": "owned", **_RESERVE}
    Scripts(group.redis, group.clock, package="jobs.nodes").call("reserve", **sent)
    return {**token, "operation": "op-1", "node": "a"}


def due(group: Group) -> dict[str, Any]:
    """A timer that is due, a lease that lapsed, and a doorbell that was lost."""
    asked(group)
    calls.start(group, "op-2")
    group.take("op-2", lease=3)
    calls.start(group, "op-3")
    group.redis.delete(group.queue)
    group.clock.advance(3600)
    return {"limit": 10, "grace": 500}


def over(group: Group) -> dict[str, Any]:
    token = activation(group)
    group.store.scripts.call("finish", call="over", **token, state="done", outcome="1")
    return {"before": group.clock.at, "limit": 10}


def tidied(group: Group) -> dict[str, Any]:
    token = owned(group)
    del token["operation"], token["node"]
    group.store.scripts.call("finish", call="over", **token, state="done", outcome="1")
    return {"node": "a", "uid": "u", "gone": True}


def ready(group: Group) -> dict[str, Any]:
    calls.start(group)
    job = group.hash("wf:op-1")["job"]
    return {
        "id": "op-1", "epoch": 1, "nonce": "n", "owner": "slot", "lease": 3000, "job": job,
        "barren_limit": 5, "stuck": calls.STUCK,
    }  # fmt: skip


_START = {"id": "op-1", "name": "drain", "input": "null", "hash": "h", "dedup": "d"}
_CHILD = {"id": "op-1-1", "name": "node", "input": "null"}
_RESERVE = {
    "nodes": [{"name": "a", "uid": "u", "shown": 3}], "max_away": 5, "by": "", "why": "",
}  # fmt: skip
_PERMIT = {"bucket": "evictions", "rate": 0, "burst": 1, "shielded": False}
_ANSWER = {"question": "q-1", "choice": "skip", "by": "T:U1", "note": "", "evidence": ""}
_LATER = {"question": "q-1", "by": "T:U1", "note": "", "ms": 1000, "choice": "wait"}
_HOLD = {"bucket": "evictions", "on": True, "at": 1, "why": "w", "keep": 60_000}
_TALLY = {"name": "calls", "source": "s", "keep": 60, "counts": [[0, 3, 1]], "bucket": "evictions"}

CORE: dict[str, Case] = {
    "start": lambda _: _START,
    "acquire": ready,
    "commit": lambda g: activation(g) | {"step": "s", "fp": "f", "status": "ok", "value": "1"},
    "suspend": lambda g: (
        activation(g)
        | {"wait": calls.wait(calls.ANSWER, calls.timer()), "questions": [calls.question()]}
    ),
    "spawn": lambda g: (
        activation(g) | {"step": "s", "fp": "f", "child": _CHILD | {"group": g.name}}
    ),
    "continue_as": lambda g: activation(g) | {"input": "2", "log": ["{}"]},
    "finish": lambda g: activation(g) | {"state": "done", "outcome": "1", "log": ["{}"]},
    "release": lambda g: activation(g) | {"crash": "it broke", "after": 2000},
    "renew": lambda g: activation(g) | {"lease": 9000, "progress": "1"},
    "reap": activation,
    "permit": lambda g: activation(g) | _PERMIT,
    "hold": lambda g: activation(g) | _HOLD,
    "tally": lambda g: activation(g) | _TALLY,
    "settle": lambda g: asked(g) | _ANSWER,
    "postpone": lambda g: asked(g) | _LATER,
    "amend": lambda g: asked(g) | {"question": "q-1", "payload": '{"pod":"db-3"}'},
    "signal": lambda g: asked(g) | {"signal": "freed", "value": "1"},
    "control": lambda g: asked(g) | {"action": "abort", "by": "T:U1", "reason": "enough"},
    "freeze": lambda _: {"on": True, "by": "T:U1", "reason": "storm", "evidence": ""},
    "lease": lambda _: {"name": "watcher", "owner": "w-1", "ms": 5000},
    "sweep": due,
    "forget": over,
}
NODES: dict[str, Case] = {
    "reserve": lambda g: activation(g) | {"operation": "op-1"} | _RESERVE,
    "claim": lambda g: owned(g) | {"uid": "u", "shown": 3},
    "mark": lambda g: owned(g) | {"evicted": "maybe"},
    "mode": lambda g: (
        owned(g)
        | {"routes": {"accepting": ["draining"]}, "to": "draining", "release": False}
        | {"by": "", "why": ""}
    ),
    "adopt": lambda g: owned(g) | {"uid": "u", "modes": ["accepting"], "by": "", "why": ""},
    "under": lambda g: owned(g) | {"budgets": ["shop/web"], "keep": 60_000},
    "tidy": tidied,
}
# What these answer is how much they did: nothing the second time, and nobody decides by it.
COUNTS = {"sweep", "forget", "tidy"}
HOSTS: dict[str, Case] = {
    "keep": lambda _: {
        "node": "a", "was": "", "life": "{}", "ttl": 60_000,
        "cleared": {"by": "T:U1", "why": "looked"},
    },
}  # fmt: skip
PACKAGES = {"jobs.durable": CORE, "jobs.nodes": NODES, "jobs.hosts": HOSTS}


@pytest.mark.parametrize("package", PACKAGES)
def test_there_is_a_case_for_each_script(package: str) -> None:
    files = (ROOT / package.replace(".", "/") / "lua").glob("*.lua")
    assert {file.stem for file in files} - {"_common", "_questions"} == PACKAGES[package].keys()


def held(group: Group) -> dict[str, Any]:
    """All that Redis holds; the entries of a stream without their times."""
    found = group.dump()
    events = f"drainbot:{group.name}:events"
    return found | {events: [fields for _, fields in found.get(events, [])]}


@pytest.mark.parametrize(
    ("package", "script"), [(package, name) for package in PACKAGES for name in PACKAGES[package]]
)
def test_a_lost_reply_changes_nothing(
    group: Group, lossy: "Redis", package: str, script: str
) -> None:
    sent = {"group": group.name, "call": "the-same", **PACKAGES[package][script](group)}
    back = snapshot(group.redis)
    said = Scripts(group.redis, group.clock, package=package).call(script, **sent)
    after = held(group)

    back()
    Lossy.losses = 1
    again = Scripts(lossy, group.clock, package=package).call(script, **sent)
    assert Lossy.losses == 0
    assert held(group) == after
    if script not in COUNTS:
        assert again == said
