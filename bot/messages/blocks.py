"""The four kinds of blocks that drainbot uses, within Slack's limits for any input.

https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterable, Sequence

from bot.messages.message import BlockDict
from bot.messages.text import clip, fit, label, size

__all__ = ["actions", "button", "confirmation", "context", "header", "section"]

_HEADER, _SECTION, _BUTTON, _VALUE = 150, 3_000, 75, 2_000
_CONTEXT = 2_000  # an element of a context; Slack names no limit below a section's
_ACTIONS = 25


def header(words: str) -> BlockDict:
    """Return a header of plain text."""
    return {
        "type": "header",
        "text": {"type": "plain_text", "text": label(words, _HEADER) or "drainbot", "emoji": False},
    }


def section(lines: Iterable[str]) -> BlockDict:
    """Return a section of lines of mrkdwn, which are safe already."""
    return {"type": "section", "text": _mrkdwn(fit(lines, _SECTION) or "-")}


def context(parts: Iterable[str]) -> BlockDict:
    """Return one line of small print; parts that don't fit are left out, the last ones first."""
    kept: list[str] = []
    for part in parts:
        if part and size(" · ".join([*kept, part])) <= _CONTEXT:
            kept.append(part)
    return {"type": "context", "elements": [_mrkdwn(" · ".join(kept) or "-")]}


def button(
    words: str,
    action_id: str,
    value: str,
    *,
    reads: str = "",
    style: str = "",
    confirm: BlockDict | None = None,
) -> BlockDict:
    """Return a button. `reads` is what a screen reader says; `style` is primary, danger or ''."""
    if size(value) > _VALUE:
        raise ValueError(f"the value of button {action_id} is longer than Slack takes")
    made: BlockDict = {
        "type": "button",
        "text": {"type": "plain_text", "text": label(words, _BUTTON), "emoji": False},
        "action_id": action_id,
        "value": value,
        "accessibility_label": label(reads or words, _BUTTON),
    }
    if style:
        made["style"] = style
    if confirm:
        made["confirm"] = confirm
    return made


def confirmation(title: str, words: str, yes: str, no: str) -> BlockDict:
    """Return a dialog that asks once more before a button counts."""
    return {
        "title": {"type": "plain_text", "text": label(title, 100), "emoji": False},
        "text": {"type": "plain_text", "text": label(words, 300), "emoji": False},
        "confirm": {"type": "plain_text", "text": label(yes, 30), "emoji": False},
        "deny": {"type": "plain_text", "text": label(no, 30), "emoji": False},
        "style": "danger",
    }


def actions(buttons: Sequence[BlockDict]) -> BlockDict:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(buttons[:_ACTIONS])}


def _mrkdwn(text: str) -> BlockDict:
    # verbatim: nothing in it becomes a link or a mention that we didn't write as one.
    return {"type": "mrkdwn", "text": clip(text, _SECTION), "verbatim": True}
