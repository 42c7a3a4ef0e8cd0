"""Contracts of settle where a choice needs votes of several roles: each voter fills one place."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

FORCE = {"force": 1, "owner:pay": 1}


def needing(group: Group, token: Token, roles: Mapping[str, int] = FORCE) -> None:
    asked = calls.question(
        votes_needed=json.dumps({"force": sum(roles.values())}),
        roles_needed=json.dumps({"force": dict(roles)}),
    )
    calls.suspend(group, token, calls.ANSWER, ask=(asked,))


def vote(group: Group, by: str, *roles: str, **more: Any) -> str:
    return calls.settle(group, "force", by=by, roles=list(roles), **more)


def test_one_vote_of_each_role_settles_in_either_order(group: Group, token: Token) -> None:
    needing(group, token)
    assert vote(group, "T:U1", "owner:pay") == "voted"
    assert vote(group, "T:U2", "force") == "settled"
    winner = group.asked().winner
    assert winner is not None
    assert sorted(winner["by"]) == ["T:U1", "T:U2"]


def test_two_votes_of_one_role_do_not_make_the_other(group: Group, token: Token) -> None:
    needing(group, token)
    assert [vote(group, f"T:U{n}", "force") for n in range(3)] == ["voted"] * 3
    assert vote(group, "T:U4", "owner:pay") == "settled"


def test_one_person_of_both_roles_fills_one_of_them(group: Group, token: Token) -> None:
    needing(group, token)
    assert vote(group, "T:U1", "force", "owner:pay") == "voted"
    assert vote(group, "T:U1", "force", "owner:pay") == "already_voted"
    assert vote(group, "T:U2", "owner:pay") == "settled"  # the first one fills the other place


def test_which_place_somebody_fills_is_left_open_until_the_last_one(
    group: Group, token: Token
) -> None:
    needing(group, token, {"force": 1, "owner:pay": 1, "owner:web": 1})
    assert vote(group, "T:U1", "force", "owner:pay", "owner:web") == "voted"
    assert vote(group, "T:U2", "force", "owner:pay") == "voted"
    assert vote(group, "T:U3", "force") == "settled"


def test_who_voted_and_may_not_any_more_does_not_count(group: Group, token: Token) -> None:
    needing(group, token, {"force": 2})
    assert vote(group, "T:U1", "force") == "voted"
    assert vote(group, "T:U2", "force", voters={"T:U1": []}) == "voted"
    assert vote(group, "T:U3", "force", voters={"T:U1": [], "T:U2": ["force"]}) == "settled"
    winner = group.asked().winner
    assert winner is not None
    assert sorted(winner["by"]) == ["T:U2", "T:U3"]


def test_a_vote_that_is_not_judged_again_counts_as_it_was_cast(group: Group, token: Token) -> None:
    needing(group, token)
    vote(group, "T:U1", "owner:pay")
    assert vote(group, "T:U2", "owner:pay", voters={"T:U9": []}) == "voted"
    assert vote(group, "T:U3", "force") == "settled"


def test_a_plain_number_of_votes_is_judged_again_too(group: Group, token: Token) -> None:
    asked = calls.question(votes_needed='{"force":2}')
    calls.suspend(group, token, calls.ANSWER, ask=(asked,))
    assert vote(group, "T:U1", "*") == "voted"
    assert vote(group, "T:U2", "*", voters={"T:U1": []}) == "voted"
    assert vote(group, "T:U3", "*", voters={"T:U1": [], "T:U2": ["*"]}) == "settled"


def test_a_vote_without_a_role_never_settles(group: Group, token: Token) -> None:
    needing(group, token, {"force": 1})
    assert vote(group, "T:U1", "owner:web") == "voted"
    assert vote(group, "T:U2", "force") == "settled"


ROLES = ("a", "b", "c")


def enough(needed: Mapping[str, int], voters: Sequence[Sequence[str]]) -> bool:
    """Whether each place has a voter of its own: by trying all orders."""
    places = [role for role, number in needed.items() for _ in range(number)]
    return any(
        all(role in roles for role, roles in zip(places, chosen, strict=True))
        for chosen in itertools.permutations(voters, len(places))
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    needed=st.dictionaries(st.sampled_from(ROLES), st.integers(1, 2), min_size=1),
    voters=st.lists(st.lists(st.sampled_from(ROLES), unique=True), min_size=1, max_size=6),
)
def test_any_votes_settle_as_soon_as_each_place_has_a_voter_of_its_own(
    group: Group, needed: dict[str, int], voters: list[list[str]]
) -> None:
    group.redis.flushall()
    calls.start(group)
    needing(group, group.take(lease=3), needed)
    for number, roles in enumerate(voters):
        said = vote(group, f"T:U{number}", *roles)
        assert (said == "settled") is enough(needed, voters[: number + 1])
        if said == "settled":
            return
