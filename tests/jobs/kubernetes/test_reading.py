import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jobs.drain.facts import Controller, Owner
from jobs.drain.quantities import quantity
from jobs.kubernetes import Cluster, parse
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import list_pods_on
from jobs.kubernetes.volumes import attachments_on
from sandbox.cluster import Cluster as Simulated

RECORDINGS = Path(__file__).parents[2] / "sandbox" / "cluster" / "recordings"


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / f"{name}.json").read_text())["response"]


def test_a_terminating_pod_is_read_as_the_server_wrote_it() -> None:
    pod = parse.pod(recorded("pod-terminating")["body"])
    assert (pod.namespace, pod.name, pod.node, pod.phase) == ("rec", "slow", "node-1", "Running")
    assert pod.uid == "a6a25ccf-f716-4be2-a865-150bda587759"
    assert pod.ready
    assert pod.terminating
    assert pod.deletion == 1_795_197_286_000  # when its grace ends
    assert pod.grace == 30
    assert pod.controller is None
    assert (pod.mirror, pod.emptydir, pod.gpu, pod.do_not_disrupt) == (False,) * 4


def test_the_life_of_a_pod_ends_terminating() -> None:
    pods = [parse.pod(event["object"]) for event in recorded("watch-pod-life")["events"]]
    assert [pod.phase for pod in pods] == ["Pending", *["Running"] * 5]
    assert [pod.ready for pod in pods] == [False, *[True] * 5]
    assert [pod.terminating for pod in pods] == [False] * 3 + [True] * 3


def test_a_daemonsets_pod_names_its_controller() -> None:
    pod = parse.pod(recorded("pods-of-daemonset")["body"]["items"][0])
    assert pod.controller == Controller(
        kind="DaemonSet", name="agent", uid="995ef1ab-35d8-4855-9c9f-66e60a8f3e54"
    )


def test_the_life_of_a_budget_is_read_with_its_counts() -> None:
    budgets = [parse.budget(event["object"]) for event in recorded("watch-budget-life")["events"]]
    assert [budget.fresh for budget in budgets] == [False, *[True] * 5]
    assert [budget.disruptions_allowed for budget in budgets] == [0, 1, 0, 0, 0, 0]
    assert [sorted(budget.disrupted) for budget in budgets] == [[], [], ["g-1"], ["g-1"], [], []]
    assert budgets[-1].facts.expected_pods == 1
    assert budgets[0].facts.disruptions_allowed == -1  # not reckoned yet


def test_a_node_is_read_with_its_cordon_and_taints() -> None:
    node = parse.node(recorded("node-cordon")["body"])
    assert (node.name, node.unschedulable, node.ready) == ("node-1", True, True)
    assert node.annotations == {"example.com/operation": "op-1"}
    tainted = parse.node(recorded("node-taint-out-of-service")["body"])
    assert [taint.key for taint in tainted.taints] == ["node.kubernetes.io/out-of-service"]
    assert not tainted.ready  # its Ready condition was lost


def made(**fields: Any) -> Any:
    meta = {"name": "p", "namespace": "n", "uid": "u", **fields.pop("metadata", {})}
    return parse.pod({"metadata": meta, "spec": {"containers": [], **fields}, "status": {}})


def test_what_makes_a_pod_special_is_read() -> None:
    marks = {
        "kubernetes.io/config.mirror": "x",
        "karpenter.sh/do-not-disrupt": "true",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    }
    volumes = [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "c", "configMap": {"name": "x"}},
    ]
    pod = made(metadata={"annotations": marks, "finalizers": ["example.com/hold"]}, volumes=volumes)
    assert (pod.mirror, pod.do_not_disrupt, pod.not_safe_to_evict) == (True, True, True)
    assert (pod.emptydir, pod.claims, pod.finalizers) == (True, ("data",), ("example.com/hold",))
    assert pod.phase == "Pending"


def status_of(**status: Any) -> Any:
    meta = {"name": "p", "namespace": "n", "uid": "u", "creationTimestamp": "2026-11-20T18:00:00Z"}
    return parse.pod({"metadata": meta, "spec": {"containers": []}, "status": status})


