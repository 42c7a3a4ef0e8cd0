"""Finds what was done to an audit log: which entry was changed, moved, added, or is missing; pure.

Each stored hash rests on the one before it, on its number and on its entry alone, so an entry that
fits a hash proves both. Where one does not fit, its neighbours tell what happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.audit.chain import Anchor, link

__all__ = ["Finding", "Kind", "Report", "examine"]

MOST = 100  # findings; one that was rewritten from its middle on needs no more
_NEAR = 64  # places around one that does not fit, in which its entry is looked for


class Kind(StrEnum):
    """What was done."""

    CHANGED = "changed"  # the entry is not the one that was linked
    MISSING = "missing"
    MOVED = "moved"  # it stands at another place
    ADDED = "added"  # it was never linked, and stands among those that were
    HASH = "hash"  # the entry is right, and its stored hash is not
    CUT_OFF = "cut_off"  # this one and all after it are gone
    ANCHOR = "anchor"  # the chain fits itself, and not what was noted outside


@dataclass(frozen=True)
class Finding:
    """What was done to entry number `seq`; `place` is where it stands now, 0 where nowhere."""

    kind: Kind
    seq: int
    place: int = 0


@dataclass(frozen=True)
class Report:
    """What an examination found. `linked` and `written` count hashes and entries.

    `head` is the end of the chain, `waiting` counts entries behind it that nobody has linked yet.
    `more` says that there is more to find. `good` is the highest anchor that fits, 0 for none.
    """

    linked: int
    written: int
    head: Anchor | None
    waiting: int
    findings: tuple[Finding, ...] = ()
    more: bool = False
    good: int = 0

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def examine(
    entries: Sequence[str], hashes: Sequence[str], start: str, anchors: Sequence[Anchor] = ()
) -> Report:
    """Compare all entries with their hashes, and with heads that were noted outside Redis.

    `start` is what the first entry is linked to, see :func:`jobs.audit.chain.genesis`.
    """
    walk = _Walk(entries, hashes, start)
    walk.go()
    findings = [*walk.findings(), *_against(anchors, hashes)]
    fits = [a.seq for a in anchors if a.seq <= len(hashes) and hashes[a.seq - 1] == a.hash]
    return Report(
        linked=len(hashes),
        written=len(entries),
        head=Anchor(len(hashes), hashes[-1]) if len(hashes) else None,
        waiting=max(0, len(entries) - max(walk.read, len(hashes))),
        findings=tuple(sorted(findings, key=lambda found: (found.seq, found.place))),
        more=walk.stopped,
        good=max(fits, default=0),
    )


def _against(anchors: Sequence[Anchor], hashes: Sequence[str]) -> list[Finding]:
    found: list[Finding] = []
    for anchor in anchors:
        if anchor.seq > len(hashes):
            found.append(Finding(Kind.CUT_OFF, len(hashes) + 1))
        elif hashes[anchor.seq - 1] != anchor.hash:
            found.append(Finding(Kind.ANCHOR, anchor.seq))
    return list(dict.fromkeys(found))


@dataclass
class _Walk:
    """Goes along the hashes and the entries, side by side. Places count from 0 here."""

    entries: Sequence[str]
    hashes: Sequence[str]
    start: str
    before: str = ""  # the hash that the next one rests on
    place: int = 0  # of the next hash
    read: int = 0  # of the next entry
    stopped: bool = False
    ended: bool = False  # there are hashes left, and no entry
    open: list[int] = field(default_factory=list)  # places that no entry fits
    spare: list[int] = field(default_factory=list)  # entries that fit no place
    swapped: dict[int, int] = field(default_factory=dict)  # place: the entry that stands there
    hashes_changed: list[int] = field(default_factory=list)

    def go(self) -> None:
        self.before = self.start
        while self.place < len(self.hashes) and not (self.stopped or self.ended):
            if not self._fits():
                self._stumble()
            self.stopped = len(self.open) + len(self.spare) + len(self.hashes_changed) > MOST

    def _fits(self) -> bool:
        if self.read < len(self.entries):
            fits = link(self.before, self.place + 1, self.entries[self.read])
            if fits == self.hashes[self.place]:
                self._step(fits)
                return True
        return False

    def _step(self, before: str) -> None:
        self.before, self.place, self.read = before, self.place + 1, self.read + 1

    def _stumble(self) -> None:
        """Find out which it is: this hash, this entry, missing ones, or some that were added."""
        here, entries, hashes = self.place, self.entries, self.hashes
        if self.read >= len(entries):
            self.open += range(here, min(len(hashes), here + _NEAR))
            self.place = self.open[-1] + 1
            self.ended = True
            return
        own = link(self.before, here + 1, entries[self.read])
        last = here + 1 >= len(hashes) or self.read + 1 >= len(entries)
        if not last and self._at(own, here + 1, self.read + 1):
            self.hashes_changed.append(here)
            self._step(own)
        elif not last and self._at(hashes[here], here + 1, self.read + 1):
            self._replaced()
        elif (later := self._later()) is not None:
            self.open += range(here, later)
            self.before, self.place = hashes[later - 1], later
        elif (behind := self._behind()) is not None:
            self.spare += range(self.read, behind)
            self.read = behind
        else:
            self._replaced()

    def _replaced(self) -> None:
        self.open.append(self.place)
        self.spare.append(self.read)
        self.swapped[self.place] = self.read
        self._step(self.hashes[self.place])

    def _at(self, before: str, place: int, entry: int) -> bool:
        """Whether an entry is the one of a place."""
        return link(before, place + 1, self.entries[entry]) == self.hashes[place]

    def _later(self) -> int | None:
        """Return the place after this one that the next entry belongs to."""
        most = min(self.place + _NEAR, len(self.hashes))
        places = range(self.place + 1, most)
        return next((p for p in places if self._at(self.hashes[p - 1], p, self.read)), None)

    def _behind(self) -> int | None:
        """Return the entry after the next one that belongs here."""
        most = min(self.read + _NEAR, len(self.entries))
        later = range(self.read + 1, most)
        return next((e for e in later if self._at(self.before, self.place, e)), None)

    def findings(self) -> list[Finding]:
        """Put a name to what was found: an entry that is missing here may stand elsewhere."""
        found = [Finding(Kind.HASH, place + 1, place + 1) for place in self.hashes_changed]
        pool = [*self.spare, *(self._unread() if self.open else ())]
        missing: list[int] = []
        for place in self.open:
            before = self.hashes[place - 1] if place else self.start
            at = next((entry for entry in pool if self._at(before, place, entry)), None)
            if at is None:
                missing.append(place)
            else:
                pool.remove(at)
                found.append(Finding(Kind.MOVED, place + 1, at + 1))
        found += self._gone(missing, pool)
        added = [entry for entry in pool if entry in self.spare]
        return found + [Finding(Kind.ADDED, entry + 1, entry + 1) for entry in added]

    def _gone(self, missing: list[int], pool: list[int]) -> list[Finding]:
        """Name the places that no entry fits: changed, cut off at the end, or missing."""
        found: list[Finding] = []
        cut = self.place
        while cut - 1 in missing and cut - 1 not in self.swapped:
            cut -= 1
        for place in missing:
            if (at := self.swapped.get(place)) in pool and at is not None:
                pool.remove(at)
                found.append(Finding(Kind.CHANGED, place + 1, at + 1))
            elif place < cut:
                found.append(Finding(Kind.MISSING, place + 1))
        return [*found, Finding(Kind.CUT_OFF, cut + 1)] if cut < self.place else found

    def _unread(self) -> range:
        return range(self.read, min(len(self.entries), self.read + MOST))
