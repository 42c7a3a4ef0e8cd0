"""The Slack app's manifest: only scopes that are used, and all that the bot's calls need."""

import re
from typing import Any

import yaml

from sandbox.slack import App
from sandbox.slack.methods import TABLE
from tests.manifests.conftest import MANIFESTS, ROOT

METHODS = {name.replace(".", "_"): name for name in TABLE}


def manifest() -> dict[str, Any]:
    text = (MANIFESTS / "slack-app.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def scopes() -> set[str]:
    listed: list[str] = manifest()["oauth_config"]["scopes"]["bot"]
    assert len(listed) == len(set(listed))
    return set(listed)


def called_methods() -> set[str]:
    """The Web API methods that the bot's code calls, by Slack's names."""
    found: set[str] = set()
    for path in (ROOT / "bot").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names = {name.lower() for name in re.findall(r"\.(\w+)\(", text)}
        found |= {slack for name, slack in METHODS.items() if name.lower() in names}
    return found


def test_the_scopes_are_those_of_the_calls_that_the_bot_makes() -> None:
    called = called_methods()
    assert "chat.postMessage" in called
    assert "commands" in scopes()
    wanted = {scope for name in called for scope in TABLE[name].scopes}
    assert scopes() - {"commands"} == wanted


def test_the_slash_command_is_the_one_that_is_listened_to() -> None:
    commands = [c["command"] for c in manifest()["features"]["slash_commands"]]
    assert commands == ["/drain"]
    listeners = (ROOT / "bot" / "listeners" / "commands.py").read_text(encoding="utf-8")
    assert '"/drain"' in listeners


def test_clicks_are_delivered_and_the_one_event_that_is_listened_to() -> None:
    settings = manifest()["settings"]
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["socket_mode_enabled"] is True
    assert settings["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert manifest()["features"]["app_home"]["home_tab_enabled"] is True
    listeners = (ROOT / "bot" / "listeners" / "home.py").read_text(encoding="utf-8")
    assert '"app_home_opened"' in listeners


def test_the_stand_in_delivers_the_events_that_the_manifest_asks_for() -> None:
    assert App().events == frozenset(manifest()["settings"]["event_subscriptions"]["bot_events"])


def test_it_stays_within_slacks_limits() -> None:
    # https://docs.slack.dev/reference/app-manifest
    shown = manifest()["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    for command in manifest()["features"]["slash_commands"]:
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000


def test_it_holds_no_secret() -> None:
    text = (MANIFESTS / "slack-app.yaml").read_text(encoding="utf-8")
    assert not re.search(r"xox[a-z]-\w|xapp-\w", text)
