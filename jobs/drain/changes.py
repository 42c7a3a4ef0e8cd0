"""How pods, budgets and answers change a :class:`~jobs.drain.board.Board`."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from jobs.drain import events as e
from jobs.drain.answers import (
    Accepted,
    AlreadyGone,
    Blocked,
    BudgetBroken,
    Busy,
    EvictionAnswer,
    MissingRight,
    Passing,
    Replaced,
    TwoBudgets,
    Webhook,
)
from jobs.drain.board import Board, Entry, Refusing
from jobs.drain.facts import Budget, Pod
from jobs.drain.filters import Fate, judge
from jobs.drain.gates import Gate, Key, backoff
from jobs.drain.workloads import Workload, Workloads

B = TypeVar("B", bound=Board)


def pods_listed(board: B, pods: tuple[Pod, ...], now: int) -> B:
    """Take in all pods of the node; whoever is missing is gone."""
    for uid in board.pods.keys() - {pod.uid for pod in pods}:
        board = pod_gone(board, uid, now)
    for pod in pods:
        board = pod_seen(board, pod, now)
    return replace(board, listed=True, last_progress=board.last_progress or now)


def pod_seen(board: B, pod: Pod, now: int) -> B:
    """Take in one pod as it is."""
    if pod.uid in board.gone:
        return board
    old = board.pods.get(pod.uid)
    if old is None:
        return board.with_entry(
            Entry(
                pod=pod,
                judgement=judge(pod, board.rules, now),
                seen=now,
                covering=board.covering(pod),
            )
        )
    entry = replace(
        old,
        pod=pod,
        judgement=judge(pod, board.rules, now, first_seen=old.seen),
        covering=old.covering if pod.labels == old.pod.labels else board.covering(pod),
    )
    if pod.terminating:
        entry = replace(entry, answer=None, blocked_since=0, held=False)
    return board.with_entry(entry)


def pod_gone(board: B, uid: str, now: int) -> B:
    """Note that a pod left; it can't come back."""
    if uid in board.gone:
        return board
    entry = board.pods.get(uid)
    if entry is None:
        return replace(board, gone=board.gone | {uid})
    if entry.gate is not None and entry.gate in board.gates:
        gate = board.gates[entry.gate].back(uid).left(entry.pod.name)
        board = board.with_gate(entry.gate, gate)
    counted = entry.judgement.fate.must_go or entry.accepted > 0
    return replace(
        board,
        pods={key: value for key, value in board.pods.items() if key != uid},
        gone=board.gone | {uid},
        unanswered=board.unanswered | ({uid} if entry.flying else set()),
        total_gone=board.total_gone + counted,
        last_progress=now if counted else board.last_progress,
    )


def daemonset_gone(board: B, uid: str, now: int) -> B:
    """Judge a DaemonSet's pods anew, now that it is known to be gone."""
    gone = board.rules.daemonsets_gone | {uid}
    board = replace(board, rules=replace(board.rules, daemonsets_gone=gone))
    for entry in board.pods.values():
        if entry.pod.controller is not None and entry.pod.controller.uid == uid:
            board = pod_seen(board, entry.pod, now)
    return board


def owners_counted(board: B, event: e.OwnersCounted) -> B:
    """Take in how ready the pods' owners were."""
    workloads = board.workloads
    for controller, owner in event.owners.items():
        workloads = workloads.counted(controller, owner, event.as_of)
    return replace(board, workloads=workloads)


def looked(board: B, event: e.Looked, now: int) -> B:
    """Take in what a look at a workload found."""
    workloads, controller = board.workloads, event.controller
    key = workloads.keys.get(controller, controller)
    if event.look is None:
        gone = replace(workloads.get(key), gone=True)
        return replace(board, workloads=_split(workloads, controller).put(controller, gone))
    here = len(board.staying.get(key, ()))
    return replace(board, workloads=workloads.looked(controller, event.look, here, event.at, now))


def _split(workloads: Workloads, controller: str) -> Workloads:
    """Let a controller's pods be a workload of their own."""
    return replace(
        workloads, keys={uid: key for uid, key in workloads.keys.items() if uid != controller}
    )


