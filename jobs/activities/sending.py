"""The hands of a drain: threads that send evictions, each with leave from Redis right before it.

Whoever may send is asked again for every single eviction: the activation may be over, a person may
have aborted or paused, the cluster may be frozen, and the rate is shared by all workers.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

from jobs.activities.forcing import NEXT_AFTER, Forcing, Turn
from jobs.activities.listening import Ears
from jobs.drain import events as e
from jobs.drain.answers import (
    Accepted,
    AlreadyGone,
    Blocked,
    BudgetBroken,
    Busy,
    EvictionAnswer,
    Passing,
    Replaced,
    word_of,
)
from jobs.drain.facts import Pod
from jobs.drain.gates import Key
from jobs.drain.pacing import DrainState
from jobs.drain.workloads import FRESH, SETTLE, Place
from jobs.durable import Activity, Permit, Quota
from jobs.durable.errors import Fenced
from jobs.kubernetes import KubernetesError, Temporary
from jobs.kubernetes.evictions import evict
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import delete_pod
from jobs.models import DrainOptions, PodRef, Requirements
from jobs.resources import Resources

FORCE_AGAIN = 1_000  # ms until a deletion without an answer is tried again
NOTE_HOLDER = 1_000  # ms between two notes of who evicts under a budget
CATCH_UP = 20  # ms of the rate that may go out at once
HELD_BACK = 0.5  # seconds until leave is asked for again while paused or frozen
REQUEST_TIMEOUT = 10.0


@dataclass(frozen=True)
class Answered:
    """An eviction's answer, as the sending thread puts it into the inbox."""

    pod: PodRef
    answer: EvictionAnswer
    gate: Key | None = None  # the budget that it was under


@dataclass(frozen=True)
class NoLeave:
    """An eviction that was not sent."""

    pod: PodRef
    permit: Permit


