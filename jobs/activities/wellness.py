"""Wait until the workloads that a drain took pods of are as ready as they were before it."""

from collections.abc import Sequence
from typing import Any

from jobs.activities.owners import read_owners
from jobs.activities.trouble import asking_cluster
from jobs.activities.waiting import Patient
from jobs.drain.facts import Owner
from jobs.drain.wellness import SETTLED, Baseline, baselines, unwell
from jobs.durable import Activity
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.pods import list_pods_of
from jobs.models import NodeStatus, Unwell
from jobs.resources import Resources

Pair = tuple[Baseline, Owner | None]


def wait_until_well(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    owners: list[dict[str, Any]],
    since: int,
    ask_at: int,
    shown_as: str = NodeStatus.DRAINED,
) -> dict[str, Any]:
    """Wait until all is well, at the longest until `ask_at` (ms); `{well, unwell}`.

    `owners` are as `look_at_owners` stored them, `since` is when the last pod of the node had left,
    or the node was given back; `shown_as` is the node's status meanwhile.
    It holds no slot after a few seconds without motion: the watcher wakes it, or `ask_at` does.
    """
    counted = baselines(owners)
    if counted and act.now() < since + SETTLED:
        act.rest(until=since + SETTLED)
    patient = Patient(act, {"operation": operation, "node": node, "uid": uid}, until=ask_at)
    with asking_cluster():
        # What was well once is left out until the rest is, and then looked at once more with it.
        pending = _missing(act, counted)
        if pending:
            _show(act, pending, shown_as)
        while pending and patient.left:
            waited = [before for before, _ in pending]
            patient.wait(
                state=[before.words(now) for before, now in pending if now is not None],
                watching={"owners": [each.stored() for each in waited]},
            )
            found = _missing(act, waited) or _missing(act, counted)
            if found != pending:
                pending = found
                _show(act, pending, shown_as)
    return {"well": not pending, "unwell": _told(act, pending)}


def look_once(act: Activity[Resources], *, owners: list[dict[str, Any]]) -> dict[str, Any]:
    """Look once whether all is well; `{well, unwell}`."""
    with asking_cluster():
        found = _missing(act, baselines(owners))
    return {"well": not found, "unwell": _told(act, found)}


def _look(act: Activity[Resources], wanted: Sequence[Baseline]) -> list[Pair]:
    asked = [(each.namespace, each.controller) for each in wanted]
    found = {where[1].uid: owner for where, owner in read_owners(act, asked)}
    return [(each, found[each.uid]) for each in wanted]


def _missing(act: Activity[Resources], wanted: Sequence[Baseline]) -> list[Pair]:
    """Return those that are not well."""
    return [(before, now) for before, now in _look(act, wanted) if not before.well(now)]


def _show(act: Activity[Resources], pending: Sequence[Pair], status: str) -> None:
    words = [before.words(now) for before, now in pending if now is not None]
    act.progress({"view": {"status": status, "unwell": words}})


def _told(act: Activity[Resources], missing: Sequence[Pair]) -> list[dict[str, Any]]:
    """Say what each of them waits for, with the reasons of its pods where these can be read."""
    told: list[Unwell] = []
    for before, now in missing:
        if now is None:
            continue
        act.tick()
        try:
            pods = list_pods_of(act.resources.cluster, now.namespace, now.selector)
        except KubernetesError:
            pods = ()  # the question is asked without them
        told.append(unwell(before, now, pods))
    return [each.model_dump(mode="json") for each in told]
