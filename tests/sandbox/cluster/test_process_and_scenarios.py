import os
import select
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from sandbox.cluster import (
    NAMED,
    Budget,
    Node,
    Scenario,
    ScenarioError,
    Timing,
    Workload,
    demo,
    fleet,
    load,
    running,
)
from sandbox.processes import Process
from tests.sandbox.cluster.http_client import Client

PROGRAM = (sys.executable, "-m", "sandbox.cluster")


def test_the_process_prints_its_address_writes_its_files_and_ends_in_order(tmp_path: Path) -> None:
    kubeconfig, port_file = tmp_path / "kubeconfig", tmp_path / "port"
    options = ("--scenario", "demo", "--kubeconfig", str(kubeconfig), "--port-file", str(port_file))
    with Process([*PROGRAM, *options]) as process:
        url = process.wait_for_line(r"^http://127\.0\.0\.1:\d+$")[0]
        assert url.endswith(f":{port_file.read_text().strip()}")
        context = yaml.safe_load(kubeconfig.read_text())
        assert context["clusters"][0]["cluster"]["server"] == url
        with Client(url) as client:
            assert len(client.get("/api/v1/nodes").body["items"]) == 6
            client.watch("/api/v1/nodes?watch=1").take(6)
        process.signal(signal.SIGTERM)
        assert process.wait(within_s=10) == 0
        assert process.lines() == [url]


def test_an_interrupt_ends_it_in_order_too() -> None:
    with Process([*PROGRAM, "--scenario", "empty"]) as process:
        process.wait_for_line("http://")
        process.signal(signal.SIGINT)
        assert process.wait(within_s=10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's end")
def test_it_dies_with_its_parent_when_asked() -> None:
    parent = textwrap.dedent(
        """
        import subprocess, sys, time
        child = subprocess.Popen(
            [sys.executable, "-m", "sandbox.cluster", "--scenario", "empty", "--die-with-parent"],
            stdout=subprocess.PIPE, text=True)
        print(child.pid, child.stdout.readline().strip(), flush=True)
        time.sleep(600)
        """
    )
    with Process([sys.executable, "-c", parent]) as process:
        pid = int(process.wait_for_line(r"^(\d+) http://")[1])
        os.kill(process.pid, signal.SIGKILL)
        descriptor = os.pidfd_open(pid)
        try:
            ended, _, _ = select.select([descriptor], [], [], 10)
        finally:
            os.close(descriptor)
        assert ended


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scenario", "atlantis"), "There is no scenario and no file 'atlantis'. Scenarios: "),
        (("--port", "70000"), "can't listen on 127.0.0.1:70000"),
        (("--speed", "0"), "speed"),
    ],
)
def test_what_it_cannot_do_it_says_in_one_line(options: tuple[str, str], words: str) -> None:
    result = subprocess.run(
        [*PROGRAM, *options], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_scenario_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        textwrap.dedent(
            """
            name: small
            nodes: [{name: a, labels: {pool: blue}}, {name: b}]
            workloads:
              - {kind: Deployment, namespace: shop, name: web, replicas: 2, on: [a, b]}
            budgets:
              - {namespace: shop, name: web, max_unavailable: 50%, match_labels: {app: web}}
            timing: {stop_s: 1.5}
            """
        )
    )
    scenario = load(str(path))
    assert scenario.workloads[0].on == ("a", "b")
    assert scenario.timing.stop_s == 1.5
    with running(scenario) as cluster:
        assert [pod["spec"]["nodeName"] for pod in cluster.list("Pod")] in (["a", "b"], ["b", "a"])


@pytest.mark.parametrize("text", ["nodes: 3", "name: [", "name: x\nunknown: 1"])
def test_a_file_that_is_no_scenario_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=r"scenario\.yaml is not a scenario"):
        load(str(path))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Budget(namespace="a", name="b", match_labels={}),
        lambda: Budget(
            namespace="a", name="b", match_labels={}, min_available=1, max_unavailable=1
        ),
        lambda: Scenario(name="x", controllers=frozenset({"steering"})),
        lambda: Scenario(
            name="x", workloads=(Workload(kind="Pod", namespace="a", name="b", on=("nowhere",)),)
        ),
        lambda: Timing(start_s=-1),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(ValidationError):
        make()  # type: ignore[operator]


def test_the_demo_is_as_the_story_needs_it() -> None:
    with running(demo(), seed=1) as cluster:
        per_node = Counter(pod["spec"]["nodeName"] for pod in cluster.list("Pod"))
        assert set(per_node) == {f"node-{number}" for number in range(1, 7)}
        assert all(6 <= count <= 10 for count in per_node.values()), per_node
        pools = {
            node["metadata"]["name"]: node["metadata"]["labels"]["pool"]
            for node in cluster.list("Node")
        }
        assert [name for name, pool in pools.items() if pool == "blue"] == [
            "node-1",
            "node-2",
            "node-3",
        ]
        cluster.wait_for(
            lambda view: all(
                "observedGeneration" in one["status"] for one in view.list("PodDisruptionBudget")
            )
        )
        allowed = {
            one["metadata"]["name"]: one["status"]["disruptionsAllowed"]
            for one in cluster.list("PodDisruptionBudget")
        }
        assert allowed == {"db": 0, "web": 3}


def test_the_same_seed_gives_the_same_names_and_uids() -> None:
    seen = []
    for _ in range(2):
        with running(demo(), seed=7) as cluster:
            pods = cluster.list("Pod")
            seen.append({pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods})
    assert seen[0] == seen[1]


def test_speed_shortens_delays_and_nothing_else() -> None:
    slow, fast = demo(), demo().at_speed(10)
    assert fast.timing.speed == 10
    assert fast.model_copy(update={"timing": slow.timing}) == slow


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_named_scenario_can_be_built(name: str) -> None:
    with running(load(name)) as cluster:
        assert len(cluster.list("Node")) == len(load(name).nodes)


def test_the_fleet_is_large() -> None:
    scenario = fleet()
    assert len(scenario.nodes) == 200
    with running(scenario) as cluster:
        assert len(cluster.list("Pod")) == 6000
        assert len(cluster.list("Pod", node="node-77")) == 30


def test_values_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Node(name="a").name = "b"  # type: ignore[misc]
