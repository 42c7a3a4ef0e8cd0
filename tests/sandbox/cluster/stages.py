"""The state in which each recording was made, prepared on the simulated cluster.

A stage returns what stands in the recorded request for something else here: uids, versions, tokens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.cluster import Cluster
from tests.sandbox.cluster.http_client import (
    MERGE,
    STRATEGIC,
    Client,
    Json,
    bare_pod,
    status_of,
    wait_until_ready,
)

Stage = Callable[[Cluster, Client], Mapping[str, str]]
_DRAINING: Json = {
    "type": "DrainInProgress",
    "status": "True",
    "reason": "Operation",
    "message": "op-1",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
    "lastHeartbeatTime": "2026-01-01T00:00:00Z",
}
_NOTHING: Mapping[str, str] = {}


def _pod(cluster: Cluster, name: str, app: str = "", namespace: str = "rec", **more: Any) -> Json:
    body = bare_pod(name, **more)
    body["metadata"]["labels"] = {"app": app or name}
    made = cluster.create("Pod", namespace, body)
    wait_until_ready(cluster, namespace, name)
    return made


def _budget(cluster: Cluster, name: str, app: str, **fields: Any) -> None:
    cluster.add_budget("rec", name, match_labels={"app": app}, **fields)
    cluster.wait_for(
        lambda view: "observedGeneration" in status_of(view, "PodDisruptionBudget", "rec", name)
    )


def nothing(_cluster: Cluster, _client: Client) -> Mapping[str, str]:
    return _NOTHING


def plain(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    pod = _pod(cluster, "plain")
    return {"f1100513-a7ba-49de-8b14-5dc7f2de24a2": pod["metadata"]["uid"]}


def guarded(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    first = _pod(cluster, "guarded-1", "guarded")
    _pod(cluster, "guarded-2", "guarded")
    _budget(cluster, "guarded", "guarded", min_available=2)
    return {"29434321-4582-4bff-9c86-66ac2fb9a2a9": first["metadata"]["uid"]}


def two_budgets(cluster: Cluster, client: Client) -> Mapping[str, str]:
    guarded(cluster, client)
    _budget(cluster, "second", "guarded", min_available=1)
    return _NOTHING


def unseen_budget(cluster: Cluster, client: Client) -> Mapping[str, str]:
    plain(cluster, client)
    cluster.switch(disruption=False)
    cluster.add_budget("rec", "fresh", match_labels={"app": "plain"}, min_available=1)
    return _NOTHING


def _sick(policy: Any) -> Stage:
    def stage(cluster: Cluster, _client: Client) -> Mapping[str, str]:
        name = f"sick-{policy.lower()}"
        _pod(cluster, name)
        cluster.set_ready("rec", name, ready=False)
        _budget(cluster, name, name, min_available=1, unhealthy_pods=policy)
        return _NOTHING

    return stage


def slow(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    _pod(cluster, "slow", stop_after="6")
    return _NOTHING


def slow_evicted(cluster: Cluster, client: Client) -> Mapping[str, str]:
    slow(cluster, client)
    assert client.evict("rec", "slow", gracePeriodSeconds=30).status == 201
    return _NOTHING


def ending_namespace(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    cluster.add_namespace("ending")
    body = bare_pod("held")
    body["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.create("Pod", "ending", body)
    cluster.delete("Namespace", "", "ending")
    return _NOTHING


def operation_noted(cluster: Cluster, client: Client) -> Mapping[str, str]:
    patch = {"metadata": {"annotations": {"example.com/operation": "op-1"}}}
    cluster.patch("Node", "", "node-1", patch)
    _condition(client, "node-1", STRATEGIC)
    return _NOTHING


def cordoned(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    patch = {
        "metadata": {"annotations": {"example.com/operation": "op-1"}},
        "spec": {"unschedulable": True},
    }
    cluster.patch("Node", "", "node-1", patch)
    return _NOTHING


def _condition(client: Client, node: str, content_type: str) -> None:
    patch = {"status": {"conditions": [_DRAINING]}}
    assert client.patch(f"/api/v1/nodes/{node}/status", patch, content_type).status == 200


def ready_lost(_cluster: Cluster, client: Client) -> Mapping[str, str]:
    _condition(client, "node-2", MERGE)
    return _NOTHING


def stateful_set(cluster: Cluster, client: Client) -> Mapping[str, str]:
    spec = {
        "replicas": 1,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": {
            "metadata": {"labels": {"app": "db"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        },
    }
    for node in ("node-2", "node-3"):
        client.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    cluster.create("StatefulSet", "rec", {"metadata": {"name": "db"}, "spec": spec})
    wait_until_ready(cluster, "rec", "db-0")
    return _NOTHING


def stateful_set_again(cluster: Cluster, client: Client) -> Mapping[str, str]:
    stateful_set(cluster, client)
    cluster.set_timing(start_s=3600)  # so that the next one is still Pending when it is looked at
    before = cluster.get("Pod", "rec", "db-0")
    assert before is not None
    assert client.evict("rec", "db-0").status == 201

    def is_another(view: Any) -> bool:
        pod = view.get("Pod", "rec", "db-0")
        uid = before["metadata"]["uid"]
        return bool(pod and pod["metadata"]["uid"] != uid and pod["spec"].get("nodeName"))

    cluster.wait_for(is_another)
    return _NOTHING


def daemon_set(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    template = {
        "metadata": {"labels": {"app": "agent"}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": template}
    cluster.create("DaemonSet", "rec", {"metadata": {"name": "agent"}, "spec": spec})
    cluster.wait_for(lambda view: len(view.list("Pod", "rec")) == 3)  # one on each node
    pods = cluster.list("Pod", "rec")
    wait_until_ready(cluster, "rec", *(pod["metadata"]["name"] for pod in pods))
    return _NOTHING


def pages(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    _pod(cluster, "g-2", "g")
    page = _pod(cluster, "page-1", stop_after="30")
    _pod(cluster, "page-2", stop_after="30")
    return {"5a5156e7-671d-425f-b9f1-f920fca8e0c9": page["metadata"]["uid"]}


def second_page(cluster: Cluster, client: Client) -> Mapping[str, str]:
    pages(cluster, client)
    token = client.get("/api/v1/namespaces/rec/pods", limit="1").body["metadata"]["continue"]
    return {"eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjQxLCJzdGFydCI6Ii9nLTJcdTAwMDAifQ": token}


def one_page_ends(cluster: Cluster, client: Client) -> Mapping[str, str]:
    pages(cluster, client)
    cluster.delete("Pod", "rec", "page-1", grace=20)
    return _NOTHING


def volumes(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    cluster.add_attachment("va-1", node="node-1", volume="pv-1", attached=False)
    return _NOTHING


def _now(cluster: Cluster) -> str:
    return str(cluster.call(lambda inside: inside.store.revision))


def history_forgotten(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    cluster.forget_history()
    return _NOTHING


def one_pod(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    _pod(cluster, "g-2", "g")
    return {"resourceVersion=N": f"resourceVersion={_now(cluster)}"}


def two_pods_without_budget(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    _pod(cluster, "g-1", "g")
    _pod(cluster, "g-2", "g")
    return {"resourceVersion=222": f"resourceVersion={_now(cluster)}"}


def from_now(cluster: Cluster, _client: Client) -> Mapping[str, str]:
    return {"resourceVersion=N": f"resourceVersion={_now(cluster)}"}


def _gone(name: str) -> Callable[[Any], bool]:
    return lambda view: view.get("Pod", "rec", name) is None


def live_of_a_budget(cluster: Cluster, client: Client) -> None:
    _budget(cluster, "g", "g", min_available=1)
    assert client.evict("rec", "g-1").status == 201
    cluster.wait_for(_gone("g-1"))
    cluster.wait_for(
        lambda view: status_of(view, "PodDisruptionBudget", "rec", "g")["expectedPods"] == 1
    )


def life_of_a_pod(cluster: Cluster, client: Client) -> None:
    _pod(cluster, "watched", terminationGracePeriodSeconds=0)
    assert client.evict("rec", "watched", gracePeriodSeconds=1).status == 201
    cluster.wait_for(_gone("watched"))


def no_life(_cluster: Cluster, _client: Client) -> None:
    return


@dataclass(frozen=True)
class Recorded:
    """How a recording is made again: what is there before, who asks, what happens meanwhile."""

    stage: Stage = nothing
    token: str = "admin"
    meanwhile: Callable[[Cluster, Client], None] = no_life


RECORDED: Mapping[str, Recorded] = {
    "delete-bypasses-pdb": Recorded(guarded),
    "delete-graceful": Recorded(pages),
    "delete-wrong-uid": Recorded(guarded),
    "discovery-api": Recorded(),
    "discovery-apps-v1": Recorded(),
    "discovery-core-v1": Recorded(),
    "discovery-policy-v1": Recorded(),
    "event-create": Recorded(),
    "evict-again-while-terminating": Recorded(slow_evicted),
    "evict-blocked-by-pdb": Recorded(guarded),
    "evict-blocked-dry-run": Recorded(guarded),
    "evict-created": Recorded(slow),
    "evict-dry-run": Recorded(plain),
    "evict-in-ending-namespace": Recorded(ending_namespace),
    "evict-missing": Recorded(),
    "evict-pdb-not-yet-observed": Recorded(unseen_budget),
    "evict-two-pdbs": Recorded(two_budgets),
    "evict-unhealthy-alwaysallow": Recorded(_sick("AlwaysAllow")),
    "evict-unhealthy-ifhealthybudget": Recorded(_sick("IfHealthyBudget")),
    "evict-wrong-uid": Recorded(plain),
    "forbidden-evict": Recorded(plain, token="weak"),
    "forbidden-list-nodes": Recorded(token="weak"),
    "node-annotation-remove": Recorded(operation_noted),
    "node-cordon": Recorded(),
    "node-get": Recorded(),
    "node-missing": Recorded(),
    "node-patch-stale": Recorded(),
    "node-status-merge-loses-ready": Recorded(),
    "node-status-strategic": Recorded(),
    "node-taint-out-of-service": Recorded(ready_lost),
    "node-uncordon": Recorded(cordoned),
    "nodes-list-selector": Recorded(),
    "pdb-blocking": Recorded(guarded),
    "pod-missing": Recorded(),
    "pod-of-statefulset": Recorded(stateful_set),
    "pod-of-statefulset-again": Recorded(stateful_set_again),
    "pod-terminating": Recorded(slow_evicted),
    "pods-list-first-page": Recorded(pages),
    "pods-list-next-page": Recorded(second_page),
    "pods-list-rv-zero": Recorded(one_page_ends),
    "pods-of-daemonset": Recorded(daemon_set),
    "pods-on-node": Recorded(plain),
    "unauthorized": Recorded(token="unknown"),
    "version": Recorded(),
    "volumeattachments-by-node": Recorded(volumes),
    "volumeattachments-list": Recorded(volumes),
    "watch-budget-life": Recorded(two_pods_without_budget, meanwhile=live_of_a_budget),
    "watch-expired": Recorded(history_forgotten),
    "watch-initial-events": Recorded(one_pod),
    "watch-pod-life": Recorded(from_now, meanwhile=life_of_a_pod),
}
