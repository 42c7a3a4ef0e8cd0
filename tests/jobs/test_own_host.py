"""Real workers that follow their own nodes: they hand over, come back, and cut no branch."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.hosts import Lives, Standing, hosts_of, standing
from jobs.hosts.lives import readable
from jobs.models import OperationEnd, QuestionKind, QuestionView
from jobs.modes import Mode
from jobs.workflows import choices
from jobs.workload import Life
from sandbox.cluster import Cluster, nodes, running
from sandbox.processes import Process
from tests.jobs.harness import BO, policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting, runs

PODS = 6


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2", "node-3")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=PODS, on=["node-1"] * PODS)
        cluster.set_timing(stop_s=0.2)
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    policy = policy_with({"evictions_per_second": 10.0})
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        yield hosts


def life_of(hosts: Hosts, node: str) -> Life | None:
    return readable(Lives(hosts.store).kept(node))


def stands(hosts: Hosts, node: str) -> Standing | None:
    """What the worker of a node makes of it now."""
    life = life_of(hosts, node)
    return None if life is None else standing(life, elsewhere=hosts_of(hosts.store).elsewhere(node))


def start_on(hosts: Hosts, node: str) -> Process:
    """Start a worker there; returns when others know that it takes work."""
    worker = hosts.start(node=node)
    until(lambda: stands(hosts, node) is Standing.TAKES, within=PATIENCE, what="its own life")
    until(lambda: node in hosts_of(hosts.store).able, within=PATIENCE, what="its presence")
    return worker


def slot_of(hosts: Hosts, worker: Process) -> int:
    """The process that answers a worker's doorbells: its first child."""
    return min(hosts.children(worker))


def ended_as(worker: Process, workflow: str) -> list[str]:
    """How a worker's activations of a workflow ended, as it logged them."""
    lines = [line for line in worker.lines() if "activation_ended" in line]
    told = [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines]
    return [facts["outcome"] for facts in told if facts["workflow"] == workflow]


def finished(worker: Process, workflow: str) -> bool:
    """Whether it was this worker that brought a workflow to its end; the log may lag behind."""
    return until(
        lambda: "done" in ended_as(worker, workflow), within=PATIENCE, what=f"the end of {workflow}"
    )


def handed_over(hosts: Hosts, operation: str) -> bool:
    """Whether the drain of the operation's node is there for another worker to take."""
    record = hosts.store.workflow(f"{operation}-1")
    return record is not None and record.state == "ready" and hosts.cordoned("node-1")


def asked(hosts: Hosts, operation: str) -> QuestionView:
    def look() -> QuestionView | None:
        view = hosts.service.operation(operation)
        assert view is not None
        assert view.end is None, view
        return next(iter(view.open_questions), None)

    return until(look, within=PATIENCE, what="a question")


def pods(cluster: Cluster) -> set[str]:
    return {pod["metadata"]["uid"] for pod in cluster.list("Pod", node="node-1")}


def drained_once(hosts: Hosts, operation: str, before: set[str]) -> None:
    view = hosts.finish(operation)
    assert view.end is OperationEnd.DRAINED, view
    sent = [e for e in hosts.evictions() if e.carried_out and e.node == "node-1"]
    accepted = [e.uid_precondition for e in sent]
    assert set(accepted) == before
    assert len(accepted) <= len(before) + 1  # one whose answer nobody was there to hear


