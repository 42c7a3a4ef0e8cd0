import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.cluster import Cluster, ClusterFailedError, Rule, User, nodes, running
from tests.sandbox.cluster.http_client import Client, bare_pod

NODE = "/api/v1/nodes/node-1"
PODS = "/api/v1/namespaces/rec/pods"


@pytest.fixture
def guarded() -> Iterator[Cluster]:
    """A cluster with tokens: a drainer, and one whose rights are in one namespace."""
    rule = {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["list"]}
    here = Rule(
        verbs=frozenset({"*"}), resources=frozenset({"pods"}), namespaces=frozenset({"rec"})
    )
    scenario = nodes("node-1").model_copy(
        update={
            "namespaces": ("rec",),
            "tokens": {
                "drainer": User.allowed(
                    "drainer", ("get", "nodes"), ("patch", "nodes"), ("create", "pods/eviction")
                ),
                "local": User(name="local", rules=(here, Rule.model_validate(rule))),
            },
        }
    )
    with running(scenario) as cluster:
        yield cluster


def test_a_right_allows_one_verb_on_one_resource(guarded: Cluster) -> None:
    with Client(guarded.url, token="drainer") as client:
        assert client.get(NODE).status == 200
        assert client.patch(NODE, {"spec": {"unschedulable": True}}).status == 200
        refused = client.get("/api/v1/nodes")
        assert refused.status == 403
        assert refused.body["message"] == (
            'nodes is forbidden: User "drainer" cannot list resource "nodes" in API group "" '
            "at the cluster scope"
        )
        assert client.patch(f"{NODE}/status", {}).status == 403
        assert client.ask("DELETE", NODE).status == 403


def test_the_right_to_evict_is_not_the_right_to_delete(guarded: Cluster) -> None:
    guarded.create("Pod", "rec", bare_pod("pod-1"))
    with Client(guarded.url, token="drainer") as client:
        assert client.ask("DELETE", f"{PODS}/pod-1").status == 403
        assert client.evict("rec", "pod-1").status == 201


def test_a_right_can_be_limited_to_a_namespace(guarded: Cluster) -> None:
    with Client(guarded.url, token="local") as client:
        assert client.get(PODS).status == 200
        refused = client.get("/api/v1/namespaces/default/pods")
        assert refused.body["message"].endswith('in the namespace "default"')
        assert client.get("/api/v1/pods").status == 403


def test_a_rule_reads_like_a_cluster_roles(guarded: Cluster) -> None:
    with Client(guarded.url, token="local") as client:
        path = "/apis/policy/v1/poddisruptionbudgets"
        assert client.get(path).status == 200
        refused = client.get(path, watch="1")
        assert refused.body["message"].startswith("poddisruptionbudgets.policy is forbidden: ")
        assert refused.body["details"] == {"group": "policy", "kind": "poddisruptionbudgets"}


def test_a_rule_can_name_its_objects() -> None:
    rule = Rule.model_validate(
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"], "resourceNames": ["node-1"]}
    )
    scenario = nodes("node-1", "node-2").model_copy(
        update={"tokens": {"one": User(name="one", rules=(rule,))}}
    )
    with running(scenario) as cluster, Client(cluster.url, token="one") as client:
        assert client.get(NODE).status == 200
        assert client.get("/api/v1/nodes/node-2").status == 403


def test_without_a_token_only_the_servers_state_is_told(guarded: Cluster) -> None:
    with Client(guarded.url) as client:
        assert [client.get(path).status for path in ("/version", "/healthz", "/readyz")] == [
            200
        ] * 3
        refused = client.get("/api/v1/nodes")
        assert (refused.status, refused.body["message"].split('"')[1]) == (403, "system:anonymous")


@pytest.mark.parametrize("path", ["/api", "/apis", "/api/v1", "/api/v1/nodes"])
def test_an_unknown_token_is_no_token(path: str, guarded: Cluster) -> None:
    with Client(guarded.url, token="forged") as client:
        answer = client.get(path)
        assert (answer.status, answer.body["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("verb", "resource", "subresource", "allowed"),
    [
        ("patch", "nodes", "", True),
        ("create", "pods", "eviction", True),
        ("create", "pods", "", False),
        ("delete", "pods", "", False),
    ],
)
def test_everybody_may_ask_what_they_may_do(
    verb: str,
    resource: str,
    subresource: str,
    allowed: bool,  # noqa: FBT001  the table's column
    guarded: Cluster,
) -> None:
    wanted = {"verb": verb, "resource": resource, "subresource": subresource}
    with Client(guarded.url, token="drainer") as client:
        answer = client.ask(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": wanted}},
        )
    assert (answer.status, answer.body["status"]) == (201, {"allowed": allowed})
    assert guarded.requests() == ()


def test_the_log_names_the_user(guarded: Cluster) -> None:
    with Client(guarded.url, token="drainer") as client:
        client.patch(NODE, {"spec": {"unschedulable": True}})
        client.ask("DELETE", NODE)
    assert [(one.user, one.status) for one in guarded.requests()] == [
        ("drainer", 200),
        ("drainer", 403),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/", None, 404, "NotFound"),
        ("GET", "/api/v2", None, 404, "NotFound"),
        ("GET", "/api/v1/unicorns", None, 404, "NotFound"),
        ("GET", "/apis/example.com/v1/things", None, 404, "NotFound"),
        ("GET", "/api/v1/pods/pod-1", None, 404, "NotFound"),
        ("GET", f"{NODE}/unknown", None, 404, "NotFound"),
        ("GET", "/api/v1/namespaces/rec/nodes", None, 404, "NotFound"),
        ("GET", "/apis/policy/v1/namespaces/rec/poddisruptionbudgets/x", None, 404, "NotFound"),
        ("POST", "/api/v1/pods", {}, 405, "MethodNotAllowed"),
        ("OPTIONS", NODE, None, 405, "MethodNotAllowed"),
        ("GET", f"{PODS}/pod-1/eviction", None, 405, "MethodNotAllowed"),
        ("POST", PODS, {"metadata": {}}, 422, "Invalid"),
        ("POST", PODS, {"metadata": {"name": "x", "namespace": "far"}}, 400, "BadRequest"),
        ("POST", PODS, [1], 400, "BadRequest"),
        ("POST", "/api/v1/namespaces/far/pods", {"metadata": {"name": "x"}}, 404, "NotFound"),
        ("POST", "/api/v1/nodes", {"metadata": {"name": "node-1"}}, 409, "AlreadyExists"),
        ("DELETE", "/api/v1/nodes/nobody", None, 404, "NotFound"),
        ("PATCH", "/api/v1/nodes/nobody", {}, 404, "NotFound"),
        ("GET", f"{NODE}/proxy", None, 501, "NotImplemented"),
    ],
)
def test_what_is_not_there_or_not_possible_is_refused(
    method: str, path: str, body: Any, status: int, reason: str, client: Client
) -> None:
    content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer = client.ask(method, path, body, content_type)
    assert (answer.status, answer.body["reason"]) == (status, reason)


