"""The history of a node or an operation in words: who asked, who decided on what grounds, the end.

The same lines are read in a modal, in an answer to one person, and in a terminal.
"""

from collections.abc import Callable, Iterator, Mapping

from bot.messages.blocks import section
from bot.messages.buttons import choice_label, choice_past
from bot.messages.decisions import people
from bot.messages.log import log_words
from bot.messages.message import BlockDict
from bot.messages.modals import note_modal
from bot.messages.nodes import node_list, node_name
from bot.messages.style import MRKDWN, Style, with_people
from bot.messages.text import count, listing, pod_names, short_id
from jobs.ids import IdError, cluster_of
from jobs.models import AuditEntry, Grounds, History, LogEntry, Shown

__all__ = ["entry_line", "history_blocks", "history_lines", "history_modal", "history_title"]

_SHOWN = 60  # entries that a message shows; the command line has all
_A_SECTION = 5  # lines: even long ones fit
_PODS, _NAMES = 10, 6
# Lines of the story that repeat what an entry of its own says.
_REPEATS = frozenset({"started", "confirmed", "denied", "aborted", "ended", "skipped"})
_DIGEST = 12
_ASKED_FOR = {"start": "Start", "approval": "approvals"}
_CLOSED = {
    "no_longer_needed": "no longer needed",
    "nobody_answered": "nobody answered in time",
    "aborted": "aborted",
    "superseded": "replaced by another one, because what it was about has changed",
}


def history_title(history: History, style: Style) -> str:
    """Return what it is the history of."""
    about = history.about
    if _is_operation(history):
        return f"History of op {short_id(about)} in {style.text(history.cluster)}"
    return f"History of {node_name(about, style)} in {style.text(history.cluster)}"


def history_lines(history: History, style: Style, limit: int = 0) -> list[str]:
    """Return a history as lines, the oldest first; `limit` entries at most, the last ones (0: all).

    In a node's history the operation is said where another one begins.
    """
    entries = [entry for entry in history.entries if entry.word not in _REPEATS]
    if not entries:
        return ["The audit log knows nothing of it: nobody asked anything of drainbot there."]
    left = max(0, len(entries) - limit) if limit else 0
    lines = []
    if earlier := history.earlier + left:
        lines.append(f"… {count(earlier, 'earlier entry', 'earlier entries')} left out.")
    operation = history.about if _is_operation(history) else ""
    for entry in entries[left:]:
        if entry.operation and entry.operation != operation:
            operation = entry.operation
            lines.append(style.bold(f"op {short_id(operation)}"))
        lines += entry_lines(entry, style)
    return lines


def history_blocks(history: History) -> tuple[BlockDict, ...]:
    """Return a history as the blocks of an answer to one person."""
    lines = [MRKDWN.bold(history_title(history, MRKDWN)), *history_lines(history, MRKDWN, _SHOWN)]
    return tuple(section(lines[at : at + _A_SECTION]) for at in range(0, len(lines), _A_SECTION))


def history_modal(history: History) -> BlockDict:
    """Return the view behind Report: the whole history of an operation."""
    lines = [MRKDWN.bold(history_title(history, MRKDWN)), *history_lines(history, MRKDWN, _SHOWN)]
    return note_modal(f"Report {short_id(history.about)}"[:24], lines)


def entry_lines(entry: AuditEntry, style: Style) -> list[str]:
    """Return an entry as a line, and what it rested on and showed as others below it."""
    more = [_grounds(entry.grounds, style), _shown(entry.shown, style)]
    return [entry_line(entry, style), *(f"    {line}" for line in more if line)]


def entry_line(entry: AuditEntry, style: Style) -> str:
    """Return what happened as one line, with its time."""
    words = _WORDS.get(entry.what, _other)(entry, style)
    return f"{style.time(entry.at, seconds=True)} {words}" if entry.at else words


