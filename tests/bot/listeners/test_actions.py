import json
import time
from typing import Any

import pytest

from bot.groups import People, Person
from bot.messages.finish import finish
from jobs.models import (
    Decided,
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    Outcome,
    QuestionState,
    Refused,
    Settlement,
)
from tests.bot.listeners.listening import (
    ANA,
    BLOCKED,
    BO,
    EVE,
    NOW,
    OPERATION,
    QUESTION,
    TEAM,
    FakeClient,
    world,
)


def test_a_click_settles_the_stored_decision_and_says_nothing_more() -> None:
    with world() as bot:
        response = bot.choose("retry")
        assert (response.status, response.body) == (200, "")
        (call,) = bot.client.acts("decide")
        assert call[1:4] == (f"{TEAM}:{ANA}", QUESTION, "retry")
        assert bot.notes == []


def test_a_redelivered_click_carries_the_same_nonce_and_a_new_one_another() -> None:
    with world() as bot:
        bot.choose("retry")
        bot.choose("retry")
        bot.choose("retry", trigger_id="another.act")
        first, again, new = [call[-1] for call in bot.client.acts("decide")]
        assert first == again != new


def test_who_comes_second_is_told_who_was_first_in_the_thread_and_alone() -> None:
    settled = BLOCKED.model_copy(
        update={
            "state": QuestionState.SETTLED,
            "settled": Settlement(choice="skip", by=(f"{TEAM}:{BO}",), at=NOW - 12_000),
        }
    )
    with world(client=FakeClient(questions={QUESTION: settled})) as bot:
        bot.choose("retry")
        (note,) = bot.notes
        assert (note.user, note.channel, note.thread_ts) == (ANA, "C01OPS", "100.1")
        assert "Already settled" in note.text
        assert f"<@{BO}>" in note.text
        assert "12 s ago" in note.text


def test_a_refusal_names_who_may() -> None:
    refused = Decided(
        outcome=Outcome.REFUSED, reason="You can't decide this.", who_may=("S0ONCALL",)
    )
    with world(client=FakeClient(decided=refused)) as bot:
        bot.choose("skip", user=EVE)
        (note,) = bot.notes
        assert (note.user, "S0ONCALL" in note.text) == (EVE, True)


@pytest.mark.parametrize(
    "question", ["prod-us-q-0123456789ab", "../../etc", "prod-eu-q-zzzzzzzzzzzz", OPERATION, "x"]
)
def test_a_forged_or_foreign_question_is_answered_as_unknown(question: str) -> None:
    with world() as bot:
        for choice in ("retry", "force", "abort"):
            bot.choose(choice, question)
        assert len(bot.notes) == 3
        assert all("doesn't know this question" in note.text for note in bot.notes)
        assert bot.modals == []


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        ("decide:retry", "not json"),
        ("decide:retry", '{"q": 1, "c": []}'),
        ("decide:retry", ""),
        ("decide:retry", "[" * 2000),
        ("operation:pause", "{}"),
        ("operation:explode", json.dumps({"o": OPERATION})),
        ("somebody_elses", json.dumps({"o": OPERATION})),
        ("", "null"),
    ],
)
def test_a_button_that_drainbot_did_not_make_is_said_to_be_none(action_id: str, value: str) -> None:
    with world() as bot:
        assert bot.click(action_id, value).status == 200
        (note,) = bot.notes
        assert "not one that drainbot made" in note.text
        assert bot.client.acts("decide", "pause") == []


def test_force_opens_a_modal_that_lists_the_pods_and_decides_nothing_yet() -> None:
    with world() as bot:
        bot.choose("force", user=BO)
        modal = bot.opened()
        assert "payments/db-2" in json.dumps(modal)
        assert bot.client.acts("decide") == []


def test_who_may_not_force_is_told_so_before_filling_in_a_form() -> None:
    with world() as bot:
        bot.choose("force", user=ANA)
        (note,) = bot.notes
        assert "You can't force this" in note.text
        assert f"<@{BO}>" in note.text
        assert bot.modals == []


def test_force_on_a_closed_question_opens_nothing() -> None:
    closed = BLOCKED.model_copy(
        update={"state": QuestionState.CLOSED, "closed_because": "no_longer_needed"}
    )
    with world(client=FakeClient(questions={QUESTION: closed})) as bot:
        bot.choose("force", user=BO)
        assert "no longer needed" in bot.notes[0].text
        assert bot.modals == []


def test_abort_asks_before_it_aborts() -> None:
    with world() as bot:
        bot.choose("abort")
        assert bot.opened()["callback_id"] == "drainbot_abort"
        assert bot.client.acts("decide", "abort") == []


