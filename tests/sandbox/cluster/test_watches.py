from collections import deque
from collections.abc import Iterator

import pytest

from sandbox.cluster import Cluster, nodes, running
from sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.cluster.http_client import Client, Json, bare_pod, wait_until_ready

PODS = "/api/v1/namespaces/rec/pods"
NODES = "/api/v1/nodes"


def version(client: Client, path: str) -> str:
    found: str = client.get(path).body["metadata"]["resourceVersion"]
    return found


def told(events: list[Json]) -> list[tuple[str, str]]:
    return [(one["type"], one["object"]["metadata"].get("name", "")) for one in events]


def test_a_watch_without_a_version_begins_with_what_is_there(
    cluster: Cluster, client: Client
) -> None:
    watch = client.watch(f"{NODES}?watch=1")
    assert told(watch.take(3)) == [("ADDED", f"node-{number}") for number in (1, 2, 3)]
    cluster.patch("Node", "", "node-2", {"metadata": {"labels": {"pool": "blue"}}})
    assert told([watch.next()]) == [("MODIFIED", "node-2")]


def test_a_watch_from_a_version_tells_what_happened_since_and_nothing_before(
    cluster: Cluster, client: Client
) -> None:
    since = version(client, NODES)
    cluster.add_node("node-4")
    cluster.patch("Node", "", "node-4", {"spec": {"unschedulable": True}})
    cluster.delete("Node", "", "node-4")
    watch = client.watch(f"{NODES}?watch=1&resourceVersion={since}")
    cluster.close_watches()
    events = [event for event in told(watch.rest()) if event[1] == "node-4"]
    assert events[0] == ("ADDED", "node-4")
    assert events[-1] == ("DELETED", "node-4")
    assert set(events[1:-1]) == {("MODIFIED", "node-4")}


def test_a_list_and_a_watch_from_its_version_miss_nothing(cluster: Cluster, client: Client) -> None:
    cluster.switch(kubelet=False)
    since = version(client, PODS)
    for number in range(50):
        cluster.create("Pod", "rec", bare_pod(f"pod-{number}"))
    watch = client.watch(f"{PODS}?watch=1&resourceVersion={since}")
    for number in range(50, 100):
        cluster.create("Pod", "rec", bare_pod(f"pod-{number}"))
    events = watch.take(100)
    assert told(events) == [("ADDED", f"pod-{number}") for number in range(100)]


def test_a_pod_that_enters_or_leaves_a_selection_is_added_or_deleted(
    cluster: Cluster, client: Client
) -> None:
    cluster.switch(kubelet=False)
    cluster.create("Pod", "rec", bare_pod("pod-1"))
    since = version(client, PODS)
    blue = client.watch(f"{PODS}?watch=1&resourceVersion={since}&labelSelector=pool%3Dblue")
    for pool in ("blue", "green", "blue"):
        cluster.patch("Pod", "rec", "pod-1", {"metadata": {"labels": {"pool": pool}}})
    cluster.patch("Pod", "rec", "pod-1", {"metadata": {"labels": {"more": "x"}}})
    cluster.delete("Pod", "rec", "pod-1", grace=0)
    cluster.close_watches()
    events = blue.rest()
    assert [event["type"] for event in events] == [
        "ADDED",
        "DELETED",
        "ADDED",
        "MODIFIED",
        "MODIFIED",  # no grace is left
        "DELETED",
    ]
    gone = events[1]["object"]
    assert gone["metadata"]["labels"]["pool"] == "blue"  # as it was inside, with the new version
    assert int(gone["metadata"]["resourceVersion"]) > int(
        events[0]["object"]["metadata"]["resourceVersion"]
    )


def test_a_pod_enters_the_watch_of_its_node_when_it_is_bound(
    cluster: Cluster, client: Client
) -> None:
    for name in ("node-2", "node-3"):
        cluster.patch("Node", "", name, {"spec": {"unschedulable": True}})
    since = version(client, "/api/v1/pods")
    here = client.watch(
        f"/api/v1/pods?watch=1&resourceVersion={since}&fieldSelector=spec.nodeName%3Dnode-1"
    )
    body = bare_pod("pod-1")
    del body["spec"]["nodeName"]
    cluster.create("Pod", "rec", body)
    event = here.next()
    assert (event["type"], event["object"]["spec"]["nodeName"]) == ("ADDED", "node-1")


def test_one_object_can_be_watched_by_its_path(cluster: Cluster, client: Client) -> None:
    watch = client.watch(f"{NODES}/node-2?watch=true")
    assert told([watch.next()]) == [("ADDED", "node-2")]
    cluster.patch("Node", "", "node-1", {"metadata": {"labels": {"a": "b"}}})
    cluster.patch("Node", "", "node-2", {"metadata": {"labels": {"a": "b"}}})
    assert told([watch.next()]) == [("MODIFIED", "node-2")]


def test_a_patch_that_changes_nothing_is_no_event(cluster: Cluster, client: Client) -> None:
    cluster.switch(node_lifecycle=False)
    since = version(client, NODES)
    cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})
    assert version(client, NODES) == since


