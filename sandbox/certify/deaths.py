"""Which deaths there are to die, which of them a sample takes, and what came of each; pure."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.certify.boundaries import Boundary

__all__ = ["Death", "Verdict", "deaths_at", "first_deaths", "sample"]


@dataclass(frozen=True)
class Death:
    """Who dies where: the process that gets to the boundary, or its whole worker with it.

    `first` is a death before that: then this one is died by whoever recovers from it.
    """

    boundary: Boundary
    whole: bool = False
    first: "Death | None" = None

    def __str__(self) -> str:
        whole = ", with its whole worker" if self.whole else ""
        return f"{self.boundary}{whole}{f'; first {self.first}' if self.first else ''}"

    @property
    def in_order(self) -> tuple["Death", ...]:
        """The deaths of it, as they are died."""
        return (*(self.first.in_order if self.first else ()), self)


@dataclass(frozen=True)
class Verdict:
    """What came of a death: `wrong` is empty if it was survived.

    `reached` is False where the story never came to the boundary, in as many tries as there were.
    """

    death: Death
    reached: bool
    wrong: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def survived(self) -> bool:
        """Whether somebody died there, and all held."""
        return self.reached and not self.wrong


def deaths_at(boundaries: Iterable[Boundary]) -> tuple[Death, ...]:
    """Return all deaths: at a slot's boundaries the slot dies, and then its whole worker."""
    found = [Death(boundary) for boundary in boundaries]
    found += [Death(death.boundary, whole=True) for death in found if _is_slot(death)]
    return tuple(sorted(found, key=str))


def first_deaths(boundaries: Iterable[Boundary]) -> tuple[Death, ...]:
    """Return the deaths whose recovery is looked into: one of each process, in the middle of it."""
    found: list[Death] = []
    ordered = sorted(boundaries)
    for process, shape, whole in _FIRST:
        at = [b for b in ordered if b.process == process and shape in b.shape]
        found += [Death(boundary, whole) for boundary in at if boundary.phase == "after"][:1]
    return tuple(found)


def sample(deaths: Sequence[Death], *, every: int, seed: int) -> tuple[Death, ...]:
    """Return every n-th death, from a beginning and in an order that the seed gives."""
    chance = random.Random(seed)  # noqa: S311  nothing depends on its being unforeseeable
    shuffled = list(deaths)
    chance.shuffle(shuffled)
    return tuple(shuffled[::every])


# Process, what it had just asked for, and whether its whole worker dies with it.
_FIRST = (
    ("slot", "pods/web-0/eviction", False),
    ("slot", "pods/web-0/eviction", True),
    ("slot", "PATCH /api/v1/nodes/node-1", False),
    ("keeper", "script sweep", False),
    ("watcher", "WATCH /api/v1/nodes", False),
    ("bot", "chat.postMessage q:", False),
    ("bot", "script start", False),
)


def _is_slot(death: Death) -> bool:
    return death.boundary.process == "slot"
