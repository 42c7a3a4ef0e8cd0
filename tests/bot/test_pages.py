"""What the notifier notes for pagers, whatever Slack and the pagers do."""

from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bot.page_store import PageStore, pager_key
from bot.pager_secrets import pager_secrets
from bot.pages import PageNotes
from jobs.errors import ConfigError
from jobs.models import QuestionState
from jobs.policy import Policy, parse_policy
from sandbox.slack import Fault, Slack
from tests.bot.messages import samples
from tests.bot.receiver import Receiver, receiver
from tests.bot.running import (
    POLICY,
    environment,
    eventually,
    publish_nodes,
    running_bot,
    start_bot,
)
from tests.bot.telling_bench import Bench, view

URL = "https://pager.example.com/hook"


@pytest.fixture
def paged(slack: Slack, redis: Redis) -> Bench:
    bench = Bench(slack, redis)
    bench.notifier = with_pages(bench)
    return bench


def with_pages(bench: Bench) -> Any:
    store = PageStore(bench.redis, [URL])
    workspace = "https://sandbox.slack.com/"
    return bench.another(beside=lambda _sender: (PageNotes(store, workspace=workspace),))


def queued(bench: Bench) -> list[dict[str, Any]]:
    return [page.body for page in PageStore(bench.redis, [URL]).waiting(pager_key(URL))]


def test_an_open_question_is_noted_once_with_its_address_in_slack(paged: Bench) -> None:
    opened = samples.question(opened_at=paged.clock.ms())
    paged.client.put(view(questions=(opened,)))
    paged.ticks(40)
    (page,) = queued(paged)
    assert page["status"] == "open"
    (asked,) = paged.replies()
    assert f"/archives/C01OPS/p{asked['ts'].replace('.', '')}" in page["link"]


def test_while_slack_is_away_it_goes_out_without_an_address(paged: Bench) -> None:
    paged.slack.fault(Fault(method="chat.postMessage", kind="status", status=503, times=10_000))
    paged.client.put(view(questions=(samples.question(opened_at=paged.clock.ms()),)))
    paged.ticks(10, seconds=0.5)
    assert queued(paged) == []
    paged.ticks(20, seconds=1)
    assert [page["link"] for page in queued(paged)] == [None]


def test_another_notifier_notes_nothing_twice_and_the_end_too(paged: Bench) -> None:
    paged.client.put(view(questions=(samples.question(opened_at=paged.clock.ms()),)))
    paged.ticks(4)
    paged.pass_time(60)
    paged.notifier = with_pages(paged)
    paged.ticks(4)
    assert [page["status"] for page in queued(paged)] == ["open"]
    paged.client.put(view(questions=(samples.settled("skip"),), version=20))
    paged.ticks(4)
    assert sorted(page["status"] for page in queued(paged)) == ["closed", "open"]


def test_the_end_of_an_operation_that_ends_with_its_question_is_noted(paged: Bench) -> None:
    paged.client.put(view(questions=(samples.question(opened_at=paged.clock.ms()),)))
    paged.ticks(4)
    closed = samples.question(state=QuestionState.CLOSED, closed_because="aborted")
    paged.client.put(samples.ended(questions=(closed,), ended_at=paged.clock.ms(), version=30))
    paged.ticks(1)
    assert sorted(page["status"] for page in queued(paged)) == ["closed", "open"]


def test_a_question_that_nobody_was_paged_for_has_no_end(paged: Bench) -> None:
    paged.client.put(view(questions=(samples.settled("skip"),)))
    paged.ticks(4)
    assert queued(paged) == []


def policy_with(*pagers: str) -> Policy:
    listed = ", ".join(
        f"{{url: '{url}', secret_env: {name}}}" for url, name in map(str.split, pagers)
    )
    return parse_policy(f"team: T01DEMO\nclusters: {{prod-eu: {{}}}}\npagers: [{listed}]\n")


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret out of a file\n")
    policy = policy_with("https://a.example ONE", "https://b.example TWO")
    environ = {"ONE": "a secret out of the environment", "TWO_FILE": str(file)}
    assert pager_secrets(policy, environ) == {
        "https://a.example": "a secret out of the environment",
        "https://b.example": "a secret out of a file",
    }


def test_every_secret_that_is_missing_or_too_short_is_named_and_none_is_repeated() -> None:
    policy = policy_with("https://a.example ONE", "https://b.example TWO", "https://c.example SIX")
    with pytest.raises(ConfigError) as wrong:
        pager_secrets(policy, {"TWO": "short", "SIX_FILE": "/nowhere/at/all"})
    for words in ("ONE is not set", "TWO is too short", "/nowhere/at/all"):
        assert words in str(wrong.value)
    assert "short," not in str(wrong.value)


def write_policy(path: Path, there: Receiver) -> Path:
    path.write_text(
        POLICY.replace("start: at_once", "start: at_once\n    approve: {by: [oncall]}")
        + f"pagers: [{{url: '{there.url}', secret_env: PAGER_SECRET}}]\n"
    )
    return path


def test_a_bot_that_lacks_a_pagers_secret_does_not_start(redis_url: str, tmp_path: Path) -> None:
    with receiver() as there:
        policy = write_policy(tmp_path / "policy.yaml", there)
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
        with start_bot(environment(redis_url, policy, **tokens)) as process:
            process.wait_for_line("PAGER_SECRET is not set", within_s=30)
            assert process.wait(within_s=10) != 0


def test_a_pager_that_does_not_answer_delays_nothing_in_slack(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    publish_nodes(redis, "node-1", "node-2")
    with receiver() as there:
        policy = write_policy(tmp_path / "policy.yaml", there)
        with running_bot(redis_url, policy, PAGER_SECRET="0123456789abcdef") as bot:
            there.open.clear()
            bot.slack.slash("ana", "ops", "/drain", "node-1")
            eventually(lambda: bot.slack.messages("ops"))
            PageStore(redis, [there.url]).note("op", "q:open", {"about": "q", "event": "question"})
            eventually(lambda: there.requests)  # it hangs there from now on
            bot.slack.slash("ana", "ops", "/drain", "node-2")
            eventually(lambda: len(bot.slack.messages("ops")) == 2)
            assert len(there.requests) == 1
            there.open.set()
            eventually(lambda: not PageStore(redis, [there.url]).waiting(pager_key(there.url)))