def _started(entry: AuditEntry, style: Style) -> str:
    who, nodes = _who(entry, style), node_list(list(entry.nodes), style)
    why = f": {style.text(entry.note, 300)}" if entry.note else ""
    match entry.fields.get("name"):
        case "give_back":
            return f"{who} asked for {nodes} back{why}."
        case "node_life":
            begin = entry.fields.get("begin")
            if begin == "fence_lost":
                return f"The fence of {nodes} was found lost{why}."
            wish = "maintenance of" if begin == "maintenance" else "the return of"
            return f"{who} asked for {wish} {nodes}{why}."
        case "orphans":
            what = f"to undo those of {nodes}" if entry.nodes else "for orphaned cordons"
            what = "to undo all orphaned cordons" if entry.fields.get("everything") else what
            return f"{who} asked {what}."
    wish = "asked for the plan of a drain of" if entry.fields.get("plan_only") else "asked to drain"
    options = entry.fields.get("options")
    with_ = f" Options: {style.text(str(options), 300)}." if options else ""
    return f"{who} {wish} {nodes or 'nodes'}{why}.{with_}"


def _asked(entry: AuditEntry, style: Style) -> str:
    what = _ASKED_FOR.get(entry.kind) or f"a decision: {entry.kind.replace('_', ' ')}"
    return f"Asked for {style.text(what)}."


def _vote(entry: AuditEntry, style: Style) -> str:
    said = style.text(choice_label(entry.choice).rstrip("…"), 60)
    if entry.result == "settled":
        by = people(entry.counted or (entry.by,), style)
        return f"{style.text(choice_past(entry.choice), 60)} by {by}{_why(entry, style)}."
    if entry.result == "voted":
        return f"{_who(entry, style)} voted for {said}{_why(entry, style)}; more votes are needed."
    return f"{_who(entry, style)} said {said}{_why(entry, style)}; the question stayed open."


def _closed(entry: AuditEntry, style: Style) -> str:
    why = _CLOSED.get(entry.note, entry.note.replace("_", " ")) or "without an answer"
    kind = entry.kind.replace("_", " ") or "unknown"
    return f"The question ({style.text(kind)}) was closed: {style.text(why)}."


def _node_mode(entry: AuditEntry, style: Style) -> str:
    nodes = node_list(list(entry.nodes), style)
    before, after = entry.fields.get("from", ""), entry.fields.get("to", "")
    freed = ", and let go of" if entry.fields.get("release") else ""
    if before == after:
        return f"{nodes}: let go of."
    return f"{nodes}: {style.text(str(before), 20)} → {style.text(str(after), 20)}{freed}."


def _told(entry: AuditEntry, style: Style) -> str:
    fields = {k: v for k, v in entry.fields.items() if not isinstance(v, bool)}
    by = {"by": entry.by} if entry.by else {}
    node = entry.nodes[0] if entry.nodes else ""
    line = LogEntry(key="", what=entry.word, at=entry.at, node=node, fields={**fields, **by})
    return log_words(line, style)


def _ended(entry: AuditEntry, style: Style) -> str:
    end = entry.fields.get("end") or entry.fields.get("state") or "ended"
    detail = entry.fields.get("detail")
    why = f": {with_people(str(detail), style)}" if detail else ""
    return f"Ended: {style.text(str(end), 40)}{why}."


def _did(words: str) -> Callable[[AuditEntry, Style], str]:
    return lambda entry, style: f"{words} by {_who(entry, style)}{_why(entry, style)}."


def _did_hook(done: str) -> Callable[[AuditEntry, Style], str]:
    def words(entry: AuditEntry, style: Style) -> str:
        answer = style.text(choice_label(entry.choice).rstrip("…"), 60)
        hook = style.text(str(entry.fields.get("hook", "")), 20)
        if done == "used":
            return f"The webhook {hook} of {_who(entry, style)} was used: {answer}."
        return f"The webhook {hook} ({answer}) was {done} by {_who(entry, style)}."

    return words


def _other(entry: AuditEntry, style: Style) -> str:
    if entry.what == "unreadable":
        return f"Entry {entry.seq} can't be read: see drainbot audit verify."
    words = style.text(entry.what.replace("_", " "), 60)
    by = f" by {_who(entry, style)}" if entry.by else ""
    return f"{words}{by}{_why(entry, style)}."


