"""The grammar of `/drain`: which of its forms somebody typed.

The form that drains is read by :mod:`jobs.options`, as on the command line; the others are a verb
and what it is about. What is not understood is an error, never passed over.
"""

import re
from collections.abc import Callable
from typing import Literal

from bot.messages.help import FORMS, form_named
from jobs import ids
from jobs.ids import close_matches, did_you_mean, is_node_name, parse_operation, quoted
from jobs.models import Frozen
from jobs.options import (
    LONGEST,
    SHORTEST,
    DrainCommand,
    UsageError,
    parse_drain,
    split_node,
)
from jobs.policy import parse_duration

__all__ = [
    "VERBS",
    "Ask",
    "Command",
    "Drain",
    "Help",
    "History",
    "Hold",
    "List",
    "Maintenance",
    "Return",
    "Status",
    "Steer",
    "Tend",
    "Uncordon",
    "Who",
    "parse",
    "parse_node",
    "suggestion",
]

Steering = Literal["abort", "pause", "resume"]
Holding = Literal["freeze", "thaw"]

VERBS = tuple(form.verb for form in FORMS if form.verb)
"""First words that are no node's name. A node that is called so is written CLUSTER/NODE."""

_HELP = frozenset({"help", "?", "--help", "-h"})
_ASKS_HELP = frozenset({"--help", "-h", "—help", "–help", "?"})  # noqa: RUF001  typed by phones
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


class Maintenance(Frozen):
    """Say that work on a drained node begins; `expected` is its length in seconds, 0: not said."""

    cluster: str
    node: str
    expected: int = 0
    reason: str = ""


class Return(Frozen):
    """Return a node to service, when it is what it was before its drain."""

    cluster: str
    node: str


class Hold(Frozen):
    """Freeze a cluster, so that nothing is evicted in it any more, or thaw it again."""

    verb: Holding
    cluster: str
    reason: str = ""


class Who(Frozen):
    """Say who may do what: to one node, or where `node` is empty by each rule of the cluster."""

    cluster: str
    node: str = ""


class History(Frozen):
    """Say what was done to a node, or in an operation: which of the two it is, is looked up."""

    about: str


class Help(Frozen):
    """Say what there is; with `form` all about one form (a verb, or `drain`)."""

    form: str = ""


class Ask(Frozen):
    """Open the form in which a drain is asked for."""


Tend = Uncordon | Maintenance | Return
Command = Drain | Status | List | Steer | Tend | Hold | Who | History | Help | Ask