def look_failed(board: B, controller: str, now: int) -> B:
    """Look again later, where there was no answer."""
    workloads = board.workloads
    key = workloads.keys.get(controller, controller)
    return replace(board, workloads=workloads.put(key, workloads.get(key).again(now)))


def time_went_by(board: B, now: int) -> B:
    """Stop waiting for pods that have been terminating for too long, if that was asked for.

    And let those move whose mark spared them for a while only.
    """
    late = board.rules.options.skip_wait_for_delete_timeout
    for entry in board.pods.values():
        spared = entry.judgement.fate is Fate.REFUSE and entry.pod.do_not_disrupt_until
        if (late and entry.pod.terminating) or (spared and spared <= now):
            board = pod_seen(board, entry.pod, now)
    return board


def budget_event(board: B, event: e.BudgetEvent) -> B:
    """Take in what became of one budget, or of all of a namespace."""
    match event:
        case e.BudgetChanged(budget):
            return _released(_budget(board, budget), budget.namespace)
        case e.BudgetGone(namespace, name):
            return _released(_no_budget(board, (namespace, name)), namespace)
        case e.BudgetsListed(namespace, budgets):
            listed = {budget.key for budget in budgets}
            for key, gate in board.gates.items():
                if key[0] == namespace and key not in listed and gate.facts is not None:
                    board = _no_budget(board, key)
            for budget in budgets:
                board = _budget(board, budget)
            return _released(board, namespace)


def _budget(board: B, budget: Budget) -> B:
    old = board.gates.get(budget.key, Gate())
    board = board.with_gate(budget.key, old.changed(budget))
    if old.facts is not None and old.facts.selector == budget.selector:
        return board
    return _recovered(board, budget.namespace)


def _no_budget(board: B, key: Key) -> B:
    gates = {known: gate for known, gate in board.gates.items() if known != key}
    board = _recovered(replace(board, gates=gates), key[0])
    for entry in board.pods.values():
        if entry.gate == key and not entry.flying:
            board = board.with_entry(replace(entry, answer=None, blocked_since=0, gate=None))
    return board


def _recovered(board: B, namespace: str) -> B:
    """Find anew which budgets select the pods of a namespace."""
    pods = {
        uid: replace(entry, covering=board.covering(entry.pod))
        if entry.pod.namespace == namespace
        else entry
        for uid, entry in board.pods.items()
    }
    return replace(board, pods=pods)


def _released(board: B, namespace: str) -> B:
    """Let pods be tried again that had two budgets and now have one or none."""
    for entry in board.pods.values():
        if (
            entry.held
            and isinstance(entry.answer, TwoBudgets)
            and entry.pod.namespace == namespace
            and len(entry.covering) <= 1
        ):
            board = board.with_entry(replace(entry, held=False, answer=None, blocked_since=0))
    return board


def sent(board: B, uid: str, now: int) -> B:
    """Note an eviction on its way. Raises ValueError where none may be sent."""
    entry = board.pods.get(uid)
    if entry is None or not board.ready(entry, now) or board.free() <= 0:
        raise ValueError(f"no eviction of {uid} was offered")
    key = board.gate_key(entry)
    if key is not None:
        if board.gates[key].room(now) <= 0:
            raise ValueError(f"no eviction of {uid} was offered: its budget has no room")
        board = board.with_gate(key, board.gates[key].sent(uid, entry.pod.name))
    guard = board.guard(entry)
    if guard and board.places(guard, now) <= 0:
        raise ValueError(f"no eviction of {uid} was offered: its workload has no other copy")
    board = _of_workload(board, entry, lambda workload: workload.sent(uid, now))
    return board.with_entry(replace(entry, flying=True, gate=key))


def _of_workload(board: B, entry: Entry, change: Callable[[Workload], Workload]) -> B:
    """Change what is known of the workload that a pod is a copy of."""
    workloads = board.workloads
    key = workloads.key(entry.pod)
    if not key or entry.covering:
        return board
    return replace(board, workloads=workloads.put(key, change(workloads.get(key))))


def withheld(board: B, uid: str, *, until: int) -> B:
    """Note that an eviction was not sent: not before `until` again."""
    entry = board.pods.get(uid)
    if entry is not None:
        board = _of_workload(board, entry, lambda workload: workload.kept(uid))
    return landed(board, uid, not_before=until)


