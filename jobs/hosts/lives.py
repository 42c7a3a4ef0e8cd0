"""What the workers on each node know of its mode, kept in the Redis that they follow.

So it is lost with what it was about, and never contradicts it. All workers of a node share it.
"""

from collections.abc import Mapping
from typing import Any, cast

from jobs.durable import Store
from jobs.durable.scripts import Scripts
from jobs.durable.store import dump, nonce
from jobs.workload import HaltStands, Life, Step, UnreadableState, clear

KEPT = 40 * 86_400_000  # ms that it stays when nobody writes it: as long as a node's own record


class Lives:
    """The lives of the nodes of one cluster, as its workers follow them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scripts = Scripts(store.redis, store.clock, package="jobs.hosts")

    def kept(self, node: str) -> str:
        """Return what is kept of a node, as its text; "" for nothing."""
        found = self._store.redis.get(f"{self._store.prefix}host:{node}")
        return cast("str | None", found) or ""

    def keep(self, node: str, was: str, life: Life) -> bool:
        """Keep a life in the place of what :meth:`kept` returned; False: somebody was faster."""
        reply = self._scripts.call(
            "keep", group=self._store.group, call=nonce(), node=node, was=was,
            life=life.to_json(), ttl=KEPT,
        )  # fmt: skip
        return bool(reply["result"] == "kept")

    def clear(
        self, node: str, *, by: str, why: str, audit: Mapping[str, Any] | None = None
    ) -> Step:
        """End the halt of a node's workers for a person (`team:user`), and write that down.

        `audit` is what else is written of it.

        Raises :class:`jobs.workload.HaltStands` where there is none, or the node's mode asks for
        it, and ValueError without a person or a reason.
        """
        while True:
            was = self.kept(node)
            life = readable(was)
            if life is None:
                raise HaltStands(f"No worker of {self._store.group} is known on {node}.")
            step = clear(life, by=by, why=why)
            reply = self._scripts.call(
                "keep", group=self._store.group, call=nonce(), node=node, was=was,
                life=step.life.to_json(), ttl=KEPT, cleared={"by": by, "why": why},
                audit=None if audit is None else dump(audit),
            )  # fmt: skip
            if reply["result"] == "kept":
                return step


def readable(text: str) -> Life | None:
    """Return the life that was kept as this text, None for none that can be read here."""
    try:
        return Life.from_json(text)
    except UnreadableState:
        return None
