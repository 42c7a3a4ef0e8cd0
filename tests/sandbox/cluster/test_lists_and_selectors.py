import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox.cluster import ApiError, Cluster
from sandbox.cluster.selecting import label_selector_of, parse_labels
from tests.sandbox.cluster.http_client import Client, bare_pod

PODS = "/api/v1/pods"
LABELS = {"pool": "blue", "zone": "a", "size": "3", "example.com/role": "db"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("pool=blue", True),
        ("pool==blue", True),
        ("pool = green", False),
        ("pool!=green", True),
        ("missing!=x", True),
        ("missing=", False),
        ("pool in (blue, green)", True),
        ("pool in (green)", False),
        ("pool notin (green)", True),
        ("missing notin (x)", True),
        ("pool", True),
        ("missing", False),
        ("!missing", True),
        ("!pool", False),
        ("size>2", True),
        ("size<3", False),
        ("missing>2", False),
        ("example.com/role=db", True),
        ("pool in (blue,green),zone=a,!missing", True),
        ("pool in (blue,green),zone=b", False),
    ],
)
def test_label_selectors_select_as_kubernetes_reads_them(selector: str, matches: bool) -> None:  # noqa: FBT001  the table's column
    test = parse_labels(selector)
    assert (test is None or test(LABELS)) is matches


@pytest.mark.parametrize("selector", ["pool in blue", "a b", "=x", "size>big", "pool in (a"])
def test_a_label_selector_that_is_none_is_refused(selector: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_labels(selector)
    assert refused.value.code == 400


@given(
    some.dictionaries(some.sampled_from("abc"), some.sampled_from("xyz")),
    some.sampled_from("abc"),
    some.lists(some.sampled_from("xyz"), min_size=1),
)
def test_in_and_notin_never_agree(labels: dict[str, str], key: str, values: list[str]) -> None:
    listed = ",".join(values)
    within, without = parse_labels(f"{key} in ({listed})"), parse_labels(f"{key} notin ({listed})")
    assert within
    assert without
    assert within(labels) is not without(labels)


def test_no_selector_object_selects_nothing_and_an_empty_one_everything() -> None:
    assert not label_selector_of(None)(LABELS)
    assert label_selector_of({})(LABELS)


def test_a_selector_object_joins_labels_and_expressions() -> None:
    expressions = [
        {"key": "zone", "operator": "In", "values": ["a", "b"]},
        {"key": "missing", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"pool": "blue"}, "matchExpressions": expressions}
    assert label_selector_of(selector)(LABELS)
    assert not label_selector_of(selector)({"pool": "blue"})


@pytest.fixture
def crowded(cluster: Cluster) -> Cluster:
    for number, node in enumerate(("node-1", "node-1", "node-2", "node-2", "node-3")):
        cluster.create("Pod", "rec", bare_pod(f"pod-{number}", node=node))
    cluster.create("Pod", "default", bare_pod("pod-9"))
    return cluster


def names(client: Client, path: str = PODS, **query: str) -> list[str]:
    answer = client.get(path, **query)
    assert answer.status == 200, answer.body
    return [item["metadata"]["name"] for item in answer.body["items"]]


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("spec.nodeName=node-1", ["pod-9", "pod-0", "pod-1"]),
        ("spec.nodeName==node-3", ["pod-4"]),
        ("spec.nodeName!=node-1", ["pod-2", "pod-3", "pod-4"]),
        ("spec.nodeName=node-1,metadata.namespace=rec", ["pod-0", "pod-1"]),
        ("spec.nodeName=node-1,metadata.name!=pod-0", ["pod-9", "pod-1"]),
        ("metadata.name=pod-3", ["pod-3"]),
        ("status.phase=Succeeded", []),
        ("spec.nodeName=nowhere", []),
    ],
)
@pytest.mark.usefixtures("crowded")
def test_pods_are_selected_by_field(selector: str, wanted: list[str], client: Client) -> None:
    assert names(client, fieldSelector=selector) == wanted


