import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox.cluster import ApiError, Cluster
from sandbox.cluster.patches import apply_patch, json_patch, merge_patch, strategic_merge_patch
from tests.sandbox.cluster.http_client import STRATEGIC, Client, Json

NODE = "/api/v1/nodes/node-1"
JSON_PATCH = "application/json-patch+json"
json_values = some.recursive(
    some.booleans() | some.integers() | some.text(max_size=3),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
json_objects = some.dictionaries(some.text(max_size=3), json_values, max_size=4)


@given(json_objects, json_objects)
def test_a_merge_patch_applied_twice_changes_nothing_more(target: Json, patch: Json) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


@given(json_objects, json_objects)
def test_a_merge_patch_leaves_its_target_as_it_was(target: Json, patch: Json) -> None:
    before = repr(target)
    merge_patch(target, patch)
    strategic_merge_patch(target, patch)
    assert repr(target) == before


@given(json_objects)
def test_nulls_take_everything_away(target: Json) -> None:
    assert merge_patch(target, dict.fromkeys(target)) == {}


def taint(key: str, value: str = "") -> Json:
    return {"key": key, "value": value, "effect": "NoSchedule"}


def test_taints_are_merged_by_key_and_patched_ones_keep_their_place() -> None:
    live = {"taints": [taint("a"), taint("b"), taint("c")]}
    merged = strategic_merge_patch(live, {"taints": [taint("b", "new")]})
    assert merged["taints"] == [taint("a"), taint("b", "new"), taint("c")]


def test_a_new_entry_comes_before_those_that_only_the_server_had() -> None:
    live = {"conditions": [{"type": "Ready", "status": "True"}]}
    merged = strategic_merge_patch(live, {"conditions": [{"type": "New", "status": "True"}]})
    assert [one["type"] for one in merged["conditions"]] == ["New", "Ready"]


def test_an_order_that_kubectl_sends_is_kept() -> None:
    live = {"taints": [taint("a")]}
    patch = {
        "$setElementOrder/taints": [{"key": "b"}, {"key": "a"}],
        "taints": [taint("b")],
    }
    merged = strategic_merge_patch(live, patch)
    assert [one["key"] for one in merged["taints"]] == ["b", "a"]
    assert "$setElementOrder/taints" not in merged


def test_one_entry_is_taken_away_by_a_directive() -> None:
    live = {"taints": [taint("a"), taint("b")]}
    patch = {"taints": [{"$patch": "delete", "key": "a"}]}
    assert strategic_merge_patch(live, patch) == {"taints": [taint("b")]}


def test_a_list_is_replaced_by_a_directive() -> None:
    live = {"taints": [taint("a"), taint("b")]}
    patch = {"taints": [taint("c"), {"$patch": "replace"}]}
    assert strategic_merge_patch(live, patch) == {"taints": [taint("c")]}


def test_a_map_is_replaced_by_a_directive() -> None:
    live = {"labels": {"a": "1", "b": "2"}}
    patch = {"labels": {"$patch": "replace", "c": "3"}}
    assert strategic_merge_patch(live, patch) == {"labels": {"c": "3"}}


def test_finalizers_are_a_set() -> None:
    live = {"finalizers": ["a", "b"]}
    assert strategic_merge_patch(live, {"finalizers": ["b", "c"]})["finalizers"] == ["a", "b", "c"]
    patch = {"$deleteFromPrimitiveList/finalizers": ["a"]}
    assert strategic_merge_patch(live, patch) == {"finalizers": ["b"]}


def test_tolerations_have_no_merge_key_and_are_replaced() -> None:
    live = {"tolerations": [{"key": "a"}]}
    patch = {"tolerations": [{"key": "b"}]}
    assert strategic_merge_patch(live, patch) == patch


def test_an_entry_without_its_merge_key_is_refused() -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: key"):
        strategic_merge_patch({}, {"taints": [{"value": "x"}]})


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([{"op": "add", "path": "/a", "value": 1}], {"a": 1, "list": [1, 2]}),
        ([{"op": "replace", "path": "/list", "value": []}], {"list": []}),
        ([{"op": "remove", "path": "/list/0"}], {"list": [2]}),
        ([{"op": "add", "path": "/list/-", "value": 3}], {"list": [1, 2, 3]}),
        ([{"op": "add", "path": "/list/0", "value": 0}], {"list": [0, 1, 2]}),
        ([{"op": "add", "path": "/a~1b", "value": 1}], {"a/b": 1, "list": [1, 2]}),
        ([{"op": "test", "path": "/list/1", "value": 2}], {"list": [1, 2]}),
    ],
)
def test_json_patches(operations: list[Json], wanted: Json) -> None:
    assert json_patch({"list": [1, 2]}, operations) == wanted


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "test", "path": "/list/0", "value": 9},
        {"op": "remove", "path": "/list/7"},
    ],
)
def test_a_json_patch_that_does_not_apply_is_refused(operation: Json) -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({"list": [1]}, [operation])
    assert refused.value.code == 422


