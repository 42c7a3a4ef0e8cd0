"""`drainbot history` and `drainbot audit`: what was done, by whom, and whether the log of it holds.

Exit codes of `audit verify`: 0 the log is whole; 1 something was done to it, and what is said.
"""

from bot import commands
from bot.cli_exit import NOT_AS_ASKED, REFUSED, Exit, fail
from bot.cli_session import Session, opened
from bot.cli_show import say, say_json
from bot.messages.ephemeral import refused_words
from bot.messages.history import entry_lines, history_lines, history_title
from bot.messages.style import PLAIN
from bot.messages.text import count, short_id
from jobs.models import AuditEntry, AuditFinding, AuditReport, Refused
from jobs.options import UsageError

__all__ = ["history", "show", "verify"]

_PAGE = 500  # entries that are read at once
_FOUND = {
    "changed": "Entry {seq} was changed: it is not the one that was linked.",
    "missing": "Entry {seq} is missing: it was taken out.",
    "moved": "Entry {seq} was moved: it stands at place {place}.",
    "added": "The entry at place {seq} was put in: it was never linked.",
    "hash": "The hash of entry {seq} was changed; the entry itself is right.",
    "cut_off": "The log is cut off: entry {seq} and all after it are gone.",
    "anchor": "Entry {seq} is not the anchor's: the log was written anew {since}.",
}
_UNLINKED_MS = 60_000  # entries are linked within a second where a worker runs


def history(typed: str, cluster: str, *, as_json: bool) -> None:
    """Print the history of a node or an operation."""
    session = opened()
    place = session.place(cluster)
    found = commands.history(session.desk, session.principal, typed, place, terminal=True)
    if isinstance(found, Refused):
        fail(refused_words(found, PLAIN), REFUSED)
    if as_json:
        say_json(found)
    else:
        say(history_title(found, PLAIN), *history_lines(found, PLAIN))


def show(cluster: str, *, first: int, most: int, as_json: bool) -> None:
    """Print entries of the audit log: from a number on, or the last ones; `most` 0: all."""
    session, named = _session(cluster)
    begin = first if most else max(1, first)
    while True:
        entries = session.desk.client.histories.entries(
            session.principal, named, first=begin, count=most or _PAGE
        )
        if isinstance(entries, Refused):
            fail(refused_words(entries, PLAIN), REFUSED)
        for entry in entries:
            if as_json:
                say_json(entry)
            else:
                say(*_lines(entry))
        if most or len(entries) < _PAGE:
            return
        begin += _PAGE


def verify(cluster: str, anchors: list[str], *, as_json: bool) -> None:
    """Examine the audit log; end with 1 if anything was done to it."""
    session, named = _session(cluster)
    report = session.desk.client.histories.verify(session.principal, named, anchors)
    if isinstance(report, Refused):
        fail(refused_words(report, PLAIN), REFUSED)
    wrong = [*_findings(report), *_unlinked(report)]
    if as_json:
        say_json(report)
    else:
        say(*wrong, _summary(report, whole=not wrong))
    if wrong:
        raise Exit(NOT_AS_ASKED)


def _session(cluster: str) -> tuple[Session, str]:
    session = opened()
    named, known = cluster or session.cluster, session.desk.client.clusters()
    if named not in known:
        raise UsageError(f"The policy has no cluster {named}: there are {', '.join(known)}.")
    return session, named


def _lines(entry: AuditEntry) -> list[str]:
    op = f" op {short_id(entry.operation)}" if entry.operation else ""
    first, *more = entry_lines(entry, PLAIN)
    return [f"{entry.seq}{op} {first}", *more]


def _findings(report: AuditReport) -> list[str]:
    lines = [_finding(finding, report) for finding in report.findings]
    return [*lines, "There is more: only the first findings are told."] if report.more else lines


def _finding(finding: AuditFinding, report: AuditReport) -> str:
    since = f"after entry {report.good}" if report.good else "from the beginning"
    words = _FOUND.get(finding.kind, "Entry {seq} is wrong.")
    return words.format(seq=finding.seq, place=finding.place, since=since)


def _unlinked(report: AuditReport) -> list[str]:
    """Say that nobody links: what is not linked is not protected."""
    late = report.waiting_since and report.examined_at - report.waiting_since > _UNLINKED_MS
    if not report.waiting or not late:
        return []
    entries = count(report.waiting, "entry", "entries")
    since = PLAIN.time(report.waiting_since)
    return [f"{entries} since {since} wait to be linked: does a worker of the cluster run?"]


def _summary(report: AuditReport, *, whole: bool) -> str:
    if not report.written and not report.linked:
        return f"The audit log of {report.cluster} is empty."
    entries = count(report.linked, "entry", "entries")
    waiting = f", {report.waiting} more not linked yet" if report.waiting else ""
    said = "is whole" if whole else "is NOT whole"
    head = f" Its head, to be kept as an anchor: {report.head}" if report.head and whole else ""
    return f"The audit log of {report.cluster} {said}: {entries}{waiting}.{head}"
