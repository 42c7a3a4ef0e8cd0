"""`/me` and `/policy`: who I am, and who may do what."""

from typing import Any

from fastapi import APIRouter

from bot.api.callers import By, readable
from bot.api.problems import problems
from jobs.models import Frozen, Principal
from jobs.policy import Policy

__all__ = ["router"]

router = APIRouter(tags=["people"])

_SHOWN = {
    "team", "clusters", "channels", "groups", "rules", "owners", "fallback_channel", "break_glass",
}  # fmt: skip


class PolicyShown(Frozen):
    """The policy as people may read it, and as its file could say it: see its example.

    Tokens' hashes and pagers' addresses are left out, and times that are nobody's right.
    """

    team: str
    clusters: dict[str, Any]
    channels: dict[str, Any]
    groups: dict[str, tuple[str, ...]]
    rules: tuple[dict[str, Any], ...]
    owners: dict[str, Any]
    fallback_channel: str | None
    break_glass: tuple[str, ...]


@router.get("/me", summary="Who I am")
def me(caller: By) -> Principal:
    """Return the person whose token this is, with what is known of their user groups."""
    return caller.principal


@router.get("/policy", summary="Who may do what", responses=problems("not_allowed"))
def policy(caller: By) -> PolicyShown:
    """Return who may do what, where; durations and shares with their units."""
    for cluster in caller.desk.client.clusters():
        readable(caller, cluster)
    return _shown(caller.desk.policy)


def _shown(policy: Policy) -> PolicyShown:
    fields = policy.model_dump(mode="json", include=_SHOWN)
    for rule in fields["rules"]:
        if rule["approve"] is not None:
            rule["approve"]["lapses"] = f"{rule['approve']['lapses']:.0f}s"
        if rule["max_share_of_pool"] is not None:
            rule["max_share_of_pool"] = f"{rule['max_share_of_pool']}%"
    return PolicyShown(**fields)
