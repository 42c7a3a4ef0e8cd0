"""Whose votes are missing, where a choice takes several roles."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from jobs.policy import missing_votes

NEEDED = {"force": 1, "owner:pay": 1}
ROLES = st.sampled_from(["a", "b", "c"])


def test_each_voter_fills_one_place() -> None:
    assert missing_votes(NEEDED, []) == NEEDED
    assert missing_votes(NEEDED, [("force",), ("force",)]) == {"owner:pay": 1}
    assert sum(missing_votes(NEEDED, [("force", "owner:pay")]).values()) == 1
    assert missing_votes(NEEDED, [("owner:pay",), ("force", "owner:pay")]) == {}
    assert missing_votes({"force": 2}, [("force",)]) == {"force": 1}
    assert missing_votes({}, [("force",)]) == {}


@given(
    st.dictionaries(ROLES, st.integers(1, 2)),
    st.lists(st.lists(ROLES, unique=True), max_size=5),
)
def test_nothing_is_missing_where_each_place_has_a_voter_of_its_own_and_only_there(
    needed: dict[str, int], voters: list[list[str]]
) -> None:
    places = [role for role, number in needed.items() for _ in range(number)]
    enough = any(
        all(role in roles for role, roles in zip(places, chosen, strict=True))
        for chosen in itertools.permutations(voters, len(places))
    )
    missing = missing_votes(needed, voters)
    assert (missing == {}) is enough
    assert all(0 < number <= needed[role] for role, number in missing.items())
    more = [*voters, *([role] for role, number in missing.items() for _ in range(number))]
    assert missing_votes(needed, more) == {}
