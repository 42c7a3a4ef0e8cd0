"""Every branch of the eviction API (pkg/registry/core/pod/storage/eviction.go)."""

import asyncio
from typing import Any

import pytest

from sandbox.cluster import Cluster
from sandbox.cluster.cluster import SimulatedCluster
from sandbox.cluster.eviction import MAX_DISRUPTED_PODS
from sandbox.cluster.resources import resource
from sandbox.cluster.store import Change
from tests.sandbox.cluster.http_client import Client, Json, bare_pod, status_of, wait_until_ready


def pods(cluster: Cluster, *names: str, app: str = "web", **spec: Any) -> list[Json]:
    made = []
    for name in names:
        body = bare_pod(name, stop_after="inf", **spec)
        body["metadata"]["labels"] = {"app": app}
        made.append(cluster.create("Pod", "rec", body))
    wait_until_ready(cluster, "rec", *names)
    return made


def budget(cluster: Cluster, name: str = "web", **fields: Any) -> None:
    fields = {"match_labels": {"app": "web"}, **fields}
    cluster.add_budget("rec", name, **fields)
    cluster.wait_for(
        lambda view: "observedGeneration" in status_of(view, "PodDisruptionBudget", "rec", name)
    )


def status(cluster: Cluster, name: str = "web") -> Json:
    found = cluster.get("PodDisruptionBudget", "rec", name)
    assert found is not None
    answer: Json = found["status"]
    return answer


def set_status(cluster: Cluster, **fields: Any) -> None:
    cluster.switch(disruption=False)
    cluster.patch("PodDisruptionBudget", "rec", "web", {"status": fields}, subresource="status")


def ending(cluster: Cluster, name: str) -> bool:
    pod = cluster.get("Pod", "rec", name)
    return pod is None or "deletionTimestamp" in pod["metadata"]


def cause(body: Json) -> str:
    (found,) = body["details"]["causes"]
    assert found["reason"] == "DisruptionBudget"
    message: str = found["message"]
    return message


