"""When a workload is as well as it was before a drain took pods of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.facts import Controller, Owner, Pod
from jobs.drain.wellness import Baseline, baselines, unwell

CONTROLLER = Controller(kind="ReplicaSet", name="web-5d", uid="rs1")
BEFORE = Baseline(controller=CONTROLLER, namespace="shop", name="web", ready=2)
NOW = Owner(
    uid="rs1", kind="Deployment", namespace="shop", name="web", replicas=3, ready=2,
)  # fmt: skip


def stored(**fields: Any) -> dict[str, Any]:
    controller = {"kind": "ReplicaSet", "name": "web-5d", "uid": "rs1", "api_version": "apps/v1"}
    return {
        "controller": controller, "namespace": "shop", "name": "web", "ready": 2, **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ready", "replicas", "well"),
    [
        (2, 3, True),  # as ready as before, though more are wanted
        (3, 3, True),
        (1, 3, False),
        (1, 1, True),  # scaled down meanwhile: as many as are wanted now
        (0, 0, True),  # scaled to nothing
        (0, 2, False),
        (0, 1, False),
    ],
)
def test_well_is_as_ready_as_before_or_as_many_as_are_wanted_now(
    ready: int, replicas: int, *, well: bool
) -> None:
    assert BEFORE.well(replace(NOW, ready=ready, replicas=replicas)) is well


def test_a_workload_that_is_gone_is_not_waited_for() -> None:
    assert BEFORE.well(None)


@pytest.mark.parametrize(
    "raw",
    [
        stored(controller={"kind": "Job", "name": "j", "uid": "u"}),
        stored(controller={"kind": "DaemonSet", "name": "d", "uid": "u"}),
        stored(controller={"kind": "Rollout", "name": "r", "uid": "u", "api_version": "argo/v1"}),
        stored(ready=0),
        stored(ready=-1),  # its kind does not say
    ],
)
def test_what_tells_of_no_ready_pods_does_not_count(raw: dict[str, Any]) -> None:
    assert baselines([raw]) == ()
    assert baselines([raw, stored()]) == (BEFORE,)


def test_a_baseline_is_stored_as_it_is_read() -> None:
    assert Baseline.read(BEFORE.stored()) == BEFORE
    assert Baseline.read(stored()) == BEFORE


def pod(name: str, **fields: Any) -> Pod:
    fields = {"controller": CONTROLLER, "ready": False, **fields}
    return Pod(namespace="shop", name=name, uid=name, **fields)


def test_what_it_waits_for_are_its_own_pods_that_are_not_ready_the_explained_ones_first() -> None:
    pods = [
        pod("a", ready_changed=5),
        pod("b", phase="Pending", why_not_ready="0/3 nodes are available", created=9),
        pod("ready", ready=True),
        pod("leaving", deletion=1),
        pod("done", phase="Failed"),
        pod("anothers", controller=Controller(kind="ReplicaSet", name="x", uid="rs2")),
        pod("nobodys", controller=None),
    ]
    told = unwell(BEFORE, replace(NOW, ready=1), pods)
    assert [(each.pod, each.why, each.since) for each in told.pods] == [
        ("shop/b", "0/3 nodes are available", 9),
        ("shop/a", "", 5),
    ]
    assert (told.ready_before, told.needed, told.owner.ready, told.why) == (2, 2, 1, "")


def test_a_workload_that_can_make_no_pods_says_why() -> None:
    trouble = 'pods "web" is forbidden: exceeded quota'
    told = unwell(BEFORE, replace(NOW, ready=0, trouble=trouble), [])
    assert (told.pods, told.why) == ((), trouble)


@given(before=st.integers(1, 50), wanted=st.integers(0, 50), ready=st.integers(0, 50))
def test_it_never_waits_for_more_than_there_was_or_is_wanted(
    before: int, wanted: int, ready: int
) -> None:
    baseline = replace(BEFORE, ready=before)
    now = replace(NOW, replicas=wanted, ready=ready)
    assert baseline.well(now) or ready < before
    assert baseline.well(now) or ready < wanted
    assert baseline.well(now) == (ready >= baseline.needs(now))
