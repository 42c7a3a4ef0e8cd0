"""What a worker does about its node's mode, and which workers would be left. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from jobs.modes import Mode
from jobs.workload import Life


class Standing(StrEnum):
    """What a worker does with work, as its node and the other workers are."""

    TAKES = "takes"
    RESTS = "rests"  # its node leaves or has left: it takes none, and hands over what runs
    ALONE = "alone"  # likewise, but there is nobody to hand over to: it goes on
    HALTED = "halted"  # takes none until a person has looked

    @property
    def shut(self) -> bool:
        """Whether it takes no work."""
        return self in {Standing.RESTS, Standing.HALTED}


@dataclass(frozen=True, slots=True)
class Hosts:
    """The nodes on which a cluster's workers are alive; "" stands for one that is not known.

    `able` are those whose workers take work: their node stays, and they are not halted.
    """

    alive: frozenset[str] = frozenset()
    able: frozenset[str] = frozenset()

    def elsewhere(self, node: str) -> bool:
        """Whether a worker that takes work runs on another node."""
        return bool(self.able - {node})

    def only_on(self, node: str) -> bool:
        """Whether nobody would be left to go on if this node's pods left now."""
        return node in self.alive and not self.elsewhere(node)

    def last_on(self, nodes: Iterable[str]) -> frozenset[str]:
        """Return those of `nodes` that run workers, if none would be left when all have gone."""
        gone = frozenset(nodes)
        return frozenset() if self.able - gone else self.alive & gone


def standing(life: Life, *, elsewhere: bool) -> Standing:
    """Decide what a worker does; `elsewhere`: one that takes work runs on another node.

    A worker alone on a node that is out of service goes on, halted or not: what people decide
    about the node needs a worker, and a halt under a lost fence can't be cleared before that.
    """
    if life.state.accepts_new_work:
        return Standing.TAKES
    if not elsewhere and life.state.mode is not Mode.ACCEPTING:
        return Standing.ALONE
    return Standing.HALTED if life.state.halted else Standing.RESTS