def test_a_watch_from_a_forgotten_version_has_expired(cluster: Cluster, client: Client) -> None:
    since = version(client, PODS)
    cluster.forget_history()
    cluster.create("Pod", "rec", bare_pod("pod-1"))
    cluster.forget_history()
    (event,) = client.watch(f"{PODS}?watch=1&resourceVersion={since}").rest()
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    watch = client.watch(f"{PODS}?watch=1&resourceVersion={version(client, PODS)}")
    assert watch.status == 200


def test_a_history_that_overflows_lets_old_versions_expire(
    cluster: Cluster, client: Client
) -> None:
    def shorten(inside: SimulatedCluster) -> None:
        collection = inside.store["nodes"]
        collection.history = deque(collection.history, maxlen=3)

    cluster.call(shorten)
    since = version(client, NODES)
    for number in range(5):
        cluster.patch("Node", "", "node-1", {"metadata": {"labels": {"n": str(number)}}})
    (event,) = client.watch(f"{NODES}?watch=1&resourceVersion={since}").rest()
    assert event["object"]["reason"] == "Expired"


def test_a_watch_ends_after_its_timeout(client: Client) -> None:
    watch = client.watch(f"{NODES}?watch=1&resourceVersion=0&timeoutSeconds=1")
    assert len(watch.rest()) == 3


def test_closed_watches_end_in_order_and_leave_nothing_behind(
    cluster: Cluster, client: Client
) -> None:
    watches = [client.watch(f"{NODES}?watch=1&timeoutSeconds=60") for _ in range(5)]
    for watch in watches:
        watch.take(3)
    assert cluster.watches() == 5
    cluster.close_watches()
    assert [watch.rest() for watch in watches] == [[]] * 5
    assert cluster.watches() == 0


def test_a_client_that_goes_away_ends_its_watch(cluster: Cluster, client: Client) -> None:
    watch = client.watch(f"{NODES}?watch=1")
    watch.take(3)
    assert cluster.watches() == 1
    cluster.cut_all()
    cluster.add_node("node-4")
    assert cluster.watches() == 0


@pytest.fixture
def marking() -> Iterator[Cluster]:
    with running(nodes("node-1"), bookmark_s=0.02) as cluster:
        yield cluster


def test_bookmarks_tell_how_far_a_watch_is(marking: Cluster) -> None:
    with Client(marking.url) as client:
        follow_bookmarks(marking, client)


def follow_bookmarks(marking: Cluster, client: Client) -> None:
    watch = client.watch(f"{NODES}?watch=1&allowWatchBookmarks=true")
    assert watch.next()["type"] == "ADDED"
    first = watch.next()
    marking.add_namespace("elsewhere")  # versions count for the whole cluster
    second = watch.next()
    while second == first:
        second = watch.next()
    assert (first["type"], first["object"]["kind"]) == ("BOOKMARK", "Node")
    versions = [int(one["object"]["metadata"]["resourceVersion"]) for one in (first, second)]
    assert versions[0] < versions[1]


def test_no_bookmarks_come_unasked(marking: Cluster) -> None:
    with Client(marking.url) as client:
        watch = client.watch(f"{NODES}?watch=1&timeoutSeconds=1")
        assert [event["type"] for event in watch.rest()] == ["ADDED"]


def test_initial_events_need_a_match_of_versions(client: Client) -> None:
    answer = client.get(NODES, watch="1", sendInitialEvents="true")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


def test_initial_events_end_with_a_bookmark_and_then_go_on(
    cluster: Cluster, client: Client
) -> None:
    watch = client.watch(
        f"{NODES}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
        "&allowWatchBookmarks=true"
    )
    *added, end = watch.take(4)
    assert {event["type"] for event in added} == {"ADDED"}
    assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    cluster.add_node("node-4")
    assert told([watch.next()]) == [("ADDED", "node-4")]


def test_a_watch_of_the_future_is_refused(client: Client) -> None:
    answer = client.get(NODES, watch="1", resourceVersion="999999")
    assert (answer.status, answer.headers["Retry-After"]) == (504, "1")


def test_versions_of_events_only_rise(cluster: Cluster, client: Client) -> None:
    since = version(client, PODS)
    watch = client.watch(f"{PODS}?watch=1&resourceVersion={since}")
    for number in range(10):
        cluster.create("Pod", "rec", bare_pod(f"pod-{number}"))
    wait_until_ready(cluster, "rec", *(f"pod-{number}" for number in range(10)))
    for number in range(10):
        assert client.evict("rec", f"pod-{number}").status == 201
    cluster.wait_for(lambda view: not view.list("Pod", "rec"))
    cluster.close_watches()
    versions = [int(one["object"]["metadata"]["resourceVersion"]) for one in watch.rest()]
    assert versions == sorted(set(versions))
    assert len(versions) == 10 * 6  # made, running, condition, deletion, no grace left, gone
