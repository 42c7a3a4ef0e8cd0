"""What an operation will do, shown before it does anything."""

from jobs.models.base import Frozen
from jobs.models.pods import BudgetFacts, PodRef, Refusal


class PlannedBlock(Frozen):
    """A pod whose eviction a budget would refuse as things stand; `never`: waiting can't help."""

    pod: PodRef
    budget: BudgetFacts
    never: bool


class NodePlan(Frozen):
    """One node of a plan. Pods are named `namespace/name`."""

    name: str
    uid: str
    cordoned_before: bool = False
    ready: bool = True
    evict: int = 0
    daemonset: int = 0
    static: int = 0
    terminating: int = 0
    refusals: tuple[Refusal, ...] = ()
    blocks: tuple[PlannedBlock, ...] = ()
    data_lost: tuple[str, ...] = ()
    single_replicas: tuple[str, ...] = ()
    token: int = 0  # the fencing counter that the node's annotation shows
    taken_by: str = ""  # another operation that owns it, or another tool's mark


class OperationPlan(Frozen):
    """The whole plan, with the digest of its material facts (see the design: no pod names)."""

    nodes: tuple[NodePlan, ...]
    digest: str
    as_of: int

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
            or any(block.never for block in node.blocks)
            for node in self.nodes
        )
