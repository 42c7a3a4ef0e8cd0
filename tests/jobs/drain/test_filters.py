from typing import Any

import pytest

from jobs.drain.filters import Fate, Rules, daemonsets_of, judge, refusal
from jobs.models import DrainOptions, RefusalReason
from jobs.selectors import SelectorError
from tests.jobs.drain.making import NOW, daemon_set, job, pod

R = RefusalReason


def fate(subject: Any, *, now: int = NOW, **options: Any) -> Fate:
    return judge(subject, Rules.of(DrainOptions(**options)), now).fate


def test_an_ordinary_pod_is_evicted() -> None:
    assert fate(pod()) is Fate.EVICT


def test_a_mirror_pod_is_skipped_whatever_else_is_true_of_it() -> None:
    assert fate(pod(mirror=True, controller=None, emptydir=True, deletion=NOW)) is Fate.SKIP


def test_a_daemonsets_running_pod_is_left_by_default() -> None:
    assert fate(pod(controller=daemon_set(), emptydir=True)) is Fate.LEAVE


def test_a_daemonsets_running_pod_is_refused_where_they_are_not_ignored() -> None:
    judgement = judge(
        pod(controller=daemon_set()), Rules.of(DrainOptions(ignore_daemonsets=False)), NOW
    )
    assert (judgement.fate, judgement.reasons) == (Fate.REFUSE, (R.DAEMONSET,))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_evicted_whatever_else_is_true_of_it(phase: str) -> None:
    finished = pod(
        phase=phase,
        controller=None,
        emptydir=True,
        do_not_disrupt=True,
        not_safe_to_evict=True,
        gpu=True,
        started=NOW - 10**8,
    )
    assert fate(finished) is Fate.EVICT
    assert fate(pod(phase=phase, controller=daemon_set())) is Fate.EVICT


def test_a_pod_of_a_daemonset_that_is_gone_is_refused_and_evicted_under_force() -> None:
    orphan = pod(controller=daemon_set())
    gone = frozenset({daemon_set().uid})
    refused = judge(orphan, Rules(daemonsets_gone=gone), NOW)
    assert (refused.fate, refused.reasons) == (Fate.REFUSE, (R.DAEMONSET_GONE,))
    forced = judge(orphan, Rules.of(DrainOptions(force=True), daemonsets_gone=gone), NOW)
    assert (forced.fate, forced.overridden) == (Fate.EVICT, (R.DAEMONSET_GONE,))


def test_an_emptydir_refuses_unless_its_data_may_be_deleted() -> None:
    assert judge(pod(emptydir=True), Rules(), NOW).reasons == (R.EMPTYDIR,)
    assert fate(pod(emptydir=True), delete_emptydir_data=True) is Fate.EVICT
    assert fate(pod(emptydir=True), force=True) is Fate.REFUSE


def test_a_pod_without_an_owner_is_refused_and_evicted_under_force() -> None:
    assert judge(pod(controller=None), Rules(), NOW).reasons == (R.UNMANAGED,)
    assert fate(pod(controller=None), force=True) is Fate.EVICT


def test_a_terminating_pod_is_waited_for_even_if_it_could_be_refused() -> None:
    assert fate(pod(deletion=NOW + 1000, controller=None, emptydir=True)) is Fate.WAIT


def test_a_pod_that_has_been_terminating_for_too_long_is_not_waited_for() -> None:
    stuck = pod(deletion=NOW)
    assert fate(stuck, now=NOW + 10_000, skip_wait_for_delete_timeout=10) is Fate.WAIT
    assert fate(stuck, now=NOW + 10_001, skip_wait_for_delete_timeout=10) is Fate.FORGET
    assert fate(stuck, now=NOW + 10**9) is Fate.WAIT


def test_a_pod_outside_the_selector_is_not_looked_at_and_refuses_nothing() -> None:
    assert fate(pod(controller=None), pod_selector="app=other") is Fate.NOT_SELECTED
    assert fate(pod(controller=None), pod_selector="app=web") is Fate.REFUSE


def test_a_bad_selector_is_refused_with_the_part_that_is_wrong() -> None:
    with pytest.raises(SelectorError, match="label's key"):
        Rules.of(DrainOptions(pod_selector="app=x,=web"))


def test_a_mark_that_spares_a_pod_for_a_while_refuses_until_then() -> None:
    spared = pod(do_not_disrupt_until=NOW)
    before = judge(spared, Rules(), NOW - 1)
    assert (before.fate, before.reasons) == (Fate.REFUSE, (R.DO_NOT_DISRUPT,))
    assert judge(spared, Rules(), NOW, first_seen=NOW - 1).fate is Fate.EVICT


def test_do_not_disrupt_and_not_safe_to_evict_refuse_even_under_force() -> None:
    both = pod(do_not_disrupt=True, not_safe_to_evict=True)
    rules = Rules.of(DrainOptions(force=True, delete_emptydir_data=True))
    assert judge(both, rules, NOW).reasons == (R.DO_NOT_DISRUPT, R.NOT_SAFE_TO_EVICT)


@pytest.mark.parametrize("kind", [{"controller": job()}, {"gpu": True}])
def test_long_work_is_refused_once_it_is_long(kind: dict[str, Any]) -> None:
    at_work = pod(started=NOW, **kind)
    assert fate(at_work, now=NOW + 600_000) is Fate.EVICT
    assert judge(at_work, Rules(), NOW + 600_001).reasons == (R.LONG_WORK,)
    assert judge(at_work, Rules(long_work=0), NOW + 10**9).fate is Fate.EVICT


def test_work_that_becomes_long_while_it_is_drained_is_not_refused_then() -> None:
    at_work = pod(started=NOW, controller=job())
    later = judge(at_work, Rules(), NOW + 10**9, first_seen=NOW + 1000)
    assert later.fate is Fate.EVICT


def test_a_pod_is_refused_with_every_reason_at_once() -> None:
    subject = pod(controller=None, emptydir=True, do_not_disrupt=True)
    judgement = judge(subject, Rules(), NOW)
    assert judgement.reasons == (R.EMPTYDIR, R.UNMANAGED, R.DO_NOT_DISRUPT)


def test_evict_anyway_lets_exactly_those_uids_go() -> None:
    rules = Rules(evict_anyway=frozenset({"uid-a"}))
    judgement = judge(pod("a", controller=None), rules, NOW)
    assert (judgement.fate, judgement.overridden) == (Fate.EVICT, (R.UNMANAGED,))
    assert judge(pod("a", uid="uid-a-again", controller=None), rules, NOW).fate is Fate.REFUSE


def test_a_refusal_names_the_owner_that_the_pod_names() -> None:
    subject = pod(emptydir=True)
    value = refusal(subject, judge(subject, Rules(), NOW))
    assert value.reasons == (R.EMPTYDIR,)
    assert value.owner is not None
    assert (value.owner.kind, value.owner.name, value.owner.replicas) == (
        "ReplicaSet",
        "web-5d9",
        -1,
    )


def test_only_daemonsets_of_unfinished_pods_have_to_be_read() -> None:
    pods = [pod(), pod("a", controller=daemon_set()), pod("b", controller=daemon_set("old"))]
    pods[2] = pod("b", controller=daemon_set("old"), phase="Failed")
    assert daemonsets_of(pods) == {("shop", daemon_set())}
