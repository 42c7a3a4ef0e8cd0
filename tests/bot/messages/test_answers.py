"""What one person is told or asked: notes, buttons, modals; and that words are safe."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.buttons import (
    ABORT,
    Choice,
    choice_label,
    decision_buttons,
    operation_button,
    read_choice,
    read_operation,
)
from bot.messages.ephemeral import (
    acted_words,
    decided_words,
    refused_words,
    submitted_words,
    uncordon_words,
)
from bot.messages.log import log_words
from bot.messages.modals import (
    AbortForm,
    ForceForm,
    abort_modal,
    force_modal,
    read_abort,
    read_force,
)
from bot.messages.style import MRKDWN, PLAIN, with_people
from bot.messages.text import clean, clip, escape, fit, label, listing, mention, short_id, size
from bot.messages.times import duration
from jobs.models import (
    Acted,
    Decided,
    DrainRequest,
    LogEntry,
    NodeStatus,
    Outcome,
    QuestionState,
    Refused,
    Submitted,
    Vote,
)
from sandbox.slack.blockkit import problems
from tests.bot.messages import samples

NOW = samples.T0 + 19 * samples.MINUTE + 12_000


def _told(outcome: Outcome, choice: str = "force", **changes: Any) -> str:
    question = changes.pop("question", samples.question())
    decided = Decided(outcome=outcome, question=question, **changes)
    return decided_words(decided, choice, now_ms=NOW)


@pytest.mark.parametrize("outcome", [Outcome.SETTLED, Outcome.POSTPONED])
def test_what_everybody_sees_is_not_said_to_one_person_as_well(outcome: Outcome) -> None:
    assert _told(outcome) == ""


def test_who_comes_second_hears_who_was_first_and_when() -> None:
    words = _told(Outcome.ALREADY_SETTLED, question=samples.settled("skip", note=""))

    assert words == (
        "Already settled: Skip by <@U02BOB> and <@U03CY>, 12 s ago. Yours was not applied."
    )


def test_a_refusal_says_why_and_who_may() -> None:
    words = _told(
        Outcome.REFUSED,
        reason="You can't decide this. Nothing changed.",
        who_may=("S0SRE", "U9LEAD"),
    )

    assert words == ("You can't decide this. Nothing changed. Ask <!subteam^S0SRE> or <@U9LEAD>.")


def test_a_vote_that_is_not_enough_says_how_many_there_are() -> None:
    question = samples.question(
        votes_needed={"force": 2}, votes=(Vote(choice="force", by=samples.BO, at=NOW),)
    )

    assert "Force has 1 of 2 votes" in _told(Outcome.VOTED, question=question).replace(
        "Force db-2", "Force"
    )
    assert _told(Outcome.ALREADY_VOTED, question=question).startswith("You have voted already.")


@pytest.mark.parametrize(
    ("because", "words"),
    [
        ("no_longer_needed", "This is no longer needed"),
        ("nobody_answered", "Too late: nobody answered in time"),
        ("aborted", "The operation was aborted."),
        ("superseded", "This question was replaced"),
        ("", "This question is closed."),
    ],
)
def test_a_click_on_a_closed_question_hears_why_it_came_to_nothing(
    because: str, words: str
) -> None:
    question = samples.question(state=QuestionState.CLOSED, closed_because=because)

    told = _told(Outcome.CLOSED, question=question)

    assert told.startswith(words)
    assert told.endswith("Yours was not applied.")


def test_a_replaced_question_leads_to_the_new_one() -> None:
    question = samples.question(state=QuestionState.CLOSED, closed_because="superseded")
    decided = Decided(outcome=Outcome.CLOSED, question=question)

    told = decided_words(decided, "retry", now_ms=NOW, successor="https://demo.slack.com/p1")

    assert "<https://demo.slack.com/p1|here is the new one>" in told


def test_every_outcome_but_success_has_words() -> None:
    for outcome in Outcome:
        for question in (None, samples.question(), samples.settled()):
            words = _told(outcome, question=question)
            assert bool(words) == (outcome not in {Outcome.SETTLED, Outcome.POSTPONED})


def test_the_words_of_a_refusal_ping_nobody_by_themselves() -> None:
    words = refused_words(Refused(reason="There is no node <!here> @channel <@U1>."))

    assert words == "There is no node &lt;!here&gt; @\u200bchannel &lt;@\u200bU1&gt;."


def test_a_request_without_a_worker_is_told_at_once() -> None:
    request = DrainRequest(cluster="prod-eu", nodes=("node-17",))

    taken = submitted_words(Submitted(operation="prod-eu-7f3k9q", created=True), request)
    waits = submitted_words(
        Submitted(operation="prod-eu-7f3k9q", created=True, worker_seen=False), request
    )
    twice = submitted_words(Submitted(operation="prod-eu-7f3k9q", created=False), request)

    assert taken == "Draining node-17 in prod-eu: op 7F3K9Q."
    assert "No worker of prod-eu is alive" in waits
    assert "asked already" in twice
    assert uncordon_words(
        Submitted(operation="prod-eu-7f3k9q", created=True), "prod-eu", "node-17"
    ).startswith("Giving node-17 back")


def test_an_abort_that_was_already_made_says_so() -> None:
    assert acted_words(Acted(operation="prod-eu-7f3k9q", changed=True), "aborted") == (
        "op 7F3K9Q is aborted."
    )
    assert "already" in acted_words(Acted(operation="prod-eu-7f3k9q", changed=False), "aborted")


# -- buttons -------------------------------------------------------------------------------------


def test_each_choice_has_a_button_that_carries_question_and_choice() -> None:
    made = decision_buttons(samples.question())

    assert [b["action_id"] for b in made] == [
        "decide:retry", "decide:wait", "decide:skip", "decide:force", "decide:abort",
    ]  # fmt: skip
    assert read_choice(made[3]["value"]) == Choice(samples.question().id, "force")
    assert [b.get("style") for b in made] == [None, None, None, "danger", "danger"]


def test_a_screen_reader_hears_more_than_the_label() -> None:
    force = decision_buttons(samples.question())[3]

    assert force["accessibility_label"] == "Force payments/db-2 past the budget"


def test_a_dead_node_and_an_eviction_anyway_are_asked_once_more() -> None:
    dead = decision_buttons(samples.wont_stop())[3]
    anyway = decision_buttons(samples.refusal())[0]

    assert "may be damaged" in dead["confirm"]["text"]["text"]
    assert anyway["confirm"]["text"]["text"] == "web/debug, ml/train-0. Budgets still hold."


def test_a_long_nodes_button_keeps_the_end_of_its_name() -> None:
    question = samples.question(node="ip-10-0-0-17.eu-central-1.compute.internal")

    shown = decision_buttons(question)[2]["text"]["text"]

    assert size(shown) <= 30
    assert shown.endswith(".internal")


def test_choices_are_labelled_however_they_are_spelt() -> None:
    assert choice_label("evict-anyway") == choice_label("evict_anyway") == "Evict anyway"
    assert choice_label("something_new") == "Something new"


def test_an_operations_button_carries_the_operation() -> None:
    made = operation_button(samples.operation(), ABORT)

    assert read_operation(made["value"]) == "prod-eu-7f3k9q"


@given(
    st.one_of(
        st.text(),
        st.none(),
        st.integers(),
        st.recursive(
            st.none() | st.text() | st.integers(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["q", "c", "o"]), inner)
            ),
        ).map(json.dumps),
    )
)
def test_no_value_of_a_button_is_more_than_a_wish(value: object) -> None:
    choice, operation = read_choice(value), read_operation(value)

    assert choice is None or (choice.question and choice.choice)
    assert operation is None or operation


def test_a_value_nested_on_purpose_is_none_of_ours() -> None:
    assert read_choice("[" * 100_000) is None


# -- modals --------------------------------------------------------------------------------------


def _submitted(modal: dict[str, Any], **typed: str) -> dict[str, Any]:
    values = {
        block: {"value": {"type": "plain_text_input", "value": v}} for block, v in typed.items()
    }
    return {**modal, "state": {"values": values}}


def test_force_names_exactly_the_pods() -> None:
    modal = force_modal(samples.question())

    assert problems(modal) == []
    assert "• payments/db-2" in str(modal)
    assert "1 pod of node-17 will be deleted" in str(modal)


def test_force_comes_back_with_its_question_choice_and_reason() -> None:
    modal = force_modal(samples.question(), reason_required=True, channel="C01OPS", thread_ts="1.2")

    form = read_force(_submitted(modal, reason=" primary moved ", confirm="E-17"))

    assert form == ForceForm(samples.question().id, "force", "primary moved", "C01OPS", "1.2")


def test_force_without_reason_or_with_another_name_is_refused_at_its_field() -> None:
    modal = force_modal(samples.question(), reason_required=True)

    assert read_force(_submitted(modal, confirm="e-18")) == {
        "reason": "Say why: the policy asks for a reason.",
        "confirm": "Type e-17, the last 4 characters of the name.",
    }


def test_a_reason_may_be_left_out_where_the_policy_lets_it() -> None:
    modal = force_modal(samples.question(), confirm=False)

    assert read_force(_submitted(modal)) == ForceForm(samples.question().id, "force", "", "", "")


def test_abort_says_what_becomes_of_each_node_and_comes_back() -> None:
    untouched = samples.NODE_18.model_copy(
        update={"name": "node-19", "status": NodeStatus.WAITING, "evicted_any": False}
    )
    view = samples.operation(nodes=(samples.NODE_17, untouched))
    modal = abort_modal(view, question="prod-eu-q-1", choice="abort", channel="C01OPS")

    assert "evicted already: node-17" in str(modal)
    assert "drainbot's own: node-19" in str(modal)
    assert read_abort(_submitted(modal, reason="wrong rack")) == AbortForm(
        view.id, "prod-eu-q-1", "abort", "wrong rack", "C01OPS", ""
    )


def test_a_modal_that_nobody_made_reads_as_empty() -> None:
    for metadata in ("", "{", "[]", None):
        form = read_force({"private_metadata": metadata, "state": {"values": {}}})
        assert isinstance(form, ForceForm)
        assert form.question == ""


# -- words ---------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(1, 50))
def test_clean_words_are_one_short_line_without_anything_invisible(text: str, limit: int) -> None:
    words = clean(text, limit)

    assert size(words) <= limit
    assert "\n" not in words
    assert "\u202e" not in words
    words.encode()


@given(st.text(alphabet="<!here>@channel&;|`*_ ש\u202e\n", max_size=60))
def test_escaped_words_hold_no_token_of_slacks(text: str) -> None:
    words = escape(text)

    assert "<" not in words
    assert ">" not in words
    assert "@channel" not in words
    assert "@here" not in words


def test_right_to_left_words_reorder_nothing_around_them() -> None:
    assert escape("\u05e9\u05dc") == "\u2068\u05e9\u05dc\u2069"
    assert escape("plain") == "plain"


@given(st.lists(st.text(max_size=80), max_size=40), st.integers(60, 300))
def test_lines_that_do_not_fit_are_counted_and_none_is_cut(lines: list[str], limit: int) -> None:
    told = [clean(line) for line in lines if clean(line)]

    shown = fit(told, limit).split("\n")

    assert size("\n".join(shown)) <= limit
    if shown != told and told:
        assert shown[-1].startswith("… and ")
        assert shown[:-1] == told[: len(shown) - 1]


def test_lists_say_how_many_are_left_out() -> None:
    assert listing(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listing(["a", "b"], 2, last=" and ") == "a and b"
    assert listing([], 2) == ""


@given(st.text(), st.integers(1, 40))
def test_clipping_never_exceeds_the_limit(text: str, limit: int) -> None:
    assert size(clip(text, limit)) <= limit


def test_only_ids_of_slacks_shape_become_mentions() -> None:
    assert mention("T01DEMO:U02BOB") == "<@U02BOB>"
    assert mention("S0SRE") == "<!subteam^S0SRE>"
    assert mention("C01OPS") == "<#C01OPS>"
    assert mention("U02BOB> <!here") == "U02BOB&gt; &lt;!here"


def test_labels_hold_no_markup() -> None:
    assert label("<!here> & @all", 75) == "\u2039!here\u203a + @\u200ball"


def test_an_operation_is_called_by_the_end_of_its_id() -> None:
    assert short_id("prod-eu-7f3k9q") == "7F3K9Q"


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 s"),
        (59_999, "59 s"),
        (300_000, "5 min"),
        (3_600_000, "1 h"),
        (3_900_000, "1 h 5 min"),
        (97_200_000, "1 d 3 h"),
        (-5, "0 s"),
    ],
)
def test_durations_are_told_in_two_units_at_most(ms: int, words: str) -> None:
    assert duration(ms) == words


def test_principals_in_words_of_the_workflow_become_people() -> None:
    words = "skipped by T01DEMO:U02BOB, T01DEMO:U03CY & more"

    assert with_people(words, MRKDWN) == "skipped by <@U02BOB>, <@U03CY> &amp; more"
    assert with_people(words, PLAIN) == "skipped by U02BOB, U03CY & more"


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
