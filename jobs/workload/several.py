"""Several nodes at once: each has its life, together they say what a workload has left. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.modes import Mode
from jobs.workload.life import Life


@dataclass(frozen=True, slots=True)
class Summary:
    """The nodes of a workload, each in exactly one of these; names in order."""

    accepting: tuple[str, ...]  # takes new work
    leaving: tuple[str, ...]  # is draining: takes none, and will be gone
    away: tuple[str, ...]  # drained, in maintenance or returning
    halted: tuple[str, ...]  # waits for a person

    def missing(self, wanted: int) -> int:
        """Return how many replicas to add so that `wanted` take work.

        A node that drains counts as gone from the moment it begins: its replacement can be there
        before the drain ends.
        """
        return max(0, wanted - len(self.accepting))


def summarize(lives: Iterable[Life]) -> Summary:
    """Sum up the lives of a workload's nodes."""
    found: dict[str, list[str]] = {"accepting": [], "leaving": [], "away": [], "halted": []}
    for life in lives:
        found[_part(life)].append(life.node)
    return Summary(**{part: tuple(sorted(names)) for part, names in found.items()})


def _part(life: Life) -> str:
    state = life.state
    if state.halted:
        return "halted"
    if state.accepts_new_work:
        return "accepting"
    return "leaving" if state.mode is Mode.DRAINING else "away"
