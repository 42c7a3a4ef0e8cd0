"""The flags of a drain: their names, values and help, in one table.

They are kubectl's, spelled and meant as in `kubectl drain --help`, and drainbot's own beside them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs import selectors
from jobs.errors import DrainbotError
from jobs.ids import quoted
from jobs.models import DrainOptions
from jobs.policy.durations import parse_duration, render_duration

__all__ = [
    "BY_NAME",
    "COMMAND_FLAGS",
    "FLAGS",
    "LONGEST",
    "SHORTEST",
    "Flag",
    "UsageError",
    "checked",
    "options_from",
    "render_options",
    "rights_needed",
    "usage",
]

_WHOLE = re.compile(r"(?:-1|[0-9]{1,9})\Z")
# strconv.ParseBool, as kubectl's flags read it.
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class UsageError(DrainbotError, ValueError):
    """What somebody typed can't be understood; the text says what, and what would be.

    `word` is the word at fault where it may be a name that was mistyped: who knows the names may
    say which one was meant.
    """

    def __init__(self, message: str, *, word: str = "") -> None:
        super().__init__(message)
        self.word = word


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `metavar` is empty for one that takes no value.

    `field` is that of :class:`jobs.models.DrainOptions`, or of :class:`DrainCommand` for those in
    COMMAND_FLAGS. `needs_right`: it needs the force right unless the policy's `options` grant it.
    """

    name: str
    metavar: str
    help: str
    field: str
    needs_right: bool = False


_RIGHT = "needs the force right"
SHORTEST, LONGEST = 60, 90 * 86_400  # seconds that a maintenance may be expected to take
_OF_THE_SAME_NAME: tuple[Flag, ...] = tuple(
    Flag(name, metavar, help_text, name.replace("-", "_"), needs_right=bool(right))
    for name, metavar, help_text, right in (
        ("force", "", "evict pods without an owner too: nothing starts them again", _RIGHT),
        ("delete-emptydir-data", "", "evict pods with emptyDir too: that data is lost", _RIGHT),
        ("ignore-daemonsets", "", "leave DaemonSets' pods (the default; =false: ask)", ""),
        ("grace-period", "SECONDS", "for each pod to stop; -1, the default: its own", _RIGHT),
        ("timeout", "DURATION", "for a node, such as 5m; 0, the default: the policy's", ""),
        ("pod-selector", "SELECTOR", "drain only pods with these labels", ""),
        (
            "skip-wait-for-delete-timeout",
            "SECONDS",
            "don't wait for pods terminating for longer; 0, the default: wait for all",
            "",
        ),
        ("disable-eviction", "", "delete pods instead of evicting: past every budget", _RIGHT),
        ("no-wait-volumes", "", "don't wait until the node's volumes are detached", ""),
        ("expect-gone", "", "a node that disappears counts as drained", ""),
        (
            "max-failures",
            "COUNT",
            "begin no other node after more have failed; -1: never mind",
            "",
        ),
        ("canary", "COUNT", "drain so many nodes first, and the rest after --soak", ""),
        ("soak", "DURATION", "to wait after the canaries, such as 10m", ""),
        ("then", "wait", "keep each node out until its maintenance is done, then return it", ""),
    )
)
FLAGS: tuple[Flag, ...] = (
    *_OF_THE_SAME_NAME,
    Flag("for", "DURATION", "that a maintenance should take, with --then=wait", "expected"),
)
COMMAND_FLAGS: tuple[Flag, ...] = (
    Flag("selector", "SELECTOR", "drain the nodes with these labels (also -l)", "selector"),
    Flag("plan", "", "show what would happen, and change nothing", "plan_only"),
    Flag("reason", "WORDS…", "why; everything after it, to the end", "reason"),
)
BY_NAME = {flag.name: flag for flag in (*FLAGS, *COMMAND_FLAGS)}
_BY_FIELD = {flag.field: flag for flag in FLAGS}


