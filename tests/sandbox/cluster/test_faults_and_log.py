import threading
import time
from typing import Any

import pytest
import urllib3
from pydantic import ValidationError

from sandbox.cluster import Cluster, Fault
from tests.sandbox.cluster.http_client import Client, bare_pod, wait_until_ready

NODE = "/api/v1/nodes/node-1"
CORDON = {"spec": {"unschedulable": True}}


def cordoned(cluster: Cluster) -> bool:
    node = cluster.get("Node", "", "node-1")
    return node is not None and bool(node["spec"].get("unschedulable"))


def test_the_next_matching_requests_get_the_scripted_answer(
    cluster: Cluster, client: Client
) -> None:
    cluster.answer_next(
        503,
        method="GET",
        path="/nodes/node-1$",
        times=2,
        body={"a": 1},
        headers={"Retry-After": "7"},
    )
    assert client.get("/api/v1/nodes/node-2").status == 200
    first = client.get(NODE)
    assert (first.status, first.body, first.headers["Retry-After"]) == (503, {"a": 1}, "7")
    assert [client.get(NODE).status for _ in range(2)] == [503, 200]


def test_a_scripted_answer_can_be_text(cluster: Cluster, client: Client) -> None:
    cluster.answer_next(502, body="Bad gateway")
    answer = client.get(NODE)
    assert (answer.content, answer.headers["Content-Type"]) == (b"Bad gateway", "text/plain")


def test_a_fault_without_a_number_lasts_until_it_is_cleared(
    cluster: Cluster, client: Client
) -> None:
    cluster.answer_next(500, path="nodes", times=None)
    assert [client.get(NODE).status for _ in range(3)] == [500] * 3
    cluster.clear_faults()
    assert client.get(NODE).status == 200


def test_an_answer_in_its_place_leaves_the_request_undone(cluster: Cluster, client: Client) -> None:
    cluster.answer_next(500, method="PATCH")
    assert client.patch(NODE, CORDON).status == 500
    assert not cordoned(cluster)
    assert [(one.status, one.carried_out) for one in cluster.requests()] == [(500, False)]


def test_an_answer_afterwards_hides_that_it_was_done(cluster: Cluster, client: Client) -> None:
    cluster.answer_next(500, method="PATCH", when="after")
    assert client.patch(NODE, CORDON).status == 500
    assert cordoned(cluster)
    (entry,) = cluster.requests()
    assert (entry.status, entry.carried_out) == (500, True)


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_a_connection_is_cut_before_or_after_the_request_was_carried_out(
    when: str,
    done: bool,  # noqa: FBT001  the table's column
    cluster: Cluster,
    client: Client,
) -> None:
    cluster.cut_next(method="PATCH", when=when)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.patch(NODE, CORDON)
    assert cordoned(cluster) is done
    (entry,) = cluster.requests()
    assert (entry.status, entry.carried_out) == (None, done)
    assert client.patch(NODE, CORDON).status == 200


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_a_request_stalls_before_or_after_it_is_carried_out(
    when: str,
    done: bool,  # noqa: FBT001  the table's column
    cluster: Cluster,
    client: Client,
) -> None:
    cluster.stall_next(3600, method="PATCH", when=when)

    def give_up() -> None:
        with Client(client.url) as other, pytest.raises(urllib3.exceptions.ReadTimeoutError):
            other.pool.request(
                "PATCH",
                other.url + NODE,
                body=b'{"spec":{"unschedulable":true}}',
                headers={"Content-Type": "application/merge-patch+json"},
                timeout=0.2,
            )

    thread = threading.Thread(target=give_up)
    thread.start()
    assert client.get("/api/v1/nodes/node-2").status == 200  # others go on meanwhile
    thread.join()
    assert cordoned(cluster) is done


def test_a_short_stall_ends_in_the_true_answer(cluster: Cluster, client: Client) -> None:
    cluster.stall_next(0.05, path="nodes")
    began = time.monotonic()
    assert client.get(NODE).status == 200
    assert time.monotonic() - began >= 0.05


def test_a_watch_can_be_refused_by_script(cluster: Cluster, client: Client) -> None:
    cluster.answer_next(500, path="watch=1")
    assert client.get("/api/v1/nodes").status == 200
    assert client.watch("/api/v1/nodes?watch=1").status == 500
    assert client.watch("/api/v1/nodes?watch=1").status == 200


def test_open_watches_break_off_when_all_connections_are_cut(
    cluster: Cluster, client: Client
) -> None:
    watch = client.watch("/api/v1/nodes?watch=1")
    watch.take(3)
    cluster.cut_all()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        watch.next()


@pytest.mark.parametrize(
    "fields",
    [{"kind": "explode"}, {"kind": "cut", "path": "("}, {"kind": "cut", "times": 0}, {"x": 1}],
)
def test_a_fault_that_is_none_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fields)


def test_the_log_tells_who_evicted_which_pod_on_which_node_under_which_uid(
    cluster: Cluster, client: Client
) -> None:
    cluster.create("Pod", "rec", bare_pod("pod-1", node="node-2", stop_after="inf"))
    wait_until_ready(cluster, "rec", "pod-1")
    found = cluster.get("Pod", "rec", "pod-1")
    assert found is not None
    uid = found["metadata"]["uid"]
    before = time.time()
    client.evict("rec", "pod-1", preconditions={"uid": uid})
    client.evict("rec", "pod-1", dryRun=["All"])
    client.evict("rec", "nobody")
    first, second, third = cluster.requests()
    assert before <= first.time <= time.time()
    assert (first.verb, first.resource, first.name) == ("create", "pods/eviction", "pod-1")
    assert (first.uid_precondition, first.object_uid, first.node) == (uid, uid, "node-2")
    assert (first.status, first.carried_out, first.dry_run) == (201, True, False)
    assert (second.dry_run, second.uid_precondition) == (True, None)
    assert (third.status, third.reason, third.carried_out) == (404, "NotFound", False)
    assert (third.object_uid, third.node) == (None, None)


