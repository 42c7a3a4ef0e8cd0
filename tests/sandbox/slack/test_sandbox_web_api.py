import http.client
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack import Slack
from tests.sandbox.slack.making import OTHER, actions, button, modal, section, web_client


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def test_a_token_says_whose_it_is(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["team_id"]) == ("U0DRAINBOT", "T0SANDBOX")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


def test_a_wrong_token_is_refused(slack: Slack) -> None:
    assert refusal(web_client(slack, "xoxb-wrong").auth_test) == "invalid_auth"
    assert refusal(web_client(slack, "xapp-sandbox-drainbot").auth_test) == "not_allowed_token_type"
    assert refusal(WebClient(base_url=slack.api_url).auth_test) == "not_authed"


def test_an_unknown_method_and_a_broken_body_are_refused(slack: Slack, client: WebClient) -> None:
    assert refusal(lambda: client.api_call("chat.shout")) == "unknown_method"
    connection = http.client.HTTPConnection(slack.url.removeprefix("http://"))
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/api/chat.postMessage", b"{not json", headers)
    assert b"invalid_json" in connection.getresponse().read()
    connection.close()


def test_a_message_is_stored_as_it_was_posted(slack: Slack, client: WebClient) -> None:
    answer = client.chat_postMessage(channel="C0OPS", text="hello", blocks=[section("hi")])
    (stored,) = slack.messages("ops")
    assert stored == answer["message"]
    assert (stored["text"], stored["user"], stored["ts"]) == ("hello", "U0DRAINBOT", answer["ts"])
    assert stored["blocks"][0]["block_id"]


def test_form_bodies_are_taken_like_json(slack: Slack, client: WebClient) -> None:
    client.api_call(
        "chat.postMessage",
        params={"channel": "C0OPS", "text": "hello", "blocks": '[{"type": "divider"}]'},
    )
    assert slack.messages("ops")[0]["blocks"][0]["type"] == "divider"
    wrong = {"channel": "C0OPS", "text": "hello", "blocks": "[{"}
    call = client.api_call
    assert refusal(call, api_method="chat.postMessage", params=wrong) == "invalid_blocks_format"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "ops", "text": "x"}, "channel_not_found"),
        ({"channel": "C0OLD", "text": "x"}, "is_archived"),
        ({"channel": "C0GENERAL", "text": "x"}, "not_in_channel"),
        ({"channel": "C0OPS", "blocks": [{"type": "divider"}]}, "no_text"),
        ({"channel": "C0OPS", "text": "  "}, "no_text"),
        ({"channel": "C0OPS", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "C0OPS", "text": "x", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"channel": "C0OPS", "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        ({"channel": "C0OPS", "text": "x", "colour": "red"}, "invalid_arguments"),
        ({"channel": "C0OPS", "text": "x", "reply_broadcast": True}, "invalid_arguments"),
        ({"channel": "C0OPS", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
    ],
)
@pytest.mark.filterwarnings("ignore:The top-level `text` argument:UserWarning")
def test_a_bad_message_is_refused_as_slack_words_it(
    slack: Slack, client: WebClient, arguments: dict[str, Any], error: str
) -> None:
    assert refusal(client.chat_postMessage, **arguments) == error
    assert slack.messages("ops") == []
    assert slack.calls("chat.postMessage")[-1]["answer"]["error"] == error


def test_a_private_channel_is_not_there_for_an_outsider(slack: Slack) -> None:
    other = web_client(slack, OTHER.bot_token)
    assert refusal(other.chat_postMessage, channel="C0SECRET", text="x") == "channel_not_found"
    web_client(slack).chat_postMessage(channel="C0SECRET", text="x")


def test_invalid_blocks_are_named_one_by_one(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C0OPS", text="x", blocks=[section("")])
    assert caught.value.response["errors"] == ["/blocks/0/text/text: must be at least 1 characters"]


def test_an_update_without_blocks_takes_them_away(slack: Slack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0OPS", text="a", blocks=[actions(button())])["ts"]
    client.chat_update(channel="C0OPS", ts=ts, text="b", blocks=[section("b")])
    assert slack.messages("ops")[0]["blocks"][0]["type"] == "section"
    client.chat_update(channel="C0OPS", ts=ts, text="c")
    (message,) = slack.messages("ops")
    assert (message["text"], "blocks" in message, "edited" in message) == ("c", False, True)


def test_updates_that_slack_refuses_are_refused(slack: Slack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0OPS", text="a")["ts"]
    other = web_client(slack, OTHER.bot_token)
    change = {"channel": "C0OPS", "ts": ts, "text": "b"}
    assert refusal(other.chat_update, **change) == "cant_update_message"
    assert refusal(other.chat_delete, channel="C0OPS", ts=ts) == "cant_delete_message"
    assert refusal(client.chat_update, **{**change, "ts": "1.0"}) == "message_not_found"
    assert refusal(client.chat_update, **{**change, "text": "b" * 4001}) == "msg_too_long"
    assert slack.messages("ops")[0]["text"] == "a"


def test_metadata_is_kept_and_told_on_request(client: WebClient) -> None:
    metadata = {"event_type": "operation", "event_payload": {"id": "7F3K"}}
    ts = client.chat_postMessage(channel="C0OPS", text="a", metadata=metadata)["ts"]
    client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=ts, metadata=metadata)
    client.chat_update(channel="C0OPS", ts=ts, text="b")
    thread = {"channel": "C0OPS", "ts": ts}
    with_it = client.conversations_replies(**thread, include_all_metadata=True)["messages"]
    assert [m["metadata"] for m in with_it] == [metadata, metadata]
    without = client.conversations_replies(**thread)["messages"]
    assert ["metadata" in m for m in without] == [False, False]
    client.chat_update(channel="C0OPS", ts=ts, text="b", metadata={})
    history = client.conversations_history(channel="C0OPS", include_all_metadata=True)
    assert "metadata" not in history["messages"][0]


def test_history_is_newest_first_and_leaves_replies_in_their_thread(client: WebClient) -> None:
    first = client.chat_postMessage(channel="C0OPS", text="first")["ts"]
    client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=first)
    shouted = {"thread_ts": first, "reply_broadcast": True}
    client.chat_postMessage(channel="C0OPS", text="broadcast", **shouted)
    client.chat_postMessage(channel="C0OPS", text="last")
    history = client.conversations_history(channel="C0OPS")["messages"]
    assert [m["text"] for m in history] == ["last", "broadcast", "first"]
    assert history[1]["subtype"] == "thread_broadcast"
    assert (history[2]["reply_count"], history[2]["thread_ts"]) == (2, first)
    thread = client.conversations_replies(channel="C0OPS", ts=first)["messages"]
    assert [m["text"] for m in thread] == ["first", "reply", "broadcast"]


def test_history_comes_in_pages_and_ranges(client: WebClient) -> None:
    ts = [client.chat_postMessage(channel="C0OPS", text=str(n))["ts"] for n in range(5)]
    pages = client.conversations_history(channel="C0OPS", limit=2)
    assert [[m["text"] for m in page["messages"]] for page in pages] == [
        ["4", "3"],
        ["2", "1"],
        ["0"],
    ]
    some = client.conversations_history(channel="C0OPS", oldest=ts[1], latest=ts[3])["messages"]
    assert [m["text"] for m in some] == ["2"]
    bounds = {"oldest": ts[1], "latest": ts[3], "inclusive": True}
    more = client.conversations_history(channel="C0OPS", **bounds)["messages"]
    assert [m["text"] for m in more] == ["3", "2", "1"]
    history = client.conversations_history
    assert refusal(history, channel="C0OPS", oldest="noon") == "invalid_ts_oldest"
    assert refusal(history, channel="C0OPS", cursor="x") == "invalid_cursor"
    assert refusal(history, channel="C0GENERAL") == "not_in_channel"


def test_a_reply_has_no_thread_of_its_own(client: WebClient) -> None:
    parent = client.chat_postMessage(channel="C0OPS", text="a")["ts"]
    reply = client.chat_postMessage(channel="C0OPS", text="b", thread_ts=parent)["ts"]
    arguments = {"channel": "C0OPS", "text": "c", "thread_ts": reply}
    assert refusal(client.chat_postMessage, **arguments) == "cannot_reply_to_message"
    link = client.chat_getPermalink(channel="C0OPS", message_ts=reply)["permalink"]
    assert link.endswith(f"/archives/C0OPS/p{reply.replace('.', '')}?thread_ts={parent}&cid=C0OPS")


def test_a_deleted_message_is_gone_and_one_with_replies_leaves_a_tombstone(
    slack: Slack, client: WebClient
) -> None:
    alone = client.chat_postMessage(channel="C0OPS", text="a")["ts"]
    parent = client.chat_postMessage(channel="C0OPS", text="b")["ts"]
    client.chat_postMessage(channel="C0OPS", text="c", thread_ts=parent)
    client.chat_delete(channel="C0OPS", ts=alone)
    client.chat_delete(channel="C0OPS", ts=parent)
    (left,) = slack.messages("ops")
    assert (left["ts"], left["subtype"]) == (parent, "tombstone")
    change = {"channel": "C0OPS", "ts": parent, "text": "d"}
    assert refusal(client.chat_update, **change) == "cant_update_message"


def test_an_ephemeral_message_is_seen_by_one_person(slack: Slack, client: WebClient) -> None:
    arguments: dict[str, Any] = {"channel": "C0OPS", "text": "psst"}
    ts = client.chat_postEphemeral(user="U0BO", **arguments)["message_ts"]
    assert [m["text"] for m in slack.ephemerals("bo")] == ["psst"]
    assert slack.ephemerals("ana") == slack.messages("ops") == []
    assert refusal(client.chat_postEphemeral, user="U0NOBODY", **arguments) == "user_not_in_channel"
    change = {"channel": "C0OPS", "ts": ts, "text": "b"}
    assert refusal(client.chat_update, **change) == "message_not_found"


def test_a_missing_scope_is_named(slack: Slack, client: WebClient) -> None:
    slack.configure(scopes=["chat:write", "channels:history"])
    with pytest.raises(SlackApiError) as caught:
        client.usergroups_users_list(usergroup="S0ONCALL")
    told = caught.value.response
    assert (told["error"], told["needed"]) == ("missing_scope", "usergroups:read")
    assert told["provided"] == "channels:history,chat:write"
    client.conversations_history(channel="C0OPS")
    assert refusal(client.conversations_history, channel="C0SECRET") == "missing_scope"


def test_people_groups_and_channels_are_told(slack: Slack, client: WebClient) -> None:
    assert client.users_info(user="U0GUS")["user"]["is_ultra_restricted"] is True
    assert client.users_info(user="U0EVE")["user"]["team_id"] == "T0ELSEWHERE"
    assert client.users_info(user="U0DRAINBOT")["user"]["is_bot"] is True
    assert refusal(client.users_info, user="U0NOBODY") == "user_not_found"
    assert client.usergroups_users_list(usergroup="S0ONCALL")["users"] == ["U0BO", "U0CY"]
    slack.set_members("sre-oncall", ["cy"])
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == ["U0CY"]
    assert refusal(client.usergroups_users_list, usergroup="S0NONE") == "no_such_subteam"
    slack.configure(scopes=["channels:read"])
    channel = client.conversations_info(channel="C0OPS")["channel"]
    assert (channel["name"], channel["is_member"], channel["is_ext_shared"]) == ("ops", True, True)


def test_mentions_are_those_of_the_blocks_if_there_are_any(slack: Slack, client: WebClient) -> None:
    text = "<@U0BO> <!here> <!subteam^S0ONCALL|@sre-oncall> &lt;!channel&gt;"
    ts = client.chat_postMessage(channel="C0OPS", text=text)["ts"]
    assert slack.mentions("ops", ts) == {"U0BO", "here", "S0ONCALL"}
    ts = client.chat_postMessage(channel="C0OPS", text=text, blocks=[section("<@U0CY>")])["ts"]
    assert slack.mentions("ops", ts) == {"U0CY"}


def test_a_home_tab_is_published_to_one_person(slack: Slack, client: WebClient) -> None:
    view = {"type": "home", "blocks": [section("yours")]}
    published = client.views_publish(user_id="U0ANA", view=view)["view"]
    home = slack.home("ana")
    assert home is not None
    assert home["blocks"][0]["text"]["text"] == "yours"
    assert slack.home("bo") is None
    client.views_publish(user_id="U0ANA", view=view, hash=published["hash"])
    stale = {"user_id": "U0ANA", "view": view, "hash": published["hash"]}
    assert refusal(client.views_publish, **stale) == "hash_conflict"
    assert refusal(client.views_publish, user_id="U0ANA", view=modal()) == "invalid_arguments"


def test_api_test_answers_without_a_token(slack: Slack) -> None:
    nobody = WebClient(base_url=slack.api_url)
    assert nobody.api_test(foo="bar")["args"] == {"foo": "bar"}
    assert refusal(nobody.api_test, error="my_error") == "my_error"


def test_every_call_is_in_the_log(slack: Slack, client: WebClient) -> None:
    client.chat_postMessage(channel="C0OPS", text="a")
    (call,) = slack.calls("chat.postMessage")
    assert (call["app"], call["status"], call["arguments"]["text"]) == ("drainbot", 200, "a")
    assert call["answer"]["ok"] is True
    assert "token" not in call["arguments"]
    assert len(slack.calls()) == 1