def options_from(values: Mapping[str, str]) -> DrainOptions:
    """Return options from texts by field, as `{"timeout": "5m"}`; raise :class:`UsageError`."""
    read = {field: _value(_BY_FIELD[field], text) for field, text in values.items()}
    options = DrainOptions.model_validate(read)
    if options.soak and not options.canary:
        raise UsageError("--soak waits after the canaries: say with --canary how many go first.")
    if options.expected and not options.whole_life:
        raise UsageError("--for says how long a maintenance should take: it needs --then=wait.")
    return options


def render_options(options: DrainOptions) -> list[str]:
    """Return the flags that say these options, without the defaults; the parser reads them back."""
    flags = []
    for flag in FLAGS:
        value = getattr(options, flag.field)
        if value == DrainOptions.model_fields[flag.field].default:
            continue
        if isinstance(value, bool):
            flags.append(f"--{flag.name}" if value else f"--{flag.name}=false")
        elif flag.metavar == "DURATION":
            flags.append(f"--{flag.name}={render_duration(value)}")
        else:
            flags.append(f"--{flag.name}={value}")
    return flags


def rights_needed(options: DrainOptions) -> tuple[str, ...]:
    """Return the names of the flags in use that need the force right.

    Any grace period of a request may be below some pod's own, so it needs the right.
    """
    defaults = DrainOptions()
    return tuple(
        flag.name
        for flag in FLAGS
        if flag.needs_right and getattr(options, flag.field) != getattr(defaults, flag.field)
    )


def usage(command: str = "/drain") -> str:
    """Return the help: the form, an example, and one line for each flag."""
    rows = []
    for flag in (*FLAGS, *COMMAND_FLAGS):
        right = f" ({_RIGHT})" if flag.needs_right else ""
        left = f"--{flag.name}{'=' if flag.metavar else ''}{flag.metavar}"
        rows.append((left.replace("=WORDS…", " WORDS…"), f"{flag.help}{right}"))
    width = max(len(left) for left, _ in rows)
    return "\n".join(
        (
            f"{command} NODE… [flags] [reason …]",
            f"For example: {command} node-1 node-2 --timeout=30m reason disk swap",
            f"CLUSTER/NODE names a node of another cluster; {command} pool=blue takes its labels.",
            *(f"  {left:<{width}}  {right}" for left, right in rows),
        )
    )


def checked(flag: Flag, text: str) -> str:
    """Return a value in one spelling, so that two that mean the same are equal."""
    value = _value(flag, text)
    if flag.metavar == "DURATION":
        return render_duration(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(flag: Flag, text: str) -> bool | int | str:
    """Read a flag's value, or raise :class:`UsageError`."""
    wrong = f"--{flag.name}={quoted(text)}:"
    if not flag.metavar:
        if text not in _TRUE | _FALSE:
            raise UsageError(f"{wrong} expected true or false.")
        return text in _TRUE
    if flag.metavar in {"SECONDS", "COUNT"}:
        least = DrainOptions.model_fields[flag.field].default  # -1: none of ours; else 0
        if not _WHOLE.match(text) or int(text) < least:
            what = "whole seconds" if flag.metavar == "SECONDS" else "a whole number"
            raise UsageError(f"{wrong} expected {what}, at least {least}.")
        return int(text)
    if flag.metavar == "wait":
        if text != flag.metavar:
            raise UsageError(f"{wrong} there is only --{flag.name}={flag.metavar}.")
        return text
    try:
        read = parse_duration(text) if flag.metavar == "DURATION" else str(selectors.parse(text))
    except ValueError as problem:  # in words for people already
        raise UsageError(f"{wrong} {str(problem).rstrip('.')}.") from problem
    if isinstance(read, float) and read != int(read):
        raise UsageError(f"{wrong} expected whole seconds.")
    if flag.field == "expected" and not SHORTEST <= float(read) <= LONGEST:
        raise UsageError(f"{wrong} expected a length of 1m to 90d, such as 2h.")
    return read if isinstance(read, str) else int(read)
