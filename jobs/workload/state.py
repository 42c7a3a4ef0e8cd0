"""What a workload keeps of its node's mode, and what it is asked when that changes. Pure.

The state is one frozen value. Whoever carries out an action stores the state that came with it in
the same transaction as what the action made (its checkpoint): after a crash in between, the old
state is there, the change is seen again, and the action is carried out again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jobs.errors import DrainbotError
from jobs.modes import ASKS, Action, Mode, judge

UNKNOWN_EVENT = "unknown_event"
HALT_CLEARED = "halt_cleared"


class HaltStands(DrainbotError):  # noqa: N818  (it says what is, not what broke)
    """A halt can't be cleared: there is none, or the node's mode asks for one itself."""


class UnreadableState(DrainbotError):  # noqa: N818
    """What was stored is not a state of a version that is known here."""


@dataclass(frozen=True, slots=True)
class State:
    """What a workload knows of itself under its node's mode.

    `has_persisted_checkpoint`: its final checkpoint is stored, and nothing was done since.
    `halted` stays until a person clears it; `halted_because` is the first reason, a sentence.
    """

    mode: Mode
    accepts_new_work: bool
    has_persisted_checkpoint: bool = False
    halted: bool = False
    halted_because: str = ""

    @classmethod
    def begin(cls, mode: Mode) -> "State":
        """Return the state of a workload that begins on a node in this mode, without a past."""
        return _after(cls(mode, accepts_new_work=False), mode, ASKS[mode], f"The node is {mode}.")

    @property
    def asks(self) -> Action:
        """What is asked as long as nothing changes."""
        return Action.HALT if self.halted else ASKS[self.mode]

    def to_plain(self) -> dict[str, Any]:
        """Return it as values that JSON has."""
        return {
            "mode": self.mode.value,
            "accepts_new_work": self.accepts_new_work,
            "has_persisted_checkpoint": self.has_persisted_checkpoint,
            "halted": self.halted,
            "halted_because": self.halted_because,
        }

    @classmethod
    def from_plain(cls, stored: Mapping[str, Any]) -> "State":
        """Read what :meth:`to_plain` returned. Raises :class:`UnreadableState`."""
        try:
            state = cls(
                Mode(stored["mode"]),
                stored["accepts_new_work"],
                stored["has_persisted_checkpoint"],
                stored["halted"],
                stored["halted_because"],
            )
        except (KeyError, ValueError, TypeError) as error:
            raise UnreadableState(f"This is no stored state of a workload: {error!r}") from error
        flags = (state.accepts_new_work, state.has_persisted_checkpoint, state.halted)
        if not all(isinstance(flag, bool) for flag in flags) or (flags[0] and state.halted):
            raise UnreadableState("This is no stored state of a workload: its flags contradict.")
        return state


@dataclass(frozen=True, slots=True)
class Followed:
    """What a change of mode came to: the state to store, what is asked, and the event's name."""

    state: State
    action: Action
    event: str


def follow(state: State, came_from: str, to: str) -> Followed:
    """Follow one change of the node's mode.

    A mode that is not known here halts. Known ones that may not follow each other raise
    :class:`jobs.modes.ModeError` and change nothing; whoever may have missed changes makes that a
    halt (:func:`jobs.workload.observe`). A halted workload is asked to halt, whatever comes.
    """
    try:
        begins, ends = Mode(came_from), Mode(to)
    except ValueError:
        because = f"{came_from!r} to {to!r} is no change of mode that is known here."
        return Followed(halt(state, because), Action.HALT, UNKNOWN_EVENT)
    row = judge(state.mode, begins, ends)
    if begins is ends:  # a repeat changes nothing
        return Followed(state, state.asks, row.event)
    if state.halted:
        return Followed(replace(state, mode=ends), Action.HALT, row.event)
    because = f"The node went from {begins} to {ends}."
    return Followed(_after(state, ends, row.action, because), row.action, row.event)


def halt(state: State, because: str, *, mode: Mode | None = None) -> State:
    """Return the state halted, in another mode if one is given. The first reason is kept."""
    return replace(
        state,
        mode=mode or state.mode,
        accepts_new_work=False,
        halted=True,
        halted_because=state.halted_because if state.halted else because,
    )


def clear_halt(state: State, *, by: str, why: str) -> Followed:
    """Let a person end a halt. The mode asks again what it asks; what was missed stays missed.

    On an accepting node a workload that has its final checkpoint resumes from that.
    Raises :class:`HaltStands` where there is no halt, or the node is fence_lost (that asks for a
    halt itself), and ValueError without a person or a reason.
    """
    if not by.strip() or not why.strip():
        raise ValueError("A halt is cleared by somebody, for a reason: say who and why.")
    if not state.halted:
        raise HaltStands("There is no halt to clear.")
    if state.mode is Mode.FENCE_LOST:
        raise HaltStands(
            "The node is fence_lost, which asks for a halt. First drain it again, declare it valid "
            "or give it back."
        )
    asked = ASKS[state.mode]
    if state.mode is Mode.ACCEPTING and state.has_persisted_checkpoint:
        asked = Action.RESUME_FROM_CHECKPOINT
    freed = replace(state, halted=False, halted_because="")
    return Followed(_after(freed, state.mode, asked, ""), asked, HALT_CLEARED)


def _after(state: State, mode: Mode, action: Action, because: str) -> State:
    """Return the state that is to be stored with what an action made."""
    match action:
        case Action.HALT:
            return halt(state, because, mode=mode)
        case Action.ACCEPT:
            return replace(state, mode=mode, accepts_new_work=True)
        case Action.RESUME_FROM_CHECKPOINT:
            return replace(state, mode=mode, accepts_new_work=True, has_persisted_checkpoint=False)
        case Action.PERSIST_FINAL_CHECKPOINT:
            return replace(state, mode=mode, accepts_new_work=False, has_persisted_checkpoint=True)
        case Action.CHECKPOINT_AND_DRAIN | Action.QUIESCE:
            return replace(state, mode=mode, accepts_new_work=False)
