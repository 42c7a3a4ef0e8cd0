"""The arithmetic of PodDisruptionBudgets, as pkg/controller/disruption/disruption.go does it."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.cluster.objects import Item, Json, condition, controller_of, set_condition
from sandbox.cluster.objects import with_status as _with_status
from sandbox.cluster.times import parse, stamp

__all__ = [
    "DELETION_TIMEOUT_S",
    "Owner",
    "UnknownScaleError",
    "Verdict",
    "compute",
    "disruption_condition",
    "scaled",
]

DELETION_TIMEOUT_S = 120.0
"""`DeletionTimeout`: an evicted pod that is still there after it counts as healthy again."""

Owner = tuple[str, int]
"""What scales pods: its uid and the replicas that it wants."""


class UnknownScaleError(Exception):
    """A pod's owner has no scale, so a share of it can't be known."""


@dataclass(frozen=True)
class Verdict:
    """A budget's new status, and in how many seconds it must be looked at again, if ever."""

    body: Json
    recheck_s: float | None


def scaled(value: int | str, total: int) -> int:
    """Return a number, or a percentage of the total, rounded up."""
    if isinstance(value, int):
        return value
    return math.ceil(int(value.removesuffix("%")) * total / 100)


def _expected_scale(pods: Iterable[Item], owner_of: Callable[[Item], Owner | None]) -> int:
    """Return the sum of what the pods' owners want; pods without an owner don't count."""
    scales: dict[str, int] = {}
    seen: set[str] = set()
    for pod in pods:
        reference = controller_of(pod.body)
        if reference is None or reference["uid"] in seen:
            continue
        seen.add(reference["uid"])
        owner = owner_of(pod)
        if owner is None:
            raise UnknownScaleError(f'found no controllers for pod "{pod.key.name}"')
        uid, replicas = owner
        scales[uid] = replicas
    return sum(scales.values())


def _counts(
    spec: Mapping[str, int | str], pods: Sequence[Item], owner_of: Callable[[Item], Owner | None]
) -> tuple[int, int]:
    """Return the pods that are expected, and how many of them must be healthy."""
    if "maxUnavailable" in spec:
        expected = _expected_scale(pods, owner_of)
        return expected, max(0, expected - scaled(spec["maxUnavailable"], expected))
    wanted = spec.get("minAvailable")
    if wanted is None:
        return 0, 0
    if isinstance(wanted, int):
        return len(pods), wanted
    expected = _expected_scale(pods, owner_of)
    return expected, scaled(wanted, expected)


def compute(
    budget: Item,
    pods: Sequence[Item],
    owner_of: Callable[[Item], Owner | None],
    now: float,
    *,
    timeout_s: float = DELETION_TIMEOUT_S,
) -> Verdict:
    """Return the budget with the status that follows from the pods that it selects.

    ``owner_of`` names what scales a pod, or None. A budget whose scale can't be known allows
    nothing and says why (`failSafe`).
    """
    generation = budget.metadata.get("generation", 0)
    try:
        expected, desired = _counts(budget.spec, pods, owner_of)
    except UnknownScaleError as error:
        return Verdict(_failed(budget, str(error), now), None)
    disrupted, recheck_s = _still_disrupted(budget, pods, now, timeout_s)
    healthy = sum(
        1 for pod in pods if not pod.ending and pod.key.name not in disrupted and pod.ready
    )
    # A budget that selects nothing allows nothing: its first pods are safe until it is looked at.
    allowed = max(0, healthy - desired) if expected > 0 else 0
    body = _with_status(
        budget.body,
        observedGeneration=generation,
        disruptedPods=disrupted or None,
        disruptionsAllowed=allowed,
        currentHealthy=healthy,
        desiredHealthy=desired,
        expectedPods=expected,
    )
    return Verdict(disruption_condition(body, now), recheck_s)


def _still_disrupted(
    budget: Item, pods: Sequence[Item], now: float, timeout_s: float
) -> tuple[dict[str, str], float | None]:
    """Return the evicted pods whose deletion was not seen yet, and when the first one lapses."""
    noted: Mapping[str, str] = budget.status.get("disruptedPods") or {}
    if not noted:
        return {}, None
    left = {
        pod.key.name: parse(noted[pod.key.name]) + timeout_s - now
        for pod in pods
        if pod.key.name in noted and not pod.ending
    }
    kept = {name: noted[name] for name, seconds in left.items() if seconds > 0}
    return kept, min((left[name] for name in kept), default=None)


def _condition(body: Json, status: str, reason: str, message: str, now: float) -> Json:
    present = condition(body, "DisruptionAllowed")
    since = stamp(now)
    if present and present["status"] == status:
        since = present["lastTransitionTime"]
    return set_condition(
        body,
        {
            "type": "DisruptionAllowed",
            "status": status,
            "observedGeneration": body["status"].get("observedGeneration", 0),
            "lastTransitionTime": since,
            "reason": reason,
            "message": message,
        },
    )


def disruption_condition(body: Json, now: float) -> Json:
    """Return the budget's body with the condition that follows from its allowance."""
    if body["status"]["disruptionsAllowed"] > 0:
        return _condition(body, "True", "SufficientPods", "", now)
    return _condition(body, "False", "InsufficientPods", "", now)


def _failed(budget: Item, why: str, now: float) -> Json:
    # What it had observed before stays: a budget that never worked answers "still being processed".
    body = _with_status(budget.body, disruptionsAllowed=0)
    return _condition(body, "False", "SyncFailed", why, now)
