"""Contracts of start, acquire, renew, commit, finish, continue_as, release and reap.

Each call is sent twice, with the scripts forgotten in between (see `Group.twice`).
"""

import json
from typing import Any

import pytest

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group


def acquire(group: Group, epoch: int = 1, *, nonce: str = "n-1", job: str = "") -> dict[str, Any]:
    return group.twice(
        "acquire", id="op-1", epoch=epoch, nonce=nonce, owner="slot-1", lease=3000, job=job,
        barren_limit=2, stuck=calls.STUCK,
    )  # fmt: skip


# -- start -----------------------------------------------------------------------------------


def test_start_stores_a_ready_workflow_and_rings_its_doorbell(group: Group) -> None:
    reply = group.twice(
        "start", id="op-1", name="drain", input='["node-1"]', hash="h", dedup="d", view='{"n":1}'
    )
    assert reply == {"result": "started", "id": "op-1"}
    record = group.store.workflow("op-1")
    assert record is not None
    assert (record.name, record.state, record.epoch) == ("drain", "ready", 1)
    assert (record.input, record.view, record.root) == (["node-1"], {"n": 1}, "op-1")
    assert (record.created, record.version) == (group.clock.at, 1)
    assert group.doorbells() == ["op-1-1-1"]
    assert group.members("ready") == group.members("live") == {"op-1": group.clock.at}
    assert group.events() == ["started"]


def test_start_with_a_known_dedup_key_starts_nothing_and_says_what_runs(group: Group) -> None:
    calls.start(group, "op-1", dedup="same")
    before = group.redis.hgetall("drainbot:prod-eu:wf:op-1")
    reply = group.twice("start", id="op-2", name="drain", input="null", hash="h", dedup="same")
    assert reply == {"result": "duplicate", "id": "op-1"}
    reply = group.twice("start", id="op-3", name="drain", input="1", hash="other", dedup="same")
    assert reply == {"result": "conflict", "id": "op-1"}
    assert group.redis.hgetall("drainbot:prod-eu:wf:op-1") == before
    assert group.store.workflow("op-2") is group.store.workflow("op-3") is None
    assert (len(group.doorbells()), group.events()) == (1, ["started"])


def test_start_never_overwrites_a_workflow_of_the_same_id(group: Group) -> None:
    calls.start(group, "op-1")
    reply = group.twice("start", id="op-1", name="other", input="1", hash="h", dedup="other")
    assert reply == {"result": "taken", "id": "op-1"}
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.name == "drain"
    assert group.redis.exists("drainbot:prod-eu:dedup:other") == 0


# -- acquire ---------------------------------------------------------------------------------


def test_acquire_gives_a_ready_workflow_to_one_activation_with_a_lease(group: Group) -> None:
    calls.start(group)
    reply = acquire(group, job="op-1-1-1")
    assert reply["result"] == "acquired"
    fields = group.hash("wf:op-1")
    assert (fields["state"], fields["nonce"], fields["owner"]) == ("running", "n-1", "slot-1")
    assert group.members("running") == {"op-1": group.clock.at + 3000}
    assert group.members("ready") == {}
    assert group.store.running() == ["op-1"]
    assert acquire(group, nonce="n-2")["result"] == "stale"


@pytest.mark.parametrize("listed", ["queue", "intermediate"])
def test_acquire_leaves_nothing_of_the_doorbell_behind(group: Group, listed: str) -> None:
    calls.start(group)
    if listed == "intermediate":
        group.redis.lmove(group.queue, f"{group.queue}:intermediate", "LEFT", "RIGHT")
    else:
        group.redis.lpop(group.queue)
    acquire(group, job="op-1-1-1")
    assert group.redis.exists("rq:job:op-1-1-1", group.queue, f"{group.queue}:intermediate") == 0


@pytest.mark.parametrize("epoch", [0, 2, 99])
def test_acquire_of_another_epoch_is_stale_and_clears_its_doorbell(
    group: Group, epoch: int
) -> None:
    calls.start(group)
    group.redis.hset("rq:job:old", "data", "x")
    assert acquire(group, epoch, job="old") == {"result": "stale"}
    assert group.state() == "ready"
    assert group.redis.exists("rq:job:old") == 0


def test_acquire_of_an_unknown_workflow_is_stale_and_makes_none(group: Group) -> None:
    assert acquire(group) == {"result": "stale"}
    assert group.dump() == {}


def test_acquire_parks_a_workflow_that_never_stores_a_step(group: Group) -> None:
    calls.start(group)
    for epoch in (1, 2):
        assert acquire(group, epoch, nonce=f"n-{epoch}")["result"] == "acquired"
        assert group.store.reap("op-1", epoch, f"n-{epoch}") == "reaped"
    assert acquire(group, 3, nonce="n-3") == {"result": "stuck"}
    assert group.state() == "stuck"
    assert group.members("open") == {"q-stuck": group.clock.at}
    assert group.members("ready") == group.members("running") == {}
    assert group.events().count("stuck") == 1


