"""What one person alone is told after a click or a command."""

from typing import Any

import pytest

from bot.messages.ephemeral import (
    acted_words,
    decided_words,
    refused_words,
    submitted_words,
    uncordon_words,
)
from jobs.models import (
    Acted,
    Decided,
    DrainRequest,
    Freeze,
    Outcome,
    QuestionState,
    Refused,
    Submitted,
    Vote,
)
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


def test_whoever_votes_for_what_is_void_by_now_hears_why_and_where_to_look() -> None:
    void = {"superseded_by": "prod-eu-q-new", "superseded_because": "node-1 is another node"}
    question = samples.settled("approve").model_copy(update=void)
    decided = Decided(outcome=Outcome.ALREADY_SETTLED, question=question)

    told = decided_words(decided, "approve", now_ms=NOW, successor="https://demo.slack.com/p1")

    assert told.endswith(
        "That is void, because the plan has changed since: node-1 is another node; "
        "<https://demo.slack.com/p1|here is the new one>."
    )


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


def test_a_request_in_a_frozen_cluster_is_told_who_froze_it_and_that_it_waits() -> None:
    request = DrainRequest(cluster="prod-eu", nodes=("node-1",))
    frozen = Freeze(cluster="prod-eu", by=samples.BO, at=samples.T0, reason="deploy")
    taken = Submitted(operation="prod-eu-7f3k9q", created=True, frozen=frozen)

    words = submitted_words(taken, request)
    assert words.startswith("Draining node-1 in prod-eu: op 7F3K9Q. prod-eu is frozen by <@U02BOB>")
    assert words.endswith(": deploy. It waits until it is thawed.")
    plan = request.model_copy(update={"plan_only": True})
    assert "frozen" not in submitted_words(taken, plan)  # a plan is made all the same


def test_a_vote_of_several_roles_says_whose_it_lacks() -> None:
    question = samples.question(
        votes_needed={"force": 2},
        roles_needed={"force": {"force": 1, "owner:S0PAY": 1}},
        votes=(Vote(choice="force", by=samples.BO, at=NOW, roles=("force",)),),
    )
    assert _told(Outcome.VOTED, question=question) == (
        "Your vote counts: Force db-2 has 1 of 2 votes. Nothing has happened yet. "
        "It lacks a vote of <!subteam^S0PAY>."
    )
