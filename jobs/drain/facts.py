"""What a drain knows of the cluster's objects: just the fields that decide something.

Times are milliseconds since the epoch; 0 means not set. Values compare by content and never
change; :mod:`jobs.kubernetes.parse` makes them from the API's JSON.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.drain.selectors import NOTHING
from jobs.models import BudgetFacts, NotReady, OwnerRef, PodRef
from jobs.selectors import Selector

FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """The owner reference of a pod that has `controller: true`."""

    kind: str
    name: str
    uid: str
    api_version: str = "apps/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod. `deletion` is when its grace ends, not when the deletion was asked for.

    `grace` is the pod's own, in seconds; `cpu` is in thousandths of a core, `memory` in bytes.
    `do_not_disrupt_until` is when a mark that spares it for a while ends, 0 where there is none.
    `why_not_ready` are the words of the scheduler or the kubelet, "" while it is ready.
    """

    namespace: str
    name: str
    uid: str
    node: str = ""
    resource_version: str = ""
    phase: str = "Running"
    ready: bool = True
    ready_changed: int = 0
    why_not_ready: str = ""
    created: int = 0
    started: int = 0
    deletion: int = 0
    grace: int = 30
    labels: Mapping[str, str] = field(default_factory=dict)
    controller: Controller | None = None
    finalizers: tuple[str, ...] = ()
    mirror: bool = False
    emptydir: bool = False
    gpu: bool = False
    do_not_disrupt: bool = False
    do_not_disrupt_until: int = 0
    not_safe_to_evict: bool = False
    priority: int = 0
    claims: tuple[str, ...] = ()
    cpu: int = 0
    memory: int = 0

    @property
    def ref(self) -> PodRef:
        """Its identity, for messages and requests."""
        return PodRef(namespace=self.namespace, name=self.name, uid=self.uid)

    @property
    def not_ready(self) -> NotReady:
        """What readers are told of a pod that is not ready."""
        since = self.ready_changed or self.created
        return NotReady(pod=str(self), since=since, why=self.why_not_ready)

    @property
    def finished(self) -> bool:
        """Whether all of its containers have ended for good."""
        return self.phase in FINISHED

    @property
    def terminating(self) -> bool:
        """Whether its deletion was asked for."""
        return self.deletion > 0

    def __str__(self) -> str:
        """`namespace/name`, as people write it."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """One taint of a node."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCondition:
    """One condition of a node; `status` is True, False or Unknown, `since` its last transition."""

    kind: str
    status: str
    reason: str = ""
    message: str = ""
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node; `resource_version` guards the next patch of it.

    `deletion` is when its own deletion was asked for. Of its conditions but Ready only those are
    kept that drainbot itself writes (:mod:`jobs.drain.conditions`). `allocatable` is what it has
    for pods, in the server's words.
    """

    name: str
    uid: str
    resource_version: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    unschedulable: bool = False
    ready: bool = True
    ready_changed: int = 0
    taints: tuple[Taint, ...] = ()
    deletion: int = 0
    conditions: tuple[NodeCondition, ...] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What runs a pod, as people know it: a ReplicaSet's Deployment, where it has one.

    `uid` is that of the object which controls the pod; replicas and ready are -1 where the kind
    does not say. `selector` selects its pods (and others', whose controller it is not); `trouble`
    is why it can't make pods, in its controller's words.
    """

    uid: str
    kind: str
    namespace: str
    name: str
    replicas: int = -1
    ready: int = -1
    resource_version: str = ""
    selector: Selector = NOTHING
    trouble: str = ""

    @property
    def ref(self) -> OwnerRef:
        """The value that readers render."""
        return OwnerRef(
            kind=self.kind,
            namespace=self.namespace,
            name=self.name,
            uid=self.uid,
            replicas=self.replicas,
            ready=self.ready,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A volume that is attached, or about to be, to a node."""

    name: str
    node: str
    volume: str = ""
    attached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget. `disrupted` names pods whose eviction it let pass a moment ago.

    `sync_failed` is the controller's own complaint; its counts can't be trusted then.
    """

    namespace: str
    name: str
    uid: str = ""
    resource_version: str = ""
    selector: Selector = NOTHING
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_policy: str = "IfHealthyBudget"
    generation: int = 1
    observed_generation: int = 1
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    disrupted: frozenset[str] = frozenset()
    sync_failed: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name

    @property
    def fresh(self) -> bool:
        """Whether the status is that of the present spec; the server refuses otherwise."""
        return self.observed_generation >= self.generation

    @property
    def spec(self) -> str:
        """Its rule in words, like `minAvailable 3`."""
        if self.max_unavailable is not None:
            return f"maxUnavailable {self.max_unavailable}"
        return "" if self.min_available is None else f"minAvailable {self.min_available}"

    @property
    def facts(self) -> BudgetFacts:
        """The value that readers render; counts are -1 while they are not up to date."""
        counts = (
            {
                "current_healthy": self.current_healthy,
                "desired_healthy": self.desired_healthy,
                "expected_pods": self.expected_pods,
                "disruptions_allowed": self.disruptions_allowed,
            }
            if self.fresh and not self.sync_failed
            else {}
        )
        return BudgetFacts(
            namespace=self.namespace, name=self.name, uid=self.uid, spec=self.spec, **counts
        )

    def covers(self, pod: Pod) -> bool:
        """Whether it selects that pod."""
        return pod.namespace == self.namespace and self.selector.match(pod.labels)

    def desired(self, expected: int) -> int:
        """How many healthy pods it would want of `expected`; both percentages round up.

        As the disruption controller reckons (pkg/controller/disruption, getExpectedPodCount).
        """
        if self.max_unavailable is not None:
            return max(0, expected - _scaled(self.max_unavailable, expected))
        return _scaled(self.min_available or 0, expected)

    def bypassed_by(self, pod: Pod) -> bool:
        """Whether the eviction API does not ask this budget about that pod.

        Pending, finished and terminating pods never count; an unready one passes under
        AlwaysAllow, or while as many are healthy as are wanted (registry/core/pod, eviction.go).
        """
        if pod.phase == "Pending" or pod.finished or pod.terminating:
            return True
        if pod.ready:
            return False
        return self.unhealthy_policy == "AlwaysAllow" or (
            self.current_healthy >= self.desired_healthy > 0
        )


def _scaled(value: int | str, total: int) -> int:
    if isinstance(value, int):
        return value
    try:
        if value.endswith("%"):
            return math.ceil(int(value[:-1]) * total / 100)
        return int(value)
    except ValueError:
        return 0  # the API server lets no such value in