def crowded(board: B, uid: str, now: int) -> B:
    """Note that an eviction was not sent: other drains have taken its workload's room."""
    entry = board.pods.get(uid)
    if entry is not None:
        board = _of_workload(board, entry, lambda workload: workload.kept(uid).crowded(now))
    return landed(board, uid, not_before=0)


def landed(board: B, uid: str, *, not_before: int) -> B:
    """Note that an eviction is no longer on its way, and nothing came of it."""
    board = replace(board, unanswered=board.unanswered - {uid})
    entry = board.pods.get(uid)
    if entry is None or not entry.flying:
        return board
    if entry.gate is not None and entry.gate in board.gates:
        board = board.with_gate(entry.gate, board.gates[entry.gate].back(uid))
    return board.with_entry(replace(entry, flying=False, not_before=not_before))


def answered(board: B, uid: str, answer: EvictionAnswer, now: int) -> B:
    """Take in the answer to an eviction."""
    board = replace(board, unanswered=board.unanswered - {uid})
    if isinstance(answer, Busy):
        until = now + int(answer.retry_after * 1000)
        board = replace(board, busy_until=max(board.busy_until, until))
    entry = board.pods.get(uid)
    if entry is None or not entry.flying:
        return board  # gone meanwhile: the answer may even be about its successor
    match answer:
        case Accepted():
            return _let_pass(board, entry, now)
        case AlreadyGone() | Replaced():
            return pod_gone(landed(board, uid, not_before=0), uid, now)
        case Blocked() | BudgetBroken():
            return _refused_by_budget(board, entry, answer, now)
        case _:
            return _refused_otherwise(board, entry, answer, now)


def _let_pass(board: B, entry: Entry, now: int) -> B:
    if entry.gate is not None and entry.gate in board.gates:
        gate = board.gates[entry.gate].accepted(entry.pod.uid, now, board.pace.longest_wait)
        board = board.with_gate(entry.gate, gate)
    passed = replace(entry, flying=False, accepted=now, attempts=0, answer=None, blocked_since=0)
    return replace(board.with_entry(passed), evicted_any=True, last_progress=now)


def _refused_by_budget(board: B, entry: Entry, answer: Blocked | BudgetBroken, now: int) -> B:
    uid, pace = entry.pod.uid, board.pace
    key = (entry.pod.namespace, answer.budget)
    if entry.gate is not None and entry.gate != key and entry.gate in board.gates:
        board = board.with_gate(entry.gate, board.gates[entry.gate].back(uid))
    gate = board.gates.get(key, Gate())
    gate = gate.was_refused(uid, answer, now, pace.first_wait, pace.longest_wait)
    board = board.with_gate(key, gate)
    entry = replace(
        entry,
        flying=False,
        attempts=entry.attempts + 1,
        gate=key,
        answer=answer,
        blocked_since=entry.blocked_since or now,
    )
    if board.gate_key(entry) != key:
        # Our facts say that this budget is not its own: the gate won't slow it down.
        wait = backoff(entry.attempts, pace.first_wait, pace.longest_wait)
        entry = replace(entry, not_before=now + wait)
    return board.with_entry(entry)


def _refused_otherwise(board: B, entry: Entry, answer: Refusing, now: int) -> B:
    uid, pace = entry.pod.uid, board.pace
    attempts = entry.attempts + 1
    wait = backoff(attempts, pace.first_wait, pace.longest_wait)
    if isinstance(answer, Busy):
        return landed(board, uid, not_before=entry.not_before)  # it says nothing about this pod
    if isinstance(answer, Passing):
        board = landed(board, uid, not_before=now + max(wait, int(answer.retry_after * 1000)))
        entry = replace(board.pods[uid], attempts=attempts, answer=entry.answer or answer)
        return board.with_entry(entry)
    if isinstance(answer, MissingRight):
        lacking = {entry.pod.namespace: (answer, now), **board.lacking}
        board = replace(board, lacking=lacking)
    board = landed(board, uid, not_before=now + wait)
    return board.with_entry(
        replace(
            board.pods[uid],
            attempts=attempts,
            answer=answer,
            blocked_since=entry.blocked_since or now,
            held=not (isinstance(answer, Webhook) and answer.again),
        )
    )
