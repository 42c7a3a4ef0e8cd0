"""The simulated cluster answers as a real kube-apiserver 1.36 did: one test for each recording."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster import Cluster, Rule, Scenario, User, running
from tests.sandbox.cluster.conftest import QUICK
from tests.sandbox.cluster.http_client import Client, Json
from tests.sandbox.cluster.stages import RECORDED

RECORDINGS = Path(__file__).parent / "recordings"

# What differs by nature. This is the one place that says so.
DIFFERS = frozenset(
    {
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "lastTransitionTime",
        "lastHeartbeatTime",
        "startTime",
        "startedAt",
        "hostIP",
        "podIP",
        "ip",
        "continue",
        "serverAddress",
        "controller-revision-hash",
    }
)
DIFFERS_IN_MESSAGES = (
    re.compile(r"(?<=in record \()[0-9a-f-]{36}"),  # the uid of the object that is there
    re.compile(r"(?<=too old resource version: 1 \()\d+"),
)
# A DaemonSet's pods are listed by generated names, so which node's comes first is chance.
DIFFERS_IN: dict[str, frozenset[str]] = {"pods-of-daemonset": frozenset({"nodeName", "values"})}
HEADERS = ("Content-Type", "Retry-After")


def masked(value: Any, differs: frozenset[str]) -> Any:
    """Put a word in the place of whatever differs by nature; what is missing stays missing."""
    if isinstance(value, list):
        return [masked(one, differs) for one in value]
    if not isinstance(value, dict):
        return value
    result = {
        key: "(differs)" if key in differs else masked(one, differs) for key, one in value.items()
    }
    if (
        "generateName" in value
        and "name" in value
        and not value.get("labels", {}).keys() & {"statefulset.kubernetes.io/pod-name"}
    ):
        result["name"] = re.sub(r"[a-z0-9]{5}$", "(differs)", value["name"])
    if isinstance(value.get("disruptedPods"), dict):
        result["disruptedPods"] = dict.fromkeys(value["disruptedPods"], "(differs)")
    if isinstance(value.get("message"), str):
        for expression in DIFFERS_IN_MESSAGES:
            result["message"] = expression.sub("(differs)", result["message"])
    return result


@pytest.fixture
def recorded_cluster() -> Iterator[Cluster]:
    """The cluster that was recorded: no node lifecycle controller, nodes of one pool."""
    everything = Rule(verbs=frozenset("*"), resources=frozenset("*"))
    scenario = Scenario(
        name="recorded",
        namespaces=("rec",),
        timing=QUICK,
        controllers=Scenario(name="").controllers - {"node-lifecycle"},
        tokens={
            "admin": User(name="admin", rules=(everything,)),
            "weak": User(name="system:serviceaccount:rec:weak"),
        },
    )
    with running(scenario) as cluster:
        for name in ("node-1", "node-2", "node-3"):
            cluster.create("Node", "", recorded_node(name))
        yield cluster


def recorded_node(name: str) -> Json:
    since = "2026-11-20T17:54:14Z"
    ready = {
        "type": "Ready",
        "status": "True",
        "lastHeartbeatTime": since,
        "lastTransitionTime": since,
        "reason": "KubeletReady",
    }
    capacity = {"cpu": "64", "memory": "256Gi", "pods": "250"}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "pool": "node"}},
        "status": {"capacity": capacity, "allocatable": capacity, "conditions": [ready]},
    }


def read(name: str) -> Json:
    recording: Json = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return recording


def test_every_recording_is_played_again() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.json")} == RECORDED.keys()


NAMES = sorted(RECORDED)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("watch-")])
def test_it_answers_as_recorded(name: str, recorded_cluster: Cluster) -> None:
    recording, made = read(name), RECORDED[name]
    with Client(recorded_cluster.url, token="admin") as admin:
        stands_for = made.stage(recorded_cluster, admin)
    request = json.dumps(recording["request"])
    for there, here in stands_for.items():
        request = request.replace(there, here)
    wanted = json.loads(request)

    with Client(recorded_cluster.url, token=made.token) as client:
        answer = client.ask(
            wanted["method"],
            wanted["path"],
            wanted.get("body"),
            wanted.get("content_type", "application/json"),
        )

    response = recording["response"]
    differs = DIFFERS | DIFFERS_IN.get(name, frozenset())
    assert answer.status == response["status"]
    assert {one: answer.headers.get(one) for one in HEADERS} == {
        one: response["headers"].get(one) for one in HEADERS
    }
    assert masked(answer.body, differs) == masked(response["body"], differs)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("watch-")])
def test_it_tells_the_events_that_were_recorded(name: str, recorded_cluster: Cluster) -> None:
    recording, made = read(name), RECORDED[name]
    path = recording["request"]["path"]
    with Client(recorded_cluster.url, token="admin") as client:
        for there, here in made.stage(recorded_cluster, client).items():
            path = path.replace(there, here)
        watch = client.watch(path)
        made.meanwhile(recorded_cluster, client)
        recorded_cluster.close_watches()
        events = watch.rest()

    assert watch.status == recording["response"]["status"]
    assert masked(events, DIFFERS) == masked(recording["response"]["events"], DIFFERS)
    versions = [
        int(event["object"]["metadata"]["resourceVersion"])
        for event in events
        if event["type"] != "ERROR"
    ]
    assert versions == sorted(versions)


def test_a_recording_that_differs_is_noticed() -> None:
    body = read("evict-blocked-by-pdb")["response"]["body"]
    other = json.loads(json.dumps(body).replace("needs 2", "needs 3"))
    assert masked(body, DIFFERS) != masked(other, DIFFERS)
