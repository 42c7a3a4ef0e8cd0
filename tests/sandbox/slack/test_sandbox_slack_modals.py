from typing import Any

import pytest
from slack_bolt import Ack
from slack_bolt import App as BoltApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack import PersonError, Slack, demo_workspace, running
from tests.sandbox.slack.making import actions, button, eventually, modal, section, written


@pytest.fixture
def trigger(slack: Slack, bolt: BoltApp) -> str:
    """A trigger id of a command that was just sent."""

    @bolt.command("/drain")
    def drain(ack: Ack) -> None:
        ack()

    return new_trigger(slack)


def new_trigger(slack: Slack) -> str:
    trigger: str = slack.slash("bo", "ops", "/drain").payload["trigger_id"]
    return trigger


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def on_submit(bolt: BoltApp, **answer: Any) -> list[dict[str, Any]]:
    views: list[dict[str, Any]] = []

    @bolt.view("force")
    def force(ack: Ack, view: dict[str, Any]) -> None:
        views.append(view)
        ack(**answer)

    return views


def test_a_trigger_works_once(slack: Slack, client: WebClient, trigger: str) -> None:
    client.views_open(trigger_id=trigger, view=modal())
    assert [view["title"]["text"] for view in slack.modals("bo")] == ["Force"]
    assert refusal(client.views_open, trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    assert refusal(client.views_open, trigger_id="1.2.a", view=modal()) == "invalid_trigger_id"


def test_a_trigger_works_for_three_seconds(slack: Slack, client: WebClient, trigger: str) -> None:
    slack.advance(3.1)
    assert refusal(client.views_open, trigger_id=trigger, view=modal()) == "expired_trigger_id"
    assert slack.modals("bo") == []


def test_an_invalid_view_is_refused_and_leaves_the_trigger(
    slack: Slack, client: WebClient, trigger: str
) -> None:
    wrong = modal(title={"type": "plain_text", "text": "t" * 25})
    assert refusal(client.views_open, trigger_id=trigger, view=wrong) == "invalid_arguments"
    client.views_open(trigger_id=trigger, view=modal())
    assert len(slack.modals("bo")) == 1


def test_what_was_filled_in_is_submitted(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    views = on_submit(bolt)
    preset = written("note", optional=True)
    preset["element"]["initial_value"] = "preset"
    view = modal(written(), preset, private_metadata="op 7F3K")
    client.views_open(trigger_id=trigger, view=view)
    delivery = slack.submit("bo", {"why_text": "primary moved"})
    assert delivery.payload["type"] == "view_submission"
    assert views[0]["private_metadata"] == "op 7F3K"
    assert views[0]["state"]["values"] == {
        "why": {"why_text": {"type": "plain_text_input", "value": "primary moved"}},
        "note": {"note_text": {"type": "plain_text_input", "value": "preset"}},
    }
    assert slack.modals("bo") == []


def test_the_window_does_not_submit_what_it_would_not(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    views = on_submit(bolt)
    view = modal(written())
    view["blocks"][0]["element"]["max_length"] = 5
    client.views_open(trigger_id=trigger, view=view)
    for values, why in (
        ({}, "Why: complete this required field"),
        ({"why": "too long for it"}, "takes 0 to 5 characters"),
        ({"why": "x", "colour": "red"}, "no input colour"),
    ):
        with pytest.raises(PersonError, match=why):
            slack.submit("bo", values)
    with pytest.raises(PersonError, match="ana has no modal open"):
        slack.submit("ana", {"why": "x"})
    assert views == []


def test_checkboxes_and_selects_report_their_options(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    views = on_submit(bolt)
    options = [
        {"text": {"type": "plain_text", "text": pod}, "value": pod} for pod in ("db-1", "db-2")
    ]
    pods = {"type": "checkboxes", "action_id": "pods", "options": options}
    radio = {"type": "radio_buttons", "action_id": "one", "options": options}
    one = {**radio, "initial_option": options[0]}
    view = modal(written("a", element=pods), written("b", element=one))
    client.views_open(trigger_id=trigger, view=view)
    slack.submit("bo", {"pods": ["db-2"]})
    values = views[0]["state"]["values"]
    assert [option["value"] for option in values["a"]["pods"]["selected_options"]] == ["db-2"]
    assert values["b"]["one"]["selected_option"]["value"] == "db-1"


def test_errors_keep_the_modal_open_and_are_shown(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    on_submit(bolt, response_action="errors", errors={"why": "Say more."})
    client.views_open(trigger_id=trigger, view=modal(written()))
    assert slack.submit("bo", {"why": "x"}).shown is None
    assert slack.modals("bo")[0]["errors"] == {"why": "Say more."}


def test_errors_for_no_input_are_trouble(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    on_submit(bolt, response_action="errors", errors={"when": "?"})
    client.views_open(trigger_id=trigger, view=modal(written()))
    assert "trouble connecting" in (slack.submit("bo", {"why": "x"}).shown or "")
    assert len(slack.modals("bo")) == 1


def test_an_unanswered_submission_keeps_the_modal_open(
    slack: Slack, client: WebClient, trigger: str
) -> None:
    client.views_open(trigger_id=trigger, view=modal(written()))
    slack.configure(request_url="http://127.0.0.1:9/")
    assert slack.submit("bo", {"why": "x"}).shown == "We had some trouble connecting. Try again?"
    assert len(slack.modals("bo")) == 1


def test_a_submission_can_update_push_and_clear(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    answers: list[dict[str, Any]] = [
        {"response_action": "update", "view": modal(section("second"))},
        {"response_action": "push", "view": modal(section("on top"))},
        {"response_action": "clear"},
    ]

    @bolt.view("force")
    def force(ack: Ack) -> None:
        ack(**answers.pop(0))

    client.views_open(trigger_id=trigger, view=modal())
    texts = []
    for _ in range(3):
        slack.submit("bo")
        texts.append([view["blocks"][0]["text"]["text"] for view in slack.modals("bo")])
    assert texts == [["second"], ["second", "on top"], []]


def test_a_button_in_a_modal_gives_a_trigger_for_one_on_top(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    @bolt.action("more")
    def more(ack: Ack, body: dict[str, Any]) -> None:
        ack()
        client.views_push(trigger_id=body["trigger_id"], view=modal(actions(button("more"))))

    client.views_open(trigger_id=trigger, view=modal(actions(button("more")), written()))
    pressed = slack.click_in_view("bo", "more", values={"why": "half"})
    assert pressed.payload["view"]["state"]["values"]["why"]["why_text"]["value"] == "half"
    assert pressed.payload["container"]["type"] == "view"
    eventually(lambda: len(slack.modals("bo")) == 2)
    slack.click_in_view("bo", "more")
    stack = eventually(lambda: len(slack.modals("bo")) == 3 and slack.modals("bo"))
    assert isinstance(stack, list)
    assert [view["root_view_id"] for view in stack] == [stack[0]["id"]] * 3
    assert stack[2]["previous_view_id"] == stack[1]["id"]
    slack.click_in_view("bo", "more")
    refused = eventually(lambda: slack.calls("views.push")[2:])
    assert refused[0]["answer"]["error"] == "push_limit_reached"


def test_a_push_needs_a_modal_below(client: WebClient, trigger: str) -> None:
    assert refusal(client.views_push, trigger_id=trigger, view=modal()) == "not_found"


def test_an_update_goes_by_id_or_external_id_and_respects_the_hash(
    slack: Slack, client: WebClient, trigger: str
) -> None:
    view = client.views_open(trigger_id=trigger, view=modal(external_id="op"))["view"]
    first = view["hash"]
    second = client.views_update(external_id="op", view=modal(section("2"), external_id="op"))
    assert second["view"]["hash"] != first
    change = {"view_id": view["id"], "view": modal()}
    assert refusal(client.views_update, **change, hash=first) == "hash_conflict"
    assert refusal(client.views_update, view_id="V0", view=modal()) == "not_found"
    client.views_update(**change, hash=second["view"]["hash"])
    assert slack.modals("bo")[0]["blocks"][0]["text"]["text"] == "hello"


def test_an_external_id_is_used_once(slack: Slack, client: WebClient, trigger: str) -> None:
    client.views_open(trigger_id=trigger, view=modal(external_id="op"))
    again = {"trigger_id": new_trigger(slack), "view": modal(external_id="op")}
    assert refusal(client.views_open, **again) == "duplicate_external_id"


def test_closing_tells_the_app_if_it_asked_for_that(
    slack: Slack, client: WebClient, bolt: BoltApp, trigger: str
) -> None:
    closed: list[bool] = []

    @bolt.view_closed("force")
    def was_closed(ack: Ack, body: dict[str, Any]) -> None:
        closed.append(body["is_cleared"])
        ack()

    client.views_open(trigger_id=trigger, view=modal())
    assert slack.close("bo") is None
    client.views_open(trigger_id=new_trigger(slack), view=modal(notify_on_close=True))
    delivery = slack.close("bo", all_of_them=True)
    assert delivery is not None
    assert (closed, slack.modals("bo")) == ([True], [])


def test_a_home_tab_has_buttons_too(slack: Slack, client: WebClient, bolt: BoltApp) -> None:
    pressed: list[dict[str, Any]] = []
    bolt.event("app_home_opened")(lambda ack: ack())

    @bolt.action("go")
    def go(ack: Ack, body: dict[str, Any]) -> None:
        pressed.append(body)
        ack()

    view = {"type": "home", "blocks": [actions(button())]}
    view_id = client.views_publish(user_id="U0BO", view=view)["view"]["id"]
    slack.click_in_view("bo", "go", view_id)
    assert pressed[0]["view"]["type"] == "home"
    with pytest.raises(PersonError, match="nothing to send off"):
        slack.submit("bo", {}, view_id)
    opened = slack.open_home("bo")
    assert opened is not None
    assert opened.payload["event"]["view"]["id"] == view_id


def test_an_app_that_did_not_ask_for_it_hears_nothing_of_an_opened_home_tab() -> None:
    workspace = demo_workspace()
    deaf = workspace.apps[0].model_copy(update={"events": frozenset()})
    with running(workspace.model_copy(update={"apps": (deaf,)})) as slack:
        assert slack.open_home("bo") is None
