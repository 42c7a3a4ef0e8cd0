"""Any order of events, two drains at once: a workload without a budget never loses its last pod."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.drain import events as e
from jobs.drain.answers import Accepted, AlreadyGone, Passing
from jobs.drain.facts import Owner, Pod
from jobs.drain.filters import Rules
from jobs.drain.pacing import DrainState, Pace
from jobs.drain.workloads import Look, Place
from tests.jobs.drain.making import NOW, pod, replica_set

APPS = ("web", "api")
NODES = ("node-1", "node-2")
GRACE = 5_000  # ms until a request that was given leave has reached the cluster


@dataclass
class Quota:
    """What permit.lua keeps of each workload, over all drains."""

    taken: dict[str, dict[str, int]] = field(default_factory=dict)

    def leave(self, place: Place | None, now: int) -> bool:
        if place is None:
            return True
        members = self.taken.setdefault(place.name, {})
        recent = {member for member, at in members.items() if at > place.since}
        if place.member not in recent:
            others = recent if place.of is None else recent & set(place.of)
            if len(others) >= place.room:
                return False
        members[place.member] = now
        return True


@dataclass
class Drain:
    """One drain: what it believes, and what it has sent."""

    node: str
    state: DrainState
    flying: dict[str, int] = field(default_factory=dict)


class Workloads(RuleBasedStateMachine):
    """Two workloads on three nodes, two of which are drained; requests land a while after leave."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.pods: dict[str, Pod] = {}
        self.wanted: dict[str, int] = {}
        self.quota = Quota()
        self.drains: dict[str, Drain] = {}
        self.serial = 0

    def add(self, app: str, node: str, **fields: Any) -> Pod:
        self.serial += 1
        new = pod(f"{app}-{self.serial}", node=node, controller=replica_set(app), **fields)
        self.pods[new.uid] = new
        return new

    def of(self, app: str) -> list[Pod]:
        alive = (each for each in self.pods.values() if each.labels["app"] == app)
        return [each for each in alive if not each.terminating]

    def ready(self, app: str) -> list[Pod]:
        return [each for each in self.of(app) if each.ready]

    def apply(self, drain: Drain, event: Any) -> None:
        drain.state = drain.state.apply(event, self.now)

    @initialize(
        web=st.lists(st.integers(0, 2), min_size=1, max_size=5),
        api=st.lists(st.integers(0, 2), min_size=1, max_size=3),
    )
    def begin(self, *, web: list[int], api: list[int]) -> None:
        for app, on in (("web", web), ("api", api)):
            self.wanted[app] = len(on)
            for number in on:
                self.add(app, f"node-{number + 1}")
        for node in NODES:
            drain = Drain(node, DrainState(rules=Rules(), pace=Pace(in_flight=3)))
            self.drains[node] = drain
            counts = {
                f"uid-{app}": Owner(
                    uid=f"uid-{app}", kind="ReplicaSet", namespace="shop", name=app,
                    replicas=self.wanted[app], ready=len(self.ready(app)),
                )
                for app in APPS
            }  # fmt: skip
            self.apply(drain, e.OwnersCounted(counts, self.now))
            self.apply(drain, e.PodsListed(self.on(node)))

    def on(self, node: str) -> tuple[Pod, ...]:
        return tuple(each for each in self.pods.values() if each.node == node)

    @rule(node=st.sampled_from(NODES))
    def evictions_are_sent(self, node: str) -> None:
        drain = self.drains[node]
        for ref in drain.state.actions(self.now):
            self.apply(drain, e.Sent(ref.uid))
            if self.quota.leave(drain.state.place(ref.uid), self.now):
                drain.flying[ref.uid] = self.now
            else:
                self.apply(drain, e.Crowded(ref.uid))

    @precondition(lambda self: any(drain.flying for drain in self.drains.values()))
    @rule(node=st.sampled_from(NODES), lost=st.booleans())
    def an_eviction_lands(self, *, node: str, lost: bool) -> None:
        drain = self.drains[node]
        if drain.flying:
            self.land(drain, next(iter(drain.flying)), lost=lost)

    def land(self, drain: Drain, uid: str, *, lost: bool = False) -> None:
        del drain.flying[uid]
        subject = self.pods.get(uid)
        if subject is None:
            self.apply(drain, e.Answer(uid, AlreadyGone()))
            return
        app, fields = subject.labels["app"], {"deletion": self.now + 1000, "node": subject.node}
        self.pods[uid] = pod(subject.name, uid=uid, controller=subject.controller, **fields)
        assert self.ready(app), f"{app} lost its last ready pod"
        self.apply(drain, e.Answer(uid, Passing("500") if lost else Accepted()))

    @rule(app=st.sampled_from(APPS))
    def the_controller_makes_a_replacement(self, app: str) -> None:
        if len(self.of(app)) < self.wanted[app]:
            self.add(app, "node-3", ready=False)

    @rule(app=st.sampled_from(APPS))
    def a_replacement_becomes_ready(self, app: str) -> None:
        for each in self.of(app):
            if not each.ready:
                self.pods[each.uid] = pod(
                    each.name, uid=each.uid, node=each.node, controller=each.controller
                )
                return

    @rule(node=st.sampled_from(NODES), unanswered=st.booleans())
    def workloads_are_looked_at(self, *, node: str, unanswered: bool) -> None:
        drain = self.drains[node]
        for _, controller in drain.state.wanting(self.now):
            found = self.look(node, controller.name)
            self.apply(drain, e.LookFailed(controller.uid) if unanswered else found)

    def look(self, node: str, app: str) -> e.Looked:
        elsewhere = [each for each in self.of(app) if each.node != node]
        look = Look(
            kind="ReplicaSet", namespace="shop", name=app, replicas=self.wanted[app],
            ready=frozenset(each.uid for each in elsewhere if each.ready),
            coming=sum(not each.ready for each in elsewhere),
        )  # fmt: skip
        return e.Looked(f"uid-{app}", look, self.now)

    @rule(node=st.sampled_from(NODES))
    def terminating_pods_leave(self, node: str) -> None:
        for uid, subject in list(self.pods.items()):
            if subject.node == node and subject.terminating:
                del self.pods[uid]
                self.apply(self.drains[node], e.PodGone(uid))

    @rule(node=st.sampled_from(NODES))
    def the_watch_tells(self, node: str) -> None:
        self.apply(self.drains[node], e.PodsListed(self.on(node)))

    @rule(ms=st.integers(1, 20_000))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        for drain in self.drains.values():
            for uid, at in list(drain.flying.items()):
                if self.now - at > GRACE:
                    self.land(drain, uid)
            self.apply(drain, e.Tick())

    @invariant()
    def it_never_loses_sight(self) -> None:
        for drain in self.drains.values():
            state, now = drain.state, self.now
            if state.stalled(now):
                shown = {each.pod.uid for each in (*state.waiting(), *state.overdue(now))}
                left = {each.pod.uid for each in state.pods.values()}
                assert left <= shown, "a stalled drain that can't say why"
            elif state.listed and not state.empty:
                moves = any(entry.flying or entry.going for entry in state.pods.values())
                wake = state.next_wake(now)
                assert moves or wake or state.actions(now) or state.wanting(now)

    def teardown(self) -> None:
        """However it went: whatever has a replacement coming goes in the end."""
        for _ in range(60):
            self.time_passes(6_000)
            for node in self.drains:
                self.the_watch_tells(node)
                self.workloads_are_looked_at(node=node, unanswered=False)
                self.evictions_are_sent(node)
                drain = self.drains[node]
                for uid in list(drain.flying):
                    self.land(drain, uid)
                self.terminating_pods_leave(node)
            for app in self.wanted:
                self.the_controller_makes_a_replacement(app)
                self.a_replacement_becomes_ready(app)
        for drain in self.drains.values():
            for entry in drain.state.pods.values():
                workload = drain.state.kept_by(entry)
                assert workload is not None, "a pod that may go is left behind"
                assert workload.hopeless


TestWorkloads = Workloads.TestCase
TestWorkloads.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
