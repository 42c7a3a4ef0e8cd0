"""`/drain history` and the button Report: for one person, with pods only where they may be read."""

import json

import pytest

from jobs.models import History, Refused
from tests.bot.listeners.listening import ANA, OPERATION, OPS, TEAM, FakeClient, world
from tests.bot.messages.test_history_words import ENTRIES

PERSON = f"{TEAM}:{ANA}"


def knowing(*subjects: str) -> FakeClient:
    client = FakeClient()
    for about in subjects:
        client.histories.known[about] = History(cluster="prod-eu", about=about, entries=ENTRIES)
    return client


@pytest.mark.parametrize("typed", ["7F3K9Q", "op 7F3K9Q", "prod-eu/7f3k9q", OPERATION])
def test_the_history_of_an_operation_is_told_to_one_person(typed: str) -> None:
    with world(client=knowing(OPERATION)) as bot:
        answer = bot.slash(f"history {typed}")
        assert answer["response_type"] == "ephemeral"
        assert answer["text"] == "History of op 7F3K9Q in prod-eu."
        assert "disk swap" in json.dumps(answer["blocks"])
        assert bot.client.histories.asked == [("operation", PERSON, "prod-eu", OPERATION, OPS)]


def test_the_history_of_a_node_is_told_with_the_channel_that_it_is_read_in() -> None:
    with world(client=knowing("node-17")) as bot:
        answer = bot.slash("history node-17")
        assert answer["text"] == "History of node-17 in prod-eu."
        assert bot.client.histories.asked == [("node", PERSON, "prod-eu", "node-17", OPS)]


def test_a_node_whose_name_looks_like_an_operation_is_a_node_where_it_is_one() -> None:
    client = knowing("abc123", "prod-eu-abc123")
    client.nodes = ("abc123",)
    with world(client=client) as bot:
        bot.slash("history abc123")
        assert [call[0] for call in client.histories.asked] == ["node"]


def test_an_operation_that_nobody_knows_may_be_a_node_that_is_gone() -> None:
    with world(client=knowing("abc123")) as bot:
        assert bot.slash("history abc123")["text"] == "History of abc123 in prod-eu."


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("history", "Of what?"),
        ("history node-17 node-18", "One node or one operation at a time"),
        ("history node-171", "Did you mean node-17"),
        ("history zzzzzz", "knows no node and no operation"),
        ("history nowhere/node-17", "There is no cluster"),
    ],
)
def test_what_is_not_understood_is_said(typed: str, said: str) -> None:
    with world() as bot:
        assert said in bot.slash(typed)["text"]


def test_who_may_not_look_is_told_why() -> None:
    client = knowing("node-17")
    client.histories.refuse = Refused(reason="You can't read this.")
    with world(client=client) as bot:
        assert "You can't read this." in bot.slash("history node-17")["text"]
        bot.click("operation:report", json.dumps({"o": OPERATION}))
        assert bot.modals == []
        assert "You can't read this." in bot.notes[0].text


def test_report_opens_the_history_of_its_operation() -> None:
    with world(client=knowing(OPERATION)) as bot:
        bot.click("operation:report", json.dumps({"o": OPERATION}))
        assert bot.aside_done.wait(60)
        (modal,) = bot.modals
        assert modal["title"]["text"] == "Report 7F3K9Q"
        assert "disk swap" in json.dumps(modal)
        assert bot.client.histories.asked == [("operation", PERSON, "prod-eu", OPERATION, OPS)]


def test_a_report_of_an_operation_that_was_made_up_is_refused() -> None:
    with world() as bot:
        for made_up in ("nowhere-7f3k9q", "x", "prod-eu-../etc"):
            bot.click("operation:report", json.dumps({"o": made_up}))
        assert bot.modals == []
        assert len(bot.notes) == 3
