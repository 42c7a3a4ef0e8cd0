"""What an operation will do, shown before it does anything."""

from jobs.models.base import Frozen
from jobs.models.pods import BudgetFacts, PodRef, Refusal


class PlannedBlock(Frozen):
    """A pod whose eviction a budget would refuse as things stand; `never`: waiting can't help."""

    pod: PodRef
    budget: BudgetFacts
    never: bool


class Room(Frozen):
    """Whether the pods that move fit on the other nodes, by what they request.

    `fits` is None where it can't be told, and `why` says why. Where it is False, something is
    short: thousandths of a core, bytes, a number of pods, or `too_large` names pods that no other
    node has room for at all. `unchecked` counts pods whose further wishes (affinity,
    volumes, local storage, host ports, spreading) were not looked at.
    """

    fits: bool | None = None
    short_cpu: int = 0
    short_memory: int = 0
    short_pods: int = 0
    too_large: tuple[str, ...] = ()
    unchecked: int = 0
    why: str = ""


class NodePlan(Frozen):
    """One node of a plan. Pods are named `namespace/name`.

    `refused` says why no drain of it would begin, whatever people say; "" where one would.
    `own` is what of drainbot itself would be missed without it (`worker`, `redis`, `bot`): people
    are asked when its turn comes.
    `seconds` is the estimate of its drain, see :mod:`jobs.drain.estimate`; -1: not known.
    """

    name: str
    uid: str
    cordoned_before: bool = False
    ready: bool = True
    evict: int = 0
    daemonset: int = 0
    static: int = 0
    terminating: int = 0
    not_selected: int = 0  # outside --pod-selector: left alone
    refusals: tuple[Refusal, ...] = ()
    blocks: tuple[PlannedBlock, ...] = ()
    data_lost: tuple[str, ...] = ()
    single_replicas: tuple[str, ...] = ()
    token: int = 0  # the fencing counter that the node's annotation shows
    taken_by: str = ""  # another operation that owns it, or another tool's mark
    refused: str = ""
    own: tuple[str, ...] = ()
    seconds: int = -1


class OperationPlan(Frozen):
    """The whole plan, with the digest of its material facts (see the design: no pod names).

    `seconds` estimates the whole; -1: not known. `room` is None where nobody looked. `away` counts
    the nodes that drainbot has out of service beside these, `max_away` is what the worker's
    guardrails allow (-1: not known), and `too_many_away` says that these nodes are refused by it.
    `over` says by which limits of the policy they are, in sentences.
    """

    nodes: tuple[NodePlan, ...]
    digest: str
    as_of: int
    seconds: int = -1
    room: Room | None = None
    away: int = 0
    max_away: int = -1
    too_many_away: bool = False
    over: tuple[str, ...] = ()

    @property
    def evict(self) -> int:
        """How many pods move."""
        return sum(node.evict for node in self.nodes)

    @property
    def noteworthy(self) -> bool:
        """Whether a person should look before it starts: more than one node, or any surprise."""
        return len(self.nodes) > 1 or any(
            node.refusals
            or node.data_lost
            or node.single_replicas
            or node.cordoned_before
            or not node.ready
            or node.own
            or any(block.never for block in node.blocks)
            for node in self.nodes
        )
