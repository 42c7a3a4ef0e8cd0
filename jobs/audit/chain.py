"""How entries are linked; pure, and simple enough to be done again with `sha256sum`.

The hash of entry N is SHA-256, in hexadecimal, of three lines joined by newlines: the hash of entry
N-1, the number N, and the entry as Redis holds it. What comes before entry 1 is the hash of the
cluster's name, so that no chain passes for that of another cluster.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Anchor", "genesis", "link", "links"]

_ANCHOR = re.compile(r"([1-9][0-9]{0,11}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Anchor:
    """A head that was noted outside Redis: the entry of that number had that hash."""

    seq: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """Read `SEQ:HASH`. Raises :class:`ValueError`, with words for whoever typed it."""
        match = _ANCHOR.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(
                "an anchor is SEQ:HASH, a number and 64 hexadecimal digits, as the log line "
                "audit_head and the daily message say it"
            )
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        """As it is noted: `SEQ:HASH`."""
        return f"{self.seq}:{self.hash}"


def genesis(cluster: str) -> str:
    """Return what the first entry of a cluster is linked to."""
    return hashlib.sha256(f"drainbot audit {cluster}".encode()).hexdigest()


def link(before: str, seq: int, entry: str) -> str:
    """Return the hash of entry number `seq`, which follows the one that has the hash `before`."""
    text = f"{before}\n{seq}\n{entry}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def links(before: str, seq: int, entries: Iterable[str]) -> list[str]:
    """Return the hashes of entries that follow each other, the first of them number `seq`."""
    hashes: list[str] = []
    for number, entry in enumerate(entries, seq):
        before = link(before, number, entry)
        hashes.append(before)
    return hashes
