"""The daily message that holds the head of an audit log where Redis can't take it back."""

from bot.messages.blocks import context, section
from bot.messages.message import Message, Priority
from bot.messages.style import MRKDWN, NOTICE
from bot.messages.text import count
from jobs.models import AuditHead

__all__ = ["anchor_message"]


def anchor_message(head: AuditHead, key: str) -> Message:
    """Return the message under `key`; it never changes, whatever the log grows to."""
    entries = count(head.seq, "entry", "entries")
    said = f"Audit log of {NOTICE.text(head.cluster)}: {entries}, head {head.anchor}."
    return Message(
        key=key,
        text=said,
        blocks=(
            section(
                [
                    f"{MRKDWN.bold('Audit log')} of {MRKDWN.text(head.cluster)}: {entries}.",
                    "Whatever is done to them from now on can be told by this head:",
                    f"`drainbot audit verify --anchor {head.anchor}`",
                ]
            ),
            context(["once a day, where anything was done"]),
        ),
        priority=Priority.LOG,
        version=head.seq,
        in_thread=False,
        mutable=False,
    )