_WORDS: Mapping[str, Callable[[AuditEntry, Style], str]] = {
    "started": _started,
    "asked": _asked,
    "vote": _vote,
    "closed": _closed,
    "abort": _did("Aborted"),
    "pause": _did("Paused"),
    "resume": _did("Resumed"),
    "frozen": _did("The cluster was frozen"),
    "thawed": _did("The cluster was thawed"),
    "halt_cleared": lambda entry, style: (
        f"The halt of the workers on {node_list(list(entry.nodes), style) or 'a node'} was cleared "
        f"by {_who(entry, style)}{_why(entry, style)}."
    ),
    "webhook_made": _did_hook("made"),
    "webhook_used": _did_hook("used"),
    "webhook_revoked": _did_hook("revoked"),
    "reserved": lambda entry, style: f"Reserved {node_list(list(entry.nodes), style)}.",
    "node_mode": _node_mode,
    "told": _told,
    "ended": _ended,
}


def _who(entry: AuditEntry, style: Style) -> str:
    return people(tuple(entry.by.split(", ")), style) if entry.by else "somebody"


def _why(entry: AuditEntry, style: Style) -> str:
    return f": {style.text(entry.note, 300)}" if entry.note else ""


def _grounds(grounds: Grounds | None, style: Style) -> str:
    """Return what a right rested on, as a sentence; nothing where nothing is known."""
    if grounds is None or not grounds.rests_on:
        return ""
    by_group = any(ground.startswith("group:") for ground in grounds.rests_on)
    parts = [listing([_ground(each, style) for each in grounds.rests_on], 4, last=" and ")]
    if grounds.rules:
        numbers = ", ".join(map(str, grounds.rules[:_NAMES]))
        parts.append(f"rule{'s' if len(grounds.rules) > 1 else ''} {numbers} of the policy")
    if by_group and grounds.groups_at:
        stale = ", which was stale: Slack was away" if grounds.groups_stale else ""
        parts.append(f"membership as of {style.time(grounds.groups_at)}{stale}")
    if grounds.via and grounds.via != "slack":
        parts.append(f"via {style.text(grounds.via, 20)}")
    return f"On the grounds of {'; '.join(parts)}."


def _ground(ground: str, style: Style) -> str:
    kind, _, name = ground.partition(":")
    match kind:
        case "user":
            return "their own name in the policy"
        case "group":
            return f"the group {style.person(name)}"
        case "requester":
            return "having asked for it"
        case "break_glass":
            return "break_glass"
    return style.text(ground, 60)


def _shown(shown: Shown | None, style: Style) -> str:
    """Return what the person saw when they decided, as a sentence."""
    parts = list(_facts(shown, style)) if shown else []
    return f"Saw {'; '.join(parts)}." if parts else ""


def _facts(shown: Shown, style: Style) -> Iterator[str]:
    if shown.digest:
        yield f"the plan {style.text(shown.digest[:_DIGEST])}: {count(shown.evict, 'pod')} move"
    for reason, number in sorted(shown.refusals.items()):
        yield f"{count(number, 'pod')} refused as {style.text(reason.replace('_', ' '), 40)}"
    if shown.data_lost:
        yield f"data lost of {count(shown.data_lost, 'pod')}"
    for words, names in (
        ("budgets that can't be met: ", shown.never),
        ("down while they move: ", shown.single_replicas),
        ("budgets: ", shown.budgets),
        ("volumes: ", shown.volumes),
        ("workloads: ", shown.workloads),
    ):
        if names:
            yield f"{words}{pod_names(names, style.text, limit=_NAMES)}"
    if shown.pods:
        yield f"pods: {pod_names(shown.pods, style.text, limit=_PODS)}"
    elif shown.pods_total:
        yield count(shown.pods_total, "pod")


def _is_operation(history: History) -> bool:
    try:
        return cluster_of(history.about) == history.cluster
    except IdError:
        return False
