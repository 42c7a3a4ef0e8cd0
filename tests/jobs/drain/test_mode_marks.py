"""A node's mode as annotations: what is written is read, and what is odd is not believed."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.fence import PREFIX
from jobs.drain.mode_marks import MODE, MODE_SEQ, ModeShown, mode_marks, mode_shown
from jobs.modes import Mode


def merged(before: dict[str, str], patch: dict[str, str | None]) -> dict[str, str]:
    """What a JSON merge patch (RFC 7396) makes of annotations."""
    after: dict[str, str | None] = {**before, **patch}
    return {name: value for name, value in after.items() if value is not None}


@given(
    st.lists(
        st.builds(
            ModeShown, mode=st.sampled_from([str(mode) for mode in Mode]), seq=st.integers(0),
            since=st.integers(0, 2**42), by=st.text(), why=st.text(),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_the_last_that_was_written_is_read(written: list[ModeShown]) -> None:
    annotations: dict[str, str] = {}
    for shown in written:
        annotations = merged(annotations, mode_marks(shown))
    last = written[-1]
    assert mode_shown(annotations) == (last.mode, last.seq)
    assert all(name.startswith(PREFIX) for name in annotations)
    assert sum(map(len, annotations.values())) < 10_000


def test_an_accepting_node_keeps_the_count_alone_and_a_new_one_has_none() -> None:
    draining = ModeShown("draining", 7, since=1_700_000_000_000, by="T01:U1", why="disk")
    before = merged({}, mode_marks(draining))
    assert before == {
        "drainbot.dev/mode": "draining", "drainbot.dev/mode-seq": "7",
        "drainbot.dev/mode-since": "2023-11-14T22:13:20Z", "drainbot.dev/mode-by": "T01:U1",
        "drainbot.dev/mode-why": "disk",
    }  # fmt: skip
    assert merged(before, mode_marks(ModeShown("accepting", 9))) == {MODE_SEQ: "9"}
    assert mode_shown({}) == ("accepting", 0)


def test_a_count_that_is_no_number_makes_the_mode_unknown() -> None:
    for odd in ("", "seven", "-1", "1.5", "٣"):
        mode, seq = mode_shown({MODE: "draining", MODE_SEQ: odd})
        assert mode not in list(Mode)
        assert seq == -1
