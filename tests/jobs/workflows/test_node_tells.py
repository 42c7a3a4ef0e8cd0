"""What a node tells of its drain: to `kubectl describe`, to autoscalers, to other tools."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import structlog.testing
from redis import Redis

from jobs.drain.fence import HANDS_OFF, PREFIX, REASON, SINCE, THREAD, TOKEN
from jobs.drain.mode_marks import MODE, MODE_BY, MODE_SEQ, MODE_SINCE, MODE_WHY
from jobs.kubernetes import connect
from jobs.kubernetes.rights import RIGHTS
from jobs.models import NodeStatus, OperationEnd, QuestionKind
from jobs.workflows import choices
from sandbox.cluster import Scenario, nodes
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, policy_with, until
from tests.jobs.rights import user_with
from tests.jobs.story import Story, block, web

URL = "https://acme.slack.com/archives/C01/p1700000000000100"


def node_of(story: Story, name: str = "node-1") -> dict[str, Any]:
    found = story.cluster.get("Node", "", name)
    assert found is not None
    return found


def annotations(story: Story) -> dict[str, str]:
    return node_of(story)["metadata"].get("annotations") or {}


def conditions(story: Story) -> dict[str, tuple[str, str]]:
    found = node_of(story)["status"]["conditions"]
    return {c["type"]: (c["status"], c.get("reason", "")) for c in found}


def events(story: Story) -> list[str]:
    found = story.cluster.list("Event", "default")
    return [event["reason"] for event in sorted(found, key=_made)]


def _made(event: dict[str, Any]) -> int:
    return int(event["metadata"]["resourceVersion"])


def has(story: Story, **wanted: str) -> bool:
    """Whether the node has these conditions, by type and status."""
    known = conditions(story)
    return all(known.get(kind, ("",))[0] == status for kind, status in wanted.items())


def describe(story: Story, folder: Path) -> str:
    done = subprocess.run(
        ["kubectl", "describe", "node", "node-1"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(story.cluster.kubeconfig(folder / "describe")),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_node_shows_its_mode_and_who_wanted_it_and_why_until_it_is_given_back(
    play: Play,
) -> None:
    story = play()
    operation = story.submit("node-1", reason="kernel update")
    assert story.finish(operation).end is OperationEnd.DRAINED
    until(lambda: annotations(story).get(MODE) == "drained", what="the mode")
    marks = annotations(story)
    assert (marks[MODE_BY], marks[MODE_WHY], marks[MODE_SEQ]) == (ANA.id, "kernel update", "2")
    assert marks[MODE_SINCE].endswith("Z")
    story.give_back("node-1")
    until(lambda: annotations(story).get(MODE_SEQ) == "4", what="the count")
    assert not {MODE, MODE_BY, MODE_WHY, MODE_SINCE} & annotations(story).keys()


def test_each_change_of_a_mode_is_told_by_its_name(play: Play, redis: Redis) -> None:
    story = play()
    story.finish(story.submit("node-1"))
    story.give_back("node-1")
    told = [fields for _, fields in cast("list[Any]", redis.xrange("drainbot:test:events"))]
    assert [f["change"] for f in told if f["kind"] == "node_mode"] == [
        "drain_started", "drain_confirmed", "maintenance_skipped", "returned_to_service",
    ]  # fmt: skip


def test_a_node_tells_of_its_drain_and_of_its_return(play: Play) -> None:
    story = play()
    web(story, 2, elsewhere=1)
    operation = story.submit("node-1", reason="kernel update")
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert has(story, Ready="True", DrainInProgress="False", Drained="True")
    assert events(story) == ["DrainStarted", "Drained"]
    marks = annotations(story)
    assert marks[REASON] == "kernel update"
    assert marks[SINCE]
    assert {key: marks[key] for key in HANDS_OFF} == dict(HANDS_OFF)
    story.give_back("node-1")
    assert events(story)[-1] == "Uncordoned"
    assert has(story, Ready="True", DrainInProgress="False", Drained="False")
    left = {key for key in annotations(story) if key.startswith(PREFIX)}
    assert left == {TOKEN, MODE_SEQ}
    assert not HANDS_OFF.keys() & annotations(story).keys()


def test_a_drain_that_waits_for_people_says_so_and_where_they_talk(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: conditions(story).get("DrainInProgress") == ("True", "Blocked"), what="blocked")
    until(lambda: "DrainBlocked" in events(story), what="the Event")
    story.service.note_thread(operation, URL)
    story.decide(asked, choices.RETRY)
    until(lambda: annotations(story).get(THREAD) == URL, what="the thread on the node")
    story.abort(operation)
    story.finish(operation)
    assert "DrainAborted" in events(story)
    assert has(story, Ready="True", DrainInProgress="False", Drained="False")


def test_an_abort_before_the_first_eviction_leaves_nothing_behind(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    story.question(operation)
    story.abort(operation)
    story.finish(operation)
    assert not story.cordoned()
    assert {"Uncordoned", "DrainAborted"} <= set(events(story))
    assert conditions(story)["DrainInProgress"] == ("False", "Uncordoned")
    assert set(annotations(story)) == {TOKEN, MODE_SEQ}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH")
def test_kubectl_describe_node_shows_who_drains_it_since_when_why_and_where(
    play: Play, tmp_path: Path
) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1", reason="kernel update")
    asked = story.question(operation)
    story.service.note_thread(operation, URL)
    story.decide(asked, choices.RETRY)
    story.question(operation, after=[asked])
    until(lambda: events(story).count("DrainBlocked") == 2, what="both Events")
    said = describe(story, tmp_path)
    for words in (
        f"drainbot.dev/operation: {operation}",
        "drainbot.dev/requested-by: T01:U01ANA",
        "drainbot.dev/reason: kernel update",
        "drainbot.dev/since: 20",
        f"drainbot.dev/thread: {URL}",
        "DrainInProgress",
        "DrainStarted",
        "DrainBlocked",
        "still there: payments/db-0",
    ):
        assert words in said
    assert story.decide(story.view(operation).open_questions[0], choices.SKIP)
    story.finish(operation)
    assert "DrainSkipped" in describe(story, tmp_path)


def test_missing_rights_to_tell_are_said_once_and_the_drain_goes_on(play: Play) -> None:
    telling = {"nodes/status", "events"}
    worker = user_with(right for right in RIGHTS if right.resource not in telling)
    scenario = nodes("node-1", "node-2", "node-3").model_copy(update={"tokens": {"t": worker}})
    with structlog.testing.capture_logs() as logs:
        story = play(Scenario.model_validate(scenario), token="t")
        web(story, 2)
        for name in ("node-1", "node-2"):
            assert story.finish(story.submit(name)).end is OperationEnd.DRAINED
    missing = [line["missing_right"] for line in logs if line["event"] == "node_is_not_told"]
    assert sorted(missing) == ["create events", "patch nodes/status"]


def test_an_api_server_that_takes_no_events_holds_no_drain_up(play: Play) -> None:
    story = play()
    web(story, 2)
    story.cluster.answer_next(500, method="POST", path="/events", times=None)
    story.cluster.answer_next(503, method="PATCH", path="/status", times=None)
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    assert events(story) == []


def test_events_that_nobody_answers_are_not_waited_for(play: Play) -> None:
    story = play()
    web(story, 2)
    story.cluster.stall_next(60, method="PATCH", path="/status", times=None)
    operation = story.submit("node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert not has(story, Drained="True")


def test_a_condition_that_was_lost_with_its_process_comes_back(play: Play) -> None:
    story = play()
    block(story)
    story.cluster.answer_next(500, method="PATCH", path="/status", times=2)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: "DrainBlocked" in events(story), what="the Event")
    story.cluster.clear_faults()
    story.decide(asked, choices.RETRY)
    until(lambda: has(story, DrainInProgress="True"), what="the condition")


def test_a_node_that_another_tool_has_is_refused_by_its_name(play: Play) -> None:
    story = play()
    taints = [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]
    story.cluster.patch("Node", "", "node-1", {"spec": {"taints": taints}})
    ended = story.finish(story.submit("node-1"))
    assert ended.end is OperationEnd.REFUSED
    assert "Karpenter" in ended.detail
    assert not story.cordoned()


MARKS = {"weave.works/kured-reboot-in-progress": "2026-01-01T00:00:00Z"}


def test_a_mark_that_comes_before_start_is_pressed_refuses_it(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    web(story, 1)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.START
    story.cluster.patch("Node", "", "node-1", {"metadata": {"annotations": MARKS}})
    story.decide(asked, choices.START)
    ended = story.finish(operation)
    assert ended.end is OperationEnd.REFUSED
    assert "kured" in ended.detail
    assert not story.cordoned()


def test_a_mark_that_comes_between_plan_and_cordon_is_seen(play: Play) -> None:
    story = play()
    web(story, 1)
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-2"])
    operation = story.submit("node-2", "node-1")
    asked = story.question(operation)  # about the first node
    story.cluster.patch("Node", "", "node-1", {"metadata": {"annotations": MARKS}})
    story.decide(asked, choices.SKIP)
    assert story.finish(operation).end is OperationEnd.PARTLY
    assert story.node(operation).status is NodeStatus.FAILED
    assert "kured" in story.node(operation).detail
    assert not story.cordoned()
    assert story.evictions() == []


def test_what_kubectl_asks_for_when_it_describes_a_node_finds_the_events(
    play: Play, tmp_path: Path
) -> None:
    story = play()
    web(story, 1)
    story.finish(story.submit("node-1"))
    kubeconfig = str(story.cluster.kubeconfig(tmp_path / "kubeconfig"))
    # As kubectl's describe.go: by the name as uid, the kubelet's custom, in all namespaces.
    selector = "involvedObject.kind=Node,involvedObject.name=node-1,involvedObject.uid=node-1"
    found = connect(kubeconfig, pool=1).ask(
        "GET", "/api/v1/events", query={"fieldSelector": selector}
    )
    assert {event["reason"] for event in found["items"]} == {"DrainStarted", "Drained"}
    assert {event["source"]["component"] for event in found["items"]} == {"drainbot"}
