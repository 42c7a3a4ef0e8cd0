"""The home tab's own deliveries, and presses on it: each is noted, none goes without an answer."""

import json
from typing import Any

from slack_bolt import BoltRequest

from bot.messages.home import REFRESH
from jobs.models import Refused
from tests.bot.listeners.deliveries import click_payload, headers, signed
from tests.bot.listeners.listening import (
    ANA,
    EVE,
    OPERATION,
    QUESTION,
    TEAM,
    FakeClient,
    World,
    world,
)

HOME = {"id": "V1", "type": "home", "callback_id": "drainbot_home"}


def opened(world: World, **fields: Any) -> int:
    """Deliver app_home_opened; return the status of the answer."""
    event = {"type": "app_home_opened", "user": ANA, "channel": "D1", "tab": "home"}
    body = json.dumps(
        {
            "type": "event_callback",
            "team_id": fields.pop("team", TEAM),
            "api_app_id": "A1",
            "event_id": "Ev1",
            "event": {**event, **fields},
        }
    )
    sent = {**headers(body), "content-type": "application/json"}
    return world.send(BoltRequest(body=body, headers=dict(sent))).status


def press(world: World, action_id: str, value: str, **fields: Any) -> int:
    """Press a button of the home tab: such a delivery has no channel and no response_url."""
    payload = click_payload(action_id, value, **fields)
    for missing in ("channel", "message", "response_url"):
        del payload[missing]
    payload |= {"container": {"type": "view", "view_id": "V1"}, "view": HOME}
    return world.send(signed({"payload": json.dumps(payload)})).status


def settled(world: World) -> None:
    """Wait for what is done aside."""
    world.deps.aside._pool.shutdown(wait=True)


def test_who_opens_the_home_tab_is_noted() -> None:
    with world() as world_:
        assert opened(world_) == 200
        assert world_.looks == [("looked", ANA)]


def test_the_messages_tab_and_people_of_other_workspaces_are_not() -> None:
    with world() as world_:
        assert opened(world_, tab="messages") == 200
        assert opened(world_, team="T0ELSE") == 200
        assert world_.looks == []


def test_an_opening_that_could_not_be_noted_is_not_acknowledged_so_that_slack_sends_it_again() -> (
    None
):
    with world(client=FakeClient(away=True)) as world_:
        assert opened(world_) == 500


def test_refresh_is_noted() -> None:
    with world() as world_:
        assert press(world_, REFRESH, "now") == 200
        assert world_.looks == [("looked", ANA)]
        assert world_.client.acts("decide") == []


def test_a_decision_at_the_home_tab_is_the_same_act_as_in_the_thread() -> None:
    value = json.dumps({"q": QUESTION, "c": "skip"})
    with world() as world_:
        assert press(world_, "decide:skip", value) == 200
        at_home = world_.client.acts("decide")
        assert world_.looks == [("looked", ANA)]
    with world() as world_:
        world_.choose("skip")
        in_thread = world_.client.acts("decide")
    assert at_home == in_thread != []


def test_what_is_said_to_the_one_who_pressed_stands_there_until_they_have_read_it() -> None:
    refusal = Refused(reason="You can't pause this: it needs sre. Nothing changed.")
    with world(client=FakeClient(refuse=refusal)) as world_:
        assert press(world_, "operation:pause", json.dumps({"o": OPERATION})) == 200
        shown = json.dumps(world_.opened())
        assert "it needs sre" in shown
        settled(world_)
        assert world_.looks[:2] == [("tell", ANA, refusal.reason), ("looked", ANA)]
        assert world_.looks[2:] == [("heard", ANA)]
        assert world_.notes == []


def test_words_whose_dialog_could_not_be_opened_stay_on_the_page() -> None:
    with world(views_open_says="expired_trigger_id") as world_:
        assert press(world_, "nonsense", "x") == 200
        settled(world_)
    assert [what for what, *_ in world_.looks] == ["tell", "looked"]


def test_a_dialog_that_could_not_be_opened_is_told_on_the_page() -> None:
    value = json.dumps({"o": OPERATION})
    with world(views_open_says="expired_trigger_id") as world_:
        assert press(world_, "operation:details", value) == 200
        settled(world_)
    told = [words for what, *words in world_.looks if what == "tell"]
    assert "could not be opened" in str(told)


def test_redis_away_is_told_in_a_dialog_for_there_is_no_other_place() -> None:
    with world(client=FakeClient(away=True)) as world_:
        assert press(world_, "decide:skip", json.dumps({"q": QUESTION, "c": "skip"})) == 200
        assert "Press again; twice does no harm" in json.dumps(world_.opened())


def test_people_of_other_organizations_are_refused_there_too() -> None:
    value = json.dumps({"q": QUESTION, "c": "skip"})
    with world() as world_:
        assert press(world_, "decide:skip", value, user=EVE, user_team="T0ELSE") == 200
        assert "own Slack workspace" in json.dumps(world_.opened())
        assert world_.client.acts("decide") == []
