"""May this pod be evicted? The decision of pkg/registry/core/pod/storage/eviction.go, as pure code.

What a decision asks for is done by :mod:`sandbox.cluster.rest`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.cluster.budgets import disruption_condition
from sandbox.cluster.errors import ApiError, forbidden
from sandbox.cluster.objects import Item, Json, condition, set_condition, with_status
from sandbox.cluster.resources import resource
from sandbox.cluster.times import stamp

__all__ = [
    "MAX_DISRUPTED_PODS",
    "Evict",
    "Spend",
    "decide",
    "disruption_target",
]

MAX_DISRUPTED_PODS = 2000
"""`MaxDisruptedPodSize`: so many evictions may wait for the controller to see them."""

_VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."


@dataclass(frozen=True)
class Evict:
    """The pod may go, and no budget is charged."""


@dataclass(frozen=True)
class Spend:
    """The pod may go once the budget is charged: it has this body then."""

    budget: Item
    body: Json


def _too_many_requests(cause: str, *, retry_after_s: int | None = None) -> ApiError:
    details: Json = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    if retry_after_s:
        details["retryAfterSeconds"] = retry_after_s
    return ApiError(429, "TooManyRequests", _VIOLATES, details)


def _ignores_budgets(pod: Item) -> bool:
    """Whether its end disrupts nothing: it is not running, or ends already."""
    return pod.status.get("phase") in ("Succeeded", "Failed", "Pending") or pod.ending


def decide(pod: Item, budgets: Sequence[Item], now: float) -> Evict | Spend:
    """Decide about a pod and the budgets that select it. ``now`` is in seconds since the epoch.

    Raises ApiError: 429 where the budget refuses, 500 where two select the pod, 403 where the
    budget's status can't be right.
    """
    if _ignores_budgets(pod) or not budgets:
        return Evict()
    if len(budgets) > 1:
        raise ApiError(
            500,
            None,
            "This pod has more than one PodDisruptionBudget, which the eviction subresource "
            "does not support.",
        )
    (budget,) = budgets
    if not pod.ready and _lets_unready_go(budget):
        return Evict()
    return Spend(budget, _spent(budget, pod.key.name, now))


def _lets_unready_go(budget: Item) -> bool:
    if budget.spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    healthy, desired = budget.status.get("currentHealthy", 0), _desired(budget)
    return bool(healthy >= desired > 0)


def _desired(budget: Item) -> int:
    desired: int = budget.status.get("desiredHealthy", 0)
    return desired


def _spent(budget: Item, pod: str, now: float) -> Json:
    """Return the budget with one disruption less, as `checkAndDecrement`."""
    status, name = budget.status, budget.key.name
    if status.get("observedGeneration", 0) < budget.metadata.get("generation", 0):
        raise _too_many_requests(
            f"The disruption budget {name} is still being processed by the server.",
            retry_after_s=10,
        )
    allowed: int = status.get("disruptionsAllowed", 0)
    disrupted: dict[str, str] = status.get("disruptedPods") or {}
    if allowed < 0:
        raise _odd_budget(name, "pdb disruptions allowed is negative")
    if len(disrupted) > MAX_DISRUPTED_PODS:
        raise _odd_budget(
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        )
    if allowed == 0:
        raise _too_many_requests(_denied(budget))
    body = with_status(
        budget.body,
        disruptionsAllowed=allowed - 1,
        disruptedPods={**disrupted, pod: stamp(now)},
    )
    return disruption_condition(body, now) if allowed == 1 else body


def _denied(budget: Item) -> str:
    """Say why a budget allows nothing; its counts mean nothing once its controller has failed."""
    name, healthy = budget.key.name, budget.status.get("currentHealthy", 0)
    no = f"The disruption budget {name} does not allow evicting pods currently"
    found = condition(budget.body, "DisruptionAllowed") or {}
    why = found.get("message") if found.get("status") == "False" else ""
    if why and found["reason"] == "SyncFailed":
        return f"{no} because it failed sync: {why}"
    if healthy <= _desired(budget):
        needs = f"needs {_desired(budget)} healthy pods and has {healthy} currently"
        return f"The disruption budget {name} {needs}"
    return f"{no} ({found['reason']}): {why}" if why else no


def _odd_budget(name: str, why: str) -> ApiError:
    # The API server says the singular here: policy.Resource("poddisruptionbudget").
    refusal = forbidden(resource("poddisruptionbudgets"), name, why)
    words = str(refusal).replace("poddisruptionbudgets.", "poddisruptionbudget.", 1)
    return ApiError(403, "Forbidden", words, {**refusal.details, "kind": "poddisruptionbudget"})


def disruption_target(body: Json, now: float) -> Json:
    """Return the pod's body with the condition that says why it ends."""
    return set_condition(
        body,
        {
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": stamp(now),
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        },
    )
