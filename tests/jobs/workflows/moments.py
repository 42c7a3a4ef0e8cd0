"""The moments of a workflow: each is right before it stores a step."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.durable import Store
from jobs.durable.records import Token

_STORE_NO_STEP = frozenset({"commit", "suspend", "tally", "hold", "release"})


class Moments:
    """Acts once, when a child of an operation, by its number, is about to store a step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, child: int = 1) -> None:
        self.seen: list[str] = []
        self.hit = False
        self._at = ""
        self._act: Callable[[], object] = list
        real = Store.fenced_call

        def call(store: Store, script: str, token: Token, **arguments: Any) -> dict[str, Any]:
            wait = arguments.get("wait") or {}
            name = arguments.get("step") or wait.get("key") or script
            if token.id.endswith(f"-{child}"):
                self.seen.append(name)
                if name == self._at and not self.hit:
                    self.hit = True
                    self._act()
            return real(store, script, token, **arguments)

        monkeypatch.setattr(Store, "fenced_call", call)

    def at(self, moment: str, act: Callable[[], object]) -> None:
        """Have something done at a moment, the first time that it comes."""
        self._at, self._act = moment, act

    @property
    def stored(self) -> tuple[str, ...]:
        """The moments that there were, in their order."""
        return tuple(dict.fromkeys(name for name in self.seen if name not in _STORE_NO_STEP))
