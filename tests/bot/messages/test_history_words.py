"""The history in words: who asked, who decided on what grounds, what they saw, and the end."""

import json

import pytest

from bot.messages.history import (
    entry_lines,
    history_blocks,
    history_lines,
    history_modal,
    history_title,
)
from bot.messages.style import MRKDWN, PLAIN
from jobs.models import AuditEntry, Grounds, History, Shown
from sandbox.slack.blockkit import problems

OPERATION = "prod-eu-7f3k9q"
AT = 1_790_000_000_000
STARTED = AuditEntry(
    seq=1, at=AT, what="started", operation=OPERATION, nodes=("node-17",), by="T01:U01ANA",
    note="disk swap", channel="C01OPS",
    grounds=Grounds(via="slack", rests_on=("user:U01ANA",), rules=(1,), policy="ab"),
    fields={"name": "operation"},
)  # fmt: skip
FIRST = AuditEntry(
    seq=3, at=AT + 2000, what="vote", operation=OPERATION, nodes=("node-17",), by="T01:U02BO",
    question="prod-eu-q-0123456789ab", kind="block", choice="force", result="voted", note="moved",
    grounds=Grounds(
        via="slack", rests_on=("group:S0SRE",), rules=(2,), groups=("S0SRE",), groups_at=AT - 1000,
        groups_stale=True,
    ),
    shown=Shown(budgets=("payments/db",), pods=("payments/db-2",), pods_total=1, pods_digest="c"),
)  # fmt: skip
SECOND = FIRST.model_copy(
    update={
        "seq": 4, "by": "T01:U03CY", "result": "settled", "counted": ("T01:U02BO", "T01:U03CY"),
        "grounds": Grounds(via="cli", rests_on=("break_glass",)),
    }
)  # fmt: skip
ENTRIES = (
    STARTED,
    AuditEntry(seq=2, at=AT + 1000, what="asked", operation=OPERATION, kind="block"),
    FIRST,
    SECOND,
    AuditEntry(
        seq=5, at=AT + 3000, what="told", word="forced", operation=OPERATION, nodes=("node-17",),
        by="T01:U02BO, T01:U03CY", fields={"pods": "payments/db-2", "note": "moved"},
    ),
    AuditEntry(
        seq=6, at=AT + 4000, what="ended", operation=OPERATION,
        fields={"state": "done", "end": "drained"},
    ),
)  # fmt: skip
HISTORY = History(cluster="prod-eu", about=OPERATION, entries=ENTRIES)


def words(entry: AuditEntry) -> str:
    return "\n".join(entry_lines(entry, PLAIN))


def test_a_story_with_a_force_by_two_people_tells_both_and_what_they_went_by() -> None:
    told = "\n".join(history_lines(HISTORY, PLAIN))
    for said in (
        "U01ANA asked to drain node-17: disk swap.",
        "On the grounds of their own name in the policy; rule 1 of the policy.",
        "U02BO voted for Force: moved; more votes are needed.",
        "On the grounds of the group S0SRE; rule 2 of the policy; membership as of",
        "which was stale: Slack was away.",
        "Saw budgets: payments/db; pods: payments/db-2.",
        "Forced by U02BO and U03CY: moved.",
        "On the grounds of break_glass; via cli.",
        "Ended: drained.",
    ):
        assert said in told


def test_an_approval_tells_the_plan_that_was_shown() -> None:
    shown = Shown(
        digest="f" * 64, evict=41, refusals={"emptydir": 3}, data_lost=3, never=("payments/db",),
        single_replicas=("web/cart",),
    )  # fmt: skip
    vote = STARTED.model_copy(
        update={"what": "vote", "kind": "approval", "choice": "approve", "result": "settled",
                "note": "", "shown": shown}
    )  # fmt: skip
    assert "Approved by U01ANA." in words(vote)
    assert (
        "Saw the plan ffffffffffff: 41 pods move; 3 pods refused as emptydir; data lost of 3 pods; "
        "budgets that can't be met: payments/db; down while they move: web/cart."
    ) in words(vote)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"what": "pause", "by": "T01:U1A"}, "Paused by U1A."),
        ({"what": "abort", "by": "T01:U1A", "note": "no"}, "Aborted by U1A: no."),
        ({"what": "abort", "by": "T01:U1A, T01:U2B"}, "Aborted by U1A and U2B."),
        ({"what": "frozen", "by": "T01:U1A", "note": "fog"}, "The cluster was frozen by U1A: fog."),
        (
            {"what": "halt_cleared", "nodes": ("a",), "by": "T01:U1A", "note": "it is well"},
            "The halt of the workers on a was cleared by U1A: it is well.",
        ),
        ({"what": "reserved", "nodes": ("a", "b")}, "Reserved a and b."),
        (
            {"what": "node_mode", "nodes": ("a",), "fields": {"from": "draining", "to": "drained"}},
            "a: draining → drained.",
        ),
        ({"what": "closed", "kind": "block", "note": "nobody_answered"}, "nobody answered in time"),
        ({"what": "unreadable"}, "can't be read"),
        ({"what": "something_new", "by": "T01:U1A"}, "something new by U1A."),
        (
            {"what": "vote", "choice": "wait", "result": "postponed", "by": "T01:U1A"},
            "U1A said Wait 1 h; the question stayed open.",
        ),
        (
            {"what": "started", "by": "T01:U1A", "nodes": ("a",), "fields": {"name": "give_back"}},
            "U1A asked for a back.",
        ),
        (
            {"what": "started", "by": "T01:U1A", "fields": {"name": "orphans", "everything": True}},
            "U1A asked to undo all orphaned cordons.",
        ),
    ],
)  # fmt: skip
def test_each_entry_has_its_words(entry: dict[str, object], said: str) -> None:
    assert said in words(AuditEntry.model_validate({"seq": 1, "at": AT, **entry}))


def test_the_history_of_a_node_says_which_operation_each_entry_is_of() -> None:
    other = STARTED.model_copy(update={"seq": 9, "operation": "prod-eu-aaaaaa"})
    history = History(cluster="prod-eu", about="node-17", entries=(STARTED, other))
    lines = history_lines(history, PLAIN)
    assert [line for line in lines if line.startswith("op ")] == ["op 7F3K9Q", "op AAAAAA"]
    assert history_title(history, PLAIN) == "History of node-17 in prod-eu"


def test_what_is_left_out_is_counted() -> None:
    many = tuple(STARTED.model_copy(update={"seq": n}) for n in range(100))
    history = History(cluster="prod-eu", about=OPERATION, entries=many, earlier=7)
    assert history_lines(history, PLAIN, 60)[0] == "… 47 earlier entries left out."


def test_a_history_without_entries_says_so() -> None:
    history = History(cluster="prod-eu", about="node-17")
    assert "knows nothing of it" in history_lines(history, PLAIN)[0]


def test_no_history_is_too_long_for_slack_and_none_mentions_everybody() -> None:
    long = FIRST.model_copy(
        update={
            "note": "<!channel> <@U1> *x* " + "y" * 500,
            "shown": Shown(
                pods=tuple(f"{'n' * 63}/{'p' * 253}" for _ in range(50)), pods_total=500
            ),
        }
    )
    history = History(cluster="prod-eu", about=OPERATION, entries=(long,) * 400)
    assert problems(list(history_blocks(history))) == []
    assert problems(history_modal(history)) == []
    assert "<!channel>" not in json.dumps(history_blocks(history))
    assert MRKDWN.person("T01:U02BO") in json.dumps(history_blocks(history))
