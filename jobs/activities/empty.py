"""Evict what has to leave a node, and watch until it is empty or until nothing can move any more.

The rules are in :mod:`jobs.drain.pacing`; this is the loop around them: one list and one watch of
the node's pods, one watch of the budgets of each namespace concerned, evictions in parallel, and
leave from Redis right before each of them. One thread decides, the others only send and listen.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import structlog

from jobs.activities.announcing import look_after
from jobs.activities.braking import Braking
from jobs.activities.job import Job
from jobs.activities.listening import Ears
from jobs.activities.looking import Looks
from jobs.activities.obstacles import Obstacles
from jobs.activities.own import look_at_own
from jobs.activities.owners import counted
from jobs.activities.sending import Sender
from jobs.drain import events as e
from jobs.drain.asking import Ask, Patience, last_copies, next_end, when_to_ask
from jobs.drain.brake import Brake
from jobs.drain.own import own_words
from jobs.drain.pacing import DrainState
from jobs.drain.wellness import Baseline
from jobs.durable import Activity, PermanentError
from jobs.durable.activity import Rest
from jobs.kubernetes import KubernetesError, Temporary
from jobs.kubernetes.budgets import list_budgets
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.pods import list_pods_on
from jobs.models import NodeStatus
from jobs.resources import Resources

log = structlog.get_logger(__name__)
LOOK_AT_NODE = 5_000  # ms between two looks at the cordon
REST_AFTER = 3_000  # ms without motion until the slot is freed
TRY_AGAIN = 30_000  # ms of rest at most while something blocks that no watch shows
TRY_SOON = 0.5  # seconds of rest at least while the API server does not answer
TURN_AGAIN = 3_000  # ms of rest while a pod of another node is forced
LONGEST_WAIT = 0.5  # seconds that the loop waits for something to happen


def empty_node(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    options: dict[str, Any],
    requirements: dict[str, Any],
    decided: dict[str, list[str]],
    owners: dict[str, Any],
    so_far: dict[str, Any],
    own_anyway: Sequence[str] = (),
    turn_of: str = "",
) -> dict[str, Any]:
    """Evict until nothing is left, or until people must decide.

    `decided` is what people let go: the uids `evict_anyway`, `down_anyway` (though their workload
    is down then) and `force`, and the workloads that the plan `named`. `owners` is what
    :func:`~jobs.activities.owners.look_at_owners` found. `so_far` is when the drain `started` and
    this round did (`since`, ms), by how much its time is `postponed` (s), how many pods are `gone`
    (the counts go on from there), and whether people were told that it is `braked`. Where the same
    decision forces pods of other nodes too, `turn_of` is what they take turns for.

    Returns `{outcome, total, gone, evicted, forced, refusals, blocks, wont_stop, detail}`, and the
    uids of the pods that are there as `known`;
    `outcome` is empty, asks, overdue, uncordoned or gone; own where drainbot itself runs there and
    people have not said `own_anyway`, with those parts (`own`); or braked or unbraked, with `calls`
    and `failed`: it goes on when people have been told. These three have what is still to be forced
    (`force`).
    """
    job = Job.read(operation, node, uid, options, requirements, owners, so_far)
    try:
        return _empty(act, job, decided, own_anyway=own_anyway, turn_of=turn_of)
    except Temporary as error:
        # Not a TemporaryError: a rest stores how far it came before it begins again.
        log.info("drain_waits_for_the_api_server", node=node, error=str(error))
        raise Rest(act.now() + int(max(TRY_SOON, error.retry_after) * 1000)) from error
    except KubernetesError as error:
        raise PermanentError(str(error)) from error


def _empty(
    act: Activity[Resources],
    job: Job,
    decided: dict[str, list[str]],
    *,
    own_anyway: Sequence[str],
    turn_of: str,
) -> dict[str, Any]:
    with (
        Ears() as ears,
        Looks(act, ears, job.node) as looks,
        ThreadPoolExecutor(job.needs.evictions_in_flight, thread_name_prefix="evict") as pool,
    ):
        sender = Sender(act, job.needs, job.options, ears, pool, job.node, job.operation, turn_of)
        run = _Emptying(act, job, ears, looks, sender, job.begin(decided))
        try:
            return run.run(tuple(decided["force"]), own_anyway)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            run.hear_the_rest()
            sender.close()
            run.braking.close()


class _Emptying:
    """One run of the activity."""

    def __init__(
        self,
        act: Activity[Resources],
        job: Job,
        ears: Ears,
        looks: Looks,
        sender: Sender,
        state: DrainState,
    ) -> None:
        self.act = act
        self.job = job
        self.ears = ears
        self.looks = looks
        self.sender = sender
        self.state = state
        holders = act.resources.nodes.budgets.holders
        self.obstacles = Obstacles(
            act.resources.cluster, act.tick, holders=holders, operation=job.operation
        )
        self.memo: dict[str, Any] = (act.before or {}).get("memo", {})
        memo = self.memo if self.memo.get("round") == job.round else {}
        self.moved_at = int(memo.get("moved_at", 0))
        self.gone_before = job.gone
        self.evicted_before = int(memo.get("evicted", 0))
        self.forced_before: list[str] = memo.get("forced", [])
        self.to_force: dict[str, str] = memo.get("to_force", {})
        self.patience = Patience(deadline=job.deadline, ask_after=int(job.needs.ask_after * 1000))
        self.began = act.now()
        self.braking = Braking(act, ears, job.node, told=job.braked)
        self.look_at = 0
        self.shown: Any = None

    def run(self, force: tuple[str, ...], own_anyway: Sequence[str]) -> dict[str, Any]:
        """Run to an outcome."""
        missing = self._look_at_node()
        if missing is not None:
            return missing
        self._list()
        if missed := self._own(own_anyway):
            said = own_words(missed, self.job.node, self.act.resources.store.group)
            own = self._outcome("own", detail=said)
            return {**own, "own": missed, "force": list(force)}
        self.sender.force(force)
        self._begin_to_force(force)
        # Whoever takes over must know what was here: from now on pods leave, and nobody may be
        # left to say so.
        self.act.remember(self._progress(self.act.now()))
        while True:
            self.act.tick()
            now = self._take_in()
            missing = self._look_at_node() if now >= self.look_at else None
            if missing is not None:
                return missing
            if self.state.empty and not self.sender.forcing.busy:
                return self._outcome("empty")
            brake = self.braking.look(now)
            if brake.on != self.job.braked and not self.sender.forcing.current:
                return self._told_of(brake)
            if now < self.job.deadline or self.sender.forcing.busy:
                self.state = self.sender.send(self.state, now, braked=brake.on)
                self.looks.take(self.state, now)
            self._show(now)
            decided = self._decide(now)
            if decided is not None:
                return decided

    def _own(self, anyway: Sequence[str]) -> list[str]:
        """Return what of drainbot itself would be missed if the pods went that are there now."""
        # A worker is alone here only after the others have died or left: this one is alive.
        if self.state.empty:
            return []
        pods = [entry.pod for entry in self.state.pods.values()]
        found = look_at_own(self.act.resources, self.act.tick, self.job.node, pods)
        return [part for part in found if part not in anyway]

    def _told_of(self, brake: Brake) -> dict[str, Any]:
        """End this round so that people are told; the next one goes on."""
        outcome = self._outcome("braked" if brake.on else "unbraked", detail=brake.why)
        force = list(self.sender.forcing.todo)
        return {**outcome, "calls": brake.calls, "failed": brake.failed, "force": force}

    def _decide(self, now: int) -> dict[str, Any] | None:
        """Ask, rest or wait for something to happen."""
        paused = self.act.flags.held
        if self.sender.forcing.busy and not paused:
            if self.sender.waits_its_turn and now - self.began >= REST_AFTER:
                self._report(now)
                self.act.rest(until=now + TURN_AGAIN)
            self.act.wait(self.ears.heard, 0.1)
            return None
        patience = self.patience
        never = self.obstacles.never(self.state) if self.state.stalled(now) else frozenset()
        ask, again = when_to_ask(self.state, never, patience, moved_at=self._moved(now), now=now)
        if ask is Ask.OVERDUE:
            return self._outcome("overdue", detail="the drain of this node takes too long")
        refused = bool(self.sender.refused_force) and self.state.stalled(now)
        if (ask is not None or refused) and not paused:
            return self._outcome("asks", detail=self.sender.refused_force)
        if paused:
            again = self.job.deadline  # until then only a person or a pod changes anything
        still = now - max(self.began, self._moved(now)) >= REST_AFTER and not self.sender.busy
        ends = next_end(self.state, now)
        if still and (paused or ends is not None):
            self._rest(min(again, ends or again), paused=paused)
        wake = min(time for time in (self.state.next_wake(now), self.sender.due, again) if time)
        self.act.wait(self.ears.heard, min(LONGEST_WAIT, max(0.001, (wake - now) / 1000)))
        return None

    def _rest(self, until: int, *, paused: bool) -> None:
        """Free the slot: the watcher wakes the workflow when a budget or a pod moves."""
        waited = [kept.entry.pod for kept in self.state.blocked()]
        waited += [entry.pod for entry in self.state.pods.values() if entry.going]
        if self.obstacles.unseen(self.state) and not paused:
            until = min(until, self.act.now() + TRY_AGAIN)
        watching = {
            "operation": self.job.operation,
            "node": self.job.node,
            "uid": self.job.uid,
            "budgets": [] if paused else self.obstacles.budget_names(self.state),
            "pods": [pod.ref.model_dump() for pod in waited],
            "owners": [] if paused else self._short(),
            "free_for": 0,
        }
        self._report(self.act.now())
        self.act.rest(until=until, watching=watching)

    def _short(self) -> list[dict[str, Any]]:
        """Return the owners of last copies that may go once another one is ready: then two are."""
        found = []
        for entry in self.state.waiting():
            workload, pod = self.state.kept_by(entry), entry.pod
            if workload is not None and pod.controller is not None and not workload.single:
                name = workload.name.partition("/")[2]
                short = Baseline(
                    controller=pod.controller, namespace=pod.namespace, name=name, ready=2
                )
                found.append(short.stored())
        return found

    def _take_in(self) -> int:
        """Apply what was heard; returns the time that it was applied at."""
        now = self.act.now()
        for event in self.ears.take():
            if isinstance(event, e.Looked | e.LookFailed):
                self.looks.note(event)
            self.state = self.state.apply(self.sender.note(event), now)
        self.state = self.state.apply(e.Tick(), now)  # a limit may have passed without any event
        return now

    def hear_the_rest(self) -> None:
        """Count the answers of requests that were on their way when it ended."""
        with suppress(KubernetesError):  # of a watch: it has ended anyway
            for event in self.ears.take():
                self.sender.count_answer(event)

    def _look_at_node(self) -> dict[str, Any] | None:
        """See that the node is there and still cordoned; an outcome if it is not."""
        self.look_at = self.act.now() + LOOK_AT_NODE
        seen = find_node(self.act.resources.cluster, self.job.node)
        if seen is None or seen.uid != self.job.uid:
            return self._outcome("gone")
        if not seen.unschedulable:
            return self._outcome(
                "uncordoned", detail="somebody uncordoned the node while it drained"
            )
        self.obstacles.node_ready = seen.ready
        look_after(self.act, seen, self.job.operation)
        return None

    def _list(self) -> None:
        """List and then watch; the budgets first, so that no budget is hammered."""
        cluster, now = self.act.resources.cluster, self.act.now()
        pods, version = list_pods_on(cluster, self.job.node)
        self.ears.hear_pods(cluster, self.job.node, version)
        listed = DrainState(rules=self.state.rules).apply(e.PodsListed(pods), now)
        concerned = {
            entry.pod.namespace for entry in listed.pods.values() if entry.judgement.fate.must_go
        }
        if self.job.options.disable_eviction:
            concerned = set()  # a plain delete asks no budget, so none is waited for
        for namespace in sorted(concerned):
            self.act.tick()  # each of them may take the API server's whole time-out
            budgets, since = list_budgets(cluster, namespace)
            self.state = self.state.apply(e.BudgetsListed(namespace, budgets), now)
            if any(budget.covers(pod) for budget in budgets for pod in pods):
                self.ears.hear_budgets(cluster, namespace, since)
        for uid in self.job.owners["daemonsets_gone"]:
            self.state = self.state.apply(e.DaemonSetGone(uid), now)
        self.state = self.state.apply(counted(self.job.owners), now)
        self.state = self.state.apply(e.PodsListed(pods), now)
        # Pods that left while nobody looked: an earlier run noted them, and they are not there.
        missed = set(self.memo.get("left", ())) - {pod.uid for pod in pods}
        self.gone_before = max(self.job.gone, int(self.memo.get("gone", 0)) + len(missed))

    def _begin_to_force(self, uids: tuple[str, ...]) -> None:
        """Note which pods are to be forced, and which of an earlier run's are gone since."""
        present = self.state.pods
        self.forced_before += [
            name
            for uid, name in self.to_force.items()
            if uid not in present and name not in self.forced_before
        ]
        self.to_force |= {uid: str(present[uid].pod) for uid in uids if uid in present}

    def _moved(self, now: int) -> int:
        """When a pod moved last, in this run or an earlier one of the same round."""
        counts = self.state.counts()
        if counts.gone or self.sender.evicted or not self.moved_at:
            self.moved_at = max(self.moved_at, self.state.last_progress or now)
        return self.moved_at

    def _show(self, now: int) -> None:
        counts = self.state.counts()
        shown = (counts, self._kept(), self.braking.brake)
        if shown != self.shown:
            self.shown = shown
            self._report(now)

    def _report(self, now: int) -> None:
        self.act.progress(self._progress(now))

    def _progress(self, now: int) -> dict[str, Any]:
        counts = self.state.counts()
        view = {
            "pods_total": counts.total + self.gone_before,
            "pods_gone": counts.gone + self.gone_before,
            "evicted_any": self._evicted() > 0,
            "terminating": counts.terminating,
            "waiting_for": self._kept()[:10],
            "status": NodeStatus.DRAINING,
        }
        if self.braking.brake.on:
            view["detail"] = self.braking.brake.why
        memo = {
            "round": self.job.round, "moved_at": self._moved(now),
            "gone": counts.gone + self.gone_before, "evicted": self._evicted(),
            "forced": self._forced(),
            "to_force": self.to_force,
            "left": [
                entry.pod.uid for entry in self.state.pods.values() if entry.judgement.fate.must_go
            ],
        }  # fmt: skip
        return {"view": view, "memo": memo}

    def _kept(self) -> tuple[str, ...]:
        blocked = [kept.entry for kept in self.state.blocked()]
        return tuple(str(entry.pod) for entry in (*blocked, *self.state.waiting()))

    def _evicted(self) -> int:
        return self.evicted_before + self.sender.evicted

    def _forced(self) -> list[str]:
        return [*self.forced_before, *self.sender.forcing.done]

    def _outcome(self, outcome: str, *, detail: str = "") -> dict[str, Any]:
        counts = self.state.counts()
        found: dict[str, Any] = {}
        if outcome in {"asks", "overdue"}:
            now = self.act.now()
            last = last_copies(self.state, self.patience, self._moved(now), now)
            found = self.obstacles.found(self.state, now, last)
            found["short"] = self._short()  # another copy may come while people decide
        return {
            "outcome": outcome,
            "detail": detail,
            "total": counts.total + self.gone_before,
            "gone": counts.gone + self.gone_before,
            "evicted": self._evicted(),
            "forced": self._forced(),
            "refusals": found.get("refusals", []),
            "blocks": found.get("blocks", []),
            "wont_stop": found.get("wont_stop", []),
            "short": found.get("short", []),
            "known": sorted(self.state.pods) if found else [],
        }
