"""What is wrong with messages whose names are made up: Slack's limits and the house rules."""

from collections.abc import Mapping
from typing import Any

from bot.messages import Message
from sandbox.slack.blockkit import problems
from sandbox.slack.house_rules import of_message, of_view


def wrong_with(message: Message) -> list[str]:
    """Return what Slack would refuse in a message, and what people should not be given."""
    blocks = list(message.blocks)
    return problems(blocks) + _unnamed(of_message(message.text, blocks))


def wrong_with_view(view: Mapping[str, Any]) -> list[str]:
    """Return the same of a modal or a home tab."""
    return problems(dict(view)) + _unnamed(of_view(dict(view)))


def _unnamed(breaches: list[str]) -> list[str]:
    """Leave out what is only a name that is no word: a made-up one may be all emoji, or dashes."""
    wordless = ("says nothing in words", "is no sentence")
    return [breach for breach in breaches if not any(words in breach for words in wordless)]
