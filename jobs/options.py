"""The grammar of a drain: `NODE… [flags] [reason …]`, in Slack, on the command line and in code.

The flags are those of :mod:`jobs.flags`. What is not understood is an error, never passed over:
half a request must not drain a node. Text from chat arrives with typographic quotes and dashes,
which are read as what was typed.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import cast

from jobs import selectors
from jobs.flags import (
    BY_NAME,
    COMMAND_FLAGS,
    FLAGS,
    LONGEST,
    SHORTEST,
    Flag,
    UsageError,
    checked,
    options_from,
    render_options,
    rights_needed,
    usage,
)
from jobs.ids import close_matches, is_cluster_name, is_node_name, quoted
from jobs.models import DrainOptions, Frozen

__all__ = [
    "COMMAND_FLAGS",
    "FLAGS",
    "LONGEST",
    "SHORTEST",
    "DrainCommand",
    "Flag",
    "UsageError",
    "options_from",
    "parse_drain",
    "parse_tokens",
    "render_options",
    "rights_needed",
    "split_node",
    "usage",
]

_REASON_MAX = 500
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, lone surrogates, line ends
_DASHES = "-‐‑‒–—―−"  # noqa: RUF001  those that keyboards and chat programs put for --
_QUOTES = str.maketrans("“”„‟«»‘’‚‛", '""""""\'\'\'\'')  # noqa: RUF001  typographic, on purpose
_FLAG = re.compile(rf"([{_DASHES}]+)([A-Za-z][^=\s]*)(?:(=)(.*))?\Z", re.DOTALL)
_CLOSE = re.compile(r"-l([^=].*=.*)\Z", re.DOTALL)  # with its = it is no long flag mistyped
_REASON = re.compile(rf"(?:--|[{_DASHES[1:]}]+)reason(?:=|(?=\s)|\Z)|reason(?=\s|\Z)")
_PAIR = re.compile(r"([^=!<>(),\s]+)=([^=!<>(),\s]*)\Z")
_CLOSED = re.compile(r"([\"'])((?:(?!\1).)*)\1\Z", re.DOTALL)
# Flags of kubectl's, now or once, that drainbot has under another name.
_ELSEWHERE = {
    "dry-run": "plan",
    "delete-local-data": "delete-emptydir-data",
    "grace": "grace-period",
    "label-selector": "selector",
    "l": "selector",
}


class DrainCommand(Frozen):
    """What somebody asked for. Nodes are `NODE` or `CLUSTER/NODE`, see :func:`split_node`.

    `pairs` are the labels of `pool=blue zone=a`; `selector` is that of `--selector`. There are
    either nodes or one of these.
    """

    nodes: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    selector: str = ""
    options: DrainOptions = DrainOptions()
    reason: str = ""
    plan_only: bool = False

    @property
    def node_selector(self) -> selectors.Selector | None:
        """The labels of the nodes that are meant, or None if nodes were named."""
        if self.nodes:
            return None
        pairs = (selectors.Requirement(key, "=", (value,)) for key, value in self.pairs)
        return selectors.Selector((*pairs, *selectors.parse(self.selector).requirements))

    @property
    def labels_wanted(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The labels that a node must have: each key with the values that will do, none: any."""
        there = self.node_selector.requirements if self.node_selector else ()
        return tuple((r.key, r.values) for r in there if r.operator in {"=", "in", "exists"})

    def in_one_cluster(self, default: str) -> tuple[str, tuple[str, ...]]:
        """Return the cluster and the nodes' bare names; `default` is the cluster of bare names.

        Raises :class:`UsageError` if the nodes are of several clusters, or of none.
        """
        names = [split_node(node) for node in self.nodes]
        clusters = dict.fromkeys(cluster or default for cluster, _ in names) or {default: None}
        if len(clusters) > 1:
            several = " and ".join(name or "none" for name in clusters)
            raise UsageError(f"These nodes are of several clusters, {several}: ask for each apart.")
        cluster = next(iter(clusters))
        if not cluster:
            raise UsageError("Say the cluster too, as in CLUSTER/NODE: none is the default here.")
        return cluster, tuple(dict.fromkeys(name for _, name in names))


def parse_drain(text: str) -> DrainCommand:
    """Read a drain as somebody typed it, such as `node-1 --timeout=5m reason disk swap`.

    Raises :class:`UsageError`, and nothing else, for any text.
    """
    words, reason = _split(text)
    return _command(words, None if reason is None else _reason_typed(reason))


def parse_tokens(tokens: Sequence[str]) -> DrainCommand:
    """Read a drain from words that a shell has split already; raise :class:`UsageError`."""
    for number, token in enumerate(tokens):
        if marker := _REASON.match(token):
            said = [part for part in (token[marker.end() :], *tokens[number + 1 :]) if part]
            return _command(tokens[:number], _reason(said))
    return _command(tokens, None)


def split_node(node: str) -> tuple[str, str]:
    """Return the cluster ("" if it names none) and the name of `NODE` or `CLUSTER/NODE`."""
    cluster, slash, name = node.partition("/")
    return (cluster, name) if slash else ("", node)


def _split(text: str) -> tuple[list[str], str | None]:
    """Split as a shell does, up to the reason, whose raw text is returned (None: there is none).

    The reason is not split, so that its apostrophes need no care.
    """
    plain = text.translate(_QUOTES)  # one character for one: places in it are places in `text`
    words: list[str] = []
    place = 0
    while place < len(plain):
        if plain[place].isspace():
            place += 1
            continue
        if marker := _REASON.match(plain, place):
            return words, text[marker.end() :]
        word = ""
        while place < len(plain) and not plain[place].isspace():
            end = place
            if plain[place] in "\"'":
                end = plain.find(plain[place], place + 1)
                if end < 0:
                    raise UsageError(f"A quote is never closed: {quoted(text[place:])}.")
            word += plain[place + 1 : end] if end > place else plain[place]
            place = end + 1
        words.append(word)
    return words, None


