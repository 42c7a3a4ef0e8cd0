"""A small world for listeners: a client in memory, one workspace, and signed deliveries."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse

from bot.app import Identity, make_app
from bot.commands import Desk, NodeBook
from bot.groups import Directory, People
from bot.listeners import Deps
from bot.listeners.within import Aside, Within
from bot.messages.message import BlockDict
from bot.outbox import Note
from jobs.authorization import no_policy_refusal
from jobs.client import PeopleClient
from jobs.errors import StateUnavailable
from jobs.models import (
    Acted,
    Changes,
    ClusterNode,
    Decided,
    DrainRequest,
    Freeze,
    Froze,
    Inventory,
    NodeView,
    OperationState,
    OperationView,
    Outcome,
    PodRef,
    Principal,
    QuestionKind,
    QuestionState,
    QuestionView,
    Refused,
    Requirements,
    Settlement,
    Submitted,
)
from jobs.models.pods import Block, Verdict
from jobs.policy import Policy, parse_policy
from tests.bot.archive import FakeHistories
from tests.bot.listeners import deliveries
from tests.bot.listeners.deliveries import click_payload, signed, slash_form, submission_payload
from tests.bot.listeners.looks import FakeLooks, NoLease

TEAM, ANA, BO, EVE = deliveries.TEAM, deliveries.ANA, "U02BOB", "U03EVE"
OPS, RANDOM = deliveries.OPS, "C09RANDOM"
SECRET = deliveries.SECRET
QUESTION, OPERATION = "prod-eu-q-0123456789ab", "prod-eu-7f3k9q"
NOW = 1_700_000_000_000

POLICY = parse_policy(
    """
team: T01DEMO
clusters: {prod-eu: {}, lab: {}}
channels: {C01OPS: {cluster: prod-eu}}
groups: {sre: [U01ANA, U02BOB], oncall: [S0ONCALL]}
rules:
  - match: {}
    request: [sre]
    decide: [sre]
    force: {by: [U02BOB, oncall], votes: 1, reason: required}
