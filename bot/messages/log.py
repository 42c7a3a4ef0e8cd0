"""The story of an operation, line by line: entries of its log as messages that never change."""

from collections.abc import Callable, Mapping, Sequence

from bot.messages.blocks import context, section
from bot.messages.message import Message, Priority
from bot.messages.nodes import node_name
from bot.messages.style import MRKDWN, NOTICE, Style
from bot.messages.text import clip, count, listing, short_id
from bot.messages.times import duration
from jobs.models import LogEntry, OperationView

__all__ = ["log_message", "log_words", "summary"]

_SUMMED = 15  # lines of a summary that are shown, the latest ones
_PEOPLE = 6
_WHO = ("by", "user", "person", "principal")
_WHY = ("reason", "note", "why", "detail", "message", "error")


def log_message(view: OperationView, entry: LogEntry) -> Message:
    """Return an entry as a message in the thread."""
    return Message(
        key=f"log:{entry.key}",
        text=clip(log_words(entry, NOTICE), 1_000),
        blocks=(context([f"{MRKDWN.time(entry.at)} {log_words(entry, MRKDWN)}"]),),
        priority=Priority.LOG,
        version=view.version,
        mutable=False,
    )


def summary(view: OperationView, entries: Sequence[LogEntry]) -> Message:
    """Return one message for many entries, such as those missed while Slack was away."""
    last = entries[-1]
    shown = entries[-_SUMMED:]
    lines = [f"{MRKDWN.time(entry.at)} {log_words(entry, MRKDWN)}" for entry in shown]
    if len(entries) > len(shown):
        lines.insert(0, f"{count(len(entries) - len(shown), 'earlier entry', 'earlier entries')} …")
    said = f"{len(entries)} things happened in op {short_id(view.id)}"
    return Message(
        key=f"logs:{last.key}",
        text=clip(f"{said}; the last: {log_words(last, NOTICE)}", 1_000),
        blocks=(section(lines),),
        priority=Priority.LOG,
        version=view.version,
        mutable=False,
        summed=tuple(f"log:{entry.key}" for entry in entries),
    )


def log_words(entry: LogEntry, style: Style) -> str:
    """Return an entry as a sentence; one that this version doesn't know is told by its facts."""
    node = node_name(entry.node, style) if entry.node else "the operation"
    known = _WORDS.get(entry.what)
    if known is None:
        return _unknown(entry, style)
    return known(node, _Fields(entry.fields, style))


class _Fields:
    """An entry's fields, as the pieces of a sentence; a missing one is an empty piece."""

    def __init__(self, fields: Mapping[str, str | int], style: Style) -> None:
        self._fields = fields
        self._style = style

    def get(self, *names: str, limit: int = 200) -> str:
        value = next((self._fields[n] for n in names if self._fields.get(n) not in {None, ""}), "")
        return self._style.text(str(value), limit)

    def number(self, *names: str) -> int:
        """Return a count, or -1 where there is none."""
        for name in names:
            text = str(self._fields.get(name, ""))
            if text.isascii() and text.isdecimal() and len(text) < 10:  # noqa: PLR2004  a sane count
                return int(text)
        return -1

    def milliseconds(self, name: str) -> int:
        """Return a length of time (ms), or 0."""
        value = self._fields.get(name)
        return value if isinstance(value, int) and value > 0 else 0

    def time(self, name: str) -> str:
        """Return a moment (ms), or nothing."""
        value = self._fields.get(name)
        return self._style.time(value) if isinstance(value, int) and value > 0 else ""

    @property
    def by(self) -> str:
        """` by @ana`, or nothing."""
        who = next((str(self._fields[n]) for n in _WHO if self._fields.get(n)), "")
        names = [self._style.person(one) for one in who.split(", ")[:_PEOPLE] if one]
        return f" by {listing(names, _PEOPLE, last=' and ')}" if names else ""

    @property
    def why(self) -> str:
        """`: reason`, or nothing."""
        words = self.get(*_WHY, limit=400).rstrip(".")
        return f": {words}" if words else ""

    @property
    def pods(self) -> str:
        """`payments/db-2`, or `5 pods`, or nothing."""
        named = self.get("pod", "name", limit=260)
        number = self.number("pods", "count", "n", "evicted")
        if named or number < 0:
            return named or self.get("pods", limit=400)
        return count(number, "pod")


