"""Who holds a node, written on the node itself, so that a stale worker can't act on it.

One merge patch sets or clears `unschedulable` together with all marks, and carries the
resourceVersion that the decision was made on: whoever changed the node in between makes it fail.
`drainbot.dev/token` is a counter of the node record. A lower one never overwrites a higher one,
and it **stays on the node when everything else is removed**: else a worker that slept through
abort and return would find a clean node and cordon it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from jobs.drain.facts import Node

PREFIX = "drainbot.dev/"
OPERATION = PREFIX + "operation"
TOKEN = PREFIX + "token"
WAS_CORDONED = PREFIX + "was-cordoned"
SINCE = PREFIX + "since"
REQUESTED_BY = PREFIX + "requested-by"

_OWN = (OPERATION, WAS_CORDONED, SINCE, REQUESTED_BY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker claims of a node: for which operation, under which fencing token.

    `supersedes` names operations that have ended and whose marks this claim may take over,
    including their knowledge of whether the node was cordoned before. `since` in milliseconds.
    """

    node: str
    uid: str
    operation: str
    token: int
    requested_by: str = ""
    since: int = 0
    supersedes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Patch:
    """A guarded change of a node.

    None in `annotations` removes one; None as `unschedulable` leaves it as it is.
    """

    resource_version: str
    annotations: Mapping[str, str | None]
    unschedulable: bool | None = None

    def body(self) -> dict[str, Any]:
        """Return it as a JSON merge patch (RFC 7396); null removes a field."""
        body: dict[str, Any] = {
            "metadata": {
                "resourceVersion": self.resource_version,
                "annotations": dict(self.annotations),
            }
        }
        if self.unschedulable is not None:
            body["spec"] = {"unschedulable": True if self.unschedulable else None}
        return body


@dataclass(frozen=True, slots=True)
class AlreadyOurs:
    """Nothing to do: the node carries this very claim."""

    was_cordoned: bool


@dataclass(frozen=True, slots=True)
class OtherNode:
    """A node of that name has another uid now: the one that was claimed is gone."""

    uid: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """A higher token was here: this claim is over."""

    token: int
    operation: str = ""


@dataclass(frozen=True, slots=True)
class TakenBy:
    """Another operation's marks are on the node."""

    operation: str
    requested_by: str = ""


Denied = OtherNode | Outdated | TakenBy


class Undo(StrEnum):
    """What giving a node back does to its cordon."""

    UNCORDON = "uncordon"  # ours: undone
    KEEP = "keep"  # it was cordoned before us, or that can't be told: stays
    NOT_CORDONED = "not_cordoned"  # somebody had undone it already
    NOTHING = "nothing"  # the node carries no cordon of ours


class Fence(StrEnum):
    """Whether a node still is what its claim says."""

    HELD = "held"
    UNCORDONED = "uncordoned"  # ours by its marks, but open for new pods
    UNMARKED = "unmarked"  # somebody removed our marks
    TAKEN = "taken"  # another operation's marks
    OUTDATED = "outdated"  # a higher token
    REPLACED = "replaced"  # another node of that name
    GONE = "gone"


def cordon_patch(node: Node, claim: Claim) -> Patch | AlreadyOurs | Denied:
    """Decide what to write to cordon a node for a claim.

    Whether it was cordoned before is written once: a repeat believes the mark, because by then
    the cordon that it sees is our own.
    """
    if denied := _denied(node, claim):
        return denied
    owner = node.annotations.get(OPERATION, "")
    if owner == claim.operation and node.unschedulable and _token(node) == claim.token:
        return AlreadyOurs(_was_cordoned(node))
    was = _was_cordoned(node) if owner else node.unschedulable
    ours = owner == claim.operation
    since = node.annotations.get(SINCE, "") if ours else ""
    by = node.annotations.get(REQUESTED_BY, "") if ours else ""
    return Patch(
        node.resource_version,
        {
            OPERATION: claim.operation,
            TOKEN: str(claim.token),
            WAS_CORDONED: "true" if was else "false",
            SINCE: since or _readable(claim.since),
            REQUESTED_BY: by or claim.requested_by,
        },
        unschedulable=True,
    )


def uncordon_patch(node: Node, claim: Claim) -> tuple[Patch | None, Undo] | Denied:
    """Decide what to write to give a node back; undoes only a cordon that is surely ours.

    Raises the token on the node even where nothing is to be undone (see the module).
    """
    if denied := _denied(node, claim):
        return denied
    token: dict[str, str | None] = {TOKEN: str(claim.token)}
    if not node.annotations.get(OPERATION):
        if _token(node) == claim.token:
            return None, Undo.NOTHING
        return Patch(node.resource_version, token), Undo.NOTHING
    marks = token | {key: None for key in _OWN if key in node.annotations}
    if not node.unschedulable:
        return Patch(node.resource_version, marks), Undo.NOT_CORDONED
    if _was_cordoned(node):
        return Patch(node.resource_version, marks), Undo.KEEP
    return Patch(node.resource_version, marks, unschedulable=False), Undo.UNCORDON


def fence(node: Node | None, claim: Claim) -> Fence:
    """Say whether the node (None: it does not exist) is still fenced as claimed."""
    if node is None:
        return Fence.GONE
    match _denied(node, claim):
        case OtherNode():
            return Fence.REPLACED
        case Outdated():
            return Fence.OUTDATED
        case TakenBy():
            return Fence.TAKEN
        case None:
            pass
    if node.annotations.get(OPERATION) != claim.operation:
        return Fence.UNMARKED
    return Fence.HELD if node.unschedulable else Fence.UNCORDONED


def token_of(node: Node) -> int:
    """Return the highest fencing token that the node has seen, 0 if none.

    Node records start above it. A mark that is no number counts as 0 here; a claim meets it as
    :class:`TakenBy`.
    """
    return max(_token(node), 0)


def _token(node: Node) -> int:
    text = node.annotations.get(TOKEN, "")
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() else -1


def _readable(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _was_cordoned(node: Node) -> bool:
    # Anything but a clear "false" keeps the cordon: it can't be proven ours.
    return node.annotations.get(WAS_CORDONED) != "false"


def _denied(node: Node, claim: Claim) -> Denied | None:
    if node.uid != claim.uid:
        return OtherNode(node.uid)
    owner = node.annotations.get(OPERATION, "")
    token = _token(node)
    if token > claim.token:
        return Outdated(token, owner)
    by = node.annotations.get(REQUESTED_BY, "")
    if token < 0:
        return TakenBy(owner or f"somebody who wrote {TOKEN}={node.annotations[TOKEN]}", by)
    if owner and owner != claim.operation and owner not in claim.supersedes:
        return TakenBy(owner, by)
    return None