def unready(kind: str, **condition: str) -> dict[str, str]:
    return {"type": kind, "status": "False", **condition}


NO_ROOM = "0/3 nodes are available: 3 node(s) were unschedulable."
CRASHED = "back-off 40s restarting failed container"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (
            {"conditions": [unready("PodScheduled", reason="Unschedulable", message=NO_ROOM)]},
            NO_ROOM,
        ),
        ({"conditions": [unready("PodScheduled", reason="SchedulingGated")]}, "SchedulingGated"),
        (
            {
                "conditions": [unready("Ready", message="containers with unready status: [db]")],
                "containerStatuses": [
                    {"state": {"running": {}}},
                    {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": CRASHED}}},
                ],
            },
            f"CrashLoopBackOff: {CRASHED}",
        ),
        (
            {
                "initContainerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}],
                "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
            },
            "ImagePullBackOff",
        ),
        (
            {"conditions": [unready("Ready", message="containers with unready status: [db]")]},
            "containers with unready status: [db]",
        ),
        ({}, ""),
    ],
)
def test_why_a_pod_is_not_ready_is_told_in_the_words_of_the_scheduler_or_the_kubelet(
    status: Any, why: str
) -> None:
    told = status_of(**status).not_ready
    assert (told.pod, told.why, told.since) == ("n/p", why, 1_795_197_600_000)


def test_a_pod_that_is_ready_has_no_reason_not_to_be() -> None:
    waiting = {"state": {"waiting": {"reason": "Completed"}}}
    ready = status_of(
        conditions=[{"type": "Ready", "status": "True"}], initContainerStatuses=[waiting]
    )
    assert ready.why_not_ready == ""


def test_the_claim_of_an_ephemeral_volume_is_named_after_pod_and_volume() -> None:
    volumes = [
        {"name": "cache", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "c", "configMap": {}},
    ]
    assert made(volumes=volumes).claims == ("p-cache", "data")


def test_the_opposite_of_a_mark_is_no_mark() -> None:
    marks = {
        "karpenter.sh/do-not-disrupt": "false",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
    }
    pod = made(metadata={"annotations": marks})
    assert (pod.do_not_disrupt, pod.not_safe_to_evict) == (False, False)


@pytest.mark.parametrize("name", ["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915"])
def test_a_gpu_is_known_by_its_resource(name: str) -> None:
    assert made(containers=[{"resources": {"limits": {name: "1"}}}]).gpu
    assert not made(containers=[{"resources": {"limits": {"cpu": "1"}}}]).gpu
    assert not made(containers=[{"resources": {"limits": {name: "0"}}}]).gpu


def wants(cpu: str, memory: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def test_requests_are_summed_as_the_scheduler_sums_them() -> None:
    pod = made(containers=[wants("250m", "1Gi"), wants("1", "512Mi")])
    assert (pod.cpu, pod.memory) == (1250, 1536 * 2**20)
    first = made(containers=[wants("250m", "1Gi")], initContainers=[wants("2", "1Mi")])
    assert (first.cpu, first.memory) == (2000, 2**30)
    sidecar = made(
        containers=[wants("1", "1k")],
        initContainers=[wants("500m", "1k", restartPolicy="Always")],
        overhead={"cpu": "10m"},
    )
    assert (sidecar.cpu, sidecar.memory) == (1510, 2000)


def test_an_init_container_runs_beside_the_sidecars_that_were_started_before_it() -> None:
    sidecar = wants("500m", "1k", restartPolicy="Always")
    after = made(containers=[wants("1", "1k")], initContainers=[sidecar, wants("2", "1k")])
    before = made(containers=[wants("1", "1k")], initContainers=[wants("2", "1k"), sidecar])
    assert (after.cpu, before.cpu) == (2500, 2000)


def test_what_a_pod_requests_as_a_whole_stands_for_its_containers() -> None:
    whole = made(containers=[wants("1", "1k")], resources={"requests": {"cpu": "3"}})
    assert (whole.cpu, whole.memory) == (3000, 1000)


@pytest.mark.parametrize(
    ("mark", "always", "until"),
    [
        ("true", True, 0),
        ("30m", False, 1_795_197_600_000 + 30 * 60_000),
        ("1h1.5s", False, 1_795_197_600_000 + 3_601_500),
        ("false", False, 0),
        ("0s", False, 0),
        ("-5m", False, 0),
        ("5", False, 0),
        ("", False, 0),
    ],
)
def test_karpenters_mark_spares_a_pod_always_or_for_a_while_after_its_start(
    mark: str,
    always: bool,  # noqa: FBT001  the table's column
    until: int,
) -> None:
    marks = {"annotations": {"karpenter.sh/do-not-disrupt": mark}}
    meta = {"name": "p", "namespace": "n", "uid": "u", **marks}
    raw: dict[str, Any] = {"metadata": meta, "spec": {"containers": []}}
    pod = parse.pod({**raw, "status": {"startTime": "2026-11-20T18:00:00Z"}})
    assert (pod.do_not_disrupt, pod.do_not_disrupt_until) == (always, until)
    waiting = parse.pod(raw)  # it has not started, so the while has not begun
    assert waiting.do_not_disrupt is (always or until > 0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100m", "0.1"),
        ("1.5", "1.5"),
        ("2Ki", "2048"),
        ("1E", "1e18"),
        ("12e3", "12000"),
        ("", "0"),
    ],
)
def test_quantities_are_numbers(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)


