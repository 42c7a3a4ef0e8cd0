"""Contracts of what leave depends on beside the rate: quotas, holds, and the tally behind them."""

from typing import Any

from jobs.durable import Quota
from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

OK, FULL = {"result": "ok"}, {"result": "full"}


def permit(group: Group, token: Token, **changes: Any) -> dict[str, Any]:
    given = {"bucket": "evict", "rate": 0, "burst": 0, "shielded": False}
    return group.twice("permit", **token.arguments(), **(given | changes))


def ask(group: Group, token: Token, member: str, **changes: Any) -> dict[str, Any]:
    since = group.clock.at - 1000
    given: dict[str, Any] = {"name": "web", "member": member, "room": 1, "since": since}
    return permit(group, token, quota=Quota(**(given | changes)).arguments())


# -- quota -----------------------------------------------------------------------------------


def test_a_quota_gives_leave_to_as_many_as_it_has_room_for(group: Group, token: Token) -> None:
    said = [ask(group, token, member, room=2) for member in ("a", "b", "c")]
    assert said == [OK, OK, FULL]
    assert ask(group, token, "c", name="another") == OK
    assert set(group.members("quota:web")) == {"a", "b"}


def test_two_workflows_never_both_get_the_last_place(group: Group, token: Token) -> None:
    calls.start(group, "op-2")
    other = group.take("op-2", lease=3)
    assert [ask(group, token, "a"), ask(group, other, "b")] == [OK, FULL]


def test_a_member_that_was_given_leave_is_given_it_again(group: Group, token: Token) -> None:
    assert ask(group, token, "a") == OK
    group.clock.advance(0.5)
    assert [ask(group, token, "a"), ask(group, token, "b")] == [OK, FULL]


def test_leave_that_was_given_before_counts_no_more(group: Group, token: Token) -> None:
    assert ask(group, token, "a") == OK
    group.clock.advance(1)
    assert ask(group, token, "b", since=group.clock.at) == OK
    assert ask(group, token, "a", since=group.clock.at - 1) == FULL


def test_only_the_members_that_are_named_count_where_some_are(group: Group, token: Token) -> None:
    assert ask(group, token, "a") == OK
    assert ask(group, token, "x", room=2, of=("b", "c")) == OK
    assert ask(group, token, "y", room=2, of=("a", "b")) == OK
    assert ask(group, token, "b", room=1, of=("a",)) == FULL
    assert ask(group, token, "b", room=0, of=()) == FULL


def test_a_quota_takes_no_rate_where_it_refuses_and_no_place_where_the_rate_does(
    group: Group, token: Token
) -> None:
    slow = {"rate": 1, "burst": 1}
    wanted = Quota(name="web", member="a", room=1, since=0).arguments()
    assert group.store.scripts.call(
        "permit", **token.arguments(), bucket="evict", shielded=False, quota=wanted, **slow
    ) == OK  # fmt: skip
    other = wanted | {"member": "b"}
    assert permit(group, token, quota=other, **slow) == FULL
    wide = other | {"room": 2}
    assert permit(group, token, quota=wide, **slow)["result"] == "wait"
    assert set(group.members("quota:web")) == {"a"}


def test_a_quota_forgets_its_members_and_then_itself(group: Group, token: Token) -> None:
    group.store.renew(token, 3600)
    ask(group, token, "a", keep=5000)
    group.clock.advance(5)
    ask(group, token, "b", keep=5000, since=group.clock.at)
    assert set(group.members("quota:web")) == {"b"}
    assert 0 < group.redis.pttl("drainbot:prod-eu:quota:web") <= 5000


# -- hold ------------------------------------------------------------------------------------


def hold(group: Group, token: Token, *, on: bool, at: int = 0, why: str = "unwell") -> str:
    given = {"bucket": "evict", "on": on, "at": at or group.clock.at, "why": why, "keep": 60_000}
    return str(group.twice("hold", **token.arguments(), **given)["result"])


def test_acts_of_a_kind_are_held_back_until_they_may_go_on(group: Group, token: Token) -> None:
    assert permit(group, token) == OK
    assert hold(group, token, on=True) == "ok"
    assert permit(group, token) == {"result": "held", "why": "unwell"}
    assert permit(group, token, bucket="another") == OK
    assert 0 < group.redis.pttl("drainbot:prod-eu:hold:evict") <= 60_000
    assert hold(group, token, on=False) == "ok"
    assert permit(group, token) == OK


def test_whoever_knew_less_does_not_overrule_whoever_knew_more(group: Group, token: Token) -> None:
    known = group.clock.at
    group.clock.advance(1)
    assert hold(group, token, on=True) == "ok"
    assert hold(group, token, on=False, at=known) == "late"
    assert permit(group, token)["result"] == "held"


def test_what_is_held_back_takes_neither_rate_nor_quota(group: Group, token: Token) -> None:
    hold(group, token, on=True)
    wanted = Quota(name="web", member="a", room=1, since=0).arguments()
    assert permit(group, token, quota=wanted, rate=1, burst=1)["result"] == "held"
    assert group.members("quota:web") == {}
    assert group.hash("rate:evict") == {}


# -- tally -----------------------------------------------------------------------------------


def tally(
    group: Group, token: Token, *counts: tuple[int, int, int], source: str = "slot-1"
) -> dict[str, Any]:
    return group.twice(
        "tally", **token.arguments(), name="calls", source=source, keep=60, bucket="evict",
        counts=[list(each) for each in counts],
    )  # fmt: skip


def test_the_calls_of_all_workers_are_added_up_by_the_second(group: Group, token: Token) -> None:
    second = group.clock.at // 1000
    assert "counts" not in tally(group, token)
    tally(group, token, (0, 5, 1), (1, 2, 2))
    known = tally(group, token, (0, 3, 0), source="slot-2")
    assert sorted(known["counts"]) == [[second - 1, 2, 2], [second, 8, 1]]
    assert (known["at"], known["on"], known["why"]) == (group.clock.at, False, "")


def test_what_is_long_ago_is_no_longer_counted(group: Group, token: Token) -> None:
    group.store.renew(token, 3600)
    tally(group, token, (0, 5, 1))
    group.clock.advance(60)
    assert tally(group, token, (0, 1, 0))["counts"] == [[group.clock.at // 1000, 1, 0]]
    assert len(group.hash("tally:calls")) == 2


def test_the_tally_tells_of_the_hold_and_since_when_it_is_there(group: Group, token: Token) -> None:
    began = group.clock.at
    hold(group, token, on=True)
    group.clock.advance(1)
    hold(group, token, on=True, why="still")
    known = tally(group, token)
    assert (known["on"], known["since"], known["why"]) == (True, began, "still")


def test_an_activation_that_is_over_counts_and_holds_nothing(group: Group, token: Token) -> None:
    calls.finish(group, token)
    assert tally(group, token, (0, 1, 1)) == {"result": "fenced"}
    assert hold(group, token, on=True) == "fenced"
    assert group.hash("tally:calls") == group.hash("hold:evict") == {}
