"""What Prometheus reads at /metrics: of this process as it counts, of the clusters from Redis.

What is counted for a whole cluster (evictions, ends, leases) stands in Redis, so any copy of the
bot tells it, and a restart forgets nothing. Names are as https://prometheus.io/docs/practices/naming
advises.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.client import Meter
from jobs.errors import StateUnavailable
from jobs.models import Readings

__all__ = ["CONTENT_TYPE", "SLACK_RATE_LIMITED", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


_PROCESS = CollectorRegistry()
SLACK_RATE_LIMITED = Counter(
    "drainbot_slack_rate_limited",
    "Answers of Slack's that it was called too often (429).",
    registry=_PROCESS,
)
"""Counted by whatever in this process calls Slack."""


class Metrics:
    """The metrics of one copy of the bot; all of it may be called from any thread."""

    def __init__(self, meter: Meter | None = None) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "drainbot_http_request_duration_seconds",
            "Answers of the HTTP API, by method and status; streams count when they begin.",
            ["method", "status"],
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._lag = Gauge(
            "drainbot_notifier_lag_seconds",
            "For how long the oldest change that waits to be told has waited; 0: none, or another "
            "copy tells.",
            registry=self._registry,
        )
        if meter is not None:
            self._registry.register(_Clusters(meter))

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count an answer of the HTTP API."""
        known = method if method in {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"} else "other"
        self._requests.labels(known, str(status)).observe(seconds)

    def lagging(self, lag: Callable[[], float]) -> None:
        """Have the lag asked for each time: the seconds that the oldest change waits to be told."""
        self._lag.set_function(lag)

    def page(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry) + generate_latest(_PROCESS)


class _Clusters(Collector):
    """Reads the clusters when it is asked; says whether it could."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: Redis is not read to register this."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Return what stands in Redis; while it is away, only that it is."""
        try:
            found = self._meter.readings()
        except StateUnavailable:
            found = None
        up = GaugeMetricFamily("drainbot_redis_up", "Whether Redis answers.")
        up.add_metric([], 0 if found is None else 1)
        yield up
        yield from _families(found or ())


def _families(found: Iterable[Readings]) -> Iterator[Metric]:
    live = GaugeMetricFamily(
        "drainbot_operations",
        "Operations that have not ended, by state.",
        labels=["cluster", "state"],
    )
    ended = CounterMetricFamily(
        "drainbot_operations_ended", "Operations that ended, by how.", labels=["cluster", "end"]
    )
    evictions = CounterMetricFamily(
        "drainbot_evictions", "Answers to evictions.", labels=["cluster", "answer"]
    )
    open_ = GaugeMetricFamily(
        "drainbot_questions_open", "Questions that wait for a person.", labels=["cluster"]
    )
    oldest = GaugeMetricFamily(
        "drainbot_questions_oldest_seconds",
        "For how long the oldest open question has waited; 0: none.",
        labels=["cluster"],
    )
    reaped = CounterMetricFamily(
        "drainbot_leases_reaped",
        "Workflows that were taken from a process that had died or gone silent.",
        labels=["cluster"],
    )
    away = GaugeMetricFamily(
        "drainbot_api_server_away_seconds",
        "For how long the cluster's API server has not answered, from two minutes on; 0: it does.",
        labels=["cluster"],
    )
    for each in found:
        for state, number in each.live.items():
            live.add_metric([each.cluster, state], number)
        for end, number in each.ended.items():
            ended.add_metric([each.cluster, end], number)
        for answer, number in each.evictions.items():
            evictions.add_metric([each.cluster, answer], number)
        open_.add_metric([each.cluster], each.open_questions)
        oldest.add_metric([each.cluster], each.oldest_question)
        reaped.add_metric([each.cluster], each.reaped)
        away.add_metric([each.cluster], each.api_away)
    yield from (live, ended, evictions, open_, oldest, reaped, away)