def _command(words: Sequence[str], reason: str | None) -> DrainCommand:
    nodes: dict[str, None] = {}
    pairs: dict[str, str] = {}
    values: dict[str, str] = {}
    waiting = iter(words)
    switch = ""  # the switch just before, as `--force false` would name a node `false`
    for word in waiting:
        if flag := _FLAG.match(word):
            switch = _take_flag(flag, waiting, values)
            continue
        if switch and word in {"true", "false"}:
            raise UsageError(f"Write --{switch}={word}: with =, without a blank.")
        switch = ""
        if "=" in word:
            _take_pair(word, pairs)
        else:
            nodes[_node(word)] = None
    selector = values.pop("selector", None)
    if selector == "":  # `--selector= node-1`: half of it is missing, so none of it is done
        raise UsageError("--selector is empty: write it as --selector=pool=blue.")
    plan_only = values.pop("plan_only", "false") == "true"
    if nodes and (pairs or selector):
        raise UsageError("Name nodes or their labels, not both.")
    if not nodes and not pairs and not selector:
        raise UsageError("Name at least one node, such as node-1, or labels such as pool=blue.")
    return DrainCommand(
        nodes=tuple(nodes),
        pairs=tuple(pairs.items()),
        selector=selector or "",
        options=options_from(values),
        reason=reason or "",
        plan_only=plan_only,
    )


def _take_flag(match: re.Match[str], waiting: Iterator[str], values: dict[str, str]) -> str:
    """Note one flag and its value; return its name if it is a switch that was given no value."""
    if close := _CLOSE.match(match[0]):  # -lpool=blue, as kubectl takes it too
        return _take_flag(cast("re.Match[str]", _FLAG.match(f"-l={close[1]}")), waiting, values)
    flag = _known_flag(match[1], match[2])
    if flag.field == "reason":  # quotes hid it from the splitting
        raise UsageError("Write --reason without quotes around it; its words may have them.")
    if match[3]:
        value = match[4]
    elif flag.metavar:
        following = next(waiting, None)
        if following is None:
            raise UsageError(f"--{flag.name} needs a value: --{flag.name}={flag.metavar}.")
        value = following
    else:
        value = "true"
    value = checked(flag, value)
    if values.setdefault(flag.field, value) != value:
        raise UsageError(f"--{flag.name} stands there twice, with different values.")
    return "" if match[3] or flag.metavar else flag.name


def _known_flag(dashes: str, typed: str) -> Flag:
    name = re.sub(f"[{_DASHES}]", "-", typed)
    if name == "l" and len(dashes) == 1:
        return BY_NAME["selector"]
    long = dashes == "--" or dashes.strip("-") != ""  # an em dash is what -- became
    if long and name in BY_NAME:
        return BY_NAME[name]
    close = _ELSEWHERE.get(name) or next(iter(close_matches(name, BY_NAME, limit=1)), "")
    hint = f"Did you mean --{close}?" if close else "See help for those that there are."
    raise UsageError(f"There is no flag {quoted(dashes + typed)}. {hint}")


def _take_pair(word: str, pairs: dict[str, str]) -> None:
    match = _PAIR.match(word)
    if match is None:
        raise UsageError(
            f"{quoted(word)} is no label such as pool=blue; --selector takes others.", word=word
        )
    if wrong := selectors.check_label(match[1], match[2]):
        raise UsageError(f"{wrong}.")
    if pairs.setdefault(match[1], match[2]) != match[2]:
        raise UsageError(f"No node has two values of {quoted(match[1])}: name one of them.")


def _node(word: str) -> str:
    cluster, name = split_node(word)
    if (cluster or "/" not in word) and is_node_name(name):
        if "/" in word and not is_cluster_name(cluster):
            raise UsageError(f"{quoted(cluster)} is not a cluster's name.")
        return word
    if is_node_name(word.lower()):
        raise UsageError(f"{quoted(word)}: names are in lower case. Did you mean {word.lower()}?")
    hint = " Put blanks between nodes." if "," in word else ""
    raise UsageError(
        f"{quoted(word)} is not a node's name: lower-case letters, digits, - and ., "
        f"at most 253 characters.{hint}",
        word=word,
    )


def _reason_typed(text: str) -> str:
    text = text.strip()
    closed = _CLOSED.match(text.translate(_QUOTES))
    return _reason([text[1:-1]] if closed else text.split())


def _reason(parts: Sequence[str]) -> str:
    """Return the reason on one line. A flag among its words would have been passed over."""
    for part in parts:
        flag = _FLAG.match(part)
        if flag and (flag[1] == "--" or (flag[1].strip("-") and flag[2] in BY_NAME)):
            raise UsageError(
                f"{quoted(part)} stands in the reason, which goes on to the end: "
                "put flags before it, or the whole reason in quotes."
            )
    said = " ".join(parts)
    # Line breaks and broken characters go; joiners stay, which names and emoji are made of.
    shown = (" " if unicodedata.category(c) in _UNSHOWN else c for c in said)
    reason = " ".join("".join(shown).split())
    if not reason:
        raise UsageError("The reason is empty: write it behind the word reason.")
    if len(reason) > _REASON_MAX:
        raise UsageError(f"The reason is too long: at most {_REASON_MAX} characters.")
    return reason
