"""What people read after Redis came back empty: what was under way, and what to do about it."""

from datetime import UTC, datetime

from bot.messages.blocks import context, header, section
from bot.messages.message import Message, Priority
from bot.messages.nodes import node_list, node_name
from bot.messages.style import MRKDWN, NOTICE, with_people
from bot.messages.text import clip, count, short_id
from jobs.models import LostState, OrphanView

__all__ = ["LOST", "lost_message"]

LOST = "lost"
_SHOWN = 10  # nodes by name
_WHAT_TO_DO = (
    "*What to do:* look at these nodes: pods may have left them already. "
    "`drainbot orphans` lists them, `drainbot orphans --undo NODE…` uncordons those that you name "
    "(or `--undo --all`). After that they can be drained again."
)


def lost_message(lost: LostState) -> Message:
    """Return the message about what was lost with the state of one cluster; it never changes."""
    names = [orphan.node for orphan in lost.orphans]
    cluster = NOTICE.text(lost.cluster)
    still = f"{count(len(names), 'node')} still {'carries' if len(names) == 1 else 'carry'}"
    what = (
        f"drainbot's Redis came back empty at {MRKDWN.time(lost.at)}. Whatever was under way has "
        "stopped for good, and the buttons of older messages do nothing any more. "
        f"{still} the marks of an operation that was lost:"
    )
    lines = [what, *(_line(orphan) for orphan in lost.orphans[:_SHOWN])]
    more = [f"… and {count(len(names) - _SHOWN, 'more node')}"] if len(names) > _SHOWN else []
    return Message(
        key=LOST,
        text=clip(
            f"drainbot lost its state of {cluster}: operations on {node_list(names, NOTICE)} "
            "stopped, the cordons stay.",
            1_000,
        ),
        blocks=(
            header(f"Redis came back empty · {lost.cluster}"),
            section(lines),
            section([*more, _WHAT_TO_DO]),
            context(["told once; the worker's log has it too"]),
        ),
        priority=Priority.URGENT,
        in_thread=False,
        mutable=False,
    )


def _moment(mark: str) -> str:
    """Show a moment of a node's marks to each person in their zone; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(mark).astimezone(UTC)
        return MRKDWN.time(int(at.timestamp() * 1000), day=True)
    except (ValueError, OverflowError, OSError):
        return MRKDWN.text(mark, 40)


def _line(orphan: OrphanView) -> str:
    # The marks stand on the node, where others may write too: only a user is ever mentioned.
    by = f", asked for by {with_people(orphan.requested_by, MRKDWN, 80)}"
    since = f", since {_moment(orphan.since)}" if orphan.since else ""
    why = f" ({MRKDWN.text(orphan.reason, 100)})" if orphan.reason else ""
    now = ""
    if not orphan.cordoned:
        now = "; somebody has uncordoned it"
    elif orphan.stays_cordoned:
        now = "; it was cordoned before, and stays so"
    return (
        f"• {MRKDWN.bold(node_name(orphan.node, MRKDWN))}: op "
        f"{MRKDWN.text(short_id(orphan.operation))}{by if orphan.requested_by else ''}{since}"
        f"{why}{now}"
    )
