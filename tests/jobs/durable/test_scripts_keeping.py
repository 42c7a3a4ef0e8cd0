"""Contracts of sweep, forget, lease and permit, and of the event stream."""

import json
from typing import Any, cast

import pytest

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

# -- sweep -----------------------------------------------------------------------------------


def sweep(group: Group) -> dict[str, Any]:
    """Sweep, and again: the second time there is nothing left to do."""
    group.redis.script_flush()
    done = group.sweep()
    after = group.dump()
    group.redis.script_flush()
    again = group.sweep()
    assert (again["timers"], again["leases"], again["doorbells"]) == (0, 0, 0)
    assert group.dump() == after
    return done


def test_sweep_of_an_empty_group_changes_nothing(group: Group) -> None:
    assert sweep(group) == {"timers": 0, "leases": 0, "doorbells": 0, "next": -1}
    assert group.dump() == {}


def test_sweep_leaves_what_is_not_due(group: Group, token: Token) -> None:
    group.clock.advance(2.9)
    before = group.dump()
    assert sweep(group) == {"timers": 0, "leases": 0, "doorbells": 0, "next": 100}
    assert group.dump() == before


def test_sweep_reaps_a_lapsed_lease(group: Group, token: Token) -> None:
    group.clock.advance(3)
    assert sweep(group)["leases"] == 1
    assert (group.state(), len(group.doorbells())) == ("ready", 1)
    assert group.events() == ["started", "reaped"]
    assert calls.commit(group, token) == {"result": "fenced"}


def test_sweep_fires_a_timer_once_and_closes_what_it_was_first_against(
    group: Group, token: Token
) -> None:
    calls.suspend(group, token, calls.ANSWER, calls.timer(), ask=(calls.question(),))
    group.clock.advance(3600)
    assert sweep(group)["timers"] == 1
    stored = calls.step(group, "ask")
    assert (stored["won"], stored["status"]) == ("stop", "ok")
    assert group.state() == "ready"
    assert group.members("timers") == group.members("open") == {}
    assert group.events() == ["started", "suspended", "timer"]


def test_sweep_gives_each_notice_of_an_open_question_once(group: Group, token: Token) -> None:
    notices = [{"name": "remind", "after": 900_000}, {"name": "escalate", "after": 1_800_000}]
    calls.suspend(group, token, calls.ANSWER, ask=(calls.question(notices=notices),))
    group.clock.advance(900)
    assert sweep(group)["timers"] == 1
    group.clock.advance(900)
    assert sweep(group)["timers"] == 1
    record = group.store.question("q-1")
    assert record is not None
    assert (record.state, record.reminded) == ("open", ("remind", "escalate"))
    assert group.events().count("notice") == 2
    assert group.state() == "suspended"


def test_a_settled_question_gives_no_notice_any_more(group: Group, token: Token) -> None:
    notices = [{"name": "remind", "after": 900_000}]
    calls.suspend(group, token, calls.ANSWER, ask=(calls.question(notices=notices),))
    calls.settle(group)
    assert group.members("timers") == {}


def test_sweep_does_at_most_so_much_in_one_call(group: Group) -> None:
    for n in range(5):
        calls.start(group, f"op-{n}")
        group.take(f"op-{n}", lease=3)
    group.clock.advance(4)
    reaped = [group.store.sweep(limit=2)["leases"] for _ in range(4)]
    assert reaped == [2, 2, 1, 0]


# -- forget ----------------------------------------------------------------------------------


def end(group: Group, id: str) -> None:
    calls.start(group, id)
    calls.finish(group, group.take(id))


def keys_of(group: Group, id: str) -> list[str]:
    """The keys that are left of a workflow, apart from the dedup key, which lapses by itself."""
    return [key for key in group.dump() if id in key and ":dedup:" not in key]


def test_forget_deletes_an_ended_operation_with_all_that_belongs_to_it(group: Group) -> None:
    calls.start(group)
    token = group.take()
    calls.spawn(group, token)
    child = group.take("op-1-1")
    calls.commit(group, child, log=["{}"])
    calls.suspend(group, child, calls.ANSWER, calls.timer(), ask=(calls.question(),))
    calls.settle(group)
    calls.control(group, "pause")
    calls.control(group, "resume")
    calls.finish(group, group.take("op-1-1"))
    calls.finish(group, token)
    group.clock.advance(60)
    assert [group.store.forget(group.clock.at) for _ in range(2)] == [1, 0]
    assert keys_of(group, "op-1") == []
    assert group.store.question("q-1") is None
    assert group.members("ended") == group.members("timers") == group.members("ready") == {}


def test_forget_leaves_what_is_live_recent_or_to_be_kept(group: Group) -> None:
    calls.start(group, "op-live")
    end(group, "op-kept")
    group.redis.hset("drainbot:prod-eu:wf:op-kept", "keep", "1")
    group.clock.advance(60)
    before = group.clock.at
    end(group, "op-recent")
    group.clock.advance(60)
    assert group.store.forget(before - 1) == 0
    for id in ("op-live", "op-kept", "op-recent"):
        assert group.store.workflow(id) is not None


def test_forget_gets_past_operations_that_are_to_be_kept(group: Group) -> None:
    for n in range(4):
        end(group, f"op-kept-{n}")
        group.redis.hset(f"drainbot:prod-eu:wf:op-kept-{n}", "keep", "1")
        group.clock.advance(1)
    end(group, "op-old")
    assert group.store.forget(group.clock.at + 1, limit=2) == 1
    assert keys_of(group, "op-old") == []
    assert len(group.members("ended")) == 4


