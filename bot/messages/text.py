"""Words that are safe to show: nothing that people or clusters wrote can ping, format or overflow.

Every string from outside passes through :func:`clean` (a terminal, a notification) or
:func:`escape` (Slack's mrkdwn). Slack's rules for escaping:
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from bot.messages.times import utc

__all__ = [
    "clean",
    "clip",
    "count",
    "escape",
    "fit",
    "label",
    "listing",
    "mention",
    "pod_names",
    "short_id",
    "size",
    "user_of",
    "utc",
]

_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_GROUP = re.compile(r"S[A-Z0-9]{1,30}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,30}")
# Joiners shape scripts and emoji; every other invisible character can only mislead a reader.
_JOINERS = {"\u200c", "\u200d"}
_LOOKALIKES = {ord("<"): "\u2039", ord(">"): "\u203a", ord("&"): "+"}
_ISOLATE, _POP = "\u2068", "\u2069"


def size(text: str) -> int:
    """Return the length as a JavaScript server counts it, never less than Python's."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """Shorten to at most `limit` characters, with an ellipsis where something is missing."""
    if size(text) <= limit:
        return text
    while text and size(text) > limit - 1:
        text = text[: len(text) - max(1, (size(text) - limit) // 2)]
    return text + "…"


def clean(text: str, limit: int = 300) -> str:
    """Make one harmless line of `text`: no control, direction or other invisible characters."""
    shown = text[: limit * 4].encode("utf-8", "replace").decode("utf-8")
    kept = (
        char
        if unicodedata.category(char)[0] != "C" or char in _JOINERS
        else " "
        if char in "\t\r\n"
        else ""
        for char in shown
    )
    return clip(" ".join("".join(kept).split()), limit)


def escape(text: str, limit: int = 300) -> str:
    """Return `text` for mrkdwn: cleaned, shortened, escaped, and unable to mention anybody.

    Right-to-left words are isolated, so that they can't reorder the words around them.
    """
    words = clean(text, limit).replace("`", "'")
    words = re.sub(r"@(?=\w)", "@\u200b", words)
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in words):
        return f"{_ISOLATE}{words}{_POP}"
    return words


def label(text: str, limit: int) -> str:
    """Return `text` for a plain_text object, which needs no escaping but must not look like it."""
    words = clean(text, limit).translate(_LOOKALIKES)
    return clip(re.sub(r"@(?=\w)", "@\u200b", words), limit)


def user_of(principal: str) -> str:
    """Return the Slack user id of a principal (`T01:U02` → `U02`); other words as they are."""
    return principal.rsplit(":", 1)[-1]


def mention(principal: str) -> str:
    """Return the mrkdwn that names a user, a user group or a channel; other words are escaped."""
    name = user_of(principal)
    if _USER.fullmatch(name):
        return f"<@{name}>"
    if _GROUP.fullmatch(name):
        return f"<!subteam^{name}>"
    if _CHANNEL.fullmatch(name):
        return f"<#{name}>"
    return escape(name, 80)


def short_id(operation: str) -> str:
    """Return an operation's id as people say it: `prod-eu-7f3k9q` → `7F3K9Q`."""
    return re.sub(r"[^A-Za-z0-9]", "", operation.rsplit("-", 1)[-1])[:20].upper()


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 pod`, `2 pods`."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def listing(items: Sequence[str], limit: int, *, last: str = ", ", of: int = 0) -> str:
    """Join at most `limit` items, and say how many more there are (`of` them in all)."""
    more = max(of, len(items)) - min(len(items), limit)
    if more:
        return f"{', '.join(items[:limit])} and {more} more"
    if len(items) > 1:
        return f"{', '.join(items[:-1])}{last}{items[-1]}"
    return "".join(items)


def pod_names(
    names: Iterable[str], show: Callable[[str, int], str], limit: int = 5, *, each: int = 120
) -> str:
    """List pods by name, each made safe by `show`, with a count of those left out."""
    pods = tuple(names)
    return listing([show(name, each) for name in pods[:limit]], limit, of=len(pods))


def fit(lines: Iterable[str], limit: int) -> str:
    """Join lines to a text of at most `limit` characters.

    Whole lines only, so that no token is cut in two; the last line says how many are missing.
    """
    wanted = [line for line in lines if line]
    text = "\n".join(wanted)
    if size(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - len("\n… and 00000 more lines")
    for line in wanted:
        room -= size(line) + 1
        if room < 0:
            break
        kept.append(line)
    missing = count(len(wanted) - len(kept), "more line")
    return "\n".join([*kept, f"… and {missing}"])
