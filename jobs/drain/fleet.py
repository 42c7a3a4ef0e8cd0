"""Whose turn it is among an operation's nodes, and when no other one begins: decided without I/O.

Use::

    fleet = Fleet(nodes=names, away=2, canaries=1, max_failures=0)
    while (name := fleet.next) is not None:
        fleet = fleet.began()                     # and drain that node
    fleet = fleet.over(name, status)              # as each of them ends
    if fleet.proving: …                           # only canaries went: look at them, then
        fleet = replace(fleet, proven=True)
    fleet.stopped, fleet.waiting                  # why no other one begins, and which are let go

What always holds: nodes begin in their order, each once; no more than `away` are under way; beyond
the canaries none begins before `proven`; none begins once it stopped.

With `--then=wait` a node is under way until its whole life is over: :func:`turn_after` says what
comes after each part of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jobs.models import NodeStatus, OperationEnd

_FENCED = frozenset({"drained", "maintenance"})  # the modes in which its fence is kept


class Part(StrEnum):
    """A part of what an operation does with a node."""

    DRAIN = "drain"
    LIFE = "life"  # out of service until its maintenance is done, and back


class Stop(StrEnum):
    """Why no other node begins."""

    UNANSWERED = "unanswered"  # nobody answered a node's question
    FAILURES = "failures"  # more nodes failed than --max-failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The nodes of an operation at one moment.

    `nodes` are names in the order of their turns, of which the first `begun` have begun. At most
    `away` are under way at once. `canaries` go first, alone, 0 for none; `proven`: the others may
    follow them. After more than `max_failures` failures no other node begins; -1: never mind.
    `expect_gone`: a node that disappears counts as drained, and else as failed. `whole_life`: a
    node is done only when it is back in service. `ended` says how
    nodes ended, `failures` names those that failed, as they came; `unanswered`: nobody answered a
    question about one of them. An operation of hundreds of nodes replays this at each of its steps:
    nothing here but `undrained` looks at all of them.
    """

    nodes: tuple[str, ...]
    away: int = 1
    canaries: int = 0
    max_failures: int = -1
    expect_gone: bool = False
    whole_life: bool = False
    begun: int = 0
    ended: Mapping[str, NodeStatus] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    unanswered: bool = False
    proven: bool = False

    @property
    def next(self) -> str | None:
        """The node whose turn it is now, or None while there is none."""
        if self.stopped or self.begun >= len(self.nodes) or self.running >= self.away:
            return None
        if self.canaries and not self.proven and self.begun >= self.canaries:
            return None
        return self.nodes[self.begun]

    def began(self) -> "Fleet":
        """Note that the next node has begun."""
        return replace(self, begun=self.begun + 1)

    def over(self, name: str, status: NodeStatus, *, unanswered: bool = False) -> "Fleet":
        """Note how a node that had begun ended.

        `unanswered`: nobody answered a question about it, though it was drained all the same.
        """
        gone = status is NodeStatus.GONE and not self.expect_gone
        failed = (name,) if gone or status is NodeStatus.FAILED else ()
        return replace(
            self,
            ended={**self.ended, name: status},
            failures=(*self.failures, *failed),
            unanswered=self.unanswered or unanswered or status is NodeStatus.STOPPED,
        )

    @property
    def running(self) -> int:
        """How many nodes are under way."""
        return self.begun - len(self.ended)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The nodes that have not begun."""
        return self.nodes[self.begun :]

    @property
    def proving(self) -> bool:
        """Whether the canaries have ended and others wait for what is found of them."""
        return (
            0 < self.canaries == self.begun < len(self.nodes)
            and not (self.running or self.proven or self.stopped)
        )  # fmt: skip

    @property
    def undrained(self) -> tuple[str, ...]:
        """The canaries that ended otherwise than drained."""
        first = self.nodes[: self.canaries]
        done = done_when(expect_gone=self.expect_gone, whole_life=self.whole_life)
        return tuple(name for name in first if self.ended.get(name) not in done)

    @property
    def stopped(self) -> Stop | None:
        """Why no other node begins, or None."""
        if self.unanswered:
            return Stop.UNANSWERED
        if 0 <= self.max_failures < len(self.failures):
            return Stop.FAILURES
        return None


def turn_after(
    part: Part, status: NodeStatus, *, whole_life: bool, unanswered: bool = False,
    again: bool = False,
) -> Part | None:  # fmt: skip
    """Return what comes after a part of a node's life that ended so; None: the node is over.

    `unanswered`: nobody answered a question about it, so that nothing new begins. `again`: somebody
    said to drain it again, because its fence was lost.
    """
    if not whole_life or unanswered:
        return None
    if part is Part.LIFE:
        return Part.DRAIN if again else None
    return Part.LIFE if status is NodeStatus.DRAINED else None


def left_in(mode: str) -> NodeStatus:
    """Return how a node ends whose life is given up in a mode: what was drained stays drained.

    In any other mode nobody can say that it is empty.
    """
    return NodeStatus.DRAINED if mode in _FENCED else NodeStatus.ABORTED


def done_when(*, expect_gone: bool, whole_life: bool = False) -> frozenset[NodeStatus]:
    """Return the ends of a node that are a success."""
    gone = frozenset({NodeStatus.GONE} if expect_gone else ())
    return frozenset({NodeStatus.RETURNED if whole_life else NodeStatus.DRAINED}) | gone


def end_of(
    statuses: Iterable[NodeStatus], *, expect_gone: bool = False, stopped: Stop | None = None,
    whole_life: bool = False, aborted: bool = False,
) -> OperationEnd:  # fmt: skip
    """Return how an operation ended whose nodes ended like this.

    `stopped` says why nodes had no turn: after too many failures their end, STOPPED, is not that
    of the operation, which nobody has to answer for. Where nodes were to be returned (`whole_life`)
    one that is drained has not come to its end: `aborted`, or nobody's answer, says why.
    """
    seen = set(statuses)
    done = done_when(expect_gone=expect_gone, whole_life=whole_life)
    if seen <= done:
        return OperationEnd.DRAINED
    if NodeStatus.ABORTED in seen or (whole_life and aborted):
        return OperationEnd.ABORTED
    unanswered = whole_life and stopped is Stop.UNANSWERED
    if unanswered or (NodeStatus.STOPPED in seen and stopped is not Stop.FAILURES):
        return OperationEnd.STOPPED
    if seen <= {NodeStatus.FAILED, NodeStatus.GONE, NodeStatus.STOPPED} - done:
        return OperationEnd.FAILED
    return OperationEnd.PARTLY
