"""A message as a value: what it says, where it belongs, and how urgent it is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

__all__ = ["METADATA_EVENT", "PARENT", "BlockDict", "Message", "Priority", "fresh_ids"]

BlockDict = dict[str, Any]

METADATA_EVENT = "drainbot_message"
PARENT = "parent"  # the key of an operation's first message


class Priority(IntEnum):
    """What goes first when Slack's limits leave room for one."""

    URGENT = 0  # an open question, an end
    SETTLED = 1  # what became of a question: whoever pressed its button looks at it
    ENDED = 2  # the parent's last state
    LOG = 3
    PROGRESS = 4  # the latest wins; may wait


@dataclass(frozen=True)
class Message:
    """One message of an operation, rendered from its state.

    `key` is stable within the operation. `version` is the state's: nothing older overwrites newer.
    `channel` is empty where it belongs to the operation's own. A message with `post` False is
    brought up to date where it is there already, and never posted for the first time.
    `volatile` are words that alone are no reason to send it again, like "as of 14:12:08".
    A `confined` one is told in its `channel` or nowhere: it names what others must not read.
    `covers` are the keys that one summary stands for; otherwise it is the message's own.
    """

    key: str
    text: str
    blocks: tuple[BlockDict, ...]
    priority: Priority
    version: int = 0
    in_thread: bool = True
    broadcast: bool = False
    mutable: bool = True
    channel: str = ""
    post: bool = True
    confined: bool = False
    volatile: tuple[str, ...] = ()
    summed: tuple[str, ...] = field(default=())

    @property
    def covers(self) -> tuple[str, ...]:
        """The keys that are told once this message is."""
        return self.summed or (self.key,)

    @cached_property
    def digest(self) -> str:
        """What it says, in short: equal digests need no update. Ids of blocks don't count."""
        bare = [{k: v for k, v in block.items() if k != "block_id"} for block in self.blocks]
        said = json.dumps([self.text, bare], sort_keys=True, ensure_ascii=False)
        for words in self.volatile:
            said = said.replace(json.dumps(words, ensure_ascii=False)[1:-1], "")
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:24]


def fresh_ids(message: Message, salt: str = "") -> Message:
    """Return the message with a `block_id` on each block that no other state of it has had.

    Slack asks for new ids on each update, or clients may keep what they showed before:
    https://docs.slack.dev/reference/block-kit/blocks
    """
    stem = f"{message.version}.{message.digest[:10]}{salt}"
    blocks: Sequence[BlockDict] = [
        {**block, "block_id": f"{stem}.{index}"} for index, block in enumerate(message.blocks)
    ]
    return replace(message, blocks=tuple(blocks))
