"""What readers render from: the state of operations, nodes and questions at one moment."""

from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from jobs.models.base import Frozen
from jobs.models.freezes import Freeze
from jobs.models.joint import OnNode
from jobs.models.options import DrainOptions
from jobs.models.people import Requirements, Vote
from jobs.models.plan import OperationPlan
from jobs.models.pods import Block, Obstacle, PodRef, Refusal, Unwell, WontStop


class NodeStatus(StrEnum):
    """Where one node of an operation stands."""

    WAITING = "waiting"
    CORDONING = "cordoning"
    DRAINING = "draining"
    BLOCKED = "blocked"  # a question is open
    DRAINED = "drained"
    MAINTENANCE = "maintenance"  # these four only with --then=wait
    FENCE_LOST = "fence_lost"
    RETURNING = "returning"
    RETURNED = "returned"
    SKIPPED = "skipped"
    ABORTED = "aborted"
    STOPPED = "stopped"  # nobody answered: the cordon stays
    FAILED = "failed"
    GONE = "gone"

    @property
    def final(self) -> bool:
        """Whether nothing more happens to the node in this operation."""
        return self not in {
            NodeStatus.WAITING,
            NodeStatus.CORDONING,
            NodeStatus.DRAINING,
            NodeStatus.BLOCKED,
            NodeStatus.MAINTENANCE,
            NodeStatus.FENCE_LOST,
            NodeStatus.RETURNING,
        }


class OperationState(StrEnum):
    """Where an operation stands."""

    SUBMITTED = "submitted"  # no worker has looked at it yet
    PLANNING = "planning"
    CONFIRMING = "confirming"  # the plan waits for Start
    APPROVING = "approving"
    RUNNING = "running"
    ENDED = "ended"


class OperationEnd(StrEnum):
    """How an operation ended."""

    DRAINED = "drained"  # every node
    PARTLY = "partly"  # some nodes were skipped, or ended otherwise
    ABORTED = "aborted"
    STOPPED = "stopped"
    REFUSED = "refused"  # nothing was done: not approved, taken, unknown node, guardrails
    FAILED = "failed"
    PLANNED = "planned"  # only a plan was asked for: nothing was changed


class QuestionKind(StrEnum):
    """What is asked."""

    START = "start"
    APPROVAL = "approval"
    REFUSAL = "refusal"
    BLOCK = "block"
    WONT_STOP = "wont_stop"
    OVERDUE = "overdue"  # the node's drain took longer than its time-out
    FREED = "freed"  # free now, but long after it was asked: go on?
    UNCORDONED = "uncordoned"  # somebody uncordoned the node while it drained
    STUCK = "stuck"  # the workflow fails again and again
    VOLUMES = "volumes"  # volumes stay attached to a node that is empty
    UNWELL = "unwell"  # workloads are not as ready as they were before their node's drain
    MAINTENANCE = "maintenance"  # a node is in maintenance: is the work done?
    NOT_BACK = "not_back"  # a node that is given back is not what it was before its drain
    FENCE_LOST = "fence_lost"  # a node that was drained is open, another one, or not empty
    OWN = "own"  # drainbot itself runs on the node: its only worker, its Redis or its last bot
    CANARY = "canary"  # a canary was not drained, or its workloads are not well: go on?


class QuestionState(StrEnum):
    """Whether it can still be answered."""

    OPEN = "open"
    SETTLED = "settled"
    CLOSED = "closed"  # ended without a person: see `closed_because`


class Settlement(Frozen):
    """The decision that counted. `by` lists all whose votes made it, as `team:user`."""

    choice: str
    by: tuple[str, ...]
    at: int
    note: str = ""


