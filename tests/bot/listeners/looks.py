"""Small things in memory: who looks at their home tab, a lease that is always free."""

from dataclasses import dataclass, field
from typing import Protocol

from jobs.errors import StateUnavailable


class Away(Protocol):
    """What can be away: the client."""

    away: bool


@dataclass
class FakeLooks:
    """As bot.home_store.HomeStore; `noted` is what it was told, in turn."""

    state: Away
    noted: list[tuple[str, ...]] = field(default_factory=list)

    def looked(self, user: str) -> None:
        self._note("looked", user)

    def tell(self, user: str, words: str) -> None:
        self._note("tell", user, words)

    def heard(self, user: str) -> None:
        self._note("heard", user)

    def _note(self, *what: str) -> None:
        if self.state.away:
            raise StateUnavailable("Redis can't be reached.")
        self.noted.append(what)


class NoLease:
    """Nobody asks for one here."""

    token = 1

    def hold(self) -> bool:
        return True

    def release(self) -> None:
        return