"""
)

VIEW = OperationView(
    id=OPERATION,
    cluster="prod-eu",
    state=OperationState.RUNNING,
    requester=f"{TEAM}:{ANA}",
    channel=OPS,
    nodes=(NodeView(name="node-17", pods_total=21, pods_gone=20),),
    requirements=Requirements(force_reason=True),
    created_at=NOW - 60_000,
)
BLOCKED = QuestionView(
    id=QUESTION,
    cluster="prod-eu",
    operation=OPERATION,
    node="node-17",
    kind=QuestionKind.BLOCK,
    choices=("retry", "wait", "skip", "force", "abort"),
    blocks=(
        Block(
            pod=PodRef(namespace="payments", name="db-2", uid="u-1"),
            kind="budget",
            verdict=Verdict.NEVER,
            message="Cannot evict pod as it would violate the pod's disruption budget.",
        ),
    ),
)


@dataclass
class FakeClient:
    """Remembers what it was asked, answers a repeat alike, and can be away or slow."""

    nodes: tuple[str, ...] = ("node-1", "node-17", "node-18")
    as_of: int = NOW
    away: bool = False
    slow: threading.Event | None = None
    workers: bool = True
    refuse: Refused | None = None
    asked: dict[str, DrainRequest] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    views: dict[str, OperationView] = field(default_factory=lambda: {OPERATION: VIEW})
    questions: dict[str, QuestionView] = field(default_factory=lambda: {QUESTION: BLOCKED})
    decided: Decided | None = None
    histories: FakeHistories = field(default_factory=FakeHistories)
    freezes: dict[str, Freeze] = field(default_factory=dict)

    def _reach(self, *call: Any) -> None:
        self.calls.append(call)
        if self.slow is not None:
            self.slow.wait(10)
        if self.away:
            raise StateUnavailable("Redis can't be reached.")

    def clusters(self) -> tuple[str, ...]:
        return ("prod-eu", "lab")

    def submit(
        self, principal: Principal, request: DrainRequest, *, dedup: str
    ) -> Submitted | Refused:
        self._reach("submit", principal.id, request.nodes, dedup)
        if self.refuse:
            return self.refuse
        created = dedup not in self.asked
        self.asked.setdefault(dedup, request)
        return Submitted(operation=OPERATION, created=created, worker_seen=self.workers)

    def uncordon(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        self._reach("uncordon", principal.id, cluster, node, channel, dedup)
        return self.refuse or Submitted(operation=OPERATION, created=True)

    def maintain(
        self, principal: Principal, cluster: str, node: str, *, expected: int = 0,
        reason: str = "", channel: str, dedup: str,
    ) -> Submitted | Refused:  # fmt: skip
        self._reach("maintain", principal.id, cluster, node, expected, reason, channel, dedup)
        return self.refuse or Submitted(operation=OPERATION, created=True)

    def return_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        self._reach("return", principal.id, cluster, node, channel, dedup)
        return self.refuse or Submitted(operation=OPERATION, created=True)

    def decide(
        self, principal: Principal, question: str, choice: str, *, note: str = "", nonce: str
    ) -> Decided:
        self._reach("decide", principal.id, question, choice, note, nonce)
        if self.decided:
            return self.decided
        view = self.questions.get(question)
        if view is None:
            return Decided(outcome=Outcome.UNKNOWN)
        if view.settled:
            return Decided(outcome=Outcome.ALREADY_SETTLED, question=view)
        settled = view.model_copy(
            update={
                "state": QuestionState.SETTLED,
                "settled": Settlement(choice=choice, by=(principal.id,), at=NOW - 12_000),
            }
        )
        self.questions[question] = settled
        return Decided(outcome=Outcome.SETTLED, question=settled)

    def _act(self, verb: str, principal: Principal, *rest: str) -> Acted | Refused:
        self._reach(verb, principal.id, *rest)
        return self.refuse or Acted(operation=rest[0], changed=True)

    def abort(
        self, principal: Principal, operation: str, *, reason: str = "", nonce: str
    ) -> Acted | Refused:
        return self._act("abort", principal, operation, reason, nonce)

    def pause(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        return self._act("pause", principal, operation, nonce)

    def resume(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        return self._act("resume", principal, operation, nonce)

    def freeze(
        self, principal: Principal, cluster: str, reason: str, *, channel: str = "", nonce: str
    ) -> Froze | Refused:
        self._reach("freeze", principal.id, cluster, reason, channel, nonce)
        held = self.freezes.get(cluster)
        freeze = Freeze(cluster=cluster, by=principal.id, at=NOW, reason=reason)
        self.freezes.setdefault(cluster, freeze)
        return self.refuse or Froze(cluster=cluster, changed=held is None, freeze=held or freeze)

    def thaw(
        self, principal: Principal, cluster: str, *, reason: str = "", channel: str = "", nonce: str
    ) -> Froze | Refused:
        self._reach("thaw", principal.id, cluster, reason, channel, nonce)
        held = self.freezes.pop(cluster, None)
        return self.refuse or Froze(cluster=cluster, changed=held is not None, freeze=held)

    def frozen(self, cluster: str) -> Freeze | None:
        self._reach("frozen", cluster)
        return self.freezes.get(cluster)

    def operation(self, operation: str) -> OperationView | None:
        self._reach("operation", operation)
        return self.views.get(operation)

    def operations(
        self, cluster: str, *, live_only: bool = False, limit: int = 100
    ) -> tuple[OperationView, ...]:
        self._reach("operations", cluster, live_only, limit)
        return tuple(view for view in self.views.values() if view.cluster == cluster)[:limit]

    def question(self, question: str) -> QuestionView | None:
        self._reach("question", question)
        return self.questions.get(question)

    def inventory(self, cluster: str) -> Inventory:
        self._reach("inventory", cluster)
        nodes = tuple(
            ClusterNode(name=name, uid=name, labels={"pool": "blue"}) for name in self.nodes
        )
        return Inventory(cluster=cluster, nodes=nodes if self.as_of else (), as_of=self.as_of)

    def worker_seen(self, cluster: str) -> bool:
        self._reach("worker_seen", cluster)
        return self.workers

    def changes(self, cursors: Mapping[str, str], *, wait: float) -> tuple[Changes, ...]:
        self._reach("changes", cursors, wait)
        return ()

    def lease(self, name: str, *, seconds: float) -> NoLease:
        self._reach("lease", name, seconds)
        return NoLease()

    def now(self) -> int:
        return NOW

    def acts(self, *verbs: str) -> list[tuple[Any, ...]]:
        """Return the calls of these names."""
        return [call for call in self.calls if call[0] in verbs]


class FixedStore:
    """A stored pass over the user groups that never changes."""

    def __init__(self, people: People) -> None:
        self.people = people

    def load(self) -> People:
        return self.people


@dataclass
class World:
    """One bot with its listeners, and all that it said."""

    client: FakeClient
    app: App
    deps: Deps
    notes: list[Note] = field(default_factory=list)
    modals: list[BlockDict] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    aside_done: threading.Event = field(default_factory=threading.Event)
    looks: list[tuple[str, ...]] = field(default_factory=list)  # what the home tab was told

    def send(self, request: BoltRequest) -> BoltResponse:
        return self.app.dispatch(request)

    def slash_raw(self, text: str, **fields: str) -> BoltResponse:
        """Type `/drain text`; return the whole answer."""
        return self.send(signed(slash_form(text, **fields)))

    def slash(self, text: str, **fields: str) -> dict[str, Any]:
        """Type `/drain text`; return the acknowledgement that the person sees."""
        response = self.slash_raw(text, **fields)
        assert response.status == 200
        return self.body_of(response)

    def body_of(self, response: BoltResponse) -> dict[str, Any]:
        """Return the JSON of an answer."""
        answer: dict[str, Any] = json.loads(response.body)
        return answer

    def click(self, action_id: str, value: str, **fields: Any) -> BoltResponse:
        """Press a button."""
        return self.send(signed({"payload": json.dumps(click_payload(action_id, value, **fields))}))

    def choose(self, choice: str, question: str = QUESTION, **fields: Any) -> BoltResponse:
        """Press a question's button."""
        value = json.dumps({"q": question, "c": choice})
        return self.click(f"decide:{choice}", value, **fields)

    def submit(self, view: BlockDict, typed: Mapping[str, str], **fields: Any) -> dict[str, Any]:
        """Fill in a modal and submit it; return the acknowledgement."""
        payload = submission_payload(view, typed, **fields)
        response = self.send(signed({"payload": json.dumps(payload)}))
        assert response.status == 200
        answer: dict[str, Any] = json.loads(response.body) if response.body else {}
        return answer

    def opened(self) -> BlockDict:
        """Return the modal that was opened last, once it was."""
        assert self.aside_done.wait(60)
        return self.modals[-1]