class Sender:
    """Sends what the state offers. Its methods belong to the deciding thread."""

    def __init__(
        self,
        act: Activity[Resources],
        needs: Requirements,
        options: DrainOptions,
        ears: Ears,
        pool: ThreadPoolExecutor,
        node: str,
        operation: str,
        turn_of: str = "",
    ) -> None:
        self._act = act
        self._turn_of = turn_of
        self._options = options
        self._ears = ears
        self._pool = pool
        self._node = node
        self._operation = operation
        self._rate = act.resources.guardrails.rate(needs.evictions_per_second)
        self._mark = threading.Lock()
        self._marked = False
        self._unsure: set[str] = set()  # uids whose last request has no answer: it may have counted
        self._hold_until = 0
        self._paced = 0.0
        self._noted: dict[Key, int] = {}
        self.due = 0  # when (ms) more may be sent, of what the rate held back; 0: nothing was
        self._force_at = 0
        self._not_our_turn = False
        self._known = True
        self.in_flight = 0
        self.evicted = 0
        self.forcing = Forcing()
        self.refused_force = ""
        self._last_forced: Pod | None = None

    @property
    def busy(self) -> bool:
        """Whether requests are on their way."""
        return self.in_flight > 0

    def force(self, uids: tuple[str, ...]) -> None:
        """Have these pods forced, one at a time."""
        self.forcing = Forcing(todo=uids, turn_of=self._turn_of)

    @property
    def waits_its_turn(self) -> bool:
        """Whether it is another node's turn to have a pod forced."""
        return self._not_our_turn and not self.forcing.current

    def send(self, state: DrainState, now: int, *, braked: bool = False) -> DrainState:
        """Send what may be sent now, and what is to be forced next; nothing while `braked`."""
        if now < self._hold_until or self._act.flags.held:
            return state
        self._force_next(state, now, braked=braked)
        self.due = 0
        if braked:
            return state
        for pod in state.actions(now):
            if pod.uid in self.forcing.todo or pod.uid == self.forcing.current:
                continue  # its turn comes, past its budget
            if self._paced > now:  # Redis decides; this only spares it those that must wait
                self.due = int(self._paced) + 1
                break
            self._paced = max(self._paced, now - CATCH_UP) + 1000 / self._rate
            state = state.apply(e.Sent(pod.uid), now)
            self.in_flight += 1
            self._pool.submit(self._evict, pod, state.place(pod.uid), state.pods[pod.uid].gate)
        return state

    def note(self, heard: Any) -> e.DrainEvent:
        """Take one thing from the inbox and return the event that it is for the state."""
        if isinstance(heard, NoLeave):
            self.in_flight -= 1
            if heard.permit.leave == "full":
                return e.Crowded(heard.pod.uid)
            return e.Withheld(heard.pod.uid, self._held_until(heard.permit))
        if isinstance(heard, Answered):
            self.in_flight -= 1
            self._account(heard.pod.uid, heard.answer)
            if isinstance(heard.answer, Accepted) and heard.gate is not None:
                self._note_holder(heard.gate)
            if isinstance(heard.answer, Blocked | BudgetBroken):
                self._ears.hear_budgets(self._act.resources.cluster, heard.pod.namespace)
            return e.Answer(heard.pod.uid, heard.answer)
        if isinstance(heard, BaseException):
            raise heard
        event: e.DrainEvent = heard
        return event

    def _note_holder(self, gate: Key) -> None:
        """Let other drains that this budget blocks know that we evicted under it."""
        now = self._act.now()
        if now - self._noted.get(gate, 0) >= NOTE_HOLDER:
            self._noted[gate] = now
            self._act.resources.nodes.budgets.note(self._act.token, self._operation, [gate])

    def count_answer(self, heard: Any) -> None:
        """Count an answer that came too late to decide anything."""
        if isinstance(heard, Answered):
            self._account(heard.pod.uid, heard.answer)

    def _account(self, uid: str, answer: EvictionAnswer) -> None:
        match answer:
            case Accepted():
                self._count()
            case Passing():  # perhaps only the answer was lost
                self._unsure.add(uid)
            case AlreadyGone() | Replaced() if uid in self._unsure:
                self._count()
            case AlreadyGone() | Replaced():
                pass
            case _:
                self._unsure.discard(uid)

    def _held_until(self, permit: Permit) -> int:
        if permit.leave == "fenced":
            raise Fenced
        wait = permit.wait if permit.leave == "wait" else HELD_BACK
        self._hold_until = max(self._hold_until, self._act.now() + max(1, int(wait * 1000)))
        return self._hold_until

    def _evict(self, pod: PodRef, place: Place | None, gate: Key | None) -> None:
        """Send one eviction; in a thread of the pool."""
        try:
            permit = self._leave(place)
            if permit.leave != "ok":
                self._ears.tell(NoLeave(pod, permit))
                return
            answer = self._request(pod)
            self._act.resources.cluster.tally.add(f"eviction|{word_of(answer)}")
            self._ears.tell(Answered(pod, answer, gate))
        except BaseException as error:  # noqa: BLE001  handed to the deciding thread, which raises
            self._ears.tell(error)

    def _leave(self, place: Place | None = None) -> Permit:
        self._mark_evicted()
        quota = None
        if place is not None:
            quota = Quota(
                name=place.name, member=place.member, room=place.room, since=place.since,
                of=place.of, keep=FRESH + 2 * SETTLE,
            )  # fmt: skip
        return self._act.permit(bucket="evictions", rate=self._rate, burst=1, quota=quota)

    def _request(self, pod: PodRef) -> EvictionAnswer:
        cluster, grace = self._act.resources.cluster, self._options.grace_period
        timeout = min(REQUEST_TIMEOUT, self._act.time_left())
        if self._options.disable_eviction:
            return delete_pod(cluster, pod, grace=grace, timeout=timeout)
        return evict(cluster, pod, grace=grace, timeout=timeout)

    def _mark_evicted(self) -> None:
        """Note, before the first eviction, that the node is no longer as it was."""
        with self._mark:
            if not self._marked:
                self._note("maybe")
                self._marked = True

    def _note(self, evicted: Literal["maybe", "yes", "no"]) -> None:
        nodes = self._act.resources.nodes
        nodes.mark(self._act.token, self._operation, self._node, evicted)

    def _count(self) -> None:
        self.evicted += 1
        if self.evicted == 1:
            self._note("yes")

    def close(self) -> None:
        """Say, when no request is on its way any more, if nothing was evicted after all."""
        if self._marked and not self.evicted and not self._unsure:
            self._note("no")

    # -- force -------------------------------------------------------------------------------

    def _force_next(self, state: DrainState, now: int, *, braked: bool) -> None:
        present = frozenset(state.pods)
        match self.forcing.turn(present, now):
            case Turn.LOOK:
                self._look_at_owner(now)
            case Turn.DELETE if now >= self._force_at and not braked:
                self._delete(state, self.forcing.todo[0], now)
            case Turn.DONE if self.forcing.current:
                self._end_turn(self.forcing.current)
                self.forcing = self.forcing.over()
            case _:
                pass

    def _delete(self, state: DrainState, uid: str, now: int) -> None:
        entry = state.pods.get(uid)
        if entry is None:
            self.forcing = self.forcing.gone(uid)
            return
        pod = entry.pod
        refused = self._act.resources.guardrails.force_refused([pod.namespace])
        if refused:
            self.refused_force = refused
            self.forcing = self.forcing.gone(uid)
            return
        self._not_our_turn = not self._take_turn(uid)
        if self._not_our_turn:
            self._force_at = now + FORCE_AGAIN
            return
        try:
            ready = self._ready(pod)  # in its turn: with the replacement of the one before
        except Temporary:
            self._force_at = now + FORCE_AGAIN
            return
        permit = self._leave()  # right before the request, after everything that takes time
        if permit.leave != "ok":
            self._held_until(permit)
            return
        timeout = min(REQUEST_TIMEOUT, self._act.time_left())
        # A pod past its time has had its grace: asking once more for the same changes nothing.
        grace = 0 if state.is_overdue(entry, now) else -1
        answer = delete_pod(self._act.resources.cluster, pod.ref, grace=grace, timeout=timeout)
        self._account(uid, answer)
        match answer:
            case Accepted():
                before = ready if pod.ready else -1
                self._last_forced = pod
                # One that was on its way already was sent there by a run that died: how many were
                # ready before that nobody knows.
                self._known = not pod.terminating
                self._take_turn(uid)  # the minute begins now
                self.forcing = self.forcing.sent(uid, str(pod), ready_before=before, now=now)
            case AlreadyGone() | Replaced():  # perhaps by a run that died: its minute is waited for
                self.forcing = self.forcing.gone(uid)
            case Passing() | Busy():
                self._force_at = now + max(FORCE_AGAIN, int(answer.retry_after * 1000))
            case _:
                self._end_turn(uid)
                self.refused_force = getattr(answer, "message", "the API server refused")
                self.forcing = replace(self.forcing, todo=self.forcing.todo[1:])

    def _look_at_owner(self, now: int) -> None:
        if self._last_forced is None:
            return
        try:
            ready = self._ready(self._last_forced)
        except Temporary:
            ready = -1  # not known to be well: look again
        current, self.forcing = self.forcing.current, self.forcing.looked(ready, now)
        if not self.forcing.current:
            self._end_turn(current)

    def _take_turn(self, uid: str) -> bool:
        """Whether this pod may be the one that is forced, of all that share its turn.

        It has it for as long as a replacement is waited for, also if this process dies.
        """
        name = self.forcing.turn_of
        return not name or self._act.resources.store.turn(name, uid, NEXT_AFTER / 1000)

    def _end_turn(self, uid: str) -> None:
        """Let the next one have it; where nobody knows if that may be yet, its time runs out."""
        if self.forcing.turn_of and self._known:
            self._act.resources.store.turn(self.forcing.turn_of, uid, 0)

    def _ready(self, pod: Pod) -> int:
        if pod.controller is None:
            return -1
        try:
            owner = find_owner(self._act.resources.cluster, pod.namespace, pod.controller)
        except Temporary:
            raise
        except KubernetesError:
            return -1  # no right to read it: then nobody can wait for its replacement
        return -1 if owner is None else owner.ready