def parse(text: str, *, cluster: str, clusters: tuple[str, ...] = ()) -> Command:
    """Read what followed `/drain`; `cluster` is meant where none is named ("": there is none).

    `clusters` are those that there are: `freeze` takes a first word that is none for its reason.

    Raises :class:`jobs.options.UsageError`, and nothing else, for any text.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"That is too long: {len(text)} characters, at most {_LONGEST} are read.")
    words = text.split(maxsplit=1)
    if not words:
        return Ask()
    verb, rest = words[0].lower(), words[1].strip() if words[1:] else ""
    if verb in _HELP:
        return _help(rest)
    if verb in VERBS and rest in _ASKS_HELP:
        return Help(form=verb)
    if verb in _HOLDS:
        return _hold(_HOLDS[verb], rest, cluster, clusters)
    read = _READERS.get(verb)
    return read(rest, cluster) if read else _drain(text, verb, rest, cluster)


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


def _drain(text: str, verb: str, rest: str, cluster: str) -> Drain:
    """Read the form without a verb, whose first word may be a verb that was mistyped."""
    try:
        return Drain(command=parse_drain(text))
    except UsageError as error:
        close = close_matches(verb, VERBS, limit=1)
        if not close:
            raise
        if _is_operation(rest, cluster):  # `abrot 7F3K9Q`: nobody drains an operation
            raise UsageError(
                f"There is no form {quoted(verb)}. Did you mean {close[0]}?"
            ) from error
        raise UsageError(f"{error} Or did you mean {close[0]}?", word=error.word) from error


def _help(rest: str) -> Help:
    names = rest.lower().split()
    if not names:
        return Help()
    form = form_named(names[0].strip("`'\".,"))
    if form:
        return Help(form=form.name)
    hint = did_you_mean(names[0], [form.name for form in FORMS])
    raise UsageError(f"There is no form {quoted(names[0])}. {hint or 'help lists them all.'}")


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


def _maintenance(rest: str, cluster: str) -> Maintenance:
    first, _, more = rest.partition(" ")
    named, node = parse_node(first)
    match = re.match(r"(?:--|—|–)for[= ]\s*(\S+)\s*(.*)\Z", more.strip(), re.DOTALL)  # noqa: RUF001  typed by phones
    expected = expected_length(match[1]) if match else 0
    reason = _reason(match[2] if match else more.strip())
    return Maintenance(cluster=named or cluster, node=node, expected=expected, reason=reason)


def expected_length(text: str) -> int:
    """Read how long a maintenance should take (`2h`, `1h30m`), in seconds.

    Raises :class:`jobs.options.UsageError`.
    """
    try:
        seconds = int(parse_duration(text))
    except ValueError:
        seconds = 0
    if not SHORTEST <= seconds <= LONGEST:
        raise UsageError(f"{quoted(text)} is no length for a maintenance: 1m to 90d, such as 2h.")
    return seconds


def _return(rest: str, cluster: str) -> Return:
    named, node = parse_node(rest)
    return Return(cluster=named or cluster, node=node)


def _hold(verb: Holding, rest: str, cluster: str, clusters: tuple[str, ...]) -> Hold:
    first, _, more = rest.partition(" ")
    named = first if first in clusters else ""
    close = "" if named else next(iter(close_matches(first, clusters, limit=1)), "")
    if close:  # another cluster than was meant would be frozen
        raise UsageError(
            f"There is no cluster {quoted(first)}. Did you mean {close}? If it begins the reason, "
            f"write: {verb} reason {first} …"
        )
    reason = _reason(more.strip() if named else rest)
    if verb == "freeze" and not reason:
        raise UsageError("Say why, for everybody to read: freeze [CLUSTER] reason …")
    if not (named or cluster):
        raise UsageError(f"Say which cluster: {verb} CLUSTER reason …")
    return Hold(verb=verb, cluster=named or cluster, reason=reason)


def _who(rest: str, cluster: str) -> Who:
    if not rest:
        return Who(cluster=cluster)
    named, node = parse_node(rest)
    return Who(cluster=named or cluster, node=node)


def _history(rest: str, _cluster: str) -> History:
    about = re.sub(r"^op(?:eration)?\s+", "", rest, flags=re.IGNORECASE)
    if not about:
        raise UsageError("Of what? For example: history node-1, or history 7F3K9Q.")
    if len(about.split()) > 1:
        raise UsageError("One node or one operation at a time: history NODE, or history ID.")
    return History(about=about)


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


def _is_operation(text: str, cluster: str) -> bool:
    try:
        _operation("", text, cluster or "any")
    except UsageError:
        return False
    return True


def _reason(text: str) -> str:
    """Return a reason with or without the word that begins it."""
    reason = re.sub(r"^(?:(?:--|—|–)?reason\b[=:]?)\s*", "", text).strip()  # noqa: RUF001  typed by phones
    if len(reason) > _REASON_LONGEST:
        raise UsageError(f"The reason is too long: at most {_REASON_LONGEST} characters.")
    return reason.strip('"“”')


_HOLDS: dict[str, Holding] = {"freeze": "freeze", "thaw": "thaw"}
_READERS: dict[str, Callable[[str, str], Command]] = {
    "plan": _plan,
    "status": _status,
    "list": _list,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "uncordon": _uncordon,
    "maintenance": _maintenance,
    "return": _return,
    "who": _who,
    "history": _history,
}
