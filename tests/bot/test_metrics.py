import http.client

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import CONTENT_TYPE, SLACK_RATE_LIMITED, Metrics
from bot.probes import Probes
from bot.settings import Address
from jobs.errors import StateUnavailable
from jobs.models import OperationEnd, Readings
from tests.bot.api.calling import policy_with_tokens
from tests.jobs.conftest import Play, play
from tests.jobs.harness import until
from tests.jobs.story import block, web

__all__ = ["play"]  # the fixture of the stories, for this file too


def read(page: bytes) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def test_what_happened_in_a_cluster_is_counted(play: Play) -> None:
    story = play(policy=policy_with_tokens())
    metrics = Metrics(story.service)
    web(story, 2)
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    found = read(metrics.page())
    assert found["drainbot_operations_ended_total", "test", "drained"] == 1
    assert found["drainbot_evictions_total", "accepted", "test"] == 2
    assert found["drainbot_questions_open", "test"] == 0
    assert found["drainbot_leases_reaped_total", "test"] == 0
    assert found[("drainbot_redis_up",)] == 1


def test_what_waits_for_people_is_counted_with_its_age(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = play(policy=policy_with_tokens())
    metrics = Metrics(story.service)
    block(story)
    question = story.question(story.submit("node-1"))
    now = question.opened_at + 90_000
    monkeypatch.setattr(story.service._stores["test"], "clock", lambda: now)
    until(
        lambda: read(metrics.page()).get(("drainbot_evictions_total", "blocked", "test")), what="it"
    )
    found = read(metrics.page())
    assert found["drainbot_operations", "test", "running"] == 1
    assert found["drainbot_questions_open", "test"] == 1
    assert found["drainbot_questions_oldest_seconds", "test"] == 90


def test_while_redis_is_away_that_is_told() -> None:
    class Away:
        def readings(self) -> tuple[Readings, ...]:
            raise StateUnavailable("away")

    found = read(Metrics(Away()).page())
    assert found[("drainbot_redis_up",)] == 0
    assert not [name for name, *_ in found if name.startswith("drainbot_operations")]


def test_what_this_process_did_is_counted() -> None:
    metrics, before = Metrics(), SLACK_RATE_LIMITED._value.get()
    metrics.answered("GET", 200, 0.004)
    metrics.answered("BREW", 405, 0.2)
    metrics.lagging(lambda: 2.5)
    SLACK_RATE_LIMITED.inc()
    found = read(metrics.page())
    assert found["drainbot_http_request_duration_seconds_count", "GET", "200"] == 1
    assert found["drainbot_http_request_duration_seconds_count", "other", "405"] == 1
    assert found[("drainbot_notifier_lag_seconds",)] == 2.5
    assert found[("drainbot_slack_rate_limited_total",)] == before + 1


def test_prometheus_reads_it_beside_the_probes() -> None:
    with Probes(Address("127.0.0.1", 0), {}, Metrics().page) as probes:
        connection = http.client.HTTPConnection(*probes.address, timeout=5)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
        assert (("drainbot_notifier_lag_seconds",), 0.0) in read(answer.read()).items()
        connection.close()
