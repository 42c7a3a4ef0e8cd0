from typing import Any

import pytest

from sandbox.cluster.deletion import delete_pod, held_no_longer, mark_ending
from sandbox.cluster.objects import Item
from sandbox.cluster.times import parse, stamp
from tests.sandbox.cluster.http_client import Json

NOW = 1_800_000_000.0


def pod(phase: str = "Running", grace: int = 30, node: str = "node-1", **metadata: Any) -> Item:
    return Item(
        {
            "metadata": {"name": "web", "namespace": "rec", "generation": 1, **metadata},
            "spec": {"nodeName": node, "terminationGracePeriodSeconds": grace},
            "status": {"phase": phase},
        },
        1,
    )


def ending(grace: int, begun: float = NOW, **metadata: Any) -> Item:
    at: Json = {"deletionTimestamp": stamp(begun + grace), "deletionGracePeriodSeconds": grace}
    return pod(**at, **metadata)


def written(body: Json | None) -> tuple[float, int]:
    assert body is not None
    metadata = body["metadata"]
    return parse(metadata["deletionTimestamp"]), metadata["deletionGracePeriodSeconds"]


@pytest.mark.parametrize(
    ("one", "asked", "grace"),
    [
        (pod(), None, 30),
        (pod(grace=5), None, 5),
        (pod(), 7, 7),
        (pod(), -1, 1),
        (pod(), 0, 0),
        (pod(node=""), None, 0),
        (pod("Succeeded"), 60, 0),
        (pod("Failed"), None, 0),
    ],
)
def test_the_first_deletion_gives_the_grace_and_says_when_it_ends(
    one: Item, asked: int | None, grace: int
) -> None:
    step = delete_pod(one, asked, NOW)
    assert written(step.body) == (NOW + grace, grace)
    assert step.remove is (grace == 0)
    assert step.body is not None
    assert step.body["metadata"]["generation"] == 2


@pytest.mark.parametrize("asked", [None, 30, 31])
def test_a_repeat_changes_nothing(asked: int | None) -> None:
    step = delete_pod(ending(30), asked, NOW + 5)
    assert (step.body, step.remove) == (None, False)


def test_a_shorter_grace_counts_from_the_first_deletion() -> None:
    step = delete_pod(ending(30), 10, NOW + 5)
    assert written(step.body) == (NOW + 10, 10)
    assert not step.remove


def test_a_shortened_deletion_never_ends_in_the_past() -> None:
    step = delete_pod(ending(30), 10, NOW + 20)
    assert written(step.body) == (NOW + 20, 1)  # still graceful
    step = delete_pod(ending(30), 0, NOW + 20)
    assert written(step.body) == (NOW + 20, 0)
    assert step.remove


def test_what_has_no_grace_left_is_removed_at_the_next_deletion() -> None:
    assert delete_pod(ending(0), None, NOW).remove


def test_finalizers_hold_a_pod_whose_grace_is_over() -> None:
    step = delete_pod(ending(30, finalizers=["hold"]), 0, NOW)
    assert not step.remove
    assert step.body is not None
    assert not held_no_longer(step.body)
    step.body["metadata"].pop("finalizers")
    assert held_no_longer(step.body)


def test_an_object_is_marked_once() -> None:
    body = mark_ending(pod(finalizers=["hold"]), NOW)
    assert body["metadata"]["deletionTimestamp"] == stamp(NOW)
    assert mark_ending(Item(body, 2), NOW + 60) == body
