"""The shapes of names and ids in addresses, queries and bodies, as OpenAPI tells them."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import StringConstraints

from bot.api.callers import Caller
from bot.api.problems import ProblemError, invalid, problem_of
from jobs.authorization import CHOICES
from jobs.ids import did_you_mean, quoted

__all__ = [
    "CHOICE", "ChannelId", "ClusterInPath", "ClusterName", "InCluster", "NodeInPath", "NodeName",
    "OperationId", "QuestionId", "Words", "cluster_named",
]  # fmt: skip

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_OF_CLUSTER = "[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?"  # at most 40, see jobs.ids
_LETTERS = "[0-9a-hjkmnp-tv-z]"  # Crockford's base32, see jobs.ids
_CLUSTER = f"^{_OF_CLUSTER}$"
_NODE = rf"^{_LABEL}(\.{_LABEL})*$"

CHOICE = f"^({'|'.join(CHOICES)})$"
ClusterName = Annotated[str, StringConstraints(pattern=_CLUSTER, max_length=40)]
NodeName = Annotated[str, StringConstraints(pattern=_NODE, max_length=253)]
ChannelId = Annotated[str, StringConstraints(pattern="^[CDG][A-Z0-9]{1,30}$")]
Words = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
OperationId = Annotated[
    str,
    Path(
        pattern=f"^{_OF_CLUSTER}-{_LETTERS}{{6}}$",
        max_length=60,
        description="An operation's full id, such as prod-eu-7f3k9q.",
    ),
]
QuestionId = Annotated[
    str,
    Path(
        pattern=f"^{_OF_CLUSTER}-q-{_LETTERS}{{12}}$",
        max_length=60,
        description="A question's full id, such as prod-eu-q-0123456789ab.",
    ),
]
ClusterInPath = Annotated[ClusterName, Path(description="A cluster of the policy.")]
NodeInPath = Annotated[str, Path(pattern=_NODE, max_length=253, description="A node's name.")]
InCluster = Annotated[
    ClusterName | None,
    Query(description="The cluster; needed where the policy lists several."),
]


def cluster_named(caller: Caller, named: str | None, *, field: str = "query.cluster") -> str:
    """Return the cluster that is meant; raise :class:`ProblemError` where none is.

    One that there is not is unknown (404), or wrong in a body (422); where there are several one
    must be named (422).
    """
    clusters = caller.desk.client.clusters()
    if named in clusters:
        return named
    there = f"There are: {', '.join(clusters)}."
    if named is not None:
        hint = did_you_mean(named, clusters) or there
        said = f"There is no cluster {quoted(named)}. {hint}"
        if field == "cluster":
            raise invalid(field, said)
        raise ProblemError(problem_of("unknown", said))
    if len(clusters) != 1:
        raise invalid(field, f"Say which cluster. {there}")
    return clusters[0]
