"""`/me` and `/policy`: who I am, and who may do what."""

from typing import Any

from fastapi import APIRouter

from bot.api.callers import By, readable
from bot.api.problems import problems
from jobs.models import Principal

__all__ = ["router"]

router = APIRouter(tags=["people"])


@router.get("/me", summary="Who I am")
def me(caller: By) -> Principal:
    """Return the person whose token this is, with what is known of their user groups."""
    return caller.principal


@router.get("/policy", summary="Who may do what", responses=problems("not_allowed"))
def policy(caller: By) -> dict[str, Any]:
    """Return the policy as people may read it: as its file says it, durations in seconds.

    Tokens' hashes and pagers' addresses are left out.
    """
    for cluster in caller.desk.client.clusters():
        readable(caller, cluster)
    return caller.desk.policy.model_dump(mode="json", exclude={"tokens", "pagers"})
