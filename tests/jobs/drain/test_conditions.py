"""What a node's conditions and Events say at each stage of its drain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.conditions import (
    LONGEST,
    Stage,
    Told,
    as_told,
    conditions_of,
    conditions_patch,
    event_body,
    words,
)
from jobs.drain.facts import Node, NodeCondition
from jobs.drain.fence import OPERATION, REASON, REQUESTED_BY, THREAD
from tests.jobs.drain.making import NOW, node

URL = "https://acme.slack.com/archives/C01/p1700000000000100"
LATER = NOW + 60_000


def told(stage: Stage, **fields: Any) -> Told:
    given_fields: dict[str, Any] = {
        "node": "node-1", "uid": "uid-node-1", "operation": "op-a", "at": NOW,
    }  # fmt: skip
    return Told(stage=stage, **{**given_fields, **fields})


def ours(**fields: Any) -> Node:
    marks = {OPERATION: "op-a", REQUESTED_BY: "T:U1", REASON: "kernel", THREAD: URL}
    return node(annotations=marks, unschedulable=True, **fields)


def statuses(stage: Stage) -> dict[str, str]:
    return {c.kind: c.status for c in conditions_of(told(stage))}


def after(before: Node, patch: dict[str, Any]) -> Node:
    """Do to a node's conditions what the API server does with the strategic merge patch."""
    fresh = tuple(
        NodeCondition(
            kind=raw["type"], status=raw["status"], reason=raw["reason"], message=raw["message"],
            since=NOW if raw["lastTransitionTime"] == "2027-01-15T08:00:00Z" else LATER,
        )
        for raw in patch["status"]["conditions"]
    )  # fmt: skip
    return node(annotations=before.annotations, conditions=fresh)


@pytest.mark.parametrize(
    ("stage", "in_progress", "drained"),
    [
        (Stage.STARTED, "True", "False"),
        (Stage.BLOCKED, "True", "False"),
        (Stage.DRAINED, "False", "True"),
        (Stage.ABORTED, "False", "False"),
        (Stage.STOPPED, "False", "False"),
        (Stage.SKIPPED, "False", "False"),
        (Stage.FAILED, "False", "False"),
        (Stage.RETURNED, "False", "False"),
        (Stage.RELEASED, "False", "False"),
    ],
)
def test_each_stage_has_its_conditions(stage: Stage, in_progress: str, drained: str) -> None:
    assert statuses(stage) == {"DrainInProgress": in_progress, "Drained": drained}


def test_the_conditions_tell_who_why_and_where_by_the_nodes_own_marks() -> None:
    patch = conditions_patch(ours(), told(Stage.STARTED))
    assert patch is not None
    assert patch["metadata"] == {"resourceVersion": "7"}
    first = patch["status"]["conditions"][0]
    assert first == {
        "type": "DrainInProgress",
        "status": "True",
        "reason": "Draining",
        "message": "drainbot drains this node; operation op-a, requested by T:U1; reason: kernel; "
        f"thread: {URL}",
        "lastTransitionTime": "2027-01-15T08:00:00Z",
        "lastHeartbeatTime": "2027-01-15T08:00:00Z",
    }


def test_a_condition_that_stays_what_it_is_keeps_the_time_of_its_last_transition() -> None:
    first = conditions_patch(ours(), told(Stage.STARTED))
    assert first is not None
    blocked = conditions_patch(after(ours(), first), told(Stage.BLOCKED, at=LATER))
    assert blocked is not None
    assert [c["lastTransitionTime"] for c in blocked["status"]["conditions"]] == [
        "2027-01-15T08:00:00Z",
        "2027-01-15T08:00:00Z",
    ]
    drained = conditions_patch(after(ours(), first), told(Stage.DRAINED, at=LATER))
    assert drained is not None
    assert {c["lastTransitionTime"] for c in drained["status"]["conditions"]} == {
        "2027-01-15T08:01:00Z"
    }


def test_what_is_told_already_is_not_written_again() -> None:
    first = conditions_patch(ours(), told(Stage.STARTED))
    assert first is not None
    there = after(ours(), first)
    assert conditions_patch(there, told(Stage.STARTED, at=LATER)) is None
    assert as_told(there, told(Stage.STARTED, at=LATER))
    assert not as_told(there, told(Stage.BLOCKED))
    assert not as_told(ours(), told(Stage.STARTED))


def test_a_slow_process_tells_nothing_of_a_drain_that_is_over() -> None:
    started = told(Stage.STARTED)
    assert conditions_patch(node(), started) is None
    assert conditions_patch(ours(), told(Stage.STARTED, operation="op-b")) is None
    assert conditions_patch(ours(), told(Stage.STARTED, uid="new")) is None


def test_a_return_is_told_only_of_a_node_that_carries_no_mark_any_more() -> None:
    said = tuple(conditions_of(told(Stage.STARTED)))
    free = node(conditions=said)
    assert conditions_patch(free, told(Stage.RETURNED)) is not None
    taken = node(annotations={OPERATION: "op-b"}, conditions=said)
    assert conditions_patch(taken, told(Stage.RETURNED)) is None


def test_where_nothing_was_said_nothing_is_taken_back() -> None:
    assert conditions_patch(node(), told(Stage.RETURNED)) is None


def test_an_event_is_found_by_describe_and_is_told_apart_by_what_it_tells() -> None:
    body = event_body(told(Stage.STARTED), instance="host")
    assert body["involvedObject"] == {
        "apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "node-1",
    }  # fmt: skip
    assert (body["reason"], body["type"]) == ("DrainStarted", "Normal")
    again = event_body(told(Stage.STARTED, at=LATER), instance="other")
    assert again["metadata"] == body["metadata"]
    names = {
        event_body(other, instance="host")["metadata"]["name"]
        for other in (
            told(Stage.STARTED),
            told(Stage.DRAINED),
            told(Stage.STARTED, operation="op-b"),
            told(Stage.STARTED, uid="new"),
            told(Stage.BLOCKED, key="blocked:1"),
            told(Stage.BLOCKED, key="blocked:2"),
        )
    }
    assert len(names) == 6


def test_what_a_person_should_look_at_is_a_warning() -> None:
    kinds = {stage: event_body(told(stage), instance="h")["type"] for stage in Stage}
    normal = {stage for stage, kind in kinds.items() if kind == "Normal"}
    assert normal == {Stage.STARTED, Stage.DRAINED, Stage.RETURNED, Stage.RELEASED}


@given(
    reason=st.text(max_size=3_000), detail=st.text(max_size=3_000), stage=st.sampled_from(Stage),
    name=st.integers(1, 253),
)  # fmt: skip
def test_no_input_makes_an_event_that_the_server_would_refuse(
    reason: str, detail: str, stage: Stage, name: int
) -> None:
    much = told(stage, node="n" * name, reason=reason, detail=detail, thread=URL)
    assert len(words(much)) <= LONGEST
    assert words(much).endswith(URL)
    assert len(event_body(much, instance="h" * 300)["metadata"]["name"]) <= 253