def test_a_worker_hands_the_drain_of_its_own_node_over_and_takes_work_again_when_it_is_back(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first, second = start_on(hosts, "node-1"), start_on(hosts, "node-2")
    elsewhere = slot_of(hosts, second)
    hosts.stop(elsewhere)  # so that it is the first that begins, and hands over to nobody yet
    operation = hosts.submit("node-1")
    until(lambda: handed_over(hosts, operation), within=PATIENCE, what="the hand-over")
    until(lambda: ended_as(first, f"{operation}-1") == ["handed_over"], within=PATIENCE)
    assert stands(hosts, "node-1") is Standing.RESTS
    assert (life_of(hosts, "node-1") or pytest.fail("no life")).state.mode is Mode.DRAINING

    other = hosts.submit("node-3")  # nobody is there who takes it
    hosts.go_on()
    drained_once(hosts, operation, before)
    assert hosts.finish(other).end is OperationEnd.DRAINED
    for workflow in (f"{operation}-1", operation, f"{other}-1", other):
        assert finished(second, workflow)
    assert ended_as(first, f"{operation}-1") == ["handed_over"]
    assert ended_as(first, f"{other}-1") == ended_as(first, other) == []
    assert runs(slot_of(hosts, first))

    hosts.give_back("node-1")
    hosts.give_back("node-3")
    until(lambda: stands(hosts, "node-1") is Standing.TAKES, within=PATIENCE, what="its return")
    hosts.stop(elsewhere)
    again = hosts.submit("node-3", dedup="again")
    assert hosts.finish(again).end is OperationEnd.DRAINED
    assert finished(first, f"{again}-1")


def test_the_only_worker_asks_before_it_drains_its_own_node_and_goes_on_when_one_starts_elsewhere(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first = start_on(hosts, "node-1")
    operation = hosts.submit("node-1")
    question = asked(hosts, operation)
    assert question.kind is QuestionKind.OWN
    assert question.choices == choices.OWN
    assert "only worker of test that would be left runs on node-1" in question.detail
    assert not hosts.cordoned("node-1")
    assert hosts.evictions() == []

    second = start_on(hosts, "node-2")
    drained_once(hosts, operation, before)
    view = hosts.service.operation(operation)
    assert view is not None
    assert view.questions[0].closed_because == "no_longer_needed"
    assert finished(second, f"{operation}-1")
    assert runs(slot_of(hosts, first))


def test_the_only_worker_goes_on_with_its_own_node_where_people_want_that(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first = start_on(hosts, "node-1")
    operation = hosts.submit("node-1")
    question = asked(hosts, operation)
    hosts.service.decide(BO, question.id, choices.RETRY, nonce="n1")
    again = until(
        lambda: next((q for q in [asked(hosts, operation)] if q.id != question.id), None),
        within=PATIENCE,
        what="the question once more",
    )
    hosts.service.decide(BO, again.id, choices.GO_ON, nonce="n2")
    drained_once(hosts, operation, before)
    assert finished(first, f"{operation}-1")
    assert stands(hosts, "node-1") is Standing.ALONE
    hosts.give_back("node-1")  # nobody else is there to do that either
    until(lambda: stands(hosts, "node-1") is Standing.TAKES, within=PATIENCE, what="its return")


Moment = Callable[[Hosts, str], object]
MOMENTS: dict[str, Moment] = {
    "cordoned": lambda hosts, _operation: hosts.cordoned("node-1"),
    "told": lambda hosts, _: getattr(life_of(hosts, "node-1"), "seq", 0) > 0,
    "handed over": handed_over,
}


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_worker_that_is_killed_while_it_hands_over_is_finished_for(
    hosts: Hosts, cluster: Cluster, moment: str
) -> None:
    before = pods(cluster)
    first, second = start_on(hosts, "node-1"), start_on(hosts, "node-2")
    elsewhere = slot_of(hosts, second)
    hosts.stop(elsewhere)
    operation = hosts.submit("node-1")
    until(lambda: MOMENTS[moment](hosts, operation), within=PATIENCE, what=moment)
    children = hosts.children(first)
    first.signal(signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in children), within=PATIENCE, what="their end")
    hosts.go_on()
    drained_once(hosts, operation, before)
    assert finished(second, f"{operation}-1")


def test_a_worker_rests_on_while_what_follows_its_node_dies_and_is_started_again(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first, second = start_on(hosts, "node-1"), start_on(hosts, "node-2")
    hosts.stop(slot_of(hosts, second))
    operation = hosts.submit("node-1")
    until(lambda: handed_over(hosts, operation), within=PATIENCE, what="the hand-over")
    known = set(hosts.children(first))
    follows = max(known)  # the last of the roles
    os.kill(follows, signal.SIGKILL)
    until(lambda: set(hosts.children(first)) - known, within=PATIENCE, what="the next one")
    hosts.go_on()
    drained_once(hosts, operation, before)
    assert finished(second, f"{operation}-1")
    assert ended_as(first, f"{operation}-1") == ["handed_over"]
    hosts.give_back("node-1")
    until(lambda: stands(hosts, "node-1") is Standing.TAKES, within=PATIENCE, what="its return")


def test_a_worker_whose_successor_died_asks_before_it_goes_on_with_its_own_node(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first, second = start_on(hosts, "node-1"), start_on(hosts, "node-2")
    hosts.stop(slot_of(hosts, second))
    operation = hosts.submit("node-1")
    until(lambda: handed_over(hosts, operation), within=PATIENCE, what="the hand-over")
    sent = len(hosts.evictions())  # before it saw that its own node drains
    children = hosts.children(second)
    os.kill(second.pid, signal.SIGKILL)
    hosts.stopped.clear()
    until(lambda: not any(runs(pid) for pid in children), within=PATIENCE, what="their end")

    question = asked(hosts, operation)
    assert question.kind is QuestionKind.OWN
    assert len(hosts.evictions()) == sent < PODS
    assert stands(hosts, "node-1") is Standing.ALONE
    third = start_on(hosts, "node-3")
    drained_once(hosts, operation, before)
    assert finished(third, f"{operation}-1")
    assert runs(slot_of(hosts, first))