def _drained(node: str, f: _Fields) -> str:
    moved = f": {f.pods} moved" if f.pods else ""
    return f"{node} is drained{moved}."


def _cordoned(node: str, f: _Fields) -> str:
    before = f.get("was_cordoned", "cordoned_before").lower() in {"true", "1", "yes"}
    return f"{node} is cordoned{', as it was before' if before else ''}."


def _started(_: str, f: _Fields) -> str:
    return f"Started{f.by}{_anyway(f)}."


def _anyway(f: _Fields) -> str:
    pods = f.get("anyway", limit=400)
    return f"; to be evicted anyway: {pods}" if pods else ""


def _soaking(_: str, f: _Fields) -> str:
    nodes, until = f.get("nodes", limit=400), f.time("until")
    return f"Went first: {nodes}. The others wait until {until}." if until else "Soaking."


def _frozen(_: str, f: _Fields) -> str:
    until = "nothing more is evicted until somebody thaws it"
    return f"{f.get('cluster')} was frozen{f.by}{f.why}; {until}."


def _freed(node: str, f: _Fields) -> str:
    budget = f.get("budget")
    what = f"Budget {budget} lets pods go again" if budget else "What was in the way is gone"
    return f"{what}: the drain of {node} goes on by itself."


def _failures(f: _Fields) -> str:
    failed, calls = f.number("failed"), f.number("calls")
    return f"{failed} of {count(calls, 'call')}" if failed >= 0 <= calls else "many calls"


def _maintenance(node: str, f: _Fields) -> str:
    until = f.time("until")
    return f"{node} is in maintenance{f.by}{f'; expected end {until}' if until else ''}."


def _returned(node: str, f: _Fields) -> str:
    away = f.milliseconds("away")
    return f"{node} is back in service{f.by}{f', after {duration(away)}' if away else ''}{f.why}."


def _ended(_: str, f: _Fields) -> str:
    back = f.number("returned")
    returned = f", {back} returned" if back >= 0 else ""
    return f"Ended: {f.get('drained') or 0} of {f.get('of') or 0} drained{returned}."