@contextmanager
def world(
    *,
    policy: Policy | None = POLICY,
    client: FakeClient | None = None,
    people: People | None = None,
    seconds: float = 1.5,
    views_open_says: str = "",
) -> Iterator[World]:
    """Give a bot in memory, with one client and no Slack."""
    used = client or FakeClient()
    as_client: PeopleClient = used
    notes: list[Note] = []
    modals: list[BlockDict] = []
    responses: list[dict[str, Any]] = []
    done = threading.Event()

    class Notes:
        def queue_note(self, note: Note) -> None:
            if used.away:
                raise StateUnavailable("Redis can't be reached.")
            notes.append(note)
            if views_open_says:
                done.set()

    def open_view(_trigger: str, view: BlockDict) -> str:
        modals.append(view)
        if not views_open_says:
            done.set()
        return views_open_says

    def respond(url: str, message: dict[str, Any]) -> None:
        responses.append({"url": url, **message})
        done.set()

    desk = None
    if policy is not None:
        store = FixedStore(people or People(at=time.time(), groups={"S0ONCALL": frozenset()}))
        directory = Directory(store, ["S0ONCALL"])
        desk = Desk(as_client, policy, directory, NodeBook(as_client))
    within, aside = Within(seconds), Aside()
    looks = FakeLooks(used)
    deps = Deps(desk, no_policy_refusal(), Notes(), within, aside, open_view, respond, looks)
    app = make_app(Identity(TEAM, "U0BOT"), deps, signing_secret=SECRET)
    try:
        yield World(used, app, deps, notes, modals, responses, done, looks.noted)
    finally:
        within.close()
        aside.close()
