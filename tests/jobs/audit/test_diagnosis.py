"""Whatever is done to a log is found, and the entry is named."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.audit import Anchor, examine, genesis, link
from jobs.audit.chain import links
from jobs.audit.diagnosis import MOST, Finding, Kind

START = genesis("prod-eu")
ENTRIES = [f'{{"at":{n},"what":"vote"}}' for n in range(1, 21)]
HASHES = links(START, 1, ENTRIES)
HEAD = Anchor(20, HASHES[-1])


def found(
    entries: list[str], hashes: list[str] | None = None, *anchors: Anchor
) -> list[tuple[str, int, int]]:
    report = examine(entries, HASHES if hashes is None else hashes, START, anchors)
    assert report.intact == (not report.findings)
    return [(finding.kind.value, finding.seq, finding.place) for finding in report.findings]


def rewritten(at: int) -> tuple[list[str], list[str]]:
    """What somebody leaves behind who changes an entry and links all that follow it anew."""
    entries = [*ENTRIES]
    entries[at - 1] = entries[at - 1].replace("vote", "veto")
    return entries, links(START, 1, entries)


def test_a_log_that_nobody_touched_is_intact() -> None:
    report = examine(ENTRIES, HASHES, START, [HEAD, Anchor(7, HASHES[6])])
    assert (report.intact, report.linked, report.waiting, report.good) == (True, 20, 0, 20)
    assert report.head == HEAD


def test_a_hash_is_what_the_documents_say() -> None:
    before = hashlib.sha256(b"drainbot audit prod-eu").hexdigest()
    for seq, entry in enumerate(ENTRIES, 1):
        before = hashlib.sha256(f"{before}\n{seq}\n{entry}".encode()).hexdigest()
        assert HASHES[seq - 1] == before


def test_an_empty_log_is_intact() -> None:
    assert examine([], [], START).intact


def test_entries_that_nobody_has_linked_yet_are_counted_and_are_no_finding() -> None:
    report = examine([*ENTRIES, "new", "newer"], HASHES, START)
    assert (report.intact, report.waiting) == (True, 2)


@pytest.mark.parametrize("seq", [1, 2, 10, 19, 20])
def test_a_changed_entry_is_named(seq: int) -> None:
    entries = [*ENTRIES]
    entries[seq - 1] = entries[seq - 1].replace("vote", "veto")
    assert found(entries) == [("changed", seq, seq)]


def test_two_changed_entries_side_by_side_are_named() -> None:
    entries = [*ENTRIES]
    entries[4], entries[5] = "x", "y"
    assert found(entries) == [("changed", 5, 5), ("changed", 6, 6)]


@pytest.mark.parametrize("seq", [1, 2, 10, 19])
def test_an_entry_that_was_taken_out_is_named(seq: int) -> None:
    assert found([*ENTRIES[: seq - 1], *ENTRIES[seq:]]) == [("missing", seq, 0)]


def test_several_that_were_taken_out_are_named() -> None:
    left = [entry for n, entry in enumerate(ENTRIES, 1) if n not in {3, 4, 5, 12}]
    assert found(left) == [("missing", n, 0) for n in (3, 4, 5, 12)]


@pytest.mark.parametrize("left", [0, 1, 19])
def test_a_tail_that_was_cut_off_is_named_by_its_first_entry(left: int) -> None:
    assert found(ENTRIES[:left]) == [("cut_off", left + 1, 0)]


@pytest.mark.parametrize("left", [0, 1, 19])
def test_a_tail_that_was_cut_off_with_its_hashes_is_found_by_an_anchor(left: int) -> None:
    entries, hashes = ENTRIES[:left], HASHES[:left]
    assert found(entries, hashes) == []
    assert found(entries, hashes, HEAD) == [("cut_off", left + 1, 0)]


@pytest.mark.parametrize("place", [1, 2, 11, 20])
def test_an_entry_that_was_put_in_is_named(place: int) -> None:
    entries = [*ENTRIES[: place - 1], "forged", *ENTRIES[place - 1 :]]
    assert found(entries) == [("added", place, place)]


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1, 20), (4, 5), (4, 6), (19, 20)])
def test_entries_that_were_swapped_are_named(one: int, other: int) -> None:
    entries = [*ENTRIES]
    entries[one - 1], entries[other - 1] = entries[other - 1], entries[one - 1]
    moved = found(entries)
    assert moved
    assert {kind for kind, *_ in moved} == {"moved"}
    assert {seq for _, seq, _ in moved} <= {one, other}


@pytest.mark.parametrize("seq", [1, 2, 10, 19])
def test_a_hash_that_was_changed_is_told_from_a_changed_entry(seq: int) -> None:
    hashes = [*HASHES]
    hashes[seq - 1] = "0" * 64
    assert found(ENTRIES, hashes) == [("hash", seq, seq)]


def test_another_head_is_found() -> None:
    assert found(ENTRIES, [*HASHES[:-1], "0" * 64]) == [("changed", 20, 20)]


@pytest.mark.parametrize("seq", [1, 10, 20])
def test_a_chain_that_was_made_anew_is_found_by_any_anchor_after_it(seq: int) -> None:
    entries, hashes = rewritten(seq)
    assert found(entries, hashes) == []
    assert found(entries, hashes, HEAD) == [("anchor", 20, 0)]


def test_the_anchors_before_and_after_say_where_a_chain_was_made_anew() -> None:
    entries, hashes = rewritten(10)
    anchors = [Anchor(n, HASHES[n - 1]) for n in (5, 9, 12, 20)]
    report = examine(entries, hashes, START, anchors)
    assert report.good == 9
    assert [f.seq for f in report.findings] == [12, 20]


def test_the_chain_of_another_cluster_is_none() -> None:
    other = links(genesis("lab"), 1, ENTRIES)
    assert not examine(ENTRIES, other, START).intact


def test_a_log_that_was_replaced_from_some_entry_on_is_not_told_entry_by_entry() -> None:
    many = [f"{n}" for n in range(1000)]
    hashes = links(START, 1, many)
    report = examine([*many[:300], *["x"] * 700], hashes, START)
    assert report.more
    assert report.findings[0] == Finding(Kind.CHANGED, 301, 301)
    assert len(report.findings) <= MOST + 2


@given(st.data())
def test_no_change_goes_unnoticed(data: st.DataObject) -> None:
    entries, hashes = [*ENTRIES], [*HASHES]
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["change", "drop", "insert", "swap", "hash", "cut"]))
        at = data.draw(st.integers(0, max(0, min(len(entries), len(hashes)) - 1)))
        match kind:
            case "change" if entries:
                entries[at] += " "
            case "drop" if entries:
                del entries[at]
            case "insert":
                entries.insert(at, "forged")
            case "swap" if len(entries) > 1:
                entries[at], entries[at - 1] = entries[at - 1], entries[at]
            case "hash" if hashes:
                hashes[at] = link(hashes[at], 1, "")
            case "cut":
                del entries[at:]
                del hashes[at:]
    untouched = entries[: len(HASHES)] == ENTRIES and hashes == HASHES
    assert examine(entries, hashes, START, [HEAD]).intact == untouched


@pytest.mark.parametrize(
    "text", ["", "1", "1:", "0:" + "a" * 64, "x:" + "a" * 64, "1:abc", "-1:" + "a" * 64]
)
def test_what_is_no_anchor_is_refused_with_words(text: str) -> None:
    with pytest.raises(ValueError, match="SEQ:HASH"):
        Anchor.parse(text)


def test_an_anchor_is_read_as_it_is_written() -> None:
    assert Anchor.parse(f" {HEAD} ".upper()) == HEAD
