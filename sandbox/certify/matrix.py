"""The certificate as a document: a table for each process; pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from sandbox.certify.boundaries import Boundary
from sandbox.certify.deaths import Death, Verdict

__all__ = ["summary", "written"]

_HEAD = """\
# The kill-anywhere certificate

Written by `make certify`. One story is played on real processes: a node with three pods, one of
them held by a budget; the question, a reminder by a timer, a decision to force it, given in Slack;
the node's drain is a child workflow of the operation. Each row is a place where a process and the
world are of two minds. The story is played once for each mark: the process gets SIGKILL there,
right before the command is sent or right after its answer came, and is started again by whoever is
meant to. For a slot the same is done once more with its whole worker, supervisor and all. The last
tables are deaths of those who recover from another death, at places that are seen only then.

After each of these plays: every operation has one end, every step was committed once, the question
was settled once, no pod was touched under another uid or before somebody said so, the cordon has
the operation that owns it, the thread tells everything once, and events and state agree.

"""
_PROCESSES = ("supervisor", "slot", "keeper", "watcher", "bot")
_COLUMNS = ("before", "after")

_Row = tuple[str, str, str, str]


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return `N boundaries, N survived`, in how many deaths, and what was not reached again.

    A boundary is survived if each of the deaths there is.
    """
    died = [verdict for verdict in verdicts if verdict.reached or verdict.wrong]
    places = {_place(verdict) for verdict in died}
    fatal = {_place(verdict) for verdict in died if not verdict.survived}
    missed = len(verdicts) - len(died)
    more = f"; {missed} more were not reached a second time" if missed else ""
    return f"{len(places)} boundaries, {len(places - fatal)} survived ({len(died)} deaths{more})"


def written(verdicts: Sequence[Verdict]) -> str:
    """Return the document."""
    parts = [_HEAD, f"**{summary(verdicts)}.**\n"]
    once = [verdict for verdict in verdicts if verdict.death.first is None]
    for process in _PROCESSES:
        of_it = [verdict for verdict in once if verdict.death.boundary.process == process]
        if of_it:
            parts.append(_table(process, of_it))
    firsts = {verdict.death.first for verdict in verdicts if verdict.death.first}
    for first in sorted(firsts, key=str):
        of_it = [verdict for verdict in verdicts if verdict.death.first == first]
        parts.append(_table(f"Recovery from the death of {_cell(str(first))}", of_it))
    return "\n".join(parts)


def _table(process: str, verdicts: Iterable[Verdict]) -> str:
    ordered = sorted(verdicts, key=lambda verdict: _row(verdict.death.boundary))
    wholes = [False, True] if any(verdict.death.whole for verdict in ordered) else [False]
    heads = [
        f"{column}{', whole worker' if whole else ''}" for whole in wholes for column in _COLUMNS
    ]
    lines = [
        f"## {process}\n",
        f"| {' | '.join(('what', 'where', 'step', *heads))} |",
        f"|{'---|' * (3 + len(heads))}",
    ]
    for row, group in groupby(ordered, key=lambda verdict: _row(verdict.death.boundary)):
        marks: dict[tuple[bool, str], str] = {
            (v.death.whole, v.death.boundary.phase): _mark(v) for v in group
        }
        cells = [marks.get((whole, column), "") for whole in wholes for column in _COLUMNS]
        client, shape, site, step = row
        lines.append(f"| {client} `{_cell(shape)}` | {site} | {step} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _place(verdict: Verdict) -> tuple[Boundary, Death | None]:
    return verdict.death.boundary, verdict.death.first


def _row(boundary: Boundary) -> _Row:
    return boundary.client, boundary.shape, boundary.site, boundary.step


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _mark(verdict: Verdict) -> str:
    if not verdict.reached:
        return "not reached again"
    return "survived" if verdict.survived else "**not survived**"