def test_forget_leaves_an_ended_operation_of_which_a_child_goes_on(
    group: Group, token: Token
) -> None:
    calls.spawn(group, token)
    child = group.take("op-1-1")
    calls.spawn(group, child, "op-1-1-1")
    calls.finish(group, child)
    calls.finish(group, token)
    assert group.store.forget(group.clock.at) == 0
    notices = [{"name": "remind", "after": 1000}]
    grandchild = group.take("op-1-1-1")
    calls.suspend(group, grandchild, calls.ANSWER, ask=(calls.question(notices=notices),))
    group.clock.advance(1)
    assert group.store.forget(group.clock.at) == 0
    assert group.sweep()["timers"] == 1
    calls.settle(group)
    calls.finish(group, group.take("op-1-1-1"))
    assert group.store.forget(group.clock.at) == 1
    assert keys_of(group, "op-1") == []
    assert group.members("open") == {}


def test_forget_deletes_a_few_in_one_call(group: Group) -> None:
    for n in range(5):
        end(group, f"op-{n}")
    forgotten = [group.store.forget(group.clock.at, limit=2) for _ in range(4)]
    assert forgotten == [2, 2, 1, 0]


# -- permit ----------------------------------------------------------------------------------


def permit(group: Group, token: Token, **changes: Any) -> dict[str, Any]:
    given = {"bucket": "evict", "rate": 0, "burst": 0, "shielded": False}
    return group.store.scripts.call("permit", **token.arguments(), **(given | changes))


def test_permit_is_given_to_the_activation_that_holds_the_lease(group: Group, token: Token) -> None:
    before = group.dump()
    assert permit(group, token) == {"result": "ok"}
    assert group.dump() == before


def test_permit_is_refused_once_the_lease_has_lapsed_though_nobody_took_over(
    group: Group, token: Token
) -> None:
    group.clock.advance(3)
    assert permit(group, token) == {"result": "fenced"}


@pytest.mark.parametrize(("action", "said"), [("abort", "aborted"), ("pause", "paused")])
def test_permit_is_refused_after_abort_and_pause_but_not_to_clean_up(
    group: Group, token: Token, action: str, said: str
) -> None:
    calls.control(group, action)
    assert permit(group, token) == {"result": said}
    assert permit(group, token, shielded=True) == {"result": "ok"}


@pytest.mark.parametrize("shielded", [False, True])
def test_permit_is_refused_while_the_group_is_frozen(
    group: Group, token: Token, *, shielded: bool
) -> None:
    group.redis.set("drainbot:prod-eu:freeze", "1")
    assert permit(group, token, shielded=shielded) == {"result": "frozen"}


def test_permits_of_all_workers_share_one_rate(group: Group, token: Token) -> None:
    calls.start(group, "op-2")
    other = group.take("op-2", lease=3)
    said = [permit(group, who, rate=2, burst=2) for who in (token, other, token)]
    assert said == [{"result": "ok"}, {"result": "ok"}, {"result": "wait", "ms": 500}]
    assert permit(group, token, bucket="another", rate=2, burst=2) == {"result": "ok"}
    group.clock.advance(0.5)
    assert permit(group, other, rate=2, burst=2) == {"result": "ok"}
    assert permit(group, token, rate=2, burst=2)["result"] == "wait"


def test_a_rate_of_more_than_one_a_millisecond_is_reached(group: Group, token: Token) -> None:
    said = [permit(group, token, rate=3000, burst=1)["result"] for _ in range(4)]
    assert said == ["ok", "ok", "ok", "wait"]
    group.clock.advance(0.001)
    assert [permit(group, token, rate=3000, burst=1)["result"] for _ in range(4)] == said


def test_a_rate_that_was_not_used_saves_no_more_than_its_burst(group: Group, token: Token) -> None:
    permit(group, token, rate=2, burst=2)
    group.store.renew(token, 3600)
    group.clock.advance(3000)
    said = [permit(group, token, rate=2, burst=2)["result"] for _ in range(3)]
    assert said == ["ok", "ok", "wait"]


# -- events ----------------------------------------------------------------------------------


def test_an_event_says_what_changed_and_raises_the_version_of_the_operation(group: Group) -> None:
    calls.start(group)
    token = group.take()
    calls.spawn(group, token)
    calls.commit(group, group.take("op-1-1"), view="{}")
    stream = cast("list[Any]", group.redis.xrange("drainbot:prod-eu:events"))
    assert [entry for _, entry in stream] == [
        {"wf": "op-1", "root": "op-1", "kind": "started"},
        {"wf": "op-1-1", "root": "op-1", "kind": "started"},
        {"wf": "op-1-1", "root": "op-1", "kind": "step"},
    ]
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.version == len(stream)


def test_a_child_of_another_group_tells_in_the_stream_of_its_operation(group: Group) -> None:
    calls.start(group)
    child = {"group": "prod-us", "id": "op-1-1", "name": "node", "input": "1"}
    calls.spawn(group, group.take(), child=child)
    assert group.events(id="op-1-1") == ["started"]
    assert group.redis.exists("drainbot:prod-us:events") == 0


def test_the_stream_of_events_is_capped(group: Group, token: Token) -> None:
    calls.suspend(group, token, calls.ANSWER, ask=(calls.question(),))
    for n in range(500):
        group.store.scripts.call(
            "amend", group=group.name, question="q-1", payload=json.dumps({"left": n}),
            stream_length=100,
        )  # fmt: skip
    # Redis trims whole nodes of a hundred entries: the cap is a promise of order, not to the one.
    assert 100 <= group.redis.xlen("drainbot:prod-eu:events") <= 200
    assert group.events()[-1] == "amended"