_WORDS: Mapping[str, Callable[[str, _Fields], str]] = {
    "cordoned": _cordoned,
    "drained": _drained,
    "evicted": lambda node, f: f"Evicted {f.pods or 'pods'} from {node}.",
    "taken_over": lambda node, f: f"Another worker has taken over {node}; nothing was lost{f.why}.",
    "worker_lost": lambda node, f: (
        f"The worker of {node} has vanished; another one takes over{f.why}."
    ),
    "uncordoned": lambda node, f: f"{node} takes pods again: uncordoned{f.by}{f.why}.",
    "skipped": lambda node, f: f"{node} was skipped{f.by}{f.why}.",
    "aborted": lambda node, f: (
        f"Aborted{f.by}{f.why}." if node == "the operation" else f"{node}: aborted{f.by}{f.why}."
    ),
    "stopped": lambda node, f: f"Nobody answered in time: {node} stopped, its cordon stays{f.why}.",
    "failed": lambda node, f: f"{node} failed{f.why}.",
    "forced": lambda node, f: f"Forced {f.pods or 'pods'} on {node}{f.by}{f.why}.",
    "frozen": _frozen,
    "thawed": lambda _, f: f"{f.get('cluster')} was thawed{f.by}{f.why}: what waited goes on.",
    "paused": lambda _, f: f"Paused{f.by}: no new node, no new eviction.",
    "resumed": lambda _, f: f"Resumed{f.by}: its nodes go on.",
    "freed": _freed,
    "replanned": lambda _, f: (
        f"The plan has changed{f.why}. What was said of the old one is void; it is asked again."
    ),
    "asked_anew": lambda node, f: f"What keeps {node} has changed{f.why}. It is asked again.",
    "freed_late": lambda node, f: (
        f"{f.pods or 'What stood in the way'} could move now, but it is long since that was "
        f"asked: the drain of {node} waits for a word."
    ),
    "detached": lambda node, _: f"The volumes of {node} are detached: its drain goes on by itself.",
    "attached_anyway": lambda node, f: (
        f"{node} goes on though {f.get('volumes', limit=300) or 'volumes'} may be attached{f.by}."
    ),
    "own_anyway": lambda node, f: (
        f"{node} is drained though drainbot itself runs there ({f.get('own')}){f.by}."
    ),
    "well": lambda node, _: f"The workloads of {node} are as well as before its drain.",
    "unwell_anyway": lambda node, f: (
        f"Went on after {node} though not all is well"
        f"{': ' if f.get('workloads') else ''}{f.get('workloads', limit=300)}{f.by}."
    ),
    "unwell_unanswered": lambda node, _: (
        f"Nobody answered in time: {node} is drained, and no other node begins."
    ),
    "node_is_dead": lambda node, f: (
        f"{node} was declared dead{f.by}: it is marked as out of service, and Kubernetes takes "
        "its pods and volumes away."
    ),
    "not_dead": lambda node, f: f"{node} was not marked as dead{f.why}.",
    "braked": lambda node, f: (
        f"Evictions on {node} wait: {_failures(f)} to the API server failed in the last 30 s."
    ),
    "unbraked": lambda node, _: f"The API server answers again: evictions on {node} go on.",
    "started": _started,
    "confirmed": lambda _, f: f"Confirmed{f.by}{_anyway(f)}: it waits for approval now.",
    "soaking": _soaking,
    "went_on": lambda _, f: f"Went on after the canary, as said{f.by}.",
    "canary_unanswered": lambda *_: "Nobody answered in time: no other node begins.",
    "denied": lambda _, f: f"Denied{f.by}{f.why}: nothing was done.",
    "ended": _ended,
    "kept_out": lambda node, f: (
        f"{node} stays in maintenance, as said{f.by}: the operation goes on without it."
    ),
    "maintenance_started": _maintenance,
    "returning": lambda node, f: (
        f"{node} is on its way back{f.by}: it waits until it is what it was before its drain."
    ),
    "not_back": lambda node, f: f"{node} is not what it was before its drain{f.why}.",
    "returned": _returned,
    "fence_lost": lambda node, f: (
        f"The fence of {node} is lost: {f.get('evidence', limit=400) or 'no evidence is known'}."
    ),
    "fence_holds": lambda node, f: (
        f"The fence of {node} holds again; it was lost: {f.get('evidence', limit=400)}."
    ),
    "not_valid": lambda node, f: f"{node} can't be declared valid{f.why}.",
    "declared_valid": lambda node, f: f"{node} was declared valid{f.by}.",
    "drained_again": lambda node, f: f"{node} is to be drained again, as said{f.by}.",
    "gone": lambda node, f: f"{node} is gone from the cluster{f.why}.",
    "restarted": lambda node, f: f"The drain of {node} starts over{f.by}{f.why}.",
}


def _unknown(entry: LogEntry, style: Style) -> str:
    what = style.text(entry.what.replace("_", " "), 80) or "something happened"
    where = f"{node_name(entry.node, style)}: " if entry.node else ""
    facts = ", ".join(
        f"{style.text(name, 40)} {style.text(str(value), 80)}"
        for name, value in list(entry.fields.items())[:6]
    )
    return f"{where}{what}{f' ({facts})' if facts else ''}."
