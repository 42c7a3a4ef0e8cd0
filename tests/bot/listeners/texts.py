"""What people might type behind `/drain`, by the thousand; and a second reading of it, to check.

The second reading shares no code with the bot's: it knows words, flags and labels, and says what a
text may drain at most.
"""

import html
import random
import re
from dataclasses import dataclass

NODES = {
    "node-1": "blue",
    "node-17": "blue",
    "node-18": "green",
    "plan-9": "green",
    "list": "green",
    "7f3k9q": "green",
    "ip-10-0-1-2.eu.internal": "blue",
}
"""The nodes of the cluster, some with names to stumble over, and their pools."""

VERBS = (
    "plan", "status", "list", "abort", "pause", "resume", "uncordon", "freeze", "thaw", "history",
    "who", "help",
)  # fmt: skip
VALUED = (
    "grace-period", "timeout", "pod-selector", "selector", "skip-wait-for-delete-timeout",
    "max-failures", "canary", "soak", "l",
)  # fmt: skip
_SWITCHES = ("force", "delete-emptydir-data", "disable-eviction", "plan", "expect-gone")
_JUNK = (
    "and", "please", "not", "don't", "all", "*", ".*", "node-*", "node-", "-", "--", "—", "...",
    "<@U02BOB>", "<@U02BOB|bo>", "<#C01OPS|ops>", "<!here>", "<!channel>", "@channel", "&amp;",
    "&lt;node-1&gt;", "<http://evil.example|node-1>", "node-1,node-2", "node-1;", "#7F3K9Q",
    "7F3K9Q", "prod-eu-7f3k9q", "prod-eu", "lab/node-1", "prod-us/node-1", "a/b/c", "/", "=", "!",
    "pool=", "=blue", "pool==blue", "pool!=blue", "a" * 260, "n\u0000l", "\ufffd", "ن", "🙂",
    "\u202enode-1", "$(reboot)", "`node-1`", "'", '"', "“", "reason", "--reason", "-reason",
)  # fmt: skip
_BLANKS = (" ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u200b", " \u2028")
_TYPED = str.maketrans({"-": "—", '"': "“", "'": "’"})  # noqa: RUF001  as phones do


@dataclass(frozen=True)
class Reading:
    """What a text may do at most: its first word, and the nodes that it may drain."""

    first: str
    nodes: frozenset[str]


def anything(chance: random.Random) -> str:
    """Return one text: a form with what belongs to it, words at random, or a form that is torn."""
    words = _words(chance)
    text = "".join(word + chance.choice(_BLANKS) for word in words)
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        text = _torn(chance, text)
    return text


def _words(chance: random.Random) -> list[str]:
    kind = chance.randrange(6)
    if kind == 0:
        return [chance.choice(_JUNK) for _ in range(chance.randrange(6))]
    if kind == 5:  # nothing wrong with it, unless it is torn
        named = chance.sample(list(NODES)[:4], chance.randrange(1, 4))
        flag = chance.choice(("--timeout=5m", "—timeout 5m", "--expect-gone", "--plan"))
        return [*chance.choice(([], [], ["plan"])), *named, flag]
    verb = [_mistyped(chance, chance.choice(VERBS))] if kind in {1, 2} else []
    words = [*verb, *(_word(chance) for _ in range(chance.randrange(1, 5)))]
    if kind == 4:
        words.insert(chance.randrange(len(words) + 1), chance.choice(_JUNK))
    if chance.random() < 0.3:
        words += [chance.choice(("reason", "--reason", "—reason")), "it's", "node-18", "&amp; so"]
    return words


def _word(chance: random.Random) -> str:
    kind = chance.randrange(8)
    node = chance.choice(list(NODES))
    if kind < 3:
        return chance.choice((node, node, f"prod-eu/{node}", f'"{node}"', f"“{node}”"))
    if kind == 3:
        return _mistyped(chance, node)
    if kind == 4:
        return chance.choice(("pool=blue", "pool=green", "pool=red", "-l pool=blue", "tier=x"))
    if kind == 5:
        flag = chance.choice(VALUED)
        value = chance.choice(("5", "5m", "-1", "pool=blue", "x y", "", "node-1", "1e9", "∞"))
        return f"--{flag}{chance.choice(('=', ' '))}{value}"
    flag = (
        f"--{chance.choice(_SWITCHES)}{chance.choice(('', '', '=true', '=false', ' true', '=x'))}"
    )
    return flag.translate(_TYPED) if kind == 6 else flag


def _mistyped(chance: random.Random, word: str) -> str:
    if chance.random() < 0.6:
        return chance.choice((word, word.upper(), word.capitalize()))
    return _torn(chance, word)


def _torn(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    kind = chance.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + chance.choice(" -=/\"'—<>&|\u200b\u00a0,.;!x1\n") + text[at:]
    if kind == 2:
        return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    return text[at:] + text[:at]


# -- the second reading ------------------------------------------------------------------------


def reading(text: str) -> Reading:
    """Read a text with simple means; of what it can't be sure of, it says that nothing may go."""
    seen = re.sub(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]", "", text)
    seen = re.sub(r"<https?://([^|<>]+?)/?\|\1>", r"\1", seen)
    seen = html.unescape(seen.replace("\u00a0", " ")) if "&" in seen else seen
    words = seen.split()
    first = words[0].lower() if words else ""
    if first in VERBS and first != "plan":
        return Reading(first, frozenset())
    rest = seen.strip()[len(words[0]) :] if first == "plan" else seen
    return Reading(first, _drained(_before_the_reason(rest)))


def _before_the_reason(text: str) -> str:
    text = re.sub("[“”„‟«»]", '"', re.sub("[‘’‚‛]", "'", text))  # noqa: RUF001  phones again
    place, quote = 0, ""
    for place, char in enumerate(text):
        if char in "\"'":
            quote = "" if quote == char else quote or char
        at_word = not quote and (place == 0 or text[place - 1].isspace())
        if at_word and re.match(r"(?:[-‐‑‒–—―−]+)?reason(?:[\s=]|$)", text[place:]):  # noqa: RUF001
            return text[:place]
    return text


def _drained(text: str) -> frozenset[str]:
    nodes: set[str] = set()
    labels: list[str] = []
    words = [
        re.sub("[\"']", "", word) for word in re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", text)
    ]
    waiting = iter(words)
    for word in waiting:
        flag = re.match(r"[-‐‑‒–—―−]+([A-Za-z][^=\s]*)(=?)(.*)", word, re.DOTALL)  # noqa: RUF001
        if flag:
            name = re.sub("[‐‑‒–—―−]", "-", flag[1])  # noqa: RUF001
            value = flag[3] if flag[2] else next(waiting, "") if name in VALUED else ""
            labels += [value] if name in {"selector", "l"} else []
        elif "=" in word:
            labels.append(word)
        elif word.removeprefix("prod-eu/") in NODES:
            nodes.add(word.removeprefix("prod-eu/"))
        else:
            return frozenset()  # a word that nobody knows: then nothing may be drained
    if not labels:
        return frozenset(nodes)
    wanted = [label.partition("=")[2] for label in labels if label.startswith("pool=")]
    if nodes or len(wanted) != len(labels):
        return frozenset()
    return frozenset(name for name, pool in NODES.items() if all(w == pool for w in wanted))