@pytest.mark.parametrize(
    ("path", "selector", "message"),
    [
        (PODS, "spec.color=blue", "field label not supported: spec.color"),
        ("/api/v1/nodes", "status.phase=x", "field label not supported: status.phase"),
        (PODS, "spec.nodeName", "invalid selector: 'spec.nodeName'; can't understand"),
        (
            "/apis/policy/v1/poddisruptionbudgets",
            "spec.x=1",
            '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
def test_a_field_that_cannot_be_selected_by_is_refused(
    path: str, selector: str, message: str, client: Client
) -> None:
    answer = client.get(path, fieldSelector=selector)
    assert answer.status == 400
    assert answer.body["message"].startswith(message)


def test_nodes_are_selected_by_label_and_cordon(cluster: Cluster, client: Client) -> None:
    cluster.patch("Node", "", "node-2", {"spec": {"unschedulable": True}})
    wanted = "kubernetes.io/hostname in (node-1,node-2)"
    assert names(client, "/api/v1/nodes", labelSelector=wanted) == ["node-1", "node-2"]
    assert names(client, "/api/v1/nodes", fieldSelector="spec.unschedulable=true") == ["node-2"]
    assert names(client, "/api/v1/nodes", fieldSelector="metadata.name=node-3") == ["node-3"]


def test_a_namespace_limits_a_list(crowded: Cluster, client: Client) -> None:
    assert names(client, "/api/v1/namespaces/default/pods") == ["pod-9"]
    assert len(crowded.list("Pod")) == 6
    assert names(client, "/api/v1/namespaces/nowhere/pods") == []


def test_pages_together_are_the_list_as_it_was_at_the_first(
    crowded: Cluster, client: Client
) -> None:
    whole = names(client)
    seen, versions, token = [], set(), ""
    while True:
        answer = client.get(PODS, limit="2", **({"continue": token} if token else {}))
        seen += [item["metadata"]["name"] for item in answer.body["items"]]
        metadata = answer.body["metadata"]
        versions.add(metadata["resourceVersion"])
        if not seen[2:]:  # changes after the first page are none of its business
            crowded.delete("Pod", "rec", "pod-4", grace=0)
            crowded.create("Pod", "rec", bare_pod("pod-8"))
        token = metadata.get("continue", "")
        if not token:
            break
    assert seen == whole
    assert len(versions) == 1


def test_the_number_of_what_is_left_is_told_only_without_a_selector(
    crowded: Cluster, client: Client
) -> None:
    assert client.get(PODS, limit="4").body["metadata"]["remainingItemCount"] == 2
    narrowed = client.get(PODS, limit="1", fieldSelector="spec.nodeName=node-1").body["metadata"]
    assert "remainingItemCount" not in narrowed
    assert narrowed["continue"]
    assert crowded.counters()["list pods"] == 2


def test_a_page_from_before_the_history_was_forgotten_has_expired(
    crowded: Cluster, client: Client
) -> None:
    token = client.get(PODS, limit="1").body["metadata"]["continue"]
    crowded.forget_history()
    answer = client.get(PODS, **{"limit": "1", "continue": token})
    assert (answer.status, answer.body["reason"]) == (410, "Expired")


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"continue": "no token"}, 400),
        ({"limit": "many"}, 400),
        ({"resourceVersion": "new"}, 400),
        ({"resourceVersion": "999999"}, 504),
    ],
)
def test_a_list_that_asks_for_nonsense_is_refused(
    query: dict[str, str], status: int, client: Client
) -> None:
    assert client.get(PODS, **query).status == status


def test_an_empty_list_has_a_version_and_no_items(client: Client) -> None:
    body = client.get("/api/v1/namespaces/rec/secrets").body
    assert (body["kind"], body["items"]) == ("SecretList", [])
    assert int(body["metadata"]["resourceVersion"]) > 0
