"""PodDisruptionBudgets. A new one has a status that says nothing until its controller looked."""

from sandbox.cluster.kinds.base import Kind
from sandbox.cluster.objects import Json, with_metadata
from sandbox.cluster.store import Store

__all__ = ["KIND"]

_UNSEEN: Json = {
    "disruptionsAllowed": 0,
    "currentHealthy": 0,
    "desiredHealthy": 0,
    "expectedPods": 0,
}


def _begin(_store: Store, body: Json) -> Json:
    return with_metadata({**body, "status": _UNSEEN}, generation=1)


KIND = Kind(begin=_begin, counts_generation=True, empty={"spec": {}, "status": _UNSEEN})