def test_an_update_needs_the_present_version(client: Client) -> None:
    node = client.get(NODE).body
    node["metadata"]["labels"] = {"pool": "blue"}
    updated = client.ask("PUT", NODE, node)
    assert (updated.status, updated.body["metadata"]["labels"]) == (200, {"pool": "blue"})
    assert client.ask("PUT", NODE, node).status == 409


def test_a_body_that_is_not_json_is_refused(client: Client) -> None:
    for content_type, status in (("application/json", 400), ("application/yaml", 415)):
        response = client.pool.request(
            "POST", client.url + PODS, body=b"a: b", headers={"Content-Type": content_type}
        )
        assert response.status == status


def test_all_pods_of_a_selection_can_be_deleted_at_once(cluster: Cluster, client: Client) -> None:
    for name in ("pod-1", "pod-2"):
        cluster.create("Pod", "rec", bare_pod(name, stop_after="0"))
    cluster.create("Pod", "default", bare_pod("pod-3"))
    assert client.ask("DELETE", f"{PODS}?gracePeriodSeconds=0").status == 200
    assert [pod["metadata"]["name"] for pod in cluster.list("Pod")] == ["pod-3"]


def test_generated_names_never_collide(cluster: Cluster) -> None:
    cluster.switch(kubelet=False)
    body = bare_pod("x")
    del body["metadata"]["name"]
    body["metadata"]["generateName"] = "pod-"
    cluster.call(lambda inside: setattr(inside.store, "suffix", iter_suffix()))
    first = cluster.create("Pod", "rec", body)["metadata"]["name"]
    second = cluster.create("Pod", "rec", body)["metadata"]["name"]
    assert (first, second) == ("pod-a", "pod-b")


def iter_suffix() -> Any:
    letters = iter("aab")
    return lambda _length=5: next(letters)


def raw(cluster: Cluster, text: bytes) -> bytes:
    port = int(cluster.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR) if text.startswith(b"nonsense") else None
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if answer.count(b"HTTP/1.1 ") == text.count(b"HTTP/1.1\r\n") and answer.endswith(b"}"):
                break
        return answer


def test_requests_that_come_together_are_answered_in_order(cluster: Cluster) -> None:
    one = b"GET /api/v1/nodes/node-%d HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(cluster, one % 1 + one % 2 + one % 3)
    places = [answer.index(b'"name":"node-%d"' % number) for number in (1, 2, 3)]
    assert places == sorted(places)


def test_what_is_not_http_ends_the_connection_and_nothing_else(
    cluster: Cluster, client: Client
) -> None:
    assert raw(cluster, b"nonsense\r\n\r\n") == b""
    assert client.get(NODE).status == 200


def test_a_body_can_wait_for_leave_to_be_sent(cluster: Cluster) -> None:
    head = b"PATCH /api/v1/nodes/node-1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    head += b"Content-Type: application/merge-patch+json\r\nContent-Length: 2\r\n\r\n"
    port = int(cluster.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_it_listens_on_loopback_only_and_names_a_port_that_is_taken(cluster: Cluster) -> None:
    port = int(cluster.url.rpartition(":")[2])
    assert cluster.url == f"http://127.0.0.1:{port}"
    with (
        pytest.raises(ClusterFailedError, match=f"can't listen on 127.0.0.1:{port}"),
        running(nodes("node-1"), port=port),
    ):
        pass


def test_a_mistake_in_the_stand_in_itself_is_answered_and_told_at_the_end() -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    def fail() -> None:
        with running(nodes("node-1")) as cluster, Client(cluster.url) as client:
            cluster.call(lambda inside: setattr(inside.rest, "find", broken))
            assert client.get(NODE).status == 500

    with pytest.raises(ClusterFailedError, match="a mistake"):
        fail()


def test_a_controller_that_fails_is_told_at_the_end() -> None:
    def fail() -> None:
        with running(nodes("node-1")) as cluster:
            cluster.add_workload("ReplicaSet", "rec", "web", replicas=1, on=["node-1"])
            cluster.patch("ReplicaSet", "rec", "web", {"spec": {"replicas": "many"}})
            while not cluster.failures():  # the test's own time limit ends this
                cluster.get("ReplicaSet", "rec", "web")

    with pytest.raises(ClusterFailedError, match="failed 1 times, first with: TypeError"):
        fail()