def test_a_modal_that_slack_would_not_open_is_told() -> None:
    with world(views_open_says="expired_trigger_id") as bot:
        bot.choose("force", user=BO)
        assert bot.aside_done.wait(60)
        assert "could not be opened" in bot.notes[0].text


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_the_parents_buttons_steer_the_operation(verb: str) -> None:
    with world() as bot:
        bot.click(f"operation:{verb}", json.dumps({"o": OPERATION}))
        (call,) = bot.client.acts(verb)
        assert call[1:3] == (f"{TEAM}:{ANA}", OPERATION)
        assert bot.notes == []


def test_a_refused_pause_is_told() -> None:
    client = FakeClient(refuse=Refused(reason="You can't pause this.", who_may=()))
    with world(client=client) as bot:
        bot.click("operation:pause", json.dumps({"o": OPERATION}))
        assert "can't pause" in bot.notes[0].text


def test_abort_and_details_of_the_parent_open_modals() -> None:
    with world() as bot:
        bot.click("operation:abort", json.dumps({"o": OPERATION}))
        assert bot.opened()["title"]["text"] == "Abort"
        bot.aside_done.clear()
        bot.click("operation:details", json.dumps({"o": OPERATION}))
        assert "node-17" in json.dumps(bot.opened())


def test_an_operation_that_does_not_exist_is_said_so() -> None:
    with world() as bot:
        for action in ("pause", "abort", "details"):
            bot.click(f"operation:{action}", json.dumps({"o": "prod-us-000000"}))
        assert len(bot.notes) == 3
        assert all("no operation" in note.text for note in bot.notes)


@pytest.mark.parametrize(
    "fields",
    [
        {"user_team": "T0PARTNER"},
        {"team": {"id": "T0PARTNER"}},
        {"team": None, "user": "", "user_team": ""},
    ],
)
def test_people_of_other_organizations_are_refused(fields: dict[str, Any]) -> None:
    with world() as bot:
        bot.choose("retry", **fields)
        assert "own Slack workspace" in bot.notes[0].text
        assert bot.client.acts("decide") == []


def test_guests_are_refused() -> None:
    people = People(
        at=time.time(), groups={"S0ONCALL": frozenset()}, persons={ANA: Person(outsider="guests")}
    )
    with world(people=people) as bot:
        bot.choose("retry")
        assert "takes no orders from guests" in bot.notes[0].text
        assert bot.client.acts("decide") == []


def test_without_a_policy_a_click_is_refused_in_words() -> None:
    with world(policy=None) as bot:
        bot.choose("retry")
        assert "DRAINBOT_POLICY" in bot.notes[0].text


def test_while_redis_is_away_a_click_is_answered_past_redis() -> None:
    with world(client=FakeClient(away=True)) as bot:
        assert bot.choose("retry").status == 200
        assert bot.aside_done.wait(60)
        (response,) = bot.responses
        assert response["url"] == "https://hooks.slack.example/actions/1"
        assert response["replace_original"] is False
        assert "Press again; twice does no harm" in response["text"]


def test_members_of_a_group_may_what_the_group_may() -> None:
    people = People(at=time.time(), groups={"S0ONCALL": frozenset({EVE})})
    with world(people=people) as bot:
        bot.choose("force", user=EVE)
        assert bot.opened()["callback_id"] == "drainbot_force"


def test_a_stale_membership_grants_nothing() -> None:
    people = People(at=time.time() - 3600, groups={"S0ONCALL": frozenset({EVE})})
    with world(people=people) as bot:
        bot.choose("force", user=EVE)
        assert "You can't force this" in bot.notes[0].text


def test_after_a_drain_its_node_can_be_returned_with_a_click() -> None:
    node = NodeView(name="node-1", status=NodeStatus.DRAINED)
    with world() as bot:
        bot.client.views[OPERATION] = bot.client.views[OPERATION].model_copy(
            update={"nodes": (node,)}
        )
        bot.click("operation:return", json.dumps({"o": OPERATION}))
        (call,) = bot.client.acts("return")
        assert call[1:4] == (f"{TEAM}:{ANA}", "prod-eu", "node-1")


def test_each_of_two_drained_nodes_can_be_returned_by_the_button_that_names_it() -> None:
    nodes = tuple(NodeView(name=f"node-{n}", status=NodeStatus.DRAINED) for n in (17, 18))
    with world() as bot:
        view = bot.client.views[OPERATION].model_copy(
            update={"nodes": nodes, "state": OperationState.ENDED, "end": OperationEnd.DRAINED}
        )
        bot.client.views[OPERATION] = view
        message = finish(view)
        assert message
        rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
        (named,) = [b for row in rows for b in row if b["text"]["text"] == "Return node-18"]
        bot.click(named["action_id"], named["value"])
        (call,) = bot.client.acts("return")
        assert call[1:4] == (f"{TEAM}:{ANA}", "prod-eu", "node-18")
