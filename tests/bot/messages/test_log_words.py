"""The story of an operation, in sentences."""

import pytest

from bot.messages.log import log_words
from bot.messages.style import MRKDWN
from jobs.models import LogEntry

UNTIL = "<!date^1789999200^{time}|14:00 UTC>"


@pytest.mark.parametrize(
    ("what", "fields", "words"),
    [
        ("cordoned", {"was_cordoned": 1}, "node-17 is cordoned, as it was before."),
        ("cordoned", {"was_cordoned": 0}, "node-17 is cordoned."),
        ("drained", {"pods": 21}, "node-17 is drained: 21 pods moved."),
        (
            "skipped",
            {"by": "T1:U02BOB, T1:U03CY"},
            "node-17 was skipped by <@U02BOB> and <@U03CY>.",
        ),
        (
            "forced",
            {"by": "T1:U02BOB", "pods": "payments/db-2", "note": "primary moved"},
            "Forced payments/db-2 on node-17 by <@U02BOB>: primary moved.",
        ),
        (
            "braked",
            {"failed": 7, "calls": 20},
            "Evictions on node-17 wait: 7 of 20 calls to the API server failed in the last 30 s.",
        ),
        ("unbraked", {}, "The API server answers again: evictions on node-17 go on."),
        ("stopped", {}, "Nobody answered in time: node-17 stopped, its cordon stays."),
        ("gone", {}, "node-17 is gone from the cluster."),
        ("new_word", {"a": 1}, "node-17: new word (a 1)."),
    ],
)
def test_the_story_is_told_in_sentences(
    what: str, fields: dict[str, str | int], words: str
) -> None:
    entry = LogEntry(key="k", what=what, at=0, node="node-17", fields=fields)

    assert log_words(entry, MRKDWN) == words


def test_an_abort_of_the_whole_operation_names_no_node() -> None:
    entry = LogEntry(key="k", what="aborted", at=0, fields={"by": "T1:U02BOB", "reason": "oops"})

    assert log_words(entry, MRKDWN) == "Aborted by <@U02BOB>: oops."


@pytest.mark.parametrize(
    ("what", "fields", "words"),
    [
        ("started", {"by": "T1:U02BOB"}, "Started by <@U02BOB>."),
        (
            "started",
            {"by": "T1:U02BOB", "anyway": "web/debug"},
            "Started by <@U02BOB>; to be evicted anyway: web/debug.",
        ),
        (
            "confirmed",
            {"by": "T1:U02BOB", "anyway": "web/debug"},
            "Confirmed by <@U02BOB>; to be evicted anyway: web/debug: it waits for approval now.",
        ),
        (
            "soaking",
            {"nodes": "node-1, node-2", "until": 1_789_999_200_000},
            f"Went first: node-1, node-2. The others wait until {UNTIL}.",
        ),
        ("went_on", {"by": "T1:U02BOB"}, "Went on after the canary, as said by <@U02BOB>."),
        ("canary_unanswered", {}, "Nobody answered in time: no other node begins."),
    ],
)
def test_what_concerns_all_nodes_is_told_in_sentences(
    what: str, fields: dict[str, str | int], words: str
) -> None:
    assert log_words(LogEntry(key="k", what=what, at=0, fields=fields), MRKDWN) == words
