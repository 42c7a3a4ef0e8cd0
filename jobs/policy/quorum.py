"""Which votes are still missing, where a choice takes votes of several roles.

settle.lua decides; this says the same for those who look.
"""

from collections.abc import Collection, Mapping, Sequence

__all__ = ["missing_votes"]


def missing_votes(needed: Mapping[str, int], voters: Sequence[Collection[str]]) -> dict[str, int]:
    """Return how many votes of each role are missing; each voter fills one place of theirs.

    `voters` are the roles that each may fill. Places of the rarer roles are filled first, so that
    what is said to be missing is what fewer people can give.
    """
    rarest = sorted(needed, key=lambda role: (sum(role in roles for roles in voters), role))
    places = [role for role in rarest for _ in range(needed[role])]
    placed: dict[int, int] = {}

    def seat(place: int, tried: set[int]) -> bool:
        for voter, roles in enumerate(voters):
            if voter in tried or places[place] not in roles:
                continue
            tried.add(voter)
            if voter not in placed or seat(placed[voter], tried):
                placed[voter] = place
                return True
        return False

    missing: dict[str, int] = {}
    for place, role in enumerate(places):
        if not seat(place, set()):
            missing[role] = missing.get(role, 0) + 1
    return missing
