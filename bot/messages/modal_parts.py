"""What every modal is made of, and how what was filled in is read.

https://docs.slack.dev/reference/views/modal-views
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.messages.message import BlockDict
from bot.messages.text import label

__all__ = [
    "REASON_LENGTH",
    "Errors",
    "carried",
    "chosen",
    "input_block",
    "modal",
    "plain",
    "text_input",
    "typed",
]

REASON_LENGTH = 500
_INPUT = "value"

Errors = dict[str, str]
"""What is wrong, by the id of the block: Slack shows each at its field."""


def modal(
    callback: str,
    title: str,
    blocks: list[BlockDict],
    *,
    submit: str,
    carries: Mapping[str, str | int],
) -> BlockDict:
    """Return a view that is filled in; `carries` comes back with the submission."""
    return {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Back", 24),
        "private_metadata": json.dumps(carries, separators=(",", ":")),
        "blocks": blocks,
    }


def input_block(
    block_id: str, words: str, element: BlockDict, *, required: bool = False, hint: str = ""
) -> BlockDict:
    """Return a field with its label."""
    block: BlockDict = {
        "type": "input",
        "block_id": block_id,
        "optional": not required,
        "label": plain(words, 300),
        "element": element,
    }
    return {**block, "hint": plain(hint, 2000)} if hint else block


def text_input(
    block_id: str,
    words: str,
    *,
    required: bool,
    many_lines: bool = False,
    longest: int = REASON_LENGTH,
    placeholder: str = "",
    hint: str = "",
) -> BlockDict:
    """Return a field for words of one's own."""
    element: BlockDict = {
        "type": "plain_text_input",
        "action_id": _INPUT,
        "multiline": many_lines,
        "max_length": longest,
    }
    if placeholder:
        element["placeholder"] = plain(placeholder, 150)
    return input_block(block_id, words, element, required=required, hint=hint)


def plain(words: str, limit: int) -> BlockDict:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": label(words, limit), "emoji": False}


def typed(view: Mapping[str, Any], block: str) -> str:
    """Return what was typed into a field of a submitted view."""
    return str(_state(view, block).get("value") or "").strip()


def chosen(view: Mapping[str, Any], block: str) -> tuple[str, ...]:
    """Return the values that were chosen in a select or in checkboxes of a submitted view."""
    state = _state(view, block)
    one, several = state.get("selected_option"), state.get("selected_options")
    options = several if isinstance(several, list) else [one]
    return tuple(str(each.get("value") or "") for each in options if isinstance(each, Mapping))


def carried(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a view carried; nothing where it is not what drainbot wrote."""
    # Only drainbot writes it, and only a signed delivery brings it back.
    try:
        found = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _state(view: Mapping[str, Any], block: str) -> Mapping[str, Any]:
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    fields = values.get(block) if isinstance(values, Mapping) else None
    # A block has one element, whatever it is called.
    found = next(iter(fields.values()), None) if isinstance(fields, Mapping) else None
    return found if isinstance(found, Mapping) else {}
