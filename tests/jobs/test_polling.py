"""What somebody waits for by name is looked at again and again, and only while it is waited for."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import polling
from jobs.drain.facts import Controller
from jobs.kubernetes import Cluster, connect
from jobs.polling import Place, Poller
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import nodes, running
from tests.jobs.harness import until


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with running(nodes("node-1", "node-2")) as cluster:
        yield cluster


@pytest.fixture
def poller(
    simulated: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Poller]:
    monkeypatch.setattr(polling, "FIRST", 0.05)
    monkeypatch.setattr(polling, "LONGEST", 0.1)
    monkeypatch.setattr(polling, "STEP", 0.01)
    cluster: Cluster = connect(str(simulated.kubeconfig(tmp_path / "kubeconfig")), pool=2)
    made = Poller(cluster)
    yield made
    made.close()
    until(lambda: not threads(), what="the end of its thread")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "polling"]


def owner_of(simulated: Simulated) -> tuple[str, Place]:
    simulated.add_workload("StatefulSet", "shop", "web", replicas=1, on=["node-1"])
    found = simulated.get("StatefulSet", "shop", "web")
    assert found is not None
    uid = found["metadata"]["uid"]
    return uid, Place("shop", Controller(kind="StatefulSet", name="web", uid=uid))


def test_an_owner_is_seen_as_it_changes_and_goes(simulated: Simulated, poller: Poller) -> None:
    uid, place = owner_of(simulated)
    assert poller.seen() == ({}, {})  # nothing is known of what was not looked at

    def replicas() -> int:
        found = poller.seen()[0].get(uid)
        return found.replicas if found is not None else -1

    poller.want({uid: place}, frozenset())
    until(lambda: replicas() == 1, what="a first look")
    simulated.scale("shop", "web", 3)
    until(lambda: replicas() == 3, what="a look at what changed")
    simulated.delete("StatefulSet", "shop", "web")
    until(lambda: poller.seen()[0] == {uid: None}, what="a look at what is gone")


def test_an_attachment_is_there_until_it_is_detached(simulated: Simulated, poller: Poller) -> None:
    simulated.add_attachment("csi-1", node="node-1", volume="pv-1")
    poller.want({}, frozenset({"csi-1"}))
    until(lambda: poller.seen()[1] == {"csi-1": True}, what="a first look")
    simulated.delete("VolumeAttachment", "", "csi-1")
    until(lambda: poller.seen()[1] == {"csi-1": False}, what="a look at what is gone")


def test_what_nobody_waits_for_any_more_is_forgotten_and_no_longer_asked_for(
    simulated: Simulated, poller: Poller
) -> None:
    uid, place = owner_of(simulated)
    poller.want({uid: place}, frozenset())
    until(lambda: poller.seen()[0], what="a first look")
    poller.want({}, frozenset())
    assert poller.seen() == ({}, {})
    until(lambda: not threads(), what="the end of its thread")
    poller.want({}, frozenset({"csi-1"}))  # it begins again
    until(lambda: poller.seen()[1] == {"csi-1": False}, what="another look")


def test_a_server_that_does_not_answer_is_asked_again_and_what_was_seen_stays(
    simulated: Simulated, poller: Poller
) -> None:
    uid, place = owner_of(simulated)
    poller.want({uid: place}, frozenset())
    until(lambda: poller.seen()[0], what="a first look")
    simulated.answer_next(500, path="/statefulsets/", times=3)
    simulated.scale("shop", "web", 2)

    def grown() -> bool:
        found = poller.seen()[0][uid]
        return found is not None and found.replicas == 2

    until(grown, what="a look after the failures")
