"""The node records in Redis. Every change is one script that holds the workflow's fence too."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from jobs.durable import Store, Token
from jobs.durable.errors import Fenced
from jobs.durable.scripts import Scripts
from jobs.durable.store import nonce
from jobs.modes import names_of, route
from jobs.nodes.holders import Holders


@dataclass(frozen=True)
class NodeRecord:
    """A node's record; `since` in ms since the epoch. `owner` is an operation or empty.

    `mode_seq` counts the changes of its mode, for those who follow them. `before` is the operation
    that had it before the one that tends it now, `tended` that one, and `tender` the workflow of
    it that does; all are empty for none.
    `noted` is what was kept beside its mode until it is given back.
    """

    name: str
    uid: str
    mode: str
    owner: str
    counter: int
    since: int
    by: str
    why: str
    evicted: bool
    mode_seq: int = 0
    before: str = ""
    tended: str = ""
    tender: str = ""
    noted: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reservation:
    """A node that is to be reserved; `shown` is the counter on its annotation (0: none)."""

    name: str
    uid: str
    shown: int


@dataclass(frozen=True)
class Reserved:
    """All nodes are ours."""


@dataclass(frozen=True)
class Taken:
    """None is ours: these are owned by other operations, as (node, operation)."""

    takers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TooMany:
    """None is ours: so many are away already that the guardrails refuse more."""

    away: int


@dataclass(frozen=True)
class Changed:
    """None is ours: other nodes are owned than those by which the caller decided."""


@dataclass(frozen=True)
class Claimed:
    """The counter under which this activation may write, and the mode of the node."""

    counter: int
    mode: str


@dataclass(frozen=True)
class Lost:
    """The node is not ours (any more); `owner` is whoever has it, or empty."""

    owner: str


@dataclass(frozen=True)
class Adopted:
    """The node is the caller's to tend; it is in this mode."""

    mode: str


@dataclass(frozen=True)
class WrongMode:
    """The node can't be taken in the mode that it is in."""

    mode: str


class NodeStore:
    """The node records of one cluster. Raises :class:`Fenced` for an activation that is over.

    `budgets` knows who evicted under which budget.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scripts = Scripts(store.redis, store.clock, package="jobs.nodes")
        self.budgets = Holders(store, self._scripts)

    def reserve(
        self, token: Token, operation: str, nodes: Sequence[Reservation], *, max_away: int,
        by: str, why: str, owned: Sequence[str] | None = None,
    ) -> Reserved | Taken | TooMany | Changed:  # fmt: skip
        """Reserve all nodes for an operation, or none.

        With `owned`, the owned nodes by which the caller decided, only if it is still those.
        """
        seen = {} if owned is None else {"owned": list(owned)}
        reply = self._call(
            "reserve", token, operation=operation, nodes=[asdict(node) for node in nodes],
            max_away=max_away, by=by, why=why, **seen,
        )  # fmt: skip
        if reply["result"] == "changed":
            return Changed()
        if reply["result"] == "taken":
            return Taken(tuple((t["node"], t["owner"]) for t in reply["takers"]))
        if reply["result"] == "too_many":
            return TooMany(int(reply["away"]))
        return Reserved()

    def claim(
        self, token: Token, operation: str, node: str, uid: str, *, shown: int = 0
    ) -> Claimed | Lost:
        """Get the counter for writes to a node that the operation owns."""
        reply = self._call("claim", token, operation=operation, node=node, uid=uid, shown=shown)
        if reply["result"] == "lost":
            return Lost(str(reply["owner"]))
        return Claimed(int(reply["counter"]), str(reply["mode"]))

    def change(
        self, token: Token, operation: str, node: str, *, came_from: Sequence[str], to: str,
        release: bool = False, by: str = "", why: str = "",
        noted: Mapping[str, str | int] | None = None,
    ) -> bool:  # fmt: skip
        """Change a node's mode, if it is in one of `came_from` (or in `to` already).

        `release` lets go of the node with it; `noted` is kept beside the mode until then.
        False: the node is not ours, or in another mode.
        Raises :class:`jobs.modes.NotInTable` where the table of modes leads nowhere near `to`.
        """
        reply = self._call(
            "mode", token, operation=operation, node=node, to=to, release=release, by=by, why=why,
            routes={mode: route(mode, to) for mode in came_from},
            names=names_of(came_from, to), noted=dict(noted or {}),
        )  # fmt: skip
        return bool(reply["result"] == "ok")

    def adopt(
        self, token: Token, operation: str, node: str, uid: str, *, modes: Sequence[str], by: str,
        why: str,
    ) -> Adopted | Taken | Lost | WrongMode:  # fmt: skip
        """Take a node in one of `modes` from the operation that drained it, to tend it.

        That one may still be at work on other nodes. :class:`Lost`: nobody has it, or another node.
        """
        reply = self._call(
            "adopt", token, operation=operation, node=node, uid=uid, modes=list(modes), by=by,
            why=why,
        )  # fmt: skip
        match reply["result"]:
            case "adopted":
                return Adopted(str(reply["mode"]))
            case "taken":
                return Taken(((node, str(reply["owner"])),))
            case "refused":
                return WrongMode(str(reply["mode"]))
        return Lost("")

    def mark(
        self, token: Token, operation: str, node: str, evicted: Literal["maybe", "yes", "no"]
    ) -> None:
        """Note whether something was evicted: a cordon is undone alone only if nothing was.

        "maybe" goes before the first try, so that a death in between is on the safe side.
        """
        self._call("mark", token, operation=operation, node=node, evicted=evicted)

    def tidy(self, node: str, uid: str, *, gone: bool) -> bool:
        """Let go of a node whose operation has ended: it is gone, or was never touched.

        It carries no fence: it changes nothing that anybody is at work on. False: it is kept.
        """
        reply = self._scripts.call("tidy", group=self._store.group, node=node, uid=uid, gone=gone)
        return bool(reply["result"] == "let_go")

    def record(self, node: str) -> NodeRecord | None:
        """Return a node's record, or None."""
        raw = cast("dict[str, str]", self._store.redis.hgetall(f"{self._store.prefix}node:{node}"))
        if not raw:
            return None
        return NodeRecord(
            name=node,
            uid=raw["uid"],
            mode=raw["mode"],
            owner=raw["owner"],
            counter=int(raw["counter"]),
            since=int(raw["since"]),
            by=raw["by"],
            why=raw["why"],
            evicted="evicted" in raw,
            mode_seq=int(raw.get("mode_seq", 0)),
            before=raw.get("before", ""),
            tended=raw.get("tended", ""),
            tender=raw.get("tender") or raw.get("tended", ""),
            noted=json.loads(raw.get("noted") or "{}"),
        )

    def owned(self) -> tuple[str, ...]:
        """Return the names of all nodes that some operation owns."""
        names = cast("set[str]", self._store.redis.smembers(f"{self._store.prefix}owned"))
        return tuple(sorted(names))

    def _call(self, script: str, token: Token, **arguments: Any) -> dict[str, Any]:
        reply = self._scripts.call(script, **token.arguments(), call=nonce(), **arguments)
        if reply["result"] == "fenced":
            raise Fenced
        return reply
