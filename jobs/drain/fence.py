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
from jobs.drain.marks import foreign_mark

PREFIX = "drainbot.dev/"
OPERATION = PREFIX + "operation"
TOKEN = PREFIX + "token"
WAS_CORDONED = PREFIX + "was-cordoned"
SINCE = PREFIX + "since"
REQUESTED_BY = PREFIX + "requested-by"
REASON = PREFIX + "reason"
THREAD = PREFIX + "thread"
SET = PREFIX + "set"  # which of HANDS_OFF are ours: a value that was there before is not
OUR_TAINT = PREFIX + "out-of-service"  # the taint of a dead node is ours: see jobs.drain.dead

# What goes when the node is given back. Not TOKEN: see above.
OWN = (OPERATION, WAS_CORDONED, SINCE, REQUESTED_BY, REASON, THREAD, SET, OUR_TAINT)

# What keeps autoscalers from removing a node that people want to work on:
# cluster-autoscaler's FAQ ("How can I prevent Cluster Autoscaler from scaling down a particular
# node?"), Karpenter's documentation ("Disruption", node-level controls).
HANDS_OFF = {
    "cluster-autoscaler.kubernetes.io/scale-down-disabled": "true",
    "karpenter.sh/do-not-disrupt": "true",
}
_LONGEST_REASON = 500  # characters: all annotations of an object together may have 256 KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker claims of a node: for which operation, under which fencing token.

    `supersedes` names operations that have ended and whose marks this claim may take over,
    including their knowledge of whether the node was cordoned before. `since` in milliseconds.
    `thread` is where people talk about it, a URL, "" while that is not known.
    """

    node: str
    uid: str
    operation: str
    token: int
    requested_by: str = ""
    reason: str = ""
    thread: str = ""
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


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another tool is at work on the node; `why` is half a sentence that names it."""

    why: str


Denied = OtherNode | Outdated | TakenBy | Foreign


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
    if not ours and (mark := foreign_mark(node)):
        return Foreign(mark)
    before = node.annotations if ours else {}
    return Patch(
        node.resource_version,
        {
            OPERATION: claim.operation,
            TOKEN: str(claim.token),
            WAS_CORDONED: "true" if was else "false",
            SINCE: before.get(SINCE) or readable(claim.since),
            REQUESTED_BY: before.get(REQUESTED_BY) or claim.requested_by,
            **_told(node, REASON, before.get(REASON) or claim.reason[:_LONGEST_REASON]),
            **_told(node, THREAD, claim.thread or before.get(THREAD, "")),
            **_hands_off(node),
        },
        unschedulable=True,
    )


def thread_patch(node: Node, operation: str, thread: str) -> Patch | None:
    """Decide what to write so that the node tells where its drain is talked about.

    None if it tells so already, or is not that operation's (any more).
    """
    marks = node.annotations
    if not thread or marks.get(OPERATION) != operation or marks.get(THREAD) == thread:
        return None
    return Patch(node.resource_version, {THREAD: thread})


def _told(node: Node, key: str, value: str) -> dict[str, str | None]:
    """Set a mark that may be empty; what another operation left there goes."""
    if value:
        return {key: value}
    return {key: None} if key in node.annotations else {}


def _hands_off(node: Node) -> dict[str, str | None]:
    """Keep autoscalers away, and note which of their annotations are ours to take back."""
    known = _set_by_us(node)
    missing = {key: value for key, value in HANDS_OFF.items() if key not in node.annotations}
    ours = sorted(known | missing.keys())
    return {**missing, **_told(node, SET, ",".join(ours))}


def _set_by_us(node: Node) -> frozenset[str]:
    """Return which of the autoscalers' annotations we set, and nobody has changed since."""
    noted = node.annotations.get(SET, "").split(",")
    return frozenset(
        key
        for key, value in HANDS_OFF.items()
        if key in noted and node.annotations.get(key) == value
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
    gone = [key for key in (*OWN, *sorted(_set_by_us(node))) if key in node.annotations]
    marks = token | dict.fromkeys(gone)
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
        case Foreign() | None:
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


def readable(at: int) -> str:
    """Return a time in ms since the epoch as the API writes it."""
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
