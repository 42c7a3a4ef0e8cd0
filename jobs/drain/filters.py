"""What becomes of each pod of a node: kubectl's filters, and those that careful drainers add.

kubectl stops at the first reason and reports all pods before it evicts any; here every reason of a
pod is kept, because people decide on all of them at once, and the other pods go on meanwhile.
Whatever is already being deleted is waited for even if it could have been refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.drain.facts import Controller, Owner, Pod
from jobs.drain.selectors import EVERYTHING
from jobs.models import DrainOptions, Refusal, RefusalReason
from jobs.selectors import Selector, parse

MIRROR = "kubernetes.io/config.mirror"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"


class Fate(StrEnum):
    """What a drain does with a pod."""

    EVICT = "evict"
    WAIT = "wait"  # being deleted already: waited for, not evicted again
    REFUSE = "refuse"  # people decide
    LEAVE = "leave"  # a DaemonSet's: stays and does not count
    SKIP = "skip"  # a mirror pod: only the kubelet's file can end it
    FORGET = "forget"  # being deleted for so long that nobody waits for it
    NOT_SELECTED = "not_selected"  # outside --pod-selector: not looked at

    @property
    def must_go(self) -> bool:
        """Whether the node is not empty while the pod is there."""
        return self in _MUST_GO


_MUST_GO = (Fate.EVICT, Fate.WAIT, Fate.REFUSE)  # made once: asked of every pod at every event


@dataclass(frozen=True, slots=True)
class Rules:
    """What judging rests on. `evict_anyway` holds uids that people let go in spite of a reason.

    `daemonsets_gone` holds the uids of DaemonSets that no longer exist; any other is taken to
    exist. `long_work` is in seconds, 0 turns it off. That a pod is the last
    ready one of its workload is no matter of the pod alone: see :mod:`jobs.drain.workloads`.
    """

    options: DrainOptions = field(default_factory=DrainOptions)
    selector: Selector = EVERYTHING
    evict_anyway: frozenset[str] = frozenset()
    daemonsets_gone: frozenset[str] = frozenset()
    long_work: float = 600

    @classmethod
    def of(
        cls,
        options: DrainOptions,
        *,
        evict_anyway: frozenset[str] = frozenset(),
        daemonsets_gone: frozenset[str] = frozenset(),
        long_work: float = 600,
    ) -> "Rules":
        """Make the rules of a drain; raises SelectorError for a bad `pod_selector`."""
        return cls(
            options=options,
            selector=parse(options.pod_selector),
            evict_anyway=evict_anyway,
            daemonsets_gone=daemonsets_gone,
            long_work=long_work,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A pod's fate. `reasons` are those that refuse it; `overridden` those that were let pass."""

    fate: Fate
    reasons: tuple[RefusalReason, ...] = ()
    overridden: tuple[RefusalReason, ...] = ()


def judge(pod: Pod, rules: Rules, now: int, *, first_seen: int = 0) -> Judgement:
    """Decide what becomes of one pod; `now` in milliseconds since the epoch.

    A Job's pod counts as long work by its age at `first_seen` (`now` if 0): it must not become a
    refusal in the middle of its own eviction. A mark that spares a pod for a while ends by `now`.
    """
    if (stays := _stays(pod, rules, now)) is not None:
        return Judgement(stays)
    if _of_living_daemonset(pod, rules) and not pod.terminating:
        return _refused_or_not(pod, rules, (RefusalReason.DAEMONSET,))
    if pod.terminating:
        return Judgement(Fate.WAIT)
    if pod.finished:
        return Judgement(Fate.EVICT)
    return _refused_or_not(pod, rules, tuple(_reasons(pod, rules, now, first_seen or now)))


def _stays(pod: Pod, rules: Rules, now: int) -> Fate | None:
    if not rules.selector.match(pod.labels):
        return Fate.NOT_SELECTED
    if pod.mirror:
        return Fate.SKIP
    if _deleted_long_ago(pod, rules, now):
        return Fate.FORGET
    if _of_living_daemonset(pod, rules) and rules.options.ignore_daemonsets:
        return Fate.LEAVE
    return None


def refusal(pod: Pod, judgement: Judgement, owner: Owner | None = None) -> Refusal:
    """Put a refused pod into the value that questions carry.

    An owner that was not read is named with what the pod says of it.
    """
    if owner is None and pod.controller is not None:
        known = pod.controller
        owner = Owner(uid=known.uid, kind=known.kind, namespace=pod.namespace, name=known.name)
    return Refusal(
        pod=pod.ref, reasons=judgement.reasons, owner=None if owner is None else owner.ref
    )


def daemonsets_of(pods: Iterable[Pod]) -> frozenset[tuple[str, Controller]]:
    """Return (namespace, DaemonSet) of the unfinished pods: whether each still exists decides."""
    return frozenset(
        (pod.namespace, pod.controller)
        for pod in pods
        if pod.controller is not None and pod.controller.kind == "DaemonSet" and not pod.finished
    )


def _deleted_long_ago(pod: Pod, rules: Rules, now: int) -> bool:
    limit = rules.options.skip_wait_for_delete_timeout
    return pod.terminating and limit > 0 and now - pod.deletion > limit * 1000


def _daemonset(pod: Pod) -> bool:
    return pod.controller is not None and pod.controller.kind == "DaemonSet" and not pod.finished


def _of_living_daemonset(pod: Pod, rules: Rules) -> bool:
    return (
        _daemonset(pod)
        and pod.controller is not None
        and pod.controller.uid not in rules.daemonsets_gone
    )


def _reasons(pod: Pod, rules: Rules, now: int, seen: int) -> Iterable[RefusalReason]:
    if _daemonset(pod):
        yield RefusalReason.DAEMONSET_GONE
    if pod.emptydir:
        yield RefusalReason.EMPTYDIR
    if pod.controller is None:
        yield RefusalReason.UNMANAGED
    if pod.do_not_disrupt or now < pod.do_not_disrupt_until:
        yield RefusalReason.DO_NOT_DISRUPT
    if pod.not_safe_to_evict:
        yield RefusalReason.NOT_SAFE_TO_EVICT
    if _long_work(pod, rules, seen):
        yield RefusalReason.LONG_WORK


def _long_work(pod: Pod, rules: Rules, now: int) -> bool:
    of_job = pod.controller is not None and pod.controller.kind == "Job"
    return (
        rules.long_work > 0
        and (of_job or pod.gpu)
        and pod.phase == "Running"
        and pod.started > 0
        and now - pod.started > rules.long_work * 1000
    )


def _refused_or_not(pod: Pod, rules: Rules, reasons: tuple[RefusalReason, ...]) -> Judgement:
    if pod.uid in rules.evict_anyway:
        return Judgement(Fate.EVICT, overridden=reasons)
    granted: set[RefusalReason] = set()
    if rules.options.force:
        granted |= {RefusalReason.UNMANAGED, RefusalReason.DAEMONSET_GONE}
    if rules.options.delete_emptydir_data:
        granted.add(RefusalReason.EMPTYDIR)
    left = tuple(reason for reason in reasons if reason not in granted)
    overridden = tuple(reason for reason in reasons if reason in granted)
    return Judgement(Fate.REFUSE if left else Fate.EVICT, left, overridden)
