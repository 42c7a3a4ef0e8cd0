"""Pods, and what keeps them from leaving a node."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import field_validator

from jobs.models.base import Frozen


class PodRef(Frozen):
    """One pod, for good: the same name with another uid is another pod."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        """`namespace/name`, as people write it."""
        return f"{self.namespace}/{self.name}"


class OwnerRef(Frozen):
    """The controlling owner of a pod, and what is known of its replicas (-1: not known)."""

    kind: str
    namespace: str
    name: str
    uid: str
    replicas: int = -1
    ready: int = -1


class RefusalReason(StrEnum):
    """Why a drain may not touch a pod by itself."""

    UNMANAGED = "unmanaged"  # no controlling owner: nothing would start it again
    EMPTYDIR = "emptydir"  # its emptyDir's data would be lost
    DAEMONSET = "daemonset"  # a DaemonSet's, and --ignore-daemonsets is off
    DAEMONSET_GONE = "daemonset_gone"
    DO_NOT_DISRUPT = "do_not_disrupt"  # karpenter.sh/do-not-disrupt
    NOT_SAFE_TO_EVICT = "not_safe_to_evict"  # cluster-autoscaler.kubernetes.io/safe-to-evict
    LONG_WORK = "long_work"  # a Job's pod or one with a GPU, running for long
    LAST_READY = "last_ready"  # the last ready pod of a workload without a budget


class Refusal(Frozen):
    """A pod that a drain may not touch by itself, with every reason for it."""

    pod: PodRef
    reasons: tuple[RefusalReason, ...]
    owner: OwnerRef | None = None


class Verdict(StrEnum):
    """Whether waiting can help a block."""

    MAY_PASS = "may_pass"  # noqa: S105  (no password: a budget that may let the pod pass later)
    NEVER = "never"  # can't be met as things are: a person has to change something
    THROTTLED = "throttled"  # the API server is busy: no budget at all


class BudgetFacts(Frozen):
    """A PodDisruptionBudget as it stood. `spec` is its rule in words, like `minAvailable 3`."""

    namespace: str
    name: str
    uid: str = ""
    spec: str = ""
    current_healthy: int = -1
    desired_healthy: int = -1
    expected_pods: int = -1
    disruptions_allowed: int = -1


class NotReady(Frozen):
    """A pod that is not ready, since when (ms since the epoch, 0: not known), and why if known.

    `why` are the words of the scheduler or the kubelet, such as "0/3 nodes are available: …".
    """

    pod: str
    since: int = 0
    why: str = ""


class Unwell(Frozen):
    """A workload that is less ready than before its node's drain, and the pods that it waits for.

    `owner` is as it stands now; `ready_before` how many of its pods were ready before, and `needed`
    how many must be (-1: not known). `why` is what keeps it from making pods at all, if known.
    """

    owner: OwnerRef
    ready_before: int
    needed: int = -1
    why: str = ""
    pods: tuple[NotReady, ...] = ()


class Holder(Frozen):
    """Another operation of ours that evicted under a budget, and when it did last (ms)."""

    operation: str
    at: int


BY_BUDGETS = frozenset({"budget", "two_budgets", "budget_broken"})
"""The kinds of blocks that a budget's numbers tell of."""


class Block(Frozen):
    """An eviction that was refused, and why, in facts. `message` is the server's own words.

    `kind` tells a budget from two budgets on a pod, a missing right, an admission webhook, a
    namespace that ends, and a throttling server. `not_ready` are the pods, on whatever node, that
    the budget waits for, `held_by` other operations that evicted under it a short while ago;
    `help` is one sentence on what would help, or empty.
    """

    pod: PodRef
    kind: Literal["budget", "two_budgets", "rbac", "webhook", "budget_broken", "namespace", "busy"]
    verdict: Verdict
    message: str
    budgets: tuple[BudgetFacts, ...] = ()
    owner: OwnerRef | None = None
    not_ready: tuple[NotReady, ...] = ()
    held_by: tuple[Holder, ...] = ()
    since: int = 0
    help: str = ""

    @field_validator("not_ready", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        """Read the names that questions of an earlier version stored."""
        return [{"pod": each} if isinstance(each, str) else each for each in value]


class WontStop(Frozen):
    """A pod that should have been gone: terminating past its time, and why if it is known.

    `due` is its deletionTimestamp in milliseconds since the epoch.
    """

    pod: PodRef
    due: int
    finalizers: tuple[str, ...] = ()
    node_ready: bool = True


Obstacle = Refusal | Block | WontStop
