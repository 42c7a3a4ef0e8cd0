"""What people typed behind `/drain`, out of what Slack made of it on the way.

Slack escapes `&`, `<` and `>`, and where the app's command has `should_escape` it turns people,
channels and addresses into tokens: also `node-1.example.com`, which it takes for a web site.
https://docs.slack.dev/interactivity/implementing-slash-commands and
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

import re

__all__ = ["as_typed"]

_TOKEN = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_ESCAPED = re.compile(r"&(lt|gt|amp);")
_MEANT = {"lt": "<", "gt": ">", "amp": "&"}
# What pasting brings along and nobody sees: soft hyphens, joints, marks of direction.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_BLANKS = re.compile("[\u00a0\u2007\u202f]")  # that don't break; macOS types one with Alt


def as_typed(text: str) -> str:
    """Return the text of a slash command as its writer saw it; any text has an answer.

    A mention becomes its name (`@ana`, `#ops`), which no node has. An address becomes the word
    that Slack made it of; one that hides behind another word stays visible, and so is refused.
    """
    shown = _TOKEN.sub(_word, text)
    shown = _ESCAPED.sub(lambda found: _MEANT[found[1]], shown)  # once: `&amp;lt;` was `&lt;`
    return _BLANKS.sub(" ", _UNSEEN.sub("", shown))


def _word(token: re.Match[str]) -> str:
    sign, target, name = token[1], token[2], (token[3] or "").strip()
    if sign == "#":
        return f"#{name.lstrip('#') or target}"
    if sign:
        return f"@{name.lstrip('@') or target}"
    if name and name == _made_of(target, name):
        return name
    return target if ":" in target else token[0]


def _made_of(target: str, name: str) -> str:
    """Return the word that Slack makes such an address of, given how it shows it."""
    scheme, colon, rest = target.partition(":")
    if not colon:
        return ""
    if scheme == "tel":  # it also takes 10-20-30-40 for a number
        same = re.sub(r"\D", "", rest) == re.sub(r"\D", "", name)
        return name if same else ""
    rest = rest.removeprefix("//")
    return rest if rest == name else rest.removesuffix("/")
