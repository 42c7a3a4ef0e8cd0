"""Nobody approves what they asked for themselves, whichever way they come in."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from redis import Redis

from tests.bot.api.calling import Api
from tests.bot.api.ways import Act, Ways
from tests.jobs.harness import POLICY

RULE = yaml.safe_load(POLICY)["rules"][0] | {"approve": {"by": ["sre"], "votes": 1}}
APPROVE = Act(
    "approve", "approve", ("decide", "{q}", "approve"), ("/questions/{q}", {"choice": "approve"}),
    Ways.ask_approval,
)  # fmt: skip


@pytest.mark.parametrize("way", ["slack", "shell", "remote", "http"])
def test_an_approval_by_the_requester_is_refused_on_every_way_in(
    serve: Callable[..., Api],
    redis: "Redis",
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    way: str,
) -> None:
    ways = Ways(serve(rules=[RULE]), redis, redis_url, tmp_path, monkeypatch, capsys)
    own = ways.do(way, APPROVE, "ana")
    ((operation,), _) = own.effect
    assert own.refused
    assert "somebody else" in own.words
    assert operation["answers"] == [("open", [], [])]
    other = ways.do(way, APPROVE, "bo")
    ((operation,), _) = other.effect
    assert not other.refused
    assert [state for state, _, _ in operation["answers"]] == ["settled"]
