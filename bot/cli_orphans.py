"""`drainbot orphans`: cordons of drainbot's without an operation, as after Redis was lost.

The worker looks, because only it has rights in the cluster; this waits for its answer.
"""

import sys
import time

from bot.cli_exit import NOT_AS_ASKED, REFUSED, Exit, fail
from bot.cli_session import Session, opened
from bot.cli_show import say, say_json
from bot.messages.ephemeral import refused_words
from bot.messages.style import PLAIN
from jobs.models import OrphansView, OrphanView, Refused
from jobs.options import UsageError

__all__ = ["orphans"]

_PATIENCE = 120.0  # seconds: a cluster of thousands of nodes is listed in a few
_LOOK_SECONDS = 0.2


def orphans(nodes: list[str], cluster: str, *, undo: bool, everything: bool, as_json: bool) -> None:
    """List orphaned cordons; with `undo` undo those of the nodes named, or all of them."""
    if undo != bool(nodes or everything) or (nodes and everything):
        raise UsageError(
            "Say `drainbot orphans` to list them, `--undo NODE…` or `--undo --all` to undo them."
        )
    session = opened()
    named = cluster or session.cluster
    view = _answer(session, named, tuple(dict.fromkeys(nodes)), everything=everything)
    if as_json:
        say_json(view)
    else:
        say(*_lines(view, undo=undo))
    if view.failed:
        fail(f"The worker could not look: {view.failed}", NOT_AS_ASKED)
    wanted = [orphan for orphan in view.orphans if everything or orphan.node in nodes]
    if undo and (view.refused or not all(orphan.undone for orphan in wanted)):
        raise Exit(NOT_AS_ASKED)


def _answer(
    session: Session, cluster: str, nodes: tuple[str, ...], *, everything: bool
) -> OrphansView:
    service = session.orphans
    asked = service.ask(
        session.principal, cluster, undo=nodes, everything=everything,
        channel=session.place(cluster).channel, dedup=session.once(),
    )  # fmt: skip
    if isinstance(asked, Refused):
        fail(refused_words(asked, PLAIN), REFUSED)
    if not asked.worker_seen:
        sys.stderr.write(f"drainbot: no worker of {cluster} is alive; waiting for one.\n")
    until = time.monotonic() + _PATIENCE
    while True:
        view = service.answer(asked.operation)
        if view is not None:
            return view
        if time.monotonic() > until:
            fail(
                f"No worker of {cluster} has answered in {_PATIENCE:.0f} s. What was asked may "
                "still be done: list them again.",
                NOT_AS_ASKED,
            )
        time.sleep(_LOOK_SECONDS)


def _lines(view: OrphansView, *, undo: bool) -> list[str]:
    if view.failed:
        return []
    lines = [_line(orphan) for orphan in view.orphans]
    lines += [f"{node}: not undone: {why}" for node, why in view.refused.items()]
    if not lines:
        return [f"No cordon of drainbot's in {view.cluster} is without its operation."]
    if not undo and any(not orphan.foreign for orphan in view.orphans):
        lines.append("Undo them with: drainbot orphans --undo NODE… (or --undo --all)")
    return lines


def _line(orphan: OrphanView) -> str:
    by = f" by {orphan.requested_by}" if orphan.requested_by else ""
    since = f" since {orphan.since}" if orphan.since else ""
    about = f" ({orphan.reason})" if orphan.reason else ""
    before = ""
    if orphan.stays_cordoned:
        before = "; was cordoned before, and stays so"
    elif not orphan.cordoned:
        before = "; not cordoned any more"
    whose = "another drainbot's operation" if orphan.foreign else "operation"
    done = (
        f": {'undone: ' if orphan.undone else 'not undone: '}{orphan.what}" if orphan.what else ""
    )
    return f"{orphan.node}: {whose} {orphan.operation}{since}{by}{about}{before}{done}"
