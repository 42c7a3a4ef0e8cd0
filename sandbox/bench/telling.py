"""The telling at its limits: thirty operations at once, a click until it shows, a Slack of 429s."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import sandbox.slack
from bot.message_store import MessageStore
from bot.notifier import Notifier, NotifierSettings
from bot.outbox import Outbox
from bot.slack_api import SlackApi
from jobs.client import Client
from jobs.durable import Store, connect
from jobs.leases import NamedLease
from jobs.models import (
    Changes,
    NodeStatus,
    NodeView,
    OperationPlan,
    OperationState,
    OperationView,
)
from sandbox import redis as sandbox_redis
from sandbox.bench.acks import timed_commands
from sandbox.bench.clicks import blocked_scene
from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import rig
from sandbox.cluster import nodes
from sandbox.slack import Fault, Slack, demo_workspace

OPERATIONS = 30
WATCHED = 130.0  # seconds: two whole minutes, and the beginning
CLICKS = 30
AT_ONCE, ROUNDS = 10, 30
_MINUTE = 60.0
_PATIENCE = 60.0
_CALLED = ("chat.postMessage", "chat.update", "chat.postEphemeral", "chat.getPermalink")

_T = TypeVar("_T")


class _Crowd:
    """A client of operations that get on every second, all of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._began = time.time()

    def clusters(self) -> tuple[str, ...]:
        return ("demo",)

    def operation(self, operation: str) -> OperationView:
        seconds = int(time.time() - self._began)
        node = NodeView(
            name=f"node-{operation[-2:]}", status=NodeStatus.DRAINING, pods_total=1_000,
            pods_gone=seconds, started_at=int(self._began * 1000),
        )  # fmt: skip
        return OperationView(
            id=operation, cluster="demo", state=OperationState.RUNNING, channel="C0OPS",
            requester="T0SANDBOX:U0ANA", nodes=(node,), created_at=int(self._began * 1000),
            version=1 + seconds, plan=OperationPlan(nodes=(), digest="d", as_of=1),
        )  # fmt: skip

    def operations(
        self, cluster: str, *, live_only: bool = False, limit: int = 100
    ) -> tuple[OperationView, ...]:
        del cluster, live_only
        return tuple(self.operation(f"demo-0000{n:02d}") for n in range(OPERATIONS))[:limit]

    def lately(self, cluster: str, *, since: int) -> tuple[OperationView, ...]:
        del since
        return self.operations(cluster, limit=OPERATIONS)

    def changes(self, cursors: Mapping[str, str], *, wait: float) -> tuple[Changes, ...]:
        del cursors
        time.sleep(wait)
        return ()

    def lease(self, name: str, *, seconds: float) -> NamedLease:
        return NamedLease(self._store, name, seconds)

    def now(self) -> int:
        return int(time.time() * 1000)


def updates_of_thirty() -> None:
    """Count the updates of any minute while thirty operations get on, at a Slack that counts too.

    The notifier is the real one; what it tells of is made up, so that all of it changes always.
    """
    with (
        sandbox_redis.running(appendfsync="always") as server,
        sandbox.slack.running(demo_workspace(), rate_limits=True) as slack,
    ):
        redis = connect(server.url, name="bench")
        client = cast("Client", _Crowd(Store(redis, "demo")))
        app = slack.workspace().apps[0]
        notifier = Notifier(
            client, SlackApi(app.bot_token, base_url=slack.api_url), MessageStore(redis),
            Outbox(redis), NotifierSettings(workspace="https://sandbox.slack.com/"),
        )  # fmt: skip
        stop = threading.Event()
        thread = threading.Thread(target=notifier.run, args=(stop,), name="notifier")
        thread.start()
        say(f"{OPERATIONS} operations get on for {WATCHED:.0f} s")
        time.sleep(WATCHED)
        stop.set()
        thread.join()
        calls = slack.calls()
    limited = [call for call in calls if call["status"] == 429]  # noqa: PLR2004  Too Many Requests
    if limited:
        raise RuntimeError(f"Slack answered 429 to {len(limited)} calls of {len(calls)}")
    times = [float(call["at"]) for call in calls if call["method"] == "chat.update"]
    if not times:
        raise RuntimeError("nothing was updated")
    report("updates_per_minute_at_30_operations", _most_in_a_minute(times), "calls", len(times))


def _most_in_a_minute(times: list[float]) -> float:
    return float(max(sum(at <= other < at + _MINUTE for other in times) for at in times))


def click_to_visible() -> None:
    """Measure from a click on a question until its message says in Slack who decided what."""
    with rig(blocked_scene(CLICKS), "ask_after: 0s, nodes_away: 1") as stand:
        stand.stage.start_worker(slots=2)
        stand.wait_for("node-1", "node-01")
        say(f"clicks on {CLICKS} questions, one after the other")
        samples = [_one(stand.slack, number) for number in range(1, CLICKS + 1)]
    report("click_to_visible_p50_ms", percentile(samples, 50), "ms", len(samples))
    report("click_to_visible_p95_ms", percentile(samples, 95), "ms", len(samples))


def _one(slack: Slack, number: int) -> float:
    slack.slash("ana", "ops", "/drain", f"node-{number}")
    asked = _wait(lambda: _question(slack, f"node-{number},"))
    began = time.time()
    delivery = slack.click("bo", "ops", asked["ts"], "decide:skip")
    if not delivery.acknowledged:
        raise RuntimeError(f"the click was not acknowledged: {delivery.failure}")
    shown = _wait(lambda: _skipped_at(slack, asked["ts"]))
    return (shown - began) * 1000


def _question(slack: Slack, about: str) -> dict[str, Any] | None:
    for message in slack.messages("ops"):
        blocks = str(message.get("blocks", ""))
        if "decide:skip" in blocks and about in blocks:
            return message
    return None


def _skipped_at(slack: Slack, ts: str) -> float | None:
    for call in slack.calls("chat.update"):
        arguments = call["arguments"]
        if arguments.get("ts") == ts and "Skipped by" in str(arguments.get("text")):
            return float(call["at"]) + float(call["ms"]) / 1000
    return None


def acks_during_429() -> None:
    """Measure `/drain NODE` while Slack answers 429 to all that the bot tells."""
    names = tuple(f"node-{number}" for number in range(AT_ONCE))
    with rig(nodes(*names, name="demo")) as stand:
        worker = stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        worker.stop()
        for method in _CALLED:
            stand.slack.fault(
                Fault(method=method, kind="ratelimited", retry_after=10, times=1_000_000)
            )
        timed_commands(stand, names, OPERATIONS // AT_ONCE)
        say(f"slash commands, {AT_ONCE} at once, {ROUNDS} rounds, while Slack says 429")
        samples = timed_commands(stand, names, ROUNDS)
        refused = [call for call in stand.slack.calls() if call["fault"]]
    if not refused:
        raise RuntimeError("Slack never answered 429")
    report("ack_p50_ms_during_429", percentile(samples, 50), "ms", len(samples))
    report("ack_p99_ms_during_429", percentile(samples, 99), "ms", len(samples))


def _wait(look: Callable[[], _T | None]) -> _T:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.01)
    raise RuntimeError("what the bench waits for did not show in Slack")
