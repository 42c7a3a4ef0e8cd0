"""What tests of the telling share: a client in memory, a clock that tests move, views to tell."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis as redis_client

from bot.beside import Beside
from bot.message_store import MessageStore
from bot.messages.audience import OwnersPlace
from bot.notifier import Notifier, NotifierSettings
from bot.outbox import Outbox
from bot.sender import Sender, SenderSettings
from bot.slack_api import SlackApi
from jobs.client import Client
from jobs.errors import StateUnavailable
from jobs.models import (
    Changes,
    LostState,
    NodeStatus,
    OperationState,
    OperationView,
)
from sandbox.slack import App, Channel, Slack, User, Workspace
from tests.bot.messages import samples

BOT = "U0DRAINBOT"
TOKEN = App().bot_token
START = 1_790_000_000.0

WORKSPACE = Workspace(
    users=(
        User(id="U01ANA", name="ana"),
        User(id="U02BOB", name="bo"),
        User(id="U03CY", name="cy"),
        User(id="U09GUS", name="gus", guest="single_channel"),
    ),
    channels=(
        Channel(id="C01OPS", name="ops", members=frozenset({BOT, "U01ANA", "U02BOB"})),
        Channel(id="C02FALL", name="fall", members=frozenset({BOT, "U01ANA"})),
        Channel(id="C03ESC", name="esc", members=frozenset({BOT, "U03CY"})),
        Channel(id="C04OLD", name="old", members=frozenset({BOT}), archived=True),
        Channel(id="C05OUT", name="out", members=frozenset({"U01ANA"})),
    ),
)

QUICK = NotifierSettings(
    fallback_channel="C02FALL",
    workspace="https://sandbox.slack.com/",
    wait=0,
    progress=1.5,
    doubt=3,
    sender=SenderSettings(duplicates_after=30, late_after=20),
)


@dataclass
class TestClock:
    """Seconds since the epoch, moved by hand, and a little by each look, as real time is."""

    __test__ = False

    at: float = START

    def __call__(self) -> float:
        self.at += 1e-6
        return self.at

    def ms(self) -> int:
        return int(self.at * 1000)


@dataclass
class Leases:
    """One lease for many holders: who holds it, and the token of the term."""

    clock: TestClock
    holder: object = None
    until: float = 0
    token: int = 0


class MemoryLease:
    """A lease as jobs.client.Lease has it."""

    def __init__(self, leases: Leases, seconds: float) -> None:
        self._leases = leases
        self._seconds = seconds
        self._token = 0

    @property
    def token(self) -> int:
        return self._token

    def hold(self) -> bool:
        now = self._leases.clock()
        if self._leases.holder is not self:
            if self._leases.until > now:
                self._token = 0
                return False
            self._leases.holder = self
            self._leases.token += 1
        self._leases.until = now + self._seconds
        self._token = self._leases.token
        return True

    def release(self) -> None:
        if self._leases.holder is self:
            self._leases.until = 0


@dataclass
class MemoryClient:
    """What the notifier needs of a client, over views that a test puts in."""

    clock: TestClock
    leases: Leases
    views: dict[str, OperationView] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    away: bool = False
    lost: bool = False

    def put(self, view: OperationView, *, event: bool = True) -> None:
        self.views[view.id] = view
        if event:
            self.changed.add(view.id)

    def clusters(self) -> tuple[str, ...]:
        return ("prod-eu",)

    def operation(self, operation: str) -> OperationView | None:
        self._reach()
        return self.views.get(operation)

    def operations(
        self, cluster: str, *, live_only: bool = False, limit: int = 100
    ) -> tuple[OperationView, ...]:
        self._reach()
        return tuple(
            view
            for view in self.views.values()
            if view.cluster == cluster and not (live_only and view.state is OperationState.ENDED)
        )[:limit]

    def lately(self, cluster: str, *, since: int) -> tuple[OperationView, ...]:
        self._reach()
        return tuple(
            view
            for view in self.views.values()
            if view.cluster == cluster
            and (view.state is not OperationState.ENDED or view.ended_at >= since)
        )

    def changes(self, cursors: Mapping[str, str], *, wait: float) -> tuple[Changes, ...]:
        assert wait >= 0
        self._reach()
        if self.lost:
            self.lost = False
            self.changed.clear()
            return tuple(
                Changes(cluster=c, operations=frozenset(), cursor="9-0", lost=True) for c in cursors
            )
        if not self.changed:
            return ()
        operations, self.changed = frozenset(self.changed), set()
        return tuple(Changes(cluster=c, operations=operations, cursor="1-0") for c in cursors)

    def lease(self, name: str, *, seconds: float) -> MemoryLease:
        assert name == "notifier"
        return MemoryLease(self.leases, seconds)

    def now(self) -> int:
        self._reach()
        return self.clock.ms()

    def _reach(self) -> None:
        if self.away:
            raise StateUnavailable("Redis can't be reached.")


class Bench:
    """A notifier over a real Redis and the strict stand-in of Slack, with time moved by hand."""

    def __init__(
        self,
        slack: Slack,
        redis: "redis_client.Redis",
        *,
        settings: NotifierSettings = QUICK,
        timeout: float = 2,
    ) -> None:
        self.slack = slack
        self.redis = redis
        self.clock = TestClock()
        self.client = MemoryClient(self.clock, Leases(self.clock))
        self.outbox = Outbox(redis)
        self.store = MessageStore(redis)
        self.settings = settings
        self.timeout = timeout
        self.noted: list[tuple[str, str]] = []  # where operations are talked about
        self.lost: tuple[LostState, ...] = ()  # with a Redis that came back empty
        self.owners: tuple[OwnersPlace, ...] = ()  # who is asked each question too
        self.notifier = self.another()

    def api(self) -> SlackApi:
        """The calls of the bot's token."""
        return SlackApi(TOKEN, base_url=self.slack.api_url, timeout=self.timeout)

    def another(
        self,
        *,
        clock: Callable[[], float] | None = None,
        beside: Callable[[Sender], Iterable[Beside]] | None = None,
    ) -> Notifier:
        """One more notifier on the same Redis, as on another host."""
        client: Any = self.client
        typed: Client = client
        return Notifier(
            typed,
            self.api(),
            MessageStore(self.redis),
            Outbox(self.redis),
            self.settings,
            clock or self.clock,
            mentions=lambda _, __: ("S0SRE",),
            owners=lambda _: self.owners,
            note_thread=lambda operation, url: self.noted.append((operation, url)),
            lost=lambda: self.lost,
            beside=beside,
        )

    def ticks(self, number: int = 1, *, seconds: float = 0.5) -> None:
        """Let so many ticks go by, each some time after the other."""
        for _ in range(number):
            self.notifier.tick()
            self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Move the bot's clock and Slack's."""
        self.clock.at += seconds
        self.slack.advance(seconds)

    def parent(self, channel: str = "ops") -> dict[str, Any]:
        """The one message of the channel that is no broadcast from a thread."""
        own = [m for m in self.slack.messages(channel) if m.get("subtype") != "thread_broadcast"]
        assert len(own) == 1, [m["text"] for m in own]
        return own[0]

    def replies(self, channel: str = "ops") -> list[dict[str, Any]]:
        """What stands in the thread below the parent."""
        return self.slack.thread(channel, self.parent(channel)["ts"])[1:]

    def keys(self, channel: str = "ops") -> list[str]:
        """The keys of all messages in the thread, the parent first, by their metadata."""
        thread = self.slack.thread(channel, self.parent(channel)["ts"])
        return [m["metadata"]["event_payload"]["key"] for m in thread]


def view(**changes: object) -> OperationView:
    """Two nodes, one of them blocked, now."""
    fields: dict[str, object] = {"created_at": int(START * 1000), "log": ()}
    return samples.operation(**{**fields, **changes})


def running(version: int = 5, gone: int = 3, **changes: object) -> OperationView:
    """One node on its way, no question."""
    node = samples.NODE_17.model_copy(
        update={"status": NodeStatus.DRAINING, "pods_gone": gone, "started_at": int(START * 1000)}
    )
    return view(questions=(), nodes=(node,), version=version, **changes)


def said(message: Mapping[str, Any]) -> str:
    """All words of a message's blocks."""
    words: list[str] = []
    for block in message.get("blocks", []):
        texts = [block.get("text"), *block.get("elements", [])]
        for text in texts:
            inner = text.get("text", "") if text else ""
            words.append(inner["text"] if isinstance(inner, dict) else inner)
    return "\n".join(words)


def buttons(message: Mapping[str, Any]) -> list[str]:
    """The labels of a message's buttons."""
    return [
        element["text"]["text"]
        for block in message.get("blocks", [])
        if block["type"] == "actions"
        for element in block["elements"]
    ]
