"""Whether workloads are as well as they were before a drain took pods of theirs: decided, no I/O.

Well is a workload with as many ready pods as before, or as many as are wanted of it now, if that
is less. One that is gone, scaled to 0, a Job, a DaemonSet or of a kind that drainbot does not know
does not count: nothing tells how many of its pods should be ready.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.drain.facts import Controller, Owner, Pod
from jobs.drain.workloads import REPLICATED
from jobs.models import Unwell

SETTLED = 1_000  # ms after a pod left until a status counts: its controller may be behind
_PODS = 10  # of a workload that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A workload before the first eviction: how many of its pods were ready then.

    `namespace` and `name` are what people know it by, `controller` is what controls its pods.
    """

    controller: Controller
    namespace: str
    name: str
    ready: int

    @property
    def uid(self) -> str:
        """The uid of what controls its pods."""
        return self.controller.uid

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Baseline":
        """Read one as it was stored: as `look_at_owners` wrote it, or :meth:`stored`."""
        return cls(
            controller=Controller(**raw["controller"]),
            namespace=raw["namespace"],
            name=raw["name"],
            ready=int(raw["ready"]),
        )

    def stored(self) -> dict[str, Any]:
        """Return it as JSON that :meth:`read` takes."""
        one = self.controller
        return {
            "controller": {
                "kind": one.kind, "name": one.name, "uid": one.uid,
                "api_version": one.api_version,
            },
            "namespace": self.namespace, "name": self.name, "ready": self.ready,
        }  # fmt: skip

    def needs(self, now: Owner | None) -> int:
        """Return how many of its pods must be ready for it to be well; None: it is gone."""
        return 0 if now is None else min(self.ready, now.replicas)

    def well(self, now: Owner | None) -> bool:
        """Whether it is as well as before."""
        return now is None or now.ready >= self.needs(now)

    def words(self, now: Owner) -> str:
        """Return `shop/web 1 of 2 ready`."""
        return f"{self.namespace}/{self.name} {max(now.ready, 0)} of {self.needs(now)} ready"


def baselines(stored: Iterable[Mapping[str, Any]]) -> tuple[Baseline, ...]:
    """Return those that count of what was stored before the first eviction."""
    read = [Baseline.read(raw) for raw in stored]
    return tuple(each for each in read if each.controller.kind in REPLICATED and each.ready > 0)


def unwell(before: Baseline, now: Owner, pods: Iterable[Pod]) -> Unwell:
    """Say what a workload waits for; `pods` may hold others' too."""
    own = [pod for pod in pods if pod.controller is not None and pod.controller.uid == before.uid]
    waited = [pod for pod in own if not (pod.ready or pod.terminating or pod.finished)]
    waited.sort(key=lambda pod: (not pod.why_not_ready, pod.name))
    return Unwell(
        owner=now.ref,
        ready_before=before.ready,
        needed=before.needs(now),
        why="" if waited else now.trouble,
        pods=tuple(pod.not_ready for pod in waited[:_PODS]),
    )
