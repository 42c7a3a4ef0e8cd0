"""What the drain of one node remembers, shows and tells."""

from dataclasses import dataclass, field
from typing import Any

from jobs.durable import Context
from jobs.models import NodeStatus
from jobs.resources import Resources
from jobs.workflows.inputs import DrainInput

Ctx = Context[Resources]


@dataclass
class NodeDrain:
    """The workflow's own memory: rebuilt by each replay, carried over by continue-as.

    `owners` is what :func:`~jobs.activities.owners.look_at_owners` found before the first eviction;
    `down_anyway` holds the uids of pods that people let go though their workload is down then;
    `volumes_anyway`: people said to go on though volumes are attached; `drained_at` (ms) is when
    the node was confirmed as drained, 0 before that; `facts` are more of what readers are shown,
    kept from one show to the next; `superseded` is the question that closed because what it asked
    about has changed, and why: the next one takes its place; `own_anyway` are the parts of
    drainbot itself (:mod:`jobs.drain.own`) that people let go; `turn_of` is the question by which
    pods of other nodes are forced as well, "" where there are none; `shared`: one that was asked of
    other nodes too has been answered.
    """

    ctx: Ctx
    drain: DrainInput
    started: int = 0
    was_cordoned: bool = False
    status: NodeStatus = NodeStatus.CORDONING
    evicted_any: bool = False
    pods: dict[str, int] = field(default_factory=lambda: {"total": 0, "gone": 0})
    evict_anyway: list[str] = field(default_factory=list)
    force: list[str] = field(default_factory=list)
    forced: list[str] = field(default_factory=list)
    postponed: float = 0.0
    thread: str = ""
    asked: list[str] = field(default_factory=list)
    rounds: int = 0
    owners: dict[str, Any] = field(default_factory=dict)
    down_anyway: list[str] = field(default_factory=list)
    braked: bool = False
    volumes_anyway: bool = False
    drained_at: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    own_anyway: list[str] = field(default_factory=list)
    turn_of: str = ""
    shared: bool = False
    superseded: str = ""
    because: str = ""

    def carried(self) -> dict[str, Any]:
        """Return what a fresh history begins with."""
        return {
            "was_cordoned": self.was_cordoned, "evicted_any": self.evicted_any, "pods": self.pods,
            "evict_anyway": self.evict_anyway, "force": self.force, "forced": self.forced,
            "postponed": self.postponed, "thread": self.thread, "asked": self.asked,
            "rounds": self.rounds, "owners": self.owners, "down_anyway": self.down_anyway,
            "braked": self.braked,
            "volumes_anyway": self.volumes_anyway, "drained_at": self.drained_at,
            "facts": self.facts, "superseded": self.superseded, "because": self.because,
            "own_anyway": self.own_anyway, "turn_of": self.turn_of,
            "shared": self.shared,
        }  # fmt: skip

    def show(self, status: NodeStatus, detail: str = "", **more: Any) -> None:
        """Show the node's state to readers."""
        self.status = status
        self.ctx.show({**self.view(status, detail), **more})

    def view(self, status: NodeStatus, detail: str = "") -> dict[str, Any]:
        """Return what readers see of the node: the fields of a :class:`jobs.models.NodeView`."""
        return {
            "name": self.drain.node,
            "uid": self.drain.uid,
            "status": status,
            "detail": detail,
            "pods_total": self.pods["total"],
            "pods_gone": self.pods["gone"],
            "evicted_any": self.evicted_any,
            "cordoned_before": self.was_cordoned,
            "forced": self.forced,
            "started_at": self.started,
            **self.facts,
        }

    def log(self, what: str, **fields: Any) -> None:
        """Add a line to the story, under the node's name."""
        self.ctx.log(what, node=self.drain.node, **fields)

    def common(self) -> dict[str, Any]:
        """Return what all activities on the node want to know."""
        return {
            "operation": self.drain.operation, "node": self.drain.node, "uid": self.drain.uid,
        }  # fmt: skip
