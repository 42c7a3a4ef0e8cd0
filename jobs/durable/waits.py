"""What a workflow can wait for, and what it gets when one of these fires.

Plain frozen values, and pure functions that turn them into what the scripts want, and back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Question:
    """A decision for people. `payload` is what they are shown (JSON); it belongs to the caller.

    `votes_needed` gives, for a choice, how many distinct people it takes (1 where it is missing).
    `roles_needed` gives, for a choice, how many votes of each role it takes; each voter fills one.
    `notices` are names with seconds: when each is over and the question is still open, an event
    says so (reminders). `stop_at` (ms) is shown to people; the stop itself is a :class:`Timer`.
    `supersedes` is the id of an earlier question of the same workflow that this one takes the
    place of, and `because` says why: an open one closes with the same script that asks this one,
    and either way it leads here from then on.
    Of the questions that workflows of one operation ask with the same `cause` one is open at a
    time: the later takes the place of the earlier, whoever waits for that waits for this from then
    on, and one answer counts for all. `joins` says to people why, where it joins an open one. Such
    questions must offer the same choices, for the same votes.
    """

    kind: str
    payload: Mapping[str, Any]
    choices: tuple[str, ...]
    votes_needed: Mapping[str, int] = field(default_factory=dict)
    roles_needed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notices: Mapping[str, float] = field(default_factory=dict)
    stop_after: float = 0
    supersedes: str = ""
    because: str = ""
    cause: str = ""
    joins: str = ""


@dataclass(frozen=True)
class Timer:
    """Fires after `seconds`. A `movable` one is moved when people ask to wait longer."""

    seconds: float
    movable: bool = False


@dataclass(frozen=True)
class Children:
    """Fires when `need` of the children have ended."""

    handles: tuple["Handle", ...]
    need: int


@dataclass(frozen=True)
class Signal:
    """Fires when somebody outside signals this name; register what to look for with `watching`.

    Questions that wait beside it are closed then, as `closes_as` where it says so.
    """

    name: str
    closes_as: str = ""


Wait = Question | Timer | Children | Signal


@dataclass(frozen=True)
class Handle:
    """A child workflow."""

    group: str
    id: str

    @property
    def ref(self) -> str:
        """The child as Redis knows it."""
        return f"{self.group}|{self.id}"


@dataclass(frozen=True)
class Ended:
    """How a child ended: `state` is done, failed or aborted."""

    handle: Handle
    state: str
    result: Any


@dataclass(frozen=True)
class Fired:
    """Which wait was the first, and what it brought; `at` in ms since the epoch.

    A question brings `{choice, by, at, note}`, and `of`, the workflows that it was asked of, where
    these are several; children a tuple of :class:`Ended`, a signal its
    value, a timer None. `questions` are the ids of the questions that were asked, by their names.
    """

    name: str
    value: Any
    at: int
    questions: Mapping[str, str] = field(default_factory=dict)


def to_parts(
    waits: Mapping[str, Wait], ask: Callable[[Question], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the parts of a wait as the scripts want them, and the questions to ask.

    `ask` gives a question the id under which it will be known.
    """
    parts: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    for name, wait in sorted(waits.items()):
        part: dict[str, Any] = {"name": name}
        match wait:
            case Question():
                asked = ask(wait)
                questions.append(asked)
                part |= {"kind": "question", "question": asked["id"]}
            case Timer():
                after = int(wait.seconds * 1000)
                part |= {"kind": "timer", "after": after, "movable": wait.movable}
            case Children():
                ids = [handle.ref for handle in wait.handles]
                part |= {"kind": "children", "ids": ids, "need": wait.need}
            case Signal():
                part |= {"kind": "signal", "signal": wait.name}
                if wait.closes_as:
                    part["closes_as"] = wait.closes_as
        parts.append(part)
    return parts, questions


def brought(wait: Wait, stored: str | None) -> Any:
    """Return what a wait that fired brought, from what is stored of it."""
    value = json.loads(stored) if stored else None
    if isinstance(wait, Children):
        return tuple(
            Ended(Handle(*item["ref"].split("|", 1)), item["state"], json.loads(item["result"]))
            for item in value or ()
        )
    return value
