"""The audit log of one cluster in Redis: entries, their hashes, and what is about whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast, overload

from jobs.audit.chain import Anchor, genesis, links
from jobs.audit.stories import entry_of, subjects
from jobs.durable import Store
from jobs.durable.scripts import Scripts

__all__ = ["AuditLog", "Head", "Pages"]

PAGE = 500  # entries or hashes that are read, or linked, at once


@dataclass(frozen=True)
class Head:
    """How far the chain goes (`anchor` None: nothing is linked); `written` counts entries."""

    anchor: Anchor | None
    written: int

    @property
    def waiting(self) -> int:
        """How many entries are not linked yet."""
        return max(0, self.written - (self.anchor.seq if self.anchor else 0))


class Pages(Sequence[str]):
    """A list in Redis that is read a page at a time, as long as it was when this was made."""

    def __init__(self, store: Store, key: str) -> None:
        self._redis = store.redis
        self._key = key
        self._length = store.redis.llen(key)
        self._first = 0
        self._held: list[str] = []

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        if not self._first <= place < self._first + len(self._held):
            self._first = place // PAGE * PAGE
            last = min(self._first + 2 * PAGE, len(self)) - 1
            self._held = cast("list[str]", self._redis.lrange(self._key, self._first, last))
        return self._held[place - self._first]  # IndexError: it was cut since

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


class AuditLog:
    """Reads the log, and links it. Numbers of entries begin with 1."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scripts = Scripts(store.redis, store.clock, package="jobs.audit")
        self._entries = f"{store.prefix}audit"
        self._chain = f"{store.prefix}audit:chain"

    @property
    def cluster(self) -> str:
        """Whose log it is."""
        return self._store.group

    def head(self) -> Head:
        """Return how far the chain goes, and how many entries there are."""
        pipe = self._store.redis.pipeline(transaction=False)
        pipe.llen(self._chain)
        pipe.lrange(self._chain, -1, -1)
        pipe.llen(self._entries)
        length, last, written = pipe.execute()
        return Head(Anchor(length, last[0]) if last else None, written)

    def link_more(self, after: Anchor | None) -> Anchor | None:
        """Link the entries that follow `after`, the end of the chain, at most a page of them.

        Returns the new end; `after` where nothing is left to link, or where somebody else was
        faster. A crash between an entry and this costs nothing: the next look finds it.
        """
        done = after.seq if after else 0
        key = self._entries
        entries = cast("list[str]", self._store.redis.lrange(key, done, done + PAGE - 1))
        if not entries:
            return after
        before = after.hash if after else ""
        hashes = links(before or genesis(self.cluster), done + 1, entries)
        about = [
            [subject, number]
            for number, entry in enumerate(entries, done + 1)
            for subject in sorted(subjects(entry_of(entry, number)))
        ]
        said = {"from": done, "before": before, "hashes": hashes, "about": about}
        reply = self._scripts.call("chain", group=self.cluster, **said)
        return Anchor(done + len(hashes), hashes[-1]) if reply["result"] == "ok" else after

    def hash_of(self, seq: int) -> str:
        """Return the hash of an entry, "" where the chain does not go that far."""
        found = cast("list[str]", self._store.redis.lrange(self._chain, seq - 1, seq - 1))
        return found[0] if found else ""

    def pages(self) -> tuple[Pages, Pages]:
        """Return all hashes and all entries, to be read as they are needed."""
        hashes = Pages(self._store, self._chain)  # first: entries are never fewer than hashes
        return hashes, Pages(self._store, self._entries)

    def numbered(self, first: int, count: int) -> list[tuple[int, str]]:
        """Return at most `count` entries with their numbers, from number `first` on."""
        found = cast(
            "list[str]",
            self._store.redis.lrange(self._entries, first - 1, first + count - 2),
        )
        return list(enumerate(found, first))

    def hashes(self, first: int, count: int) -> dict[int, str]:
        """Return at most `count` hashes by the numbers of their entries, from `first` on."""
        found = cast(
            "list[str]",
            self._store.redis.lrange(self._chain, first - 1, first + count - 2),
        )
        return dict(enumerate(found, first))

    def about(self, subject: str, limit: int) -> tuple[list[tuple[int, str]], int]:
        """Return the last entries about a subject (see :func:`~jobs.audit.stories.subjects`).

        Also how many earlier ones were left out. Entries that nobody has linked yet count too.
        """
        redis, key = self._store.redis, f"{self._store.prefix}audit:of:{subject}"
        pipe = redis.pipeline(transaction=False)
        pipe.llen(self._chain)
        pipe.llen(key)
        pipe.lrange(key, -limit, -1)
        linked, known, numbers = pipe.execute()
        pipe = redis.pipeline(transaction=False)
        for number in numbers:
            pipe.lrange(self._entries, int(number) - 1, int(number) - 1)
        texts = pipe.execute() if numbers else []
        found = [(int(n), text[0]) for n, text in zip(numbers, texts, strict=True) if text]
        waiting = self.numbered(linked + 1, PAGE)
        found += [
            (number, entry)
            for number, entry in waiting
            if subject in subjects(entry_of(entry, number))
        ]
        return found[-limit:], max(0, known - len(numbers)) + max(0, len(found) - limit)
