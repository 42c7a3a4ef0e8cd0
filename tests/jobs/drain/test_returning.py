"""What a node lacks of what it was before its drain."""

import json

import pytest

from jobs.drain.facts import Controller, Node, Pod
from jobs.drain.returning import daemonsets_missing, lacks


def noted(**allocatable: str) -> dict[str, str | int]:
    return {"allocatable": json.dumps(allocatable)}


def node(allocatable: dict[str, str], *, ready: bool = True) -> Node:
    return Node(name="a", uid="u", ready=ready, allocatable=allocatable)


@pytest.mark.parametrize(
    ("had", "has"),
    [
        ({"cpu": "4", "memory": "16Gi"}, {"cpu": "4", "memory": "16Gi"}),
        ({"cpu": "4"}, {"cpu": "4000m"}),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}),
        ({"memory": "32780000Ki"}, {"memory": "32779000Ki"}),  # another kernel
        ({"cpu": "4"}, {"cpu": "8"}),
        ({}, {"cpu": "4"}),
    ],
)
def test_a_node_with_as_much_as_before_lacks_nothing(
    had: dict[str, str], has: dict[str, str]
) -> None:
    assert lacks(node(has), noted(**had)) == []


def test_what_is_less_is_said_in_the_servers_words_the_usual_first() -> None:
    before = {"nvidia.com/gpu": "2", "memory": "16Gi", "cpu": "4"}
    now = node({"memory": "8Gi", "cpu": "4"}, ready=False)
    assert lacks(now, noted(**before)) == [
        "it is not Ready",
        "it has 8Gi memory for pods, and had 16Gi",
        "it has 0 nvidia.com/gpu for pods, and had 2",
    ]


def test_of_a_node_that_an_earlier_version_drained_only_ready_counts() -> None:
    assert lacks(node({"cpu": "4"}), {}) == []
    assert daemonsets_missing([], {}) == {}


def pod(uid: str, *, ready: bool = True) -> Pod:
    by = Controller(kind="DaemonSet", name="logs", uid=uid)
    return Pod(namespace="kube-system", name="logs-1", uid="p", ready=ready, controller=by)


@pytest.mark.parametrize(
    ("pods", "missing"),
    [
        ([pod("d")], {}),
        ([pod("d", ready=False)], {"kube-system/logs": "d"}),
        ([pod("another")], {"kube-system/logs": "d"}),
        ([], {"kube-system/logs": "d"}),
    ],
)
def test_a_daemonset_without_a_ready_pod_is_missing(
    pods: list[Pod], missing: dict[str, str]
) -> None:
    before: dict[str, str | int] = {"daemonsets": json.dumps({"kube-system/logs": "d"})}
    assert daemonsets_missing(pods, before) == missing