def test_the_log_keeps_patches_with_their_bodies_and_deletes(
    cluster: Cluster, client: Client
) -> None:
    cluster.create("Pod", "rec", bare_pod("pod-1"))
    client.patch(NODE, CORDON)
    client.ask(
        "DELETE",
        "/api/v1/namespaces/rec/pods/pod-1",
        {"preconditions": {"uid": "another"}},
    )
    client.get(NODE)
    patch, delete = cluster.requests()
    assert (patch.method, patch.path, patch.node, patch.body) == ("PATCH", NODE, "node-1", CORDON)
    assert (delete.verb, delete.status, delete.uid_precondition) == ("delete", 409, "another")


def test_requests_are_counted_by_verb_and_resource(cluster: Cluster, client: Client) -> None:
    client.get(NODE)
    client.get("/api/v1/nodes")
    client.patch(NODE, CORDON)
    client.evict("rec", "nobody")
    client.watch("/api/v1/pods?watch=1")
    assert cluster.counters() == {
        "get nodes": 1,
        "list nodes": 1,
        "patch nodes": 1,
        "create pods/eviction": 1,
        "watch pods": 1,
    }


def test_everything_can_be_scripted_over_http(cluster: Cluster, client: Client) -> None:
    fault = {"kind": "answer", "status": 418, "path": "nodes", "times": 2}
    assert client.ask("POST", "/_sandbox/faults", fault).status == 200
    assert client.get(NODE).status == 418
    assert client.get("/_sandbox/faults").body[0]["times"] == 1
    assert client.ask("DELETE", "/_sandbox/faults").status == 200
    assert client.patch(NODE, CORDON).status == 200
    assert client.get("/_sandbox/requests").body[0]["path"] == NODE
    assert client.get("/_sandbox/counters").body == {"get nodes": 1, "patch nodes": 1}

    assert client.ask("POST", "/_sandbox/timing", {"budget_s": 5}).status == 200
    assert client.ask("POST", "/_sandbox/controllers", {"kubelet": False}).status == 200
    state = client.get("/_sandbox/state").body
    assert (state["timing"]["budget_s"], state["controllers"]["kubelet"]) == (5, False)
    assert state["failures"] == []

    workload = {"kind": "Pod", "namespace": "rec", "name": "pod-1", "on": ["node-2"]}
    (pod,) = client.ask("POST", "/_sandbox/workloads", workload).body
    assert pod["name"] == "pod-1"
    for path, body in (
        ("nodes", {"name": "node-9", "labels": {"pool": "blue"}}),
        ("budgets", {"namespace": "rec", "name": "b", "match_labels": {}, "min_available": 1}),
        ("attachments", {"name": "va", "node": "node-1", "volume": "pv"}),
        ("pods/ready", {"namespace": "rec", "name": "pod-1", "ready": False}),
        ("nodes/ready", {"name": "node-2", "ready": False}),
        ("watches/close", None),
        ("watches/forget", None),
    ):
        assert client.ask("POST", f"/_sandbox/{path}", body).status == 200, path
    assert client.get("/api/v1/nodes/node-9").body["metadata"]["labels"]["pool"] == "blue"
    pod = client.get("/api/v1/namespaces/rec/pods/pod-1").body
    assert {"Ready": "False"}.items() <= {
        one["type"]: one["status"] for one in pod["status"]["conditions"]
    }.items()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("DELETE", "requests", None, 405),
        ("POST", "faults", {"kind": "explode"}, 400),
        ("POST", "timing", {"budget_s": -1}, 400),
        ("POST", "timing", [], 400),
        ("POST", "controllers", {"steering": True}, 400),
        ("POST", "workloads", {"kind": "Pod"}, 400),
        ("POST", "pods/ready", {"namespace": "rec", "name": "nobody", "ready": True}, 404),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused_in_words(
    method: str, path: str, body: Any, status: int, client: Client
) -> None:
    answer = client.ask(method, f"/_sandbox/{path}", body)
    assert answer.status == status
    assert answer.body["message"]


def test_a_reset_begins_anew_and_versions_go_on(cluster: Cluster, client: Client) -> None:
    before = client.get("/api/v1/nodes").body["metadata"]["resourceVersion"]
    watch = client.watch(f"/api/v1/nodes?watch=1&resourceVersion={before}")
    cluster.add_workload("Deployment", "rec", "web", replicas=3, on=["node-1"])
    client.patch(NODE, CORDON)
    cluster.answer_next(500, times=None)
    cluster.set_timing(budget_s=9)
    assert client.ask("POST", "/_sandbox/reset").status == 200
    watch.rest()

    assert not cordoned(cluster)
    assert cluster.list("Pod") == []
    assert cluster.requests() == ()
    after = client.get("/api/v1/nodes")
    assert len(after.body["items"]) == 3
    assert int(after.body["metadata"]["resourceVersion"]) > int(before)
    (event,) = client.watch(f"/api/v1/nodes?watch=1&resourceVersion={before}").rest()
    assert event["object"]["code"] == 410
    assert client.get("/_sandbox/state").body["timing"]["budget_s"] == 0
    cluster.add_workload("Pod", "rec", "pod-1")
    wait_until_ready(cluster, "rec", "pod-1")
