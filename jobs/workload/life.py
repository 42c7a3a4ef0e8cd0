"""One node's life as a workload follows it: its state, and how far its changes were seen. Pure.

Changes are numbered (`seq`, 1 for the first). An observer says what it saw: one change (`Moved`),
how the node stands (`Stands`), or that it is gone. What was missed is told by the numbers: one
change that was not seen is known from where it led; where more are missing nobody can say what the
workload should have done, and it halts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jobs.modes import GONE, Action, Mode, ModeError
from jobs.workload.state import State, UnreadableState, clear_halt, follow, halt

VERSION = 1  # of the stored form; another one is never guessed at

BEGUN = "life_begun"
MISSED = "transitions_missed"
REFUSED = "transition_refused"
NODE_GONE = "node_gone"
NODE_REPLACED = "node_replaced"
FORGOTTEN = "record_forgotten"


@dataclass(frozen=True, slots=True)
class Moved:
    """One change of a node's mode, the `seq`th of the node with this uid."""

    uid: str
    came_from: str
    to: str
    seq: int


@dataclass(frozen=True, slots=True)
class Stands:
    """How the node with this uid stands, after `seq` changes."""

    uid: str
    mode: str
    seq: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The node is gone, or what is written of it is; `why` is a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Nobody has used the node for so long that its record is gone; its count begins anew."""


Seen = Moved | Stands | Gone | Forgotten


@dataclass(frozen=True, slots=True)
class Life:
    """A node's life so far: what an adapter stores beside its checkpoint, as one JSON text.

    `uid` is "" while it is not known. `predecessor` is the uid of an earlier node of that name
    whose record is still there. `source` tells the state that was read (Redis) from another one,
    `cursor` is how far its observer has read.
    """

    node: str
    uid: str
    seq: int
    state: State
    predecessor: str = ""
    source: str = ""
    cursor: str = ""

    @property
    def asks(self) -> Action:
        """What is asked as long as nothing changes."""
        return self.state.asks

    def to_json(self) -> str:
        """Return it as JSON text."""
        return json.dumps(self.to_plain(), sort_keys=True)

    def to_plain(self) -> dict[str, Any]:
        """Return it as values that JSON has, for a place in a document of the adapter's own."""
        return {
            "v": VERSION,
            "node": self.node,
            "uid": self.uid,
            "seq": self.seq,
            "predecessor": self.predecessor,
            "source": self.source,
            "cursor": self.cursor,
            **self.state.to_plain(),
        }

    @classmethod
    def from_json(cls, text: str) -> "Life":
        """Read what :meth:`to_json` returned. Raises :class:`UnreadableState`."""
        try:
            stored = json.loads(text)
        except ValueError as error:
            raise UnreadableState(f"This is no stored life of a node: {error}") from error
        return cls.from_plain(stored)

    @classmethod
    def from_plain(cls, stored: Any) -> "Life":
        """Read what :meth:`to_plain` returned. Raises :class:`UnreadableState`."""
        if not isinstance(stored, Mapping) or stored.get("v") != VERSION:
            raise UnreadableState(f"This is no stored life of a node of version {VERSION}.")
        try:
            node, uid = str(stored["node"]), str(stored["uid"])
            rest = [str(stored[name]) for name in ("predecessor", "source", "cursor")]
            seq = int(stored["seq"])
        except (KeyError, ValueError, TypeError) as error:
            raise UnreadableState(f"This is no stored life of a node: {error!r}") from error
        return cls(node, uid, seq, State.from_plain(stored), *rest)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: carry out the action, and store the life with what the action made.

    `event` is the stable name of what happened, `why` a sentence where that needs one.
    """

    life: Life
    action: Action
    event: str
    why: str = ""


def begin(
    node: str,
    uid: str,
    mode: str,
    seq: int,
    *,
    predecessor: str = "",
    source: str = "",
    cursor: str = "",
) -> Step:
    """Begin to follow a node that stands in a mode: nothing before counts as missed.

    A mode that is not known here halts.
    """
    try:
        state = State.begin(Mode(mode))
    except ValueError:
        why = f"The node's mode {mode!r} is not known here."
        state = halt(State(Mode.FENCE_LOST, accepts_new_work=False), why)
    life = Life(node, uid, seq, state, predecessor, source, cursor)
    return Step(life, life.asks, BEGUN, state.halted_because)


def observe(life: Life, seen: Seen) -> Step | None:
    """Return what to do about something that was seen, None where it says nothing new.

    It never raises: what can't be followed halts. A halted life goes on to be counted, so that a
    person who clears the halt finds it where the node is.
    """
    step = _judged(life, seen)
    return None if step is None or step.life == life else step


def clear(life: Life, *, by: str, why: str) -> Step:
    """Let a person end a halt of this life; see :func:`jobs.workload.state.clear_halt`."""
    done = clear_halt(life.state, by=by, why=why)
    return Step(replace(life, state=done.state), done.action, done.event, f"{by}: {why}")


def _judged(life: Life, seen: Seen) -> Step | None:
    match seen:
        case Gone(why):
            return _halted(life, NODE_GONE, why)
        case Forgotten():
            return _forgotten(life)
        case Moved():
            return _moved(life, seen)
        case Stands():
            return _stands(life, seen)


def _moved(life: Life, seen: Moved) -> Step | None:
    if seen.uid != life.uid or seen.seq <= life.seq:
        return None  # of another node of that name, or known already
    if seen.seq > life.seq + 1:
        return _missed(life, seen.to, seen.seq)
    return _followed(life, seen.came_from, seen.to, seen.seq)


def _stands(life: Life, seen: Stands) -> Step | None:
    if seen.uid != life.uid:
        if seen.uid == life.predecessor:
            return None
        why = f"Another node has the name {life.node} now (uid {seen.uid})."
        return _halted(life, NODE_REPLACED, why)
    if seen.seq == life.seq and seen.mode == life.state.mode:
        return None
    if seen.seq == life.seq + 1 and seen.mode != life.state.mode:
        return _followed(life, life.state.mode, seen.mode, seen.seq)
    return _missed(life, seen.mode, seen.seq)


def _followed(life: Life, came_from: str, to: str, seq: int) -> Step:
    """Follow the next change in order."""
    if to == GONE:
        return _halted(life, NODE_GONE, f"Node {life.node} is gone.", seq=seq)
    try:
        done = follow(life.state, came_from, to)
    except ModeError as error:
        return _halted(life, REFUSED, str(error), mode=to, seq=seq)
    counted = replace(life, seq=seq, state=done.state)
    return Step(counted, done.action, done.event, done.state.halted_because)


def _missed(life: Life, mode: str, seq: int) -> Step:
    why = (
        f"Changes of {life.node} were missed: the last that was seen is number {life.seq} "
        f"({life.state.mode}), and number {seq} says {mode}."
    )
    return _halted(life, MISSED, why, mode=mode, seq=seq)


def _forgotten(life: Life) -> Step:
    if life.state.mode is not Mode.ACCEPTING:
        why = f"Nothing is known of {life.node} any more, which was {life.state.mode}."
        return _halted(life, MISSED, why, mode=Mode.ACCEPTING, seq=0)
    return Step(replace(life, seq=0), life.asks, FORGOTTEN)


def _halted(
    life: Life, event: str, why: str, *, mode: str | None = None, seq: int | None = None
) -> Step:
    known = None
    if mode is not None and mode in Mode.__members__.values():
        known = Mode(mode)
    counted = life.seq if seq is None else seq
    stopped = replace(life, seq=counted, state=halt(life.state, why, mode=known))
    return Step(stopped, Action.HALT, event, why)
