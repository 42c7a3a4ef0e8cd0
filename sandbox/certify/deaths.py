"""Which deaths there are to die, which of them a sample takes, and what came of each; pure."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.certify.boundaries import Boundary

__all__ = ["Death", "Verdict", "deaths_at", "sample"]


@dataclass(frozen=True, order=True)
class Death:
    """Who dies where: the process that gets to the boundary, or its whole worker with it."""

    boundary: Boundary
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.boundary}{', with its whole worker' if self.whole else ''}"


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
    return tuple(sorted(found))


def sample(deaths: Sequence[Death], *, every: int, seed: int) -> tuple[Death, ...]:
    """Return every n-th death, from a beginning and in an order that the seed gives."""
    chance = random.Random(seed)  # noqa: S311  nothing depends on its being unforeseeable
    shuffled = list(deaths)
    chance.shuffle(shuffled)
    return tuple(shuffled[::every])


def _is_slot(death: Death) -> bool:
    return death.boundary.process == "slot"
