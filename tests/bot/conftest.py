"""Fixtures for tests of the bot: the strict stand-in of Slack, a notifier, a command line."""

import sys
from collections.abc import Callable, Iterator

import pytest
import redis as redis_client

import sandbox.slack
from bot import cli, cli_acts, cli_audit, cli_freeze, cli_session
from bot.commands import Desk, NodeBook
from bot.groups import Directory, People
from jobs.models import Principal
from sandbox.slack import Slack
from tests.bot.listeners.listening import ANA, POLICY, TEAM, FakeClient, FixedStore
from tests.bot.orphanage import FakeOrphans, NoHooks
from tests.bot.telling_bench import WORKSPACE, Bench


@pytest.fixture
def slack() -> Iterator[Slack]:
    with sandbox.slack.running(WORKSPACE, rate_limits=False) as slack:
        yield slack


@pytest.fixture
def bench(slack: Slack, redis: "redis_client.Redis") -> Bench:
    return Bench(slack, redis)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """A session of Ana's whose client is in memory, in place of the one that the token opens."""
    fake = FakeClient()
    directory = Directory(FixedStore(People()), [])
    desk = Desk(fake, POLICY, directory, NodeBook(fake))
    principal = Principal(team=TEAM, user=ANA, via="cli")
    session = cli_session.Session(desk, principal, "prod-eu", FakeOrphans(), NoHooks())
    for module in (cli_acts, cli_audit, cli_freeze):
        monkeypatch.setattr(module, "opened", lambda: session)
    monkeypatch.setattr("bot.cli_show.time.sleep", lambda _seconds: None)
    return fake


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `drainbot` in this process; gives its exit code, output and errors."""

    def invoke(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["drainbot", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return invoke
