"""What the workflows are started with. Stored as JSON for as long as the operation lives."""

from typing import Any, Literal

from pydantic import Field

from jobs.models import DrainOptions, DrainRequest, Frozen, Requirements


class OperationInput(Frozen):
    """An operation, as it was asked for; `requester` is `team:user`.

    `over` says, where only a plan is asked for, by which limits of the policy it would be refused.
    """

    request: DrainRequest
    requester: str
    requirements: Requirements = Requirements()
    over: tuple[str, ...] = ()


class DrainInput(Frozen):
    """The drain of one node within an operation.

    `evict_anyway` holds uids of pods that people let go when they saw the plan; `named` the
    workloads, as `namespace/name`, that the plan said are down while they move.
    """

    operation: str
    node: str
    uid: str
    options: DrainOptions = DrainOptions()
    requirements: Requirements = Requirements()
    requester: str
    reason: str = ""
    evict_anyway: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


class GiveBackInput(Frozen):
    """A node that is to be given back; `requester` is `team:user`."""

    cluster: str
    node: str
    requester: str
    channel: str = ""


class OrphansInput(Frozen):
    """A look for orphaned cordons; `undo` names nodes, `everything` means all that are found."""

    cluster: str
    requester: str
    undo: tuple[str, ...] = ()
    everything: bool = False


class LifeInput(Frozen):
    """A node that is out of service and is to be tended; `requester` is `team:user`.

    `begin` is what it begins with: maintenance, return or fence_lost, of which `evidence` tells.
    `expected` is how long the maintenance should take, in seconds, 0 where nobody said.
    `options` are those of the drain, for draining the node again.

    `operation` is the one that the node is a part of, empty where it is tended by itself. That one
    also says how its drain ended: `shown` is what readers saw of the node then, `owners` are its
    workloads as they were before. `begin` is well where only these are left to be waited for: the
    node is back since `returned_at` (ms), was `away` for so long (ms), and a cordon that was there
    before its drain was `kept`.
    """

    cluster: str
    node: str
    uid: str
    requester: str
    channel: str = ""
    reason: str = ""
    begin: Literal["maintenance", "return", "fence_lost", "well"]
    expected: int = Field(default=0, ge=0)
    evidence: str = ""
    options: DrainOptions = DrainOptions()
    requirements: Requirements = Requirements()
    operation: str = ""
    shown: dict[str, Any] = Field(default_factory=dict)
    owners: tuple[dict[str, Any], ...] = ()
    returned_at: int = 0
    away: int = 0
    kept: bool = False
