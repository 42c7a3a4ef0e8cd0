"""Blocks as Slack stores them: what has no id gets one."""

import copy
from typing import Any

from sandbox.slack.blockkit import elements_of
from sandbox.slack.state import State

__all__ = ["with_ids"]


def with_ids(state: State, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a copy in which every block and interactive element has its id."""
    named = copy.deepcopy(blocks)
    for block in named:
        block.setdefault("block_id", f"b{state.next_number():x}")
        for element in elements_of(block):
            element.setdefault("action_id", f"a{state.next_number():x}")
    return named
