"""The grammar of `/drain`: which of its forms somebody typed.

The form that drains is read by :mod:`jobs.options`, as on the command line; the others are a verb
and what it is about. What is not understood is an error, never passed over.
"""

import re
from collections.abc import Callable
from typing import Literal

from jobs import ids
from jobs.ids import did_you_mean, is_node_name, parse_operation, quoted
from jobs.models import Frozen
from jobs.options import DrainCommand, UsageError, parse_drain, split_node, usage

__all__ = [
    "VERBS",
    "Command",
    "Drain",
    "Help",
    "List",
    "Status",
    "Steer",
    "Uncordon",
    "help_text",
    "parse",
    "parse_node",
    "suggestion",
]

Steering = Literal["abort", "pause", "resume"]

VERBS = ("plan", "status", "list", "abort", "pause", "resume", "uncordon", "help")
"""First words that are no node's name. A node that is called so is written CLUSTER/NODE."""

_HELP = frozenset({"help", "?", "--help", "-h"})
_LONGEST = 8000  # characters; Slack sends at most 4,000
_REASON_LONGEST = 500


class Drain(Frozen):
    """Drain some nodes, or only plan it."""

    command: DrainCommand


class Status(Frozen):
    """Look at one operation by its full id, or at all that run where it is empty."""

    operation: str = ""


class List(Frozen):
    """Look at the operations, the newest first."""


class Steer(Frozen):
    """Abort, pause or resume an operation."""

    verb: Steering
    operation: str
    reason: str = ""


class Uncordon(Frozen):
    """Give back a node that an ended operation left cordoned."""

    cluster: str
    node: str


class Help(Frozen):
    """Say what there is."""


Command = Drain | Status | List | Steer | Uncordon | Help


def parse(text: str, *, cluster: str) -> Command:
    """Read what followed `/drain`; `cluster` is meant where none is named ("": there is none).

    Raises :class:`jobs.options.UsageError`, and nothing else, for any text.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"That is too long: {len(text)} characters, at most {_LONGEST} are read.")
    words = text.split(maxsplit=1)
    verb, rest = words[0].lower() if words else "help", words[1].strip() if words[1:] else ""
    if verb in _HELP:
        return Help()
    read = _READERS.get(verb)
    return read(rest, cluster) if read else Drain(command=parse_drain(text))


def parse_node(text: str) -> tuple[str, str]:
    """Read one `NODE` or `CLUSTER/NODE`: its cluster ("" if none is named) and its name.

    Raises :class:`jobs.options.UsageError`.
    """
    words = text.split()
    if not words:
        raise UsageError("Which node? For example: uncordon node-1.")
    if len(words) > 1:
        raise UsageError(f"One node at a time; {quoted(' '.join(words[1:]))} is too much.")
    cluster, node = split_node(words[0])
    if not is_node_name(node) or (cluster and not ids.is_cluster_name(cluster)):
        raise UsageError(f"{quoted(words[0])} is not the name of a node.")
    return cluster, node


def suggestion(word: str, nodes: tuple[str, ...]) -> str:
    """Return "Did you mean …?" for a word that is neither a node nor a verb, or ""."""
    return did_you_mean(word, (*nodes, *VERBS))


def help_text(command: str = "/drain") -> str:
    """Return all forms with what they do, as plain text in columns."""
    forms = (
        ("plan NODE…", "what a drain would do, with its flags; nothing is changed"),
        ("status [ID]", "what an operation does now; without ID: all that run"),
        ("list", "the last operations"),
        ("abort ID [reason …]", "no further eviction; nodes without one are given back"),
        ("pause ID", "no new node, no new eviction; questions stay open"),
        ("resume ID", "go on"),
        ("uncordon NODE", "give back a node that an ended operation left cordoned"),
        ("help", "this"),
    )
    width = max(len(form) for form, _ in forms)
    rows = (f"{command} {form:<{width}}  {words}" for form, words in forms)
    return "\n".join((usage(command), "", *rows))


def _plan(rest: str, _cluster: str) -> Drain:
    if not rest:
        raise UsageError("Which nodes? For example: plan node-1 node-2.")
    return Drain(command=parse_drain(rest).model_copy(update={"plan_only": True}))


def _status(rest: str, cluster: str) -> Status:
    return Status(operation=_only_operation("status", rest, cluster) if rest else "")


def _list(rest: str, _cluster: str) -> List:
    if rest:
        raise UsageError(f"`list` takes nothing after it; {quoted(rest)} is too much.")
    return List()


def _abort(rest: str, cluster: str) -> Steer:
    operation, words = _operation("abort", rest, cluster)
    return Steer(verb="abort", operation=operation, reason=_reason(words))


def _pause(rest: str, cluster: str) -> Steer:
    return Steer(verb="pause", operation=_only_operation("pause", rest, cluster))


def _resume(rest: str, cluster: str) -> Steer:
    return Steer(verb="resume", operation=_only_operation("resume", rest, cluster))


def _uncordon(rest: str, cluster: str) -> Uncordon:
    named, node = parse_node(rest)
    return Uncordon(cluster=named or cluster, node=node)


def _only_operation(verb: str, text: str, cluster: str) -> str:
    operation, rest = _operation(verb, text, cluster)
    if rest:
        raise UsageError(f"`{verb}` takes one operation; {quoted(rest)} is too much.")
    return operation


def _operation(verb: str, text: str, cluster: str) -> tuple[str, str]:
    """Split off the operation, which may be written `op 7F3K9Q`."""
    match = re.match(r"((?:op(?:eration)?\s+)?#?\S+)\s*(.*)\Z", text, re.IGNORECASE | re.DOTALL)
    if match is None:
        raise UsageError(f"Which operation? For example: {verb} 7F3K9Q; `list` shows them.")
    try:
        return parse_operation(match[1], cluster), match[2].strip()
    except ids.IdError as error:
        raise UsageError(str(error)) from error


def _reason(text: str) -> str:
    """Return a reason with or without the word that begins it."""
    reason = re.sub(r"^(?:(?:--|—|–)?reason\b[=:]?)\s*", "", text).strip()  # noqa: RUF001  typed by phones
    if len(reason) > _REASON_LONGEST:
        raise UsageError(f"The reason is too long: at most {_REASON_LONGEST} characters.")
    return reason.strip('"“”')


_READERS: dict[str, Callable[[str, str], Command]] = {
    "plan": _plan,
    "status": _status,
    "list": _list,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "uncordon": _uncordon,
}
