"""One set of words, three ways to show them: mrkdwn, a notification, a terminal."""

import re
from typing import Protocol

from bot.messages.text import clean, escape, mention, user_of
from bot.messages.times import date_token, utc

__all__ = ["MRKDWN", "NOTICE", "PLAIN", "Style", "with_people"]

_PRINCIPAL = re.compile(r"(\bT[A-Z0-9]{1,20}:[UW][A-Z0-9]{1,20}\b)")


class Style(Protocol):
    """How a text names people, moments and foreign words."""

    def text(self, words: str, limit: int = 300) -> str:
        """Make foreign words safe to show."""
        ...

    def person(self, principal: str) -> str:
        """Name a user or a group."""
        ...

    def time(self, ms: int, *, seconds: bool = False, day: bool = False) -> str:
        """Say a moment; with its `day` where that need not be today."""
        ...

    def bold(self, words: str) -> str:
        """Stress words that are safe already."""
        ...

    def link(self, words: str, url: str) -> str:
        """Lead to an address, or just say the words where there is none."""
        ...


_LINKS = ("https://", "http://127.0.0.1:")  # the second: a Slack on this machine, as the demo's


class _Mrkdwn:
    """For the blocks of a Slack message."""

    def text(self, words: str, limit: int = 300) -> str:
        return escape(words, limit)

    def person(self, principal: str) -> str:
        return mention(principal)

    def time(self, ms: int, *, seconds: bool = False, day: bool = False) -> str:
        return date_token(ms, seconds=seconds, day=day)

    def bold(self, words: str) -> str:
        return f"*{words}*"

    def link(self, words: str, url: str) -> str:
        # Only what Slack itself gave as a permalink is ever a link.
        return (
            f"<{url}|{words}>" if url.startswith(_LINKS) and not set(url) & set("|<> ") else words
        )


class _Notice(_Mrkdwn):
    """For `text`, which notifications and screen readers use: no tokens but names of people."""

    def time(self, ms: int, *, seconds: bool = False, day: bool = False) -> str:
        return utc(ms, seconds=seconds, day=day)

    def bold(self, words: str) -> str:
        return words

    def link(self, words: str, url: str) -> str:  # noqa: ARG002  the same shape for all styles
        return words


class _Plain:
    """For a terminal: no markup, and nothing that a terminal would obey."""

    def text(self, words: str, limit: int = 300) -> str:
        return clean(words, limit)

    def person(self, principal: str) -> str:
        return clean(user_of(principal), 80)

    def time(self, ms: int, *, seconds: bool = False, day: bool = False) -> str:
        return utc(ms, seconds=seconds, day=day)

    def bold(self, words: str) -> str:
        return words

    def link(self, words: str, url: str) -> str:  # noqa: ARG002  the same shape for all styles
        return words


MRKDWN: Style = _Mrkdwn()
NOTICE: Style = _Notice()
PLAIN: Style = _Plain()


def with_people(words: str, style: Style, limit: int = 300) -> str:
    """Show words of our own that name principals: `skipped by T01:U02` names the person.

    Only for what the workflow wrote: in somebody's reason an id could mention anybody.
    """
    parts = _PRINCIPAL.split(words[:limit])
    return "".join(
        style.person(part) if index % 2 else _spaced(part, style)
        for index, part in enumerate(parts)
        if part
    )


def _spaced(part: str, style: Style) -> str:
    # Cleaning trims the ends, where the space before and after a name belongs.
    shown = style.text(part, len(part) + 1)
    before = " " if part[:1].isspace() else ""
    after = " " if shown and part[-1:].isspace() else ""
    return f"{before}{shown}{after}"
