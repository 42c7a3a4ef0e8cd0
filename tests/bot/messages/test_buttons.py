"""Buttons: what they say, what they carry, and that what comes back is not trusted."""

import json

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
from bot.messages.text import size
from tests.bot.messages import samples, samples_fleet


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


def test_an_eviction_anyway_at_start_says_that_it_starts() -> None:
    start, anyway, _ = decision_buttons(samples_fleet.start())

    assert (start["text"]["text"], anyway["text"]["text"]) == ("Start", "Start, evict 2 anyway")
    assert anyway["accessibility_label"] == "Start this drain, and evict 2 pods anyway"
    assert anyway["confirm"]["confirm"]["text"] == "Start"
    assert read_choice(anyway["value"]) == Choice(samples_fleet.start().id, "evict_anyway")


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
