"""What Slack would take and people should not be given; pure.

Slack's own limits are in :mod:`sandbox.slack.blockkit`. These rules are drainbot's: a message can
be read aloud, in a notification and without colours, and nothing that somebody typed pings a
channel or turns the words around it. The stand-in keeps what it finds about every message and view
of an app; :func:`sandbox.slack.running` raises at its end where :data:`SWITCH` is set, as in tests.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

__all__ = ["SWITCH", "of_message", "of_view"]

SWITCH = "SANDBOX_SLACK_HOUSE_RULES"
"""The variable that makes a breach of these rules an error."""

_MASS = re.compile(r"<!(?:here|channel|everyone)\b")
_MARKUP = re.compile(r"<[@#!][A-Za-z0-9^]")
_EMOJI = re.compile(r":[a-z0-9_+-]+:")
_TOKEN = re.compile(r"<[^>]*>")
_OVERRIDES = set("\u202a\u202b\u202c\u202d\u202e")
_ISOLATES, _POP = set("\u2066\u2067\u2068"), "\u2069"
_ENDS = (".", "?", "!", "…", ")", '"')
_FEWEST_WORDS = 2
_SHOWN_OF_BUTTON = 30  # characters


def of_message(text: str, blocks: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with a message, a sentence each."""
    found = list(_words("text", text, plain=False))
    if blocks:
        found += _sentence(text)
    return [*found, *_surface(blocks)]


def of_view(view: dict[str, Any]) -> list[str]:
    """Return what is wrong with a modal or a home tab, a sentence each."""
    blocks = view.get("blocks")
    found = list(_surface(blocks)) if isinstance(blocks, list) else []
    for part in ("title", "submit", "close"):
        if isinstance(view.get(part), dict):
            found += _words(part, str(view[part].get("text", "")), plain=True)
    return found


def _sentence(text: str) -> Iterator[str]:
    """Check a text beside blocks: it is all that notifications and screen readers get."""
    said = _TOKEN.sub("x", text).strip()
    if len(re.findall(r"\w+", said)) < _FEWEST_WORDS:
        yield f"text: {text[:80]!r} is no sentence"
    elif not said.rstrip(_POP).endswith(_ENDS):
        yield f"text: {text[-80:]!r} ends like no sentence"


def _surface(blocks: list[dict[str, Any]]) -> Iterator[str]:
    buttons = []
    for index, block in enumerate(blocks):
        at = f"blocks/{index}"
        for text in _texts(block):
            plain = text.get("type") == "plain_text"
            yield from _words(at, str(text.get("text", "")), plain=plain)
        for element in [*block.get("elements", []), block.get("accessory")]:
            if isinstance(element, dict) and element.get("type") == "button":
                buttons.append(element)
                yield from _button(at, element)
        names = Counter(_label(each) for each in block.get("elements", []) if _label(each))
        for name in (name for name, number in names.items() if number > 1):
            yield f"{at}: two buttons are called {name!r}: only colour or place tells them apart"
    spoken = Counter(each.get("accessibility_label") for each in buttons)
    for said in (said for said, number in spoken.items() if said and number > 1):
        yield f"blocks: {spoken[said]} buttons are read as {said!r}: nobody hears which is which"


def _button(at: str, button: dict[str, Any]) -> Iterator[str]:
    # 75 characters are taken, and about 30 shown:
    # https://docs.slack.dev/reference/block-kit/block-elements/button-element
    if len(_label(button)) > _SHOWN_OF_BUTTON:
        yield f"{at}: the button {_label(button)!r} is cut off where it is shown"
    if not str(button.get("accessibility_label", "")).strip():
        yield f"{at}: the button {_label(button)!r} has no accessibility_label"


def _label(element: dict[str, Any]) -> str:
    text = element.get("text")
    is_button = element.get("type") == "button" and isinstance(text, dict)
    return str(text["text"]) if is_button and isinstance(text, dict) else ""


def _texts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _words(at: str, text: str, *, plain: bool) -> Iterator[str]:
    """Check words that are shown: whatever they say is said in letters or figures."""
    said = _EMOJI.sub("", text)
    drawn = said != text or any(unicodedata.category(char) == "So" for char in text)
    if drawn and not any(char.isalnum() for char in said):
        yield f"{at}: {text[:80]!r} says nothing in words"
    if _MASS.search(text):
        yield f"{at}: {text[:80]!r} pings everybody"
    if plain and _MARKUP.search(text):
        yield f"{at}: {text[:80]!r} is plain text, and shows its markup"
    if set(text) & _OVERRIDES:
        yield f"{at}: {text[:80]!r} turns the words around it"
    if sum(char in _ISOLATES for char in text) > text.count(_POP):
        yield f"{at}: {text[:80]!r} opens an isolate and does not close it"
    strange = {char for char in text if unicodedata.category(char) == "Cc" and char not in "\n\t"}
    if strange:
        yield f"{at}: {text[:80]!r} holds control characters"
