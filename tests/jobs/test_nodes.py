"""Node records: who owns a node, and under which counter it may be written."""

from collections.abc import Sequence
from typing import Any

import pytest
from redis import Redis

from jobs.durable import Token
from jobs.durable.errors import Fenced
from jobs.nodes import (
    Adopted,
    Changed,
    Claimed,
    Lost,
    NodeStore,
    Reservation,
    Reserved,
    Taken,
    TooMany,
)
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)


@pytest.fixture
def nodes(group: Group) -> NodeStore:
    return NodeStore(group.store)


def running(group: Group, id: str) -> Token:
    calls.start(group, id)
    return group.take(id)


def reserve(
    nodes: NodeStore,
    token: Token,
    *names: str,
    most: int = 10,
    shown: int = 0,
    uid: str = "",
    owned: Sequence[str] | None = None,
) -> Reserved | Taken | TooMany | Changed:
    wanted = [Reservation(name, uid or f"uid-{name}", shown) for name in names]
    return nodes.reserve(
        token, token.id, wanted, max_away=most, by="ana", why="kernel", owned=owned
    )


def ended(group: Group, token: Token) -> None:
    group.store.fenced_call("finish", token, state="done", outcome="null")


def test_nodes_are_reserved_all_or_none_and_the_taker_is_named(
    group: Group, nodes: NodeStore
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    assert reserve(nodes, first, "a") == Reserved()
    assert reserve(nodes, second, "b", "a") == Taken((("a", "op-1"),))
    assert nodes.record("b") is None
    assert nodes.owned() == ("a",)
    record = nodes.record("a")
    assert record is not None
    assert (record.owner, record.by, record.why, record.mode) == (
        "op-1", "ana", "kernel", "accepting",
    )  # fmt: skip


def test_who_decided_by_other_owned_nodes_than_there_are_gets_none(
    group: Group, nodes: NodeStore
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    assert reserve(nodes, first, "a", owned=["z"]) == Changed()
    assert reserve(nodes, first, "a", owned=[]) == Reserved()
    assert reserve(nodes, second, "b", owned=[]) == Changed()
    assert reserve(nodes, second, "b", owned=["z"]) == Changed()
    assert nodes.owned() == ("a",)
    assert reserve(nodes, second, "b", owned=["a"]) == Reserved()
    assert reserve(nodes, first, "a", owned=["b", "a"]) == Reserved()  # its own again


def test_a_node_of_an_operation_that_ended_may_be_taken_over_with_its_history(
    group: Group, nodes: NodeStore
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    reserve(nodes, first, "a")
    nodes.mark(first, "op-1", "a", "yes")
    before = nodes.record("a")
    ended(group, first)
    assert reserve(nodes, second, "a") == Reserved()
    record = nodes.record("a")
    assert before is not None
    assert record is not None
    assert (record.owner, record.evicted) == ("op-2", True)
    assert record.counter > before.counter


def test_a_node_that_was_made_anew_is_free_and_has_no_history(
    group: Group, nodes: NodeStore
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    reserve(nodes, first, "a")
    nodes.change(first, "op-1", "a", came_from=["accepting"], to="draining")
    nodes.mark(first, "op-1", "a", "yes")
    assert reserve(nodes, second, "a", uid="another") == Reserved()
    record = nodes.record("a")
    assert record is not None
    assert (record.uid, record.mode, record.evicted) == ("another", "accepting", False)
    assert nodes.claim(first, "op-1", "a", "uid-a") == Lost("op-2")


def test_the_guardrails_count_what_is_away_and_only_what_would_be_more(
    group: Group, nodes: NodeStore
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    assert reserve(nodes, first, "a", "b", most=2) == Reserved()
    assert reserve(nodes, second, "c", most=2) == TooMany(2)
    assert nodes.record("c") is None
    ended(group, first)
    # It is away already, even where less is allowed by now.
    assert reserve(nodes, second, "a", most=1) == Reserved()


def test_the_counter_rises_at_each_take_over_and_never_falls_below_the_nodes(
    group: Group, nodes: NodeStore
) -> None:
    token = running(group, "op-1")
    reserve(nodes, token, "a", shown=7)
    first = nodes.claim(token, "op-1", "a", "uid-a", shown=7)
    assert first == Claimed(9, "accepting")
    assert nodes.claim(token, "op-1", "a", "uid-a", shown=9) == first  # the same activation
    group.store.reap(token.id, token.epoch, token.nonce)
    again = group.take("op-1")
    second = nodes.claim(again, "op-1", "a", "uid-a", shown=9)
    assert second == Claimed(10, "accepting")
    higher = nodes.claim(again, "op-1", "a", "uid-a", shown=50)
    assert higher == Claimed(51, "accepting")
    nodes.change(again, "op-1", "a", came_from=["accepting"], to="accepting", release=True)
    reserve(nodes, again, "a", shown=0)
    record = nodes.record("a")
    assert record is not None
    assert record.counter > 51


def test_an_activation_that_was_taken_over_changes_nothing(group: Group, nodes: NodeStore) -> None:
    token = running(group, "op-1")
    reserve(nodes, token, "a")
    group.store.reap(token.id, token.epoch, token.nonce)
    before = group.hash("node:a")
    with pytest.raises(Fenced):
        reserve(nodes, token, "b")
    with pytest.raises(Fenced):
        nodes.claim(token, "op-1", "a", "uid-a")
    with pytest.raises(Fenced):
        nodes.change(token, "op-1", "a", came_from=["accepting"], to="draining")
    with pytest.raises(Fenced):
        nodes.mark(token, "op-1", "a", "yes")
    assert group.hash("node:a") == before
    assert nodes.owned() == ("a",)


def test_a_mode_changes_only_from_where_it_may(group: Group, nodes: NodeStore) -> None:
    token = running(group, "op-1")
    reserve(nodes, token, "a")
    assert not nodes.change(token, "op-1", "a", came_from=["draining"], to="drained")
    assert nodes.change(token, "op-1", "a", came_from=["accepting"], to="draining")
    assert nodes.change(token, "op-1", "a", came_from=["accepting"], to="draining")  # a repeat
    assert not nodes.change(token, "op-2", "a", came_from=["draining"], to="drained")


def test_an_operation_is_kept_while_it_owns_a_node(group: Group, nodes: NodeStore) -> None:
    token = running(group, "op-1")
    reserve(nodes, token, "a", "b")
    for name in ("a", "b"):
        nodes.change(token, "op-1", name, came_from=["accepting"], to="draining")
        nodes.change(token, "op-1", name, came_from=["draining"], to="drained")
    nodes.change(token, "op-1", "a", came_from=["drained"], to="accepting", release=True)
    assert group.hash("wf:op-1")["keep"] == "1"
    nodes.change(token, "op-1", "b", came_from=["drained"], to="accepting", release=True)
    assert "keep" not in group.hash("wf:op-1")
    assert nodes.owned() == ()


def test_only_its_own_doubt_is_taken_back(group: Group, nodes: NodeStore) -> None:
    token = running(group, "op-1")
    reserve(nodes, token, "a")

    def evicted() -> bool:
        record = nodes.record("a")
        assert record is not None
        return record.evicted

    nodes.mark(token, "op-1", "a", "maybe")
    assert evicted()
    nodes.mark(token, "op-1", "a", "no")
    assert not evicted()
    nodes.mark(token, "op-1", "a", "maybe")
    group.store.reap(token.id, token.epoch, token.nonce)
    again = group.take("op-1")
    nodes.mark(again, "op-1", "a", "maybe")
    nodes.mark(again, "op-1", "a", "no")  # what the first one tried is not known
    assert evicted()


@pytest.mark.parametrize("script", ["reserve", "mode", "adopt"])
def test_a_call_that_is_sent_twice_counts_once(group: Group, nodes: NodeStore, script: str) -> None:
    token = running(group, "op-1")
    calls_of: dict[str, dict[str, Any]] = {
        "reserve": {
            "nodes": [{"name": "a", "uid": "u", "shown": 3}], "max_away": 5, "by": "", "why": "",
        },
        "mode": {
            "node": "a", "routes": {"accepting": ["draining"]}, "to": "draining",
            "release": False, "by": "", "why": "", "names": {}, "noted": {"since": 1},
        },
        "adopt": {"node": "a", "uid": "u", "modes": ["accepting"], "by": "", "why": ""},
    }  # fmt: skip
    sent = {**token.arguments(), "operation": "op-1", "call": "c0", **calls_of["reserve"]}
    first = nodes._scripts.call("reserve", **sent)
    if script != "reserve":
        sent = {**token.arguments(), "operation": "op-1", "call": "c1", **calls_of[script]}
        first = nodes._scripts.call(script, **sent)
    after = group.dump()
    assert nodes._scripts.call(script, **sent) == first
    assert group.dump() == after


def drained(nodes: NodeStore, token: Token, name: str = "a") -> None:
    reserve(nodes, token, name)
    by = {"drained_by": token.id}
    for before, mode in (("accepting", "draining"), ("draining", "drained")):
        assert nodes.change(token, token.id, name, came_from=[before], to=mode, noted=by)


def test_an_operation_is_no_longer_kept_for_a_node_that_another_took_over(
    group: Group, nodes: NodeStore
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    drained(nodes, first)
    ended(group, first)
    assert group.hash("wf:op-1")["keep"] == "1"
    assert reserve(nodes, second, "a") == Reserved()
    assert "keep" not in group.hash("wf:op-1")


def test_the_record_of_a_node_that_nobody_owns_goes_by_itself_and_not_while_it_is_owned(
    group: Group, nodes: NodeStore
) -> None:
    token = running(group, "op-1")
    drained(nodes, token)
    key = "drainbot:prod-eu:node:a"
    assert group.redis.ttl(key) == -1
    nodes.change(token, "op-1", "a", came_from=["drained"], to="accepting", release=True)
    assert 39 * 86_400 < group.redis.ttl(key) <= 40 * 86_400
    reserve(nodes, token, "a")
    assert group.redis.ttl(key) == -1


def test_a_node_that_is_gone_is_let_go_of_once_its_operation_has_ended(
    group: Group, nodes: NodeStore
) -> None:
    token = running(group, "op-1")
    drained(nodes, token)
    reserve(nodes, token, "b")
    assert not nodes.tidy("a", "uid-a", gone=True)  # it finds out by itself
    ended(group, token)
    assert not nodes.tidy("a", "another uid", gone=True)
    assert not nodes.tidy("a", "uid-a", gone=False)  # it is there, and drained: it stays ours
    assert nodes.tidy("a", "uid-a", gone=True)
    assert not nodes.tidy("a", "uid-a", gone=True)
    record = nodes.record("a")
    assert record is not None
    assert (record.mode, record.owner) == ("gone", "")
    assert nodes.owned() == ("b",)
    assert nodes.tidy("b", "uid-b", gone=False)  # it was never touched
    assert nodes.owned() == ()
    assert "keep" not in group.hash("wf:op-1")
    group.store.forget(group.clock.at)
    assert group.store.workflow("op-1") is None


def test_a_node_that_is_drained_can_be_taken_to_be_tended_also_from_a_live_operation(
    group: Group, nodes: NodeStore
) -> None:
    first, second, third = (running(group, f"op-{n}") for n in (1, 2, 3))
    drained(nodes, first)
    taken = nodes.adopt(second, "op-2", "a", "uid-a", modes=["drained"], by="ana", why="disk")
    assert taken == Adopted("drained")
    record = nodes.record("a")
    assert record is not None
    assert (record.owner, record.before, record.tended) == ("op-2", "op-1", "op-2")
    again = nodes.adopt(third, "op-3", "a", "uid-a", modes=["drained"], by="bo", why="")
    assert again == Taken((("a", "op-2"),))  # who tends it is not done with it


@pytest.mark.parametrize(("modes", "uid"), [([], "uid-a"), (["drained"], "another")])
def test_a_node_that_is_drained_right_now_or_another_one_is_not_taken(
    group: Group, nodes: NodeStore, modes: list[str], uid: str
) -> None:
    first, second = running(group, "op-1"), running(group, "op-2")
    drained(nodes, first)
    answer = nodes.adopt(second, "op-2", "a", uid, modes=modes, by="", why="")
    assert not isinstance(answer, Adopted)
    record = nodes.record("a")
    assert record is not None
    assert record.owner == "op-1"


def test_what_is_noted_beside_a_mode_goes_when_the_node_is_given_back(
    group: Group, nodes: NodeStore
) -> None:
    token = running(group, "op-1")
    reserve(nodes, token, "a")
    nodes.change(token, "op-1", "a", came_from=["accepting"], to="draining", noted={"since": 7})
    nodes.change(token, "op-1", "a", came_from=["draining"], to="drained", noted={"rules": "{}"})
    kept = nodes.record("a")
    assert kept is not None
    assert kept.noted == {"since": 7, "rules": "{}"}
    nodes.change(token, "op-1", "a", came_from=["drained"], to="accepting", release=True)
    back = nodes.record("a")
    assert back is not None
    assert back.noted == {}
