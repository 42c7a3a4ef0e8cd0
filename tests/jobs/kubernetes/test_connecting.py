import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.kubernetes import Cluster, ClusterConfigError, Forbidden, Temporary, Unauthorized, connect
from jobs.kubernetes.errors import Conflict, KubernetesError, NotFound, Rejected
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.pods import list_pods_on
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import Scenario, User, running


def test_a_kubeconfig_that_is_not_there_is_named() -> None:
    with pytest.raises(ClusterConfigError, match=r"KUBECONFIG names /no/such/file"):
        connect("/no/such/file", pool=1)


@pytest.mark.parametrize("text", ["", "{", "a: [", "apiVersion: v1\nkind: Config\n", "- 1\n"])
def test_a_kubeconfig_that_names_no_cluster_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(ClusterConfigError, match="kubeconfig"):
        connect(str(path), pool=1)


def test_outside_a_cluster_and_without_a_kubeconfig_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ClusterConfigError, match="set KUBECONFIG"):
        connect(None, pool=1)


def test_connecting_opens_no_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = tmp_path / "kubeconfig"
        path.write_text(_kubeconfig(listener.getsockname()[1]))
        connect(str(path), pool=4)
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()


FORKS = """
import os, sys
from jobs.kubernetes import connect
from jobs.kubernetes.nodes import find_node

cluster = connect(sys.argv[1], pool=2)
child = os.fork()
found = find_node(cluster, "node-1")
if child == 0:
    os._exit(0 if found else 1)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) if found else 1)
"""


def test_a_client_made_before_a_fork_works_on_both_sides(
    simulated: Simulated, tmp_path: Path
) -> None:
    kubeconfig = simulated.kubeconfig(tmp_path / "kubeconfig")
    # In a process of its own: one that has threads must not fork.
    done = subprocess.run([sys.executable, "-c", FORKS, str(kubeconfig)], timeout=60, check=False)
    assert done.returncode == 0
    assert simulated.counters() == {"get nodes": 2}


def test_a_server_that_is_not_there_is_a_temporary_error_that_says_what_was_asked(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    path = tmp_path / "kubeconfig"
    path.write_text(_kubeconfig(port))
    with pytest.raises(Temporary, match="GET /api/v1/nodes/node-1"):
        find_node(connect(str(path), pool=1), "node-1")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (409, Conflict),
        (422, Rejected),
        (400, Rejected),
        (408, Temporary),
        (429, Temporary),
        (500, Temporary),
        (503, Temporary),
    ],
)
def test_answers_are_errors_by_their_meaning(
    simulated: Simulated, cluster: Cluster, status: int, error: type[KubernetesError]
) -> None:
    simulated.answer_next(status, path="/pods", body={"message": "so it is"})
    with pytest.raises(error, match=r"GET /api/v1/pods: so it is"):
        list_pods_on(cluster, "node-1")


def test_a_throttling_server_is_obeyed_and_not_asked_again_by_the_client(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(429, path="/nodes", headers={"Retry-After": "7"}, times=None)
    with pytest.raises(Temporary) as caught:
        find_node(cluster, "node-1")
    assert caught.value.retry_after == 7
    assert simulated.counters().get("get nodes", 0) <= 1


def test_an_answer_that_is_no_json_is_told_by_its_status(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(502, path="/nodes", body="<html>bad gateway</html>")
    with pytest.raises(Temporary, match="502"):
        find_node(cluster, "node-1")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_is_temporary(
    simulated: Simulated, cluster: Cluster, when: str
) -> None:
    simulated.cut_next(path="/nodes", when=when)
    with pytest.raises(Temporary):
        find_node(cluster, "node-1")
    assert find_node(cluster, "node-1") is not None


def test_a_server_that_does_not_answer_in_time_is_temporary(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.stall_next(30, path="/nodes")
    began = time.monotonic()
    with pytest.raises(Temporary):
        cluster.ask("GET", "/api/v1/nodes/node-1", timeout=0.2)
    assert time.monotonic() - began < 10
    simulated.cut_all()


def test_a_missing_right_is_named_and_bad_credentials_are_told_apart(tmp_path: Path) -> None:
    weak = User.allowed("system:serviceaccount:drainbot:worker", ("get", "nodes"))
    with running(Scenario(name="guarded", tokens={"weak": weak})) as guarded:
        guarded.add_node("node-1")
        known = connect(str(guarded.kubeconfig(tmp_path / "a", token="weak")), pool=1)
        assert find_node(known, "node-1") is not None
        with pytest.raises(Forbidden) as caught:
            list_pods_on(known, "node-1")
        assert caught.value.right == "list pods"
        unknown = connect(str(guarded.kubeconfig(tmp_path / "b", token="other")), pool=1)
        with pytest.raises(Unauthorized, match="credentials") as refused:
            find_node(unknown, "node-1")
        assert "other" not in str(refused.value)


def _kubeconfig(port: int) -> str:
    return (
        "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {}}], "
        f'clusters: [{{name: k, cluster: {{server: "http://127.0.0.1:{port}"}}}}], '
        "contexts: [{name: c, context: {cluster: k, user: u}}]}"
    )