def test_a_stored_step_starts_the_count_of_barren_activations_again(group: Group) -> None:
    calls.start(group)
    for epoch in range(1, 6):
        assert acquire(group, epoch, nonce=f"n-{epoch}")["result"] == "acquired"
        token = Token(group.name, "op-1", epoch, f"n-{epoch}")
        calls.commit(group, token, f"step-{epoch}")
        group.store.reap("op-1", epoch, token.nonce)
    assert group.state() == "ready"


# -- the fence -------------------------------------------------------------------------------

FENCED: dict[str, dict[str, Any]] = {
    "commit": {"step": "s", "fp": "f", "status": "ok", "value": "1", "view": "{}", "log": ["{}"]},
    "suspend": {"wait": calls.wait(calls.ANSWER), "questions": [calls.question()]},
    "finish": {"state": "done", "outcome": "1", "view": "{}"},
    "continue_as": {"input": "2"},
    "release": {"crash": "", "after": 0},
    "spawn": {
        "step": "s",
        "fp": "f",
        "child": {"group": "prod-eu", "id": "op-1-1", "name": "node", "input": "1"},
    },
    "renew": {"lease": 60_000, "progress": "{}"},
    "permit": {"bucket": "evict", "rate": 1, "burst": 1},
}


@pytest.mark.parametrize("script", FENCED)
@pytest.mark.parametrize("how", ["older epoch", "other nonce", "reaped", "taken over", "ended"])
def test_a_write_without_the_fence_is_refused_and_changes_nothing(
    group: Group, script: str, how: str
) -> None:
    calls.start(group)
    token = group.take()
    stale = token
    if how == "older epoch":
        stale = Token(group.name, "op-1", token.epoch - 1, token.nonce)
    elif how == "other nonce":  # a failover that lost the last writes can bring an epoch back
        stale = Token(group.name, "op-1", token.epoch, "another")
    elif how == "ended":
        calls.finish(group, token)
    else:
        group.store.reap("op-1", token.epoch, token.nonce)
        if how == "taken over":
            group.take()
    before = group.dump()
    reply = group.twice(script, **stale.arguments(), **FENCED[script])
    assert reply == {"result": "fenced"}
    assert group.dump() == before


@pytest.mark.parametrize("script", ["suspend", "finish", "continue_as", "release", "commit"])
def test_a_repeat_is_answered_alike_also_after_somebody_else_took_over(
    group: Group, script: str
) -> None:
    calls.start(group)
    token = group.take()
    sent = {**token.arguments(), **FENCED[script], "call": "lost-reply"}
    first = group.store.scripts.call(script, **sent)
    if script in {"continue_as", "release"}:
        group.take()
    before = group.dump()
    assert group.store.scripts.call(script, **sent) == first
    assert group.dump() == before


# -- renew -----------------------------------------------------------------------------------


def test_renew_prolongs_the_lease_stores_progress_and_makes_no_event(group: Group) -> None:
    calls.start(group)
    token = group.take(lease=3)
    events = group.events()
    group.clock.advance(1)
    reply = group.twice("renew", **token.arguments(), lease=3000, progress='{"left":2}')
    assert reply == {"result": "ok", "abort": "", "pause": ""}
    assert group.members("running") == {"op-1": group.clock.at + 3000}
    record = group.store.workflow("op-1")
    assert record is not None
    assert (record.progress, record.version) == ({"left": 2}, 1)
    assert group.events() == events


def test_renew_tells_of_abort_and_pause(group: Group) -> None:
    calls.start(group)
    token = group.take()
    calls.control(group, "abort", reason="wrong")
    calls.control(group, "pause")
    reply = group.twice("renew", **token.arguments(), lease=3000)
    assert json.loads(reply["abort"]) == {"by": "T:U1", "at": group.clock.at, "reason": "wrong"}
    assert json.loads(reply["pause"])["by"] == "T:U1"


# -- commit ----------------------------------------------------------------------------------


def test_commit_stores_a_step_with_what_was_staged(group: Group) -> None:
    calls.start(group)
    token = group.take()
    reply = calls.commit(group, token, view='{"pods":3}', log=['{"what":"cordoned"}'])
    assert (reply["result"], reply["at"]) == ("ok", group.clock.at)
    stored = {"fp": "f", "status": "ok", "value": '"done"', "at": group.clock.at}
    assert calls.step(group, "cordon") == stored
    record = group.store.workflow("op-1")
    assert record is not None
    assert (record.view, record.version) == ({"pods": 3}, 2)
    assert group.store.log("op-1") == ['{"what":"cordoned"}']
    assert group.events() == ["started", "step"]


