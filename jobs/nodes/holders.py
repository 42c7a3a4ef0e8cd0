"""Which operations have evicted pods under a budget a moment ago: they may be what blocks us."""

from collections.abc import Iterable
from typing import cast

from jobs.durable import Store, Token
from jobs.durable.errors import Fenced
from jobs.durable.scripts import Scripts

KEPT = 15 * 60 * 1000  # ms that it is remembered who evicted under a budget


class Holders:
    """Who evicted under which budget of one cluster."""

    def __init__(self, store: Store, scripts: Scripts) -> None:
        self._store = store
        self._scripts = scripts

    def note(self, token: Token, operation: str, budgets: Iterable[tuple[str, str]]) -> None:
        """Note that pods were evicted just now under budgets, given as (namespace, name).

        Raises :class:`Fenced` for an activation that is over.
        """
        names = [f"{namespace}/{name}" for namespace, name in budgets]
        reply = self._scripts.call(
            "under", **token.arguments(), operation=operation, budgets=names, keep=KEPT
        )
        if reply["result"] == "fenced":
            raise Fenced

    def holders(self, namespace: str, budget: str) -> tuple[tuple[str, int], ...]:
        """Return (operation, when it last evicted a pod under that budget, ms), the latest first.

        Nothing is said of what is longer ago than a quarter of an hour.
        """
        key = f"{self._store.prefix}under:{namespace}/{budget}"
        found = cast("dict[str, str]", self._store.redis.hgetall(key))
        since = self._store.now() - KEPT
        noted = [(operation, int(at)) for operation, at in found.items() if int(at) > since]
        return tuple(sorted(noted, key=lambda each: -each[1]))