class QuestionView(Frozen):
    """A stored decision for people: asked once, settled once. Times in ms since the epoch.

    `thread_key` stays the same when a refused retry asks again, so that readers keep one message.
    `closed_because` is one of no_longer_needed, nobody_answered, aborted, superseded.
    `nodes` are those that it is about, none where that is the whole operation. Where one cause
    keeps pods on several nodes, one question is asked of all of them: `by_node` says what each has
    to do with it, `node` is empty then, and a choice counts for all.
    """

    id: str
    cluster: str
    operation: str
    node: str = ""
    kind: QuestionKind
    state: QuestionState = QuestionState.OPEN
    choices: tuple[str, ...]
    votes_needed: dict[str, int] = Field(default_factory=dict)
    roles_needed: dict[str, dict[str, int]] = Field(default_factory=dict)  # of these votes
    votes: tuple[Vote, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    blocks: tuple[Block, ...] = ()
    wont_stop: tuple[WontStop, ...] = ()
    unwell: tuple[Unwell, ...] = ()
    volumes: tuple[str, ...] = ()  # still attached to the node, by their PersistentVolume
    nodes: tuple[str, ...] = ()
    by_node: tuple[OnNode, ...] = ()
    detail: str = ""
    pods_left: int = 0
    pods_total: int = 0
    opened_at: int = 0
    stop_at: int = 0
    reminded: tuple[str, ...] = ()  # notices that are due: remind, escalate
    waits: tuple[Vote, ...] = ()  # who pressed Wait, and when
    thread_key: str = ""
    settled: Settlement | None = None
    closed_because: str = ""
    closed_at: int = 0
    superseded_by: str = ""  # the question that took its place, also of one that was settled
    superseded_because: str = ""  # in words
    version: int = 0

    @model_validator(mode="before")
    @classmethod
    def _all_nodes(cls, raw: Any) -> Any:
        """Name the nodes where that was not done."""
        if not isinstance(raw, dict) or "nodes" in raw:
            return raw
        several = (OnNode.model_validate(each).node for each in raw.get("by_node") or ())
        return {**raw, "nodes": tuple(several) or ((raw["node"],) if raw.get("node") else ())}

    @property
    def pods(self) -> tuple[PodRef, ...]:
        """Every pod that the question is about."""
        obstacles: tuple[Obstacle, ...] = (*self.refusals, *self.blocks, *self.wont_stop)
        return tuple(obstacle.pod for obstacle in obstacles)


class LogEntry(Frozen):
    """One line of an operation's story. `key` is unique within it; `what` is a stable word.

    `fields` fill the words that readers choose for `what`.
    """

    key: str
    what: str
    at: int
    node: str = ""
    fields: dict[str, str | int] = Field(default_factory=dict)


class NodeLife(Frozen):
    """How a node that is out of service is tended; times in ms since the epoch.

    `mode` is the node's; `until` is the expected end of its maintenance, 0 where none was said;
    `evidence` says how its fence was lost, `away` for how long (ms) it was out of service.
    """

    mode: str
    since: int = 0
    until: int = 0
    evidence: str = ""
    away: int = 0


class NodeView(Frozen):
    """One node of an operation."""

    name: str
    uid: str = ""
    status: NodeStatus = NodeStatus.WAITING
    detail: str = ""  # why it failed, was skipped…
    pods_total: int = 0
    pods_gone: int = 0
    terminating: int = 0
    evicted_any: bool = False
    cordoned_before: bool = False
    cordon_kept: bool = True  # False: our cordon was undone at the end
    waiting_for: tuple[str, ...] = ()  # pods that are shown as blocked before the question opens
    volumes: tuple[str, ...] = ()  # still attached to it, by their PersistentVolume
    volumes_detached: bool = False  # none is attached any more, beyond those of pods that stay
    unwell: tuple[str, ...] = ()  # workloads not well again, as `namespace/name 1 of 2 ready`
    forced: tuple[str, ...] = ()  # pods that were forced, `namespace/name`
    started_at: int = 0
    ended_at: int = 0
    safe_to_power_off: bool = False
    life: NodeLife | None = None  # how it is tended after its drain, with --then=wait


class OperationView(Frozen):
    """One operation, all of it, at one moment. Times in milliseconds since the epoch."""

    id: str
    cluster: str
    state: OperationState
    end: OperationEnd | None = None
    detail: str = ""  # why it was refused or failed, in words
    requester: str
    reason: str = ""
    channel: str = ""
    options: DrainOptions = DrainOptions()
    requirements: Requirements = Requirements()
    nodes: tuple[NodeView, ...] = ()
    plan: OperationPlan | None = None
    plan_only: bool = False  # only a plan was asked for
    questions: tuple[QuestionView, ...] = ()
    log: tuple[LogEntry, ...] = ()
    created_at: int = 0
    ended_at: int = 0
    waited_for_people: int = 0  # milliseconds with a question open
    soaking_until: int = 0  # the canaries are drained, and the others wait until then
    paused_by: str = ""
    life: NodeLife | None = None  # it tends one node that is out of service, and drains none
    frozen: Freeze | None = None  # its cluster is: no new eviction until somebody thaws it
    aborted_by: str = ""
    aborted_reason: str = ""
    version: int = 0

    @property
    def open_questions(self) -> tuple[QuestionView, ...]:
        """Those that still wait for a person."""
        return tuple(q for q in self.questions if q.state is QuestionState.OPEN)


class ClusterNode(Frozen):
    """A node as the watcher saw it; `mode` is drainbot's own, `owner` the operation that has it."""

    name: str
    uid: str
    labels: dict[str, str] = Field(default_factory=dict)
    ready: bool = True
    cordoned: bool = False
    mode: str = "accepting"
    owner: str = ""


class Inventory(Frozen):
    """The nodes of a cluster, and as of when (ms since the epoch; 0: never seen)."""

    cluster: str
    nodes: tuple[ClusterNode, ...] = ()
    as_of: int = 0

    def get(self, name: str) -> ClusterNode | None:
        """Return the node of that name, or None."""
        return next((node for node in self.nodes if node.name == name), None)