def test_commit_of_a_step_that_shows_nothing_makes_no_event(group: Group) -> None:
    calls.start(group)
    calls.commit(group, group.take())
    assert group.events() == ["started"]


def test_commit_never_changes_a_stored_step(group: Group) -> None:
    calls.start(group)
    token = group.take()
    calls.commit(group, token, fp="old", value="1")
    stored = calls.step(group, "cordon")
    reply = calls.commit(group, token, fp="new", value="2", view="{}")
    assert reply == {"result": "diverged", "fp": "old"}
    assert calls.step(group, "cordon") == stored
    assert group.events() == ["started"]


# -- finish ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["done", "failed", "aborted"])
def test_finish_ends_a_workflow_for_good(group: Group, state: str) -> None:
    calls.start(group)
    token = group.take()
    assert calls.finish(group, token, state) == {"result": "ok"}
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.final
    assert (record.state, record.result, record.ended) == (state, "drained", group.clock.at)
    assert group.members("ended") == {"op-1": group.clock.at}
    for waiting in ("live", "running", "ready", "timers"):
        assert group.members(waiting) == {}
    assert group.doorbells() == []
    assert group.events() == ["started", state]
    assert acquire(group) == {"result": "stale"}
    assert calls.control(group, "abort") == "ended"


# -- continue_as -----------------------------------------------------------------------------


def test_continue_as_forgets_the_steps_and_keeps_the_story_and_the_flags(group: Group) -> None:
    calls.start(group)
    token = group.take()
    calls.commit(group, token, log=["{}"])
    calls.control(group, "pause")
    reply = group.twice("continue_as", **token.arguments(), input="7", log=["{}"])
    assert reply == {"result": "ok"}
    record = group.store.workflow("op-1")
    assert record is not None
    assert (record.input, record.state, record.generation) == (7, "ready", 1)
    assert (record.epoch, record.log_base) == (2, 2)
    assert record.flags.pause is not None
    assert group.store.steps("op-1") == {}
    assert len(group.doorbells()) == 1
    assert group.events() == ["started", "step", "pause", "continued"]


# -- release ---------------------------------------------------------------------------------


def test_release_hands_a_workflow_over_at_once_and_blames_nobody(group: Group) -> None:
    calls.start(group)
    barren = int(group.hash("wf:op-1")["barren"])
    token = group.take()
    assert calls.release(group, token) == {"result": "ok"}
    fields = group.hash("wf:op-1")
    assert (fields["state"], fields["epoch"], int(fields["barren"])) == ("ready", "2", barren)
    assert group.doorbells() == ["op-1-2-2"]
    assert group.events() == ["started", "handed_over"]


def test_release_remembers_when_the_old_lease_runs_out(group: Group) -> None:
    calls.start(group)
    calls.release(group, group.take(lease=3))
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.old_lease == group.clock.at + 3000


def test_release_after_a_crash_tries_again_when_the_time_has_come(group: Group) -> None:
    calls.start(group)
    calls.release(group, group.take(), crash="a bug", after=2000)
    assert (group.state(), group.doorbells()) == ("suspended", [])
    group.clock.advance(1.9)
    assert group.sweep()["timers"] == 0
    group.clock.advance(0.1)
    assert group.sweep()["timers"] == 1
    assert (group.state(), len(group.doorbells())) == ("ready", 1)
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.crash == "a bug"


def test_release_of_what_fits_its_history_no_more_asks_a_person(group: Group) -> None:
    calls.start(group)
    calls.release(group, group.take(), crash="diverged", stuck=calls.STUCK)
    assert (group.state(), group.doorbells()) == ("stuck", [])
    assert group.store.question_ids("op-1") == ["q-stuck"]
    assert calls.settle(group, "retry", "q-stuck") == "settled"
    assert (group.state(), len(group.doorbells())) == ("ready", 1)
    assert group.hash("wf:op-1")["barren"] == "0"


# -- reap ------------------------------------------------------------------------------------


def test_reap_makes_a_workflow_ready_under_a_new_epoch(group: Group) -> None:
    calls.start(group)
    token = group.take(lease=3)
    assert group.twice("reap", **token.arguments()) == {"result": "reaped"}
    fields = group.hash("wf:op-1")
    assert (fields["state"], fields["epoch"], fields["nonce"]) == ("ready", "2", "")
    assert fields["old_lease"] == str(group.clock.at + 3000)
    assert "owner" not in fields
    assert len(group.doorbells()) == 1
    assert group.events() == ["started", "reaped"]


def test_reap_of_an_activation_that_is_not_the_one_running_changes_nothing(group: Group) -> None:
    calls.start(group)
    token = group.take()
    before = group.dump()
    for epoch, nonce in ((token.epoch, "another"), (token.epoch + 1, token.nonce)):
        assert group.store.reap("op-1", epoch, nonce) == "stale"
        assert group.dump() == before
