"""Names and ids: how they are made, read and shown to people.

An operation is `<cluster>-<6>`, a question `<cluster>-q-<12>`; the endings are Crockford's base32
(https://www.crockford.com/base32.html) in lower case. It has no i, l, o and u, so that an id
survives being read aloud. The cluster is part of the id: whoever holds one knows whose state it is.
"""

import difflib
import heapq
import re
import unicodedata
from collections.abc import Iterable

from jobs.errors import DrainbotError

__all__ = [
    "IdError",
    "close_matches",
    "cluster_of",
    "did_you_mean",
    "is_cluster_name",
    "is_node_name",
    "is_question",
    "operation_id",
    "parse_operation",
    "question_id",
    "quoted",
    "short",
]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_OPERATION_LENGTH = 6
_QUESTION_LENGTH = 12
_BITS = 5

_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_CLUSTER = re.compile(rf"{_DNS_LABEL}\Z")
_CLUSTER_MAX = 40  # leaves room for the rest of a key and of a Kubernetes name (63)
_NODE = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*\Z")
_NODE_MAX = 253
_ID = re.compile(
    rf"(?P<cluster>{_DNS_LABEL})"
    rf"(?:-q-(?P<question>[{_ALPHABET}]{{{_QUESTION_LENGTH}}})"
    rf"|-(?P<operation>[{_ALPHABET}]{{{_OPERATION_LENGTH}}}))\Z"
)
# What Crockford's decoding takes for another letter: people mix them up.
_MIXED_UP = str.maketrans({"o": "0", "i": "1", "l": "1"})

_COMPARED = 200  # candidates that are compared in full: a cluster may have thousands of nodes
_SHOWN = 60  # characters of a person's word that an answer repeats
_HARMLESS = str.maketrans(
    {"<": "‹", ">": "›", "&": "＆", "@": "＠", "`": "'"}  # noqa: RUF001  look-alikes on purpose
)


class IdError(DrainbotError, ValueError):
    """What somebody typed is no id; the text says what one looks like."""


def is_cluster_name(name: str) -> bool:
    """Whether it is a DNS label (RFC 1123) of at most 40 characters."""
    return len(name) <= _CLUSTER_MAX and _CLUSTER.match(name) is not None


def is_node_name(name: str) -> bool:
    """Whether it is a DNS subdomain (RFC 1123) of at most 253 characters, as nodes' names are."""
    return len(name) <= _NODE_MAX and _NODE.match(name) is not None


def operation_id(cluster: str, random: bytes) -> str:
    """Make an operation's id of at least 4 random bytes. 30 bits: the store refuses a taken one.

    Raises :class:`IdError` if `cluster` is no cluster's name, ValueError if there is too little
    chance in `random`.
    """
    return f"{_known_shape(cluster)}-{_base32(random, _OPERATION_LENGTH)}"


def question_id(cluster: str, random: bytes) -> str:
    """Make a question's id of at least 8 random bytes; 60 bits never come again.

    Raises as :func:`operation_id` does.
    """
    return f"{_known_shape(cluster)}-q-{_base32(random, _QUESTION_LENGTH)}"


def cluster_of(id: str) -> str:
    """Return the cluster of an operation's or a question's id; raise :class:`IdError` for others.

    Ids come back from outside (buttons, URLs): one that was made up never names a cluster.
    """
    return _parts(id)["cluster"] or ""


def is_question(id: str) -> bool:
    """Whether it is a question's id; raise :class:`IdError` if it is no id at all."""
    return _parts(id)["question"] is not None


def short(id: str) -> str:
    """Return the ending as people see it, such as `7F3K9Q`; raise :class:`IdError` for no id."""
    parts = _parts(id)
    return (parts["operation"] or parts["question"] or "").upper()


def parse_operation(typed: str, default_cluster: str) -> str:
    """Return the full id of an operation as somebody typed it; raise :class:`IdError`.

    Takes `7f3k9q`, `7F3K9Q`, `op 7F3K9Q`, `prod-eu/7F3K9Q` and `prod-eu-7f3k9q`. Letters that
    the alphabet lacks are read as Crockford says: O is 0, I and L are 1. A bare ending is of
    `default_cluster`; empty means that there is none.
    """
    text = re.sub(r"^op(?:eration)?[\s:#]+", "", typed.strip().lower()).lstrip("#").strip()
    cluster, slash, ending = text.partition("/")
    if not slash:
        cluster, _, ending = text.rpartition("-")
    ending = ending.translate(_MIXED_UP)
    if len(ending) != _OPERATION_LENGTH or set(ending) - set(_ALPHABET):
        raise IdError(
            f"{quoted(typed)} is not an operation: one looks like 7F3K9Q or prod-eu-7f3k9q."
        )
    if not cluster and not default_cluster:
        raise IdError(f"Say the cluster too, as in prod-eu-{ending}: none is the default here.")
    return f"{_known_shape(cluster or default_cluster)}-{ending}"


def close_matches(word: str, candidates: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Return the candidates that look most like `word`, best first; often none.

    Cheap enough to answer within Slack's 3 seconds over the nodes of a large cluster: only those
    with the longest common beginning and end are compared in full.
    """
    wanted = word.lower()[:_NODE_MAX]

    def ends_in_common(candidate: str) -> int:
        other = candidate.lower()
        return _same_beginning(wanted, other) + _same_beginning(wanted[::-1], other[::-1])

    nearest = heapq.nlargest(_COMPARED, sorted(set(candidates)), key=ends_in_common)
    by_folded = {candidate.lower(): candidate for candidate in reversed(nearest)}
    found = difflib.get_close_matches(wanted, by_folded, n=limit, cutoff=0.6)
    return tuple(by_folded[name] for name in found)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return "Did you mean a or b?" for the candidates that look most like `word`, or ""."""
    matches = close_matches(word, candidates)
    return f"Did you mean {' or '.join(matches)}?" if matches else ""


def quoted(word: str) -> str:
    """Return a person's own word in backticks, safe to repeat to anybody.

    It can't ping, link, format or reorder the text around it, and it is cut to 60 characters.
    """
    cut = word if len(word) <= _SHOWN else word[: _SHOWN - 1] + "…"
    clean = "".join(
        "�" if unicodedata.category(char).startswith(("C", "Zl", "Zp")) else char for char in cut
    )
    return f"`{clean.translate(_HARMLESS)}`"


def _same_beginning(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _known_shape(cluster: str) -> str:
    if not is_cluster_name(cluster):
        raise IdError(
            f"{quoted(cluster)} is not a cluster's name: it takes lower-case letters, digits and "
            f"-, begins and ends with a letter or digit, and has at most {_CLUSTER_MAX} characters."
        )
    return cluster


def _base32(random: bytes, length: int) -> str:
    if len(random) * 8 < length * _BITS:
        raise ValueError(f"{length} characters need {length * _BITS} random bits")
    number = int.from_bytes(random, "big")
    return "".join(_ALPHABET[(number >> shift * _BITS) % 32] for shift in reversed(range(length)))


def _parts(id: str) -> dict[str, str | None]:
    match = _ID.match(id)
    if match is None or not is_cluster_name(match["cluster"]):
        raise IdError(f"{quoted(id)} is not an id of drainbot's.")
    return match.groupdict()
