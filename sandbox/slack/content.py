"""Content as Slack stores it, looked at by the house rules: what has no id gets one."""

import copy
from typing import Any

from sandbox.slack import house_rules
from sandbox.slack.arguments import LONGEST_TEXT, Arguments
from sandbox.slack.blockkit import elements_of
from sandbox.slack.state import State

__all__ = ["message_content", "with_ids"]


def message_content(
    state: State, arguments: Arguments, *, longest: int = LONGEST_TEXT
) -> tuple[str, list[dict[str, Any]]]:
    """Return text and blocks of a message with their ids, or raise ApiError.

    What the house rules have against it is kept for who runs the stand-in.
    """
    text, blocks = arguments.content(longest=longest)
    state.breaches += house_rules.of_message(text, blocks)
    return text, with_ids(state, blocks)


def with_ids(state: State, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a copy in which every block and interactive element has its id."""
    named = copy.deepcopy(blocks)
    for block in named:
        block.setdefault("block_id", f"b{state.next_number():x}")
        for element in elements_of(block):
            element.setdefault("action_id", f"a{state.next_number():x}")
    return named
