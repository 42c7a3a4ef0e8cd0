"""`/operations`: ask for a drain, look at it, abort, pause and resume it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from bot import commands
from bot.api.callers import By, Caller, IdempotencyKey, Key
from bot.api.problems import invalid, problems, refused
from bot.api.shapes import (
    ChannelId,
    ClusterName,
    InCluster,
    NodeName,
    OperationId,
    Words,
    cluster_named,
)
from bot.commands import Place
from bot.grammar import Steer, Steering
from bot.messages.ephemeral import acted_words, submitted_words
from bot.messages.style import PLAIN
from jobs.models import (
    Acted,
    DrainOptions,
    Frozen,
    OperationView,
    Refused,
    Submitted,
)
from jobs.options import LONGEST, DrainCommand, UsageError, parse_tokens, render_options

__all__ = ["Asked", "Operations", "Steered", "Wish", "router"]

router = APIRouter(tags=["operations"])

_PAST: dict[Steering, str] = {"abort": "aborted", "pause": "paused", "resume": "resumed"}
_NODES_MOST = 200  # by name; a selector takes any number
_LONGEST = 999_999_999  # seconds or nodes, as the other ways in read them


class Options(DrainOptions):
    """kubectl's options of a drain and drainbot's own; times in seconds."""

    grace_period: int = Field(default=-1, ge=-1, le=_LONGEST)
    timeout: int = Field(default=0, ge=0, le=_LONGEST)
    pod_selector: str = Field(default="", max_length=500)
    skip_wait_for_delete_timeout: int = Field(default=0, ge=0, le=_LONGEST)
    max_failures: int = Field(default=-1, ge=-1, le=_LONGEST)
    canary: int = Field(default=0, ge=0, le=_LONGEST)
    soak: int = Field(default=0, ge=0, le=_LONGEST)
    expected: int = Field(default=0, ge=0, le=LONGEST)


class Wish(Frozen):
    """What is to be drained: nodes by name, or all that a selector of labels finds.

    `channel` is where it is told; without it the cluster's first channel of the policy.
    `plan_only`: only say what it would do.
    """

    cluster: ClusterName | None = None
    nodes: tuple[NodeName, ...] = Field(default=(), max_length=_NODES_MOST)
    selector: str = Field(default="", max_length=500)
    options: Options = Options()
    reason: Words = ""
    channel: ChannelId | None = None
    plan_only: bool = False


class Asked(Submitted):
    """A request that was taken, and what a person is told of it."""

    message: str


class Operations(Frozen):
    """Operations, the newest first."""

    operations: tuple[OperationView, ...]


class Reason(Frozen):
    """Why, for everybody to read."""

    reason: Words = ""


class Steered(Acted):
    """An abort, a pause or the like that was recorded, and what a person is told of it."""

    message: str


@router.post(
    "/operations",
    status_code=202,
    summary="Ask for a drain, or for its plan",
    responses={
        202: {
            "headers": {
                "Location": {
                    "description": "The operation.",
                    "required": True,
                    "schema": {"type": "string"},
                }
            }
        },
        **problems("not_allowed", "taken", "other_request", "not_known_yet"),
    },
)
def ask(wish: Wish, caller: By, key: IdempotencyKey, response: Response) -> Asked:
    """Begin an operation; it goes on by itself, and `Location` tells where to look at it."""
    cluster = cluster_named(caller, wish.cluster, field="cluster")
    command = _command(wish)
    place = Place(cluster, caller.channel(cluster, wish.channel or ""))
    field = "nodes" if wish.nodes else "selector"
    try:
        asked = commands.drain(caller.desk, caller.principal, command, place, dedup=key.dedup())
    except UsageError as error:
        raise invalid(field, str(error)) from error
    if isinstance(asked.answer, Refused):
        if asked.answer.because == "unknown":
            raise invalid(field, asked.answer.reason)
        raise refused(asked.answer)
    response.headers["Location"] = f"/operations/{asked.answer.operation}"
    said = submitted_words(asked.answer, asked.request, PLAIN)
    return Asked(**dict(asked.answer), message=said)


def _command(wish: Wish) -> DrainCommand:
    """Read a wish by the grammar of all ways in, which checks what a schema can't."""
    if bool(wish.nodes) is bool(wish.selector):
        raise invalid("nodes", "Name nodes or a selector of their labels: one of the two.")
    options = _read("options", ["any-node", *render_options(wish.options)]).options
    selector = _read("selector", [f"--selector={wish.selector}"]).selector if wish.selector else ""
    return DrainCommand(
        nodes=wish.nodes, selector=selector, options=options, reason=wish.reason,
        plan_only=wish.plan_only,
    )  # fmt: skip


def _read(field: str, words: list[str]) -> DrainCommand:
    try:
        return parse_tokens(words)
    except UsageError as error:
        raise invalid(field, str(error)) from error


@router.get(
    "/operations",
    summary="Look at the last operations",
    responses=problems("not_allowed", "unknown"),
)
def look_at_all(
    caller: By,
    cluster: InCluster = None,
    state: Annotated[
        Literal["live", "all"], Query(description="Those that have not ended, or all.")
    ] = "all",
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 20,
) -> Operations:
    """Return the last operations of a cluster."""
    named = cluster_named(caller, cluster)
    found = commands.operations(
        caller.desk, caller.principal, named, live_only=state == "live", limit=limit
    )
    if isinstance(found, Refused):
        raise refused(found)
    return Operations(operations=found)


@router.get(
    "/operations/{id}",
    summary="Look at an operation",
    responses=problems("not_allowed", "unknown"),
)
def look(id: OperationId, caller: By) -> OperationView:
    """Return all of an operation: its plan, nodes, questions and story, as they stand."""
    return seen(id, caller)


def seen(id: str, caller: Caller) -> OperationView:
    """Return an operation that somebody may look at, or raise :class:`ProblemError`."""
    found = commands.operation(caller.desk, caller.principal, id)
    if isinstance(found, Refused):
        raise refused(found)
    return found


_STEERING = problems("not_allowed", "unknown", "ended")


@router.post("/operations/{id}/abort", summary="Abort an operation", responses=_STEERING)
def abort(id: OperationId, caller: By, key: IdempotencyKey, why: Reason = Reason()) -> Steered:  # noqa: B008
    """Abort it: no further eviction; nodes without one are given back."""
    return _steer("abort", id, caller, key, why.reason)


@router.post("/operations/{id}/pause", summary="Pause an operation", responses=_STEERING)
def pause(id: OperationId, caller: By, key: IdempotencyKey) -> Steered:
    """Pause it: no new node, no new eviction; questions and deadlines stay alive."""
    return _steer("pause", id, caller, key)


@router.post("/operations/{id}/resume", summary="Resume an operation", responses=_STEERING)
def resume(id: OperationId, caller: By, key: IdempotencyKey) -> Steered:
    """Let a paused operation go on."""
    return _steer("resume", id, caller, key)


def _steer(verb: Steering, id: str, caller: Caller, key: Key, reason: str = "") -> Steered:
    order = Steer(verb=verb, operation=id, reason=reason)
    nonce = key.nonce({"reason": reason})
    acted = commands.steer(caller.desk, caller.principal, order, nonce=nonce)
    if isinstance(acted, Refused):
        raise refused(acted)
    return Steered(**dict(acted), message=acted_words(acted, _PAST[verb]))
