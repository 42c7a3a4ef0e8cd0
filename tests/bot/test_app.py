import logging
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import App, BoltContext

from bot.app import Identity
from bot.listeners import commands
from tests.bot.listeners.deliveries import click_payload, signed, slash_form
from tests.bot.listeners.listening import TEAM, World, world


def test_who_we_are_is_read_from_auth_test() -> None:
    answer = {"team_id": "T1", "user_id": "U1", "bot_id": "B1", "url": "https://x/", "ok": True}
    assert Identity.of(answer) == Identity("T1", "U1", "B1", "https://x/")
    assert Identity.of({}) == Identity("", "")


def test_a_delivery_costs_no_call_to_slack_and_its_listener_holds_no_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[str] = []

    def api_call(_self: object, method: str, **_options: Any) -> None:
        called.append(method)

    monkeypatch.setattr("slack_sdk.WebClient.api_call", api_call)
    with world() as bot:
        bot.slash("node-1")
        bot.choose("retry")
        tokens: list[object] = []

        def look(context: BoltContext, next: Callable[[], None]) -> None:  # noqa: A002  Bolt's name
            tokens.append(context.token)
            next()

        bot.app.use(look)
        bot.slash("node-1")
    assert called == []
    assert tokens == [None]


def test_tokens_in_the_environment_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "another")
    with world() as bot:
        assert "op 7F3K9Q" in bot.slash("node-1")["text"]
        assert bot.app.client.token is None


def test_an_error_outside_of_every_listener_still_becomes_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(commands, "settle_command", broken)
    with world() as bot, caplog.at_level(logging.ERROR):
        said = bot.slash("node-1")["text"]
    assert "Something went wrong" in said
    assert "RuntimeError" not in said


def test_what_nobody_listens_to_is_never_an_error() -> None:
    with world() as bot:
        for kind in ("message_action", "block_suggestion", "something_new"):
            payload = {**click_payload("x", "y"), "type": kind, "callback_id": "c"}
            assert bot.send(signed({"payload": str(payload).replace("'", '"')})).status in {
                200,
                404,
            }


def answered(bot: World, app: App) -> int:
    return app.dispatch(signed(slash_form("help", team_id=TEAM))).status


def test_any_name_of_the_slash_command_is_answered() -> None:
    with world() as bot:
        said = bot.slash("help", command="/drain-prod")["text"]
        assert "/drain-prod NODE…" in said
        assert answered(bot, bot.app) == 200
