"""What people ask of drainbot, and what they are answered."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from jobs.models.base import Frozen
from jobs.models.freezes import Freeze
from jobs.models.options import DrainOptions
from jobs.models.views import QuestionView


class DrainRequest(Frozen):
    """A wish to drain some nodes of one cluster. `channel` is where it is to be told.

    `plan_only`: only to be told what a drain of them would do; nothing is changed.
    """

    cluster: str
    nodes: tuple[str, ...]
    options: DrainOptions = DrainOptions()
    reason: str = ""
    channel: str = ""
    plan_only: bool = False


class Submitted(Frozen):
    """The operation that serves a request. `created` is False where the same delivery came twice.

    `worker_seen` is False where no worker of the cluster is alive: it waits until one is.
    `frozen`: the cluster is, so that it waits until somebody thaws it.
    """

    operation: str
    created: bool
    worker_seen: bool = True
    frozen: Freeze | None = None


class Refused(Frozen):
    """Nothing happened. `reason` is a sentence for the person, `who_may` ids of those who may.

    `because` is for programs: `not_allowed` (by right, policy or limits), `unknown` (there is no
    such thing), `ended` (the operation has), `other_request` (the same name came with another
    wish), `not_known_yet` (nothing is known of the cluster's nodes), `taken` (other operations have
    the nodes: `takers`, by node).
    """

    reason: str
    who_may: tuple[str, ...] = ()
    because: Literal[
        "not_allowed", "unknown", "ended", "other_request", "not_known_yet", "taken"
    ] = "not_allowed"
    takers: dict[str, str] = Field(default_factory=dict)


class Outcome(StrEnum):
    """What became of somebody's answer to a question."""

    SETTLED = "settled"
    VOTED = "voted"  # counted; more people are needed
    POSTPONED = "postponed"  # Wait: the question stays open
    ALREADY_VOTED = "already_voted"
    ALREADY_SETTLED = "already_settled"  # somebody else was first
    CLOSED = "closed"  # no longer needed, superseded, or nobody answered in time
    UNKNOWN = "unknown"  # no such question
    NOT_A_CHOICE = "not_a_choice"
    REFUSED = "refused"  # not allowed


class Decided(Frozen):
    """What became of an answer, and the question as it stands after it (None if unknown).

    `reason` and `who_may` are set where it was refused.
    """

    outcome: Outcome
    question: QuestionView | None = None
    reason: str = ""
    who_may: tuple[str, ...] = ()


class Acted(Frozen):
    """An abort, a pause or the like that was recorded; `changed` is False where it already was."""

    operation: str
    changed: bool


class Changes(Frozen):
    """Operations of one cluster that changed since a cursor, and the cursor to go on from.

    `lost` is True where the reader fell behind the capped stream and must rebuild from state.
    """

    cluster: str
    operations: frozenset[str]
    cursor: str
    lost: bool = False
