"""External selects: options come while somebody types, and only what was offered can be chosen."""

from typing import Any

import pytest
from slack_bolt import Ack
from slack_bolt import App as BoltApp
from slack_sdk import WebClient

from sandbox.slack import PersonError, Slack
from tests.sandbox.slack.making import modal, written


def option(text: str, **more: Any) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": text}, "value": text, **more}


def select(kind: str = "multi_external_select", **more: Any) -> dict[str, Any]:
    element = {"type": kind, "action_id": "pick", "min_query_length": 0, **more}
    return {
        "type": "input",
        "block_id": "nodes",
        "label": {"type": "plain_text", "text": "Nodes"},
        "element": element,
    }


@pytest.fixture
def shown(slack: Slack, client: WebClient, bolt: BoltApp) -> list[dict[str, Any]]:
    """A modal with an external select on Bo's screen; what is submitted of it is put in here."""
    slack.configure(options_url=slack.workspace().apps[0].request_url)
    return show(slack, client, bolt, select(), written("why", optional=True))


def show(
    slack: Slack, client: WebClient, bolt: BoltApp, *blocks: dict[str, Any]
) -> list[dict[str, Any]]:
    views: list[dict[str, Any]] = []

    @bolt.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal(*blocks, callback_id="ask"))
        ack()

    @bolt.view("ask")
    def ask(ack: Ack, view: dict[str, Any]) -> None:
        views.append(view)
        ack()

    assert slack.slash("bo", "ops", "/drain").acknowledged
    return views


def offering(bolt: BoltApp, **answer: Any) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    @bolt.options("pick")
    def offer(ack: Ack, body: dict[str, Any]) -> None:
        asked.append(body)
        ack(**answer)

    return asked


def test_the_app_is_asked_for_options_and_what_it_offered_is_chosen(
    slack: Slack, bolt: BoltApp, shown: list[dict[str, Any]]
) -> None:
    asked = offering(bolt, options=[option("node-1"), option("node-2")])
    delivery = slack.suggest("bo", "pick", "no")
    assert delivery.shown is None
    assert (asked[0]["type"], asked[0]["value"]) == ("block_suggestion", "no")
    assert (asked[0]["block_id"], asked[0]["action_id"]) == ("nodes", "pick")
    assert asked[0]["view"]["state"]["values"] == {}
    assert asked[0]["user"]["team_id"] == "T0SANDBOX"
    slack.submit("bo", {"pick": ["node-2"]})
    chosen = shown[0]["state"]["values"]["nodes"]["pick"]
    assert chosen == {"type": "multi_external_select", "selected_options": [option("node-2")]}


def test_what_was_offered_before_may_be_chosen_beside_what_is_offered_now(
    slack: Slack, bolt: BoltApp, shown: list[dict[str, Any]]
) -> None:
    groups = [{"label": {"type": "plain_text", "text": "lab"}, "options": [option("node-3")]}]

    @bolt.options("pick")
    def offer(ack: Ack, body: dict[str, Any]) -> None:
        ack(options=[option("node-1")]) if body["value"] == "1" else ack(option_groups=groups)

    slack.suggest("bo", "pick", "1")
    slack.suggest("bo", "pick", "3")
    slack.submit("bo", {"pick": ["node-1", "node-3"]})
    (view,) = shown
    options = view["state"]["values"]["nodes"]["pick"]["selected_options"]
    assert [each["value"] for each in options] == ["node-1", "node-3"]


def test_what_was_not_offered_can_not_be_chosen(
    slack: Slack, bolt: BoltApp, shown: list[dict[str, Any]]
) -> None:
    offering(bolt, options=[option("node-1")])
    with pytest.raises(PersonError, match="has no option 'node-1'"):
        slack.submit("bo", {"pick": ["node-1"]})
    slack.suggest("bo", "pick")
    with pytest.raises(PersonError, match="has no option 'node-2'"):
        slack.submit("bo", {"pick": ["node-2"]})
    with pytest.raises(PersonError, match="complete this required field"):
        slack.submit("bo", {"why_text": "x"})
    assert shown == []


@pytest.mark.parametrize(
    "answer",
    [
        {"options": [option(f"node-{n}") for n in range(101)]},
        {"options": [option("n" * 76)]},
        {"options": [option("node-1", value="v" * 151)]},
        {"options": [option("node-1", style="danger")]},
        {"option_groups": [{"label": {"type": "plain_text", "text": "l" * 76}, "options": []}]},
        {"option_groups": [{"label": {"type": "plain_text", "text": "l"}, "options": []}]},
    ],
)
def test_an_answer_beyond_slacks_limits_shows_no_result(
    slack: Slack, bolt: BoltApp, shown: list[dict[str, Any]], answer: dict[str, Any]
) -> None:
    offering(bolt, **answer)
    delivery = slack.suggest("bo", "pick", "node")
    assert delivery.acknowledged
    assert "No result (" in str(delivery.shown)
    with pytest.raises(PersonError):
        slack.submit("bo", {"pick": ["node-1"]})


def test_an_answer_that_is_empty_or_none_shows_no_result(
    slack: Slack, bolt: BoltApp, shown: list[dict[str, Any]]
) -> None:
    offering(bolt, options=[])
    assert slack.suggest("bo", "pick").shown == "No result"


def test_an_app_without_an_options_load_url_is_never_asked_over_http(
    slack: Slack, client: WebClient, bolt: BoltApp
) -> None:
    show(slack, client, bolt, select())
    asked = offering(bolt, options=[option("node-1")])
    delivery = slack.suggest("bo", "pick")
    assert (delivery.acknowledged, delivery.shown, asked) == (False, "No result", [])
    assert "options load URL" in str(delivery.body)


def test_a_select_asks_when_enough_is_typed_and_takes_only_so_many(
    slack: Slack, client: WebClient, bolt: BoltApp
) -> None:
    slack.configure(options_url=slack.workspace().apps[0].request_url)
    eager = select(max_selected_items=1)
    del eager["element"]["min_query_length"]
    show(slack, client, bolt, eager)
    offering(bolt, options=[option("node-1"), option("node-2")])
    with pytest.raises(PersonError, match="before 3 characters"):
        slack.suggest("bo", "pick", "no")
    slack.suggest("bo", "pick", "nod")
    with pytest.raises(PersonError, match="takes 1 at most"):
        slack.submit("bo", {"pick": ["node-1", "node-2"]})


def test_only_external_selects_ask(slack: Slack, client: WebClient, bolt: BoltApp) -> None:
    show(slack, client, bolt, written())
    with pytest.raises(PersonError, match="does not ask for its options"):
        slack.suggest("bo", "why_text")