def test_owners_are_read_as_people_know_them(simulated: Simulated, cluster: Cluster) -> None:
    simulated.add_workload("Deployment", "shop", "web", replicas=2, on=["node-1"])
    simulated.add_workload("StatefulSet", "shop", "db", replicas=3, on=["node-1"])
    simulated.add_workload("DaemonSet", "shop", "agent")
    simulated.add_workload("Job", "shop", "train", on=["node-1"])
    simulated.wait_for(
        lambda view: (
            (agent := view.get("daemonsets", "shop", "agent"))
            and agent["status"]["numberReady"] == 2
        )
    )
    owners: dict[str, Owner] = {}
    for pod in list_pods_on(cluster, "node-1")[0]:
        assert pod.controller is not None
        owner = find_owner(cluster, pod.namespace, pod.controller)
        assert owner is not None
        assert owner.uid == pod.controller.uid
        owners[owner.kind] = owner
    assert {kind: (owner.name, owner.replicas) for kind, owner in owners.items()} == {
        "Deployment": ("web", 2),
        "StatefulSet": ("db", 3),
        "DaemonSet": ("agent", 2),
        "Job": ("train", 1),
    }


def test_an_owner_that_is_gone_or_another_one_is_none(
    simulated: Simulated, cluster: Cluster
) -> None:
    gone = Controller(kind="ReplicaSet", name="web", uid="x")
    assert find_owner(cluster, "shop", gone) is None
    simulated.add_workload("StatefulSet", "shop", "db", on=["node-1"])
    again = Controller(kind="StatefulSet", name="db", uid="of-its-predecessor")
    assert find_owner(cluster, "shop", again) is None


def test_a_kind_that_is_not_known_is_named_without_a_request(
    simulated: Simulated, cluster: Cluster
) -> None:
    odd = Controller(kind="Cluster", name="pg", uid="x", api_version="postgresql.cnpg.io/v1")
    owner = find_owner(cluster, "shop", odd)
    assert owner is not None
    assert (owner.kind, owner.name, owner.replicas, owner.ready) == ("Cluster", "pg", -1, -1)
    assert not simulated.counters()


def test_a_kind_of_a_known_name_in_another_group_is_not_read_as_ours(cluster: Cluster) -> None:
    kruise = Controller(
        kind="StatefulSet", name="db", uid="x", api_version="apps.kruise.io/v1beta1"
    )
    owner = find_owner(cluster, "shop", kruise)
    assert owner is not None
    assert (owner.kind, owner.replicas) == ("StatefulSet", -1)


def test_volumes_are_told_by_node(simulated: Simulated, cluster: Cluster) -> None:
    simulated.add_attachment("va-1", node="node-1", volume="pv-1")
    simulated.add_attachment("va-2", node="node-2", volume="pv-2")
    (found,) = attachments_on(cluster, "node-1")
    assert (found.name, found.volume, found.attached) == ("va-1", "pv-1", True)