@pytest.mark.parametrize(
    ("content_type", "patch", "code"),
    [
        ("application/apply-patch+yaml", {}, 415),
        ("text/plain", {}, 415),
        ("application/merge-patch+json", [], 400),
        (JSON_PATCH, {}, 400),
        (STRATEGIC, {"$patch": "shred"}, 400),
    ],
)
def test_a_patch_that_is_not_understood_is_refused(
    content_type: str, patch: object, code: int
) -> None:
    with pytest.raises(ApiError) as refused:
        apply_patch(content_type, {}, patch)
    assert refused.value.code == code


def test_a_patch_with_the_present_version_is_applied_and_a_repeat_conflicts(
    cluster: Cluster, client: Client
) -> None:
    cluster.switch(node_lifecycle=False)
    version = client.get(NODE).body["metadata"]["resourceVersion"]
    guarded = {"metadata": {"resourceVersion": version}, "spec": {"unschedulable": True}}
    assert client.patch(NODE, guarded).status == 200
    again = client.patch(NODE, guarded)
    assert (again.status, again.body["reason"]) == (409, "Conflict")


def test_of_two_guarded_patches_at_the_same_version_one_wins(client: Client) -> None:
    version = client.get(NODE).body["metadata"]["resourceVersion"]
    patches = [
        {"metadata": {"resourceVersion": version, "annotations": {"owner": name}}}
        for name in ("first", "second")
    ]
    assert [client.patch(NODE, one).status for one in patches] == [200, 409]
    assert client.get(NODE).body["metadata"]["annotations"] == {"owner": "first"}


def test_a_patch_under_another_uid_conflicts(client: Client) -> None:
    answer = client.patch(NODE, {"metadata": {"uid": "another"}})
    assert answer.status == 409
    assert "UID in precondition: another" in answer.body["message"]


def test_a_patch_changes_neither_status_nor_what_the_server_gave(client: Client) -> None:
    before = client.get(NODE).body
    patch = {
        "metadata": {"creationTimestamp": "2000-01-01T00:00:00Z", "labels": {"a": "b"}},
        "status": {"conditions": []},
    }
    after = client.patch(NODE, patch).body
    assert after["status"] == before["status"]
    assert after["metadata"]["creationTimestamp"] == before["metadata"]["creationTimestamp"]
    assert after["metadata"]["labels"]["a"] == "b"


def test_a_status_patch_changes_no_spec(client: Client) -> None:
    patch = {"spec": {"unschedulable": True}, "status": {"phase": "x"}}
    after = client.patch(f"{NODE}/status", patch).body
    assert after["spec"] == {}
    assert after["status"]["phase"] == "x"


def test_a_dry_run_answers_and_changes_nothing(client: Client) -> None:
    before = client.get(NODE).body
    answer = client.patch(f"{NODE}?dryRun=All", {"spec": {"unschedulable": True}})
    assert answer.body["spec"] == {"unschedulable": True}
    assert client.get(NODE).body == before


def test_an_uncordon_by_false_leaves_no_trace(cluster: Cluster, client: Client) -> None:
    cluster.switch(node_lifecycle=False)
    client.patch(NODE, {"spec": {"unschedulable": True}})
    assert client.patch(NODE, {"spec": {"unschedulable": False}}).body["spec"] == {}


def test_a_budgets_generation_counts_its_specs(cluster: Cluster, client: Client) -> None:
    cluster.add_budget("rec", "web", min_available=1, match_labels={"app": "web"})
    path = "/apis/policy/v1/namespaces/rec/poddisruptionbudgets/web"
    assert client.patch(path, {"metadata": {"labels": {"a": "b"}}}).body["metadata"] == {
        **client.get(path).body["metadata"],
        "generation": 1,
    }
    assert client.patch(path, {"spec": {"minAvailable": 0}}).body["metadata"]["generation"] == 2


def test_a_json_patch_over_http(client: Client) -> None:
    operations = [{"op": "add", "path": "/spec/unschedulable", "value": True}]
    assert client.patch(NODE, operations, JSON_PATCH).body["spec"]["unschedulable"] is True


def test_a_patch_that_is_no_json_is_refused(client: Client) -> None:
    response = client.pool.request(
        "PATCH", client.url + NODE, body=b"{", headers={"Content-Type": STRATEGIC}
    )
    assert response.status == 400