def test_a_pod_that_no_budget_selects_is_evicted(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    budget(cluster, "other", match_labels={"app": "db"}, min_available=1)
    answer = client.evict("rec", "web-1")
    assert (answer.status, answer.body["status"]) == (201, "Success")
    pod = cluster.get("Pod", "rec", "web-1")
    assert pod is not None
    assert pod["metadata"]["deletionGracePeriodSeconds"] == 30
    assert pod["status"]["conditions"][-1]["reason"] == "EvictionByEvictionAPI"


def test_a_budget_of_another_namespace_protects_nothing(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    cluster.add_namespace("far")
    cluster.add_budget("far", "web", match_labels={"app": "web"}, min_available=1)
    assert client.evict("rec", "web-1").status == 201


def test_a_budget_with_an_empty_selector_protects_every_pod(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, match_labels={}, min_available=1)
    assert client.evict("rec", "web-1").status == 429


def test_an_allowed_eviction_is_charged_to_the_budget_before_the_pod_is_deleted(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1", "web-2", "web-3")
    budget(cluster, min_available=1)
    cluster.switch(disruption=False)
    assert client.evict("rec", "web-1").status == 201
    after = status(cluster)
    assert after["disruptionsAllowed"] == 1
    assert list(after["disruptedPods"]) == ["web-1"]
    assert ending(cluster, "web-1")


def test_the_last_allowed_disruption_turns_the_budgets_condition(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1", "web-2")
    budget(cluster, min_available=1)
    cluster.switch(disruption=False)
    assert client.evict("rec", "web-1").status == 201
    (condition,) = status(cluster)["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "InsufficientPods")


def test_a_second_eviction_is_refused_until_the_budget_allows_it_again(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1", "web-2")
    budget(cluster, min_available=1)
    assert client.evict("rec", "web-1").status == 201
    refused = client.evict("rec", "web-2")
    assert refused.status == 429
    assert "Retry-After" not in refused.headers
    assert cause(refused.body).startswith("The disruption budget web ")
    assert not ending(cluster, "web-2")


def test_a_dry_run_changes_neither_budget_nor_pod(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1", "web-2")
    budget(cluster, min_available=1)
    before = status(cluster)
    assert client.evict("rec", "web-1", dryRun=["All"]).status == 201
    assert client.evict("rec", "web-1", query="?dryRun=All").status == 201
    assert status(cluster) == before
    assert not ending(cluster, "web-1")


def test_a_dry_run_under_another_uid_is_refused(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    answer = client.evict("rec", "web-1", dryRun=["All"], preconditions={"uid": "another"})
    assert answer.status == 409


def test_another_uid_is_refused_and_costs_the_budget_all_the_same(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1", "web-2")
    budget(cluster, min_available=1)
    cluster.switch(disruption=False)
    answer = client.evict("rec", "web-1", preconditions={"uid": "another"})
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert not ending(cluster, "web-1")
    assert list(status(cluster)["disruptedPods"]) == ["web-1"]


def test_a_budget_that_allows_nothing_refuses_before_the_uid_is_looked_at(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=1)
    assert client.evict("rec", "web-1", preconditions={"uid": "another"}).status == 429


def test_another_resource_version_is_refused(cluster: Cluster, client: Client) -> None:
    (pod,) = pods(cluster, "web-1")
    old = pod["metadata"]["resourceVersion"]
    answer = client.evict("rec", "web-1", preconditions={"resourceVersion": old})
    assert answer.status == 409
    assert "the ResourceVersion in the precondition" in answer.body["message"]
    assert not ending(cluster, "web-1")


def test_the_right_uid_and_resource_version_are_accepted(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    pod = cluster.get("Pod", "rec", "web-1")
    assert pod is not None
    right = {name: pod["metadata"][name] for name in ("uid", "resourceVersion")}
    assert client.evict("rec", "web-1", preconditions=right).status == 201


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Pending"])
def test_a_pod_that_does_not_run_needs_no_leave_of_its_budget(
    phase: str, cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=1)
    cluster.switch(kubelet=False)
    cluster.patch("Pod", "rec", "web-1", {"status": {"phase": phase}}, subresource="status")
    assert client.evict("rec", "web-1").status == 201
    assert ending(cluster, "web-1")


def test_a_pod_without_a_node_is_gone_at_once(cluster: Cluster, client: Client) -> None:
    cluster.switch(scheduler=False)
    body = bare_pod("waiting")
    del body["spec"]["nodeName"]
    cluster.create("Pod", "rec", body)
    assert client.evict("rec", "waiting").status == 201
    assert cluster.get("Pod", "rec", "waiting") is None


def test_a_terminating_pod_needs_no_leave_and_keeps_its_deadline(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    cluster.delete("Pod", "rec", "web-1")
    before = cluster.get("Pod", "rec", "web-1")
    budget(cluster, min_available=1)
    assert client.evict("rec", "web-1").status == 201
    after = cluster.get("Pod", "rec", "web-1")
    assert before is not None
    assert after is not None
    assert after["metadata"]["deletionTimestamp"] == before["metadata"]["deletionTimestamp"]


def test_a_shorter_grace_shortens_the_deletion(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    assert client.evict("rec", "web-1").status == 201
    assert client.evict("rec", "web-1", gracePeriodSeconds=0).status == 201
    assert cluster.get("Pod", "rec", "web-1") is None


def test_an_unready_pod_goes_while_enough_others_are_healthy(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1", "web-2")
    budget(cluster, min_available=1)
    cluster.set_ready("rec", "web-1", ready=False)
    cluster.wait_for(
        lambda view: status_of(view, "PodDisruptionBudget", "rec", "web")["currentHealthy"] == 1
    )
    assert client.evict("rec", "web-1").status == 201
    assert "disruptedPods" not in status(cluster)


def test_an_unready_pod_goes_under_always_allow_and_costs_nothing(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    cluster.set_ready("rec", "web-1", ready=False)
    budget(cluster, min_available=1, unhealthy_pods="AlwaysAllow")
    assert client.evict("rec", "web-1").status == 201
    assert "disruptedPods" not in status(cluster)


def test_an_unready_pod_stays_while_too_few_are_healthy(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    cluster.set_ready("rec", "web-1", ready=False)
    budget(cluster, min_available=1, unhealthy_pods="IfHealthyBudget")
    assert client.evict("rec", "web-1").status == 429


def test_a_ready_pod_is_guarded_under_always_allow_too(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=1, unhealthy_pods="AlwaysAllow")
    assert client.evict("rec", "web-1").status == 429


def test_a_changed_budget_asks_for_patience_until_it_is_observed(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=0)
    cluster.switch(disruption=False)
    cluster.patch("PodDisruptionBudget", "rec", "web", {"spec": {"minAvailable": 1}})
    answer = client.evict("rec", "web-1")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
    assert cause(answer.body) == "The disruption budget web is still being processed by the server."


@pytest.mark.parametrize(
    ("healthy", "reason", "why", "words"),
    [
        (1, "SyncFailed", "found no controllers", "because it failed sync: found no controllers"),
        (3, "SyncFailed", "found no controllers", "because it failed sync: found no controllers"),
        (1, "InsufficientPods", "", "needs 1 healthy pods and has 1 currently"),
        (3, "InsufficientPods", "", "does not allow evicting pods currently"),
        (3, "Odd", "on a whim", "does not allow evicting pods currently (Odd): on a whim"),
    ],
)
def test_a_budget_that_allows_nothing_says_why_as_far_as_its_counts_can_be_trusted(
    cluster: Cluster, client: Client, healthy: int, reason: str, why: str, words: str
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=1)
    denied = {"type": "DisruptionAllowed", "status": "False", "reason": reason, "message": why}
    set_status(cluster, disruptionsAllowed=0, currentHealthy=healthy, conditions=[denied])
    refused = client.evict("rec", "web-1")
    assert refused.status == 429
    assert cause(refused.body).startswith("The disruption budget web ")
    assert cause(refused.body).endswith(words)


def test_a_negative_allowance_is_forbidden(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=0)
    set_status(cluster, disruptionsAllowed=-1)
    answer = client.evict("rec", "web-1")
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert answer.body["message"] == (
        'poddisruptionbudget.policy "web" is forbidden: pdb disruptions allowed is negative'
    )


def test_too_many_evictions_that_nobody_confirmed_are_forbidden(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=0)
    many = {f"gone-{number}": "2026-01-01T00:00:00Z" for number in range(MAX_DISRUPTED_PODS + 1)}
    set_status(cluster, disruptedPods=many)
    answer = client.evict("rec", "web-1")
    assert answer.status == 403
    assert "DisruptedPods map too big" in answer.body["message"]


def test_as_many_unconfirmed_evictions_as_allowed_do_not_matter(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=0)
    many = {f"gone-{number}": "2026-01-01T00:00:00Z" for number in range(MAX_DISRUPTED_PODS)}
    set_status(cluster, disruptedPods=many)
    assert client.evict("rec", "web-1").status == 201


def test_the_body_must_name_the_pod_of_the_path(cluster: Cluster, client: Client) -> None:
    pods(cluster, "web-1")
    path = "/api/v1/namespaces/rec/pods/web-1/eviction"
    answer = client.ask("POST", path, {"metadata": {"name": "web-2"}})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert not ending(cluster, "web-1")


def test_an_eviction_in_an_ending_namespace_is_refused_even_for_a_missing_pod(
    cluster: Cluster, client: Client
) -> None:
    cluster.switch(garbage=False)
    cluster.delete("Namespace", "", "rec")
    answer = client.evict("rec", "nobody")
    assert answer.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


def test_two_budgets_of_one_pod_are_an_error_without_a_reason(
    cluster: Cluster, client: Client
) -> None:
    pods(cluster, "web-1")
    budget(cluster, min_available=0)
    budget(cluster, "web-too", min_available=0)
    answer = client.evict("rec", "web-1")
    assert answer.status == 500
    assert "reason" not in answer.body


def test_a_pod_that_is_replaced_between_charge_and_deletion_is_not_confused_with_the_new_one(
    cluster: Cluster, client: Client
) -> None:
    (pod,) = pods(cluster, "web-1")
    budget(cluster, min_available=0)

    def replace_when_charged(inside: SimulatedCluster) -> None:
        def replace() -> None:
            old = inside.rest.find(resource("pods"), "rec", "web-1")
            inside.rest.delete(resource("pods"), old, {"gracePeriodSeconds": 0})
            inside.rest.create(resource("pods"), "rec", bare_pod("web-1"))

        def charged(_change: Change) -> None:
            listeners.remove(charged)
            asyncio.get_running_loop().call_soon(replace)

        listeners = inside.store["poddisruptionbudgets"].listeners
        listeners.append(charged)

    cluster.call(replace_when_charged)
    answer = client.evict("rec", "web-1", preconditions={"uid": pod["metadata"]["uid"]})
    assert answer.status == 409
    assert not ending(cluster, "web-1")


def test_a_uid_precondition_never_hits_the_next_pod_of_that_name(
    cluster: Cluster, client: Client
) -> None:
    (pod,) = pods(cluster, "web-1")
    cluster.delete("Pod", "rec", "web-1", grace=0)
    old = {"uid": pod["metadata"]["uid"]}
    assert client.evict("rec", "web-1", preconditions=old).status == 404
    pods(cluster, "web-1")
    assert client.evict("rec", "web-1", preconditions=old).status == 409
    assert not ending(cluster, "web-1")
