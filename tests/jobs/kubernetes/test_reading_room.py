"""What a pod takes and asks for, as the API says it."""

from typing import Any

import pytest

from jobs.drain.capacity import Amount, Load
from jobs.kubernetes.room import load, want

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def raw(phase: str = "Running", *, node: str = "node-2", **spec: Any) -> dict[str, Any]:
    containers = [{"resources": {"requests": {"cpu": "250m", "memory": "1Ki"}}}]
    return {
        "metadata": {"namespace": "shop", "name": "web-1"},
        "spec": {"containers": containers, "nodeName": node, **spec},
        "status": {"phase": phase},
    }


def asking(**requests: str) -> dict[str, Any]:
    return {"containers": [{"resources": {"requests": requests}}]}


def test_a_pod_takes_its_requests_and_a_place() -> None:
    assert load(raw()) == Load("node-2", Amount(250, 1024, 1))
    assert load(raw("Pending", node="")) == Load("", Amount(250, 1024, 1))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_takes_nothing(phase: str) -> None:
    assert load(raw(phase)) is None


def test_one_that_ends_takes_its_place_until_it_is_gone_unless_it_never_had_one() -> None:
    ends = {"namespace": "shop", "name": "web-1", "deletionTimestamp": "2026-11-20T18:00:00Z"}
    assert load({**raw(), "metadata": ends}) is not None
    assert load({**raw("Pending", node=""), "metadata": ends}) is None


def test_an_ordinary_pod_has_no_special_wishes() -> None:
    usual = [
        {"key": f"node.kubernetes.io/{why}", "operator": "Exists", "effect": "NoExecute"}
        for why in ("not-ready", "unreachable")
    ]
    spread = [{"whenUnsatisfiable": "ScheduleAnyway", "topologyKey": "zone"}]
    asked = want(
        raw(
            tolerations=usual,
            topologySpreadConstraints=spread,
            affinity={"podAntiAffinity": {PREFERRED: [{}]}},
            volumes=[{"name": "a", "configMap": {}}, {"name": "b", "emptyDir": {}}],
            nodeSelector={"kubernetes.io/os": "linux"},
        )
    )
    assert (asked.pod, asked.amount) == ("shop/web-1", Amount(250, 1024, 1))
    assert asked.selector == {"kubernetes.io/os": "linux"}
    assert (asked.tolerant, asked.devices, asked.picky) == (False, False, False)


@pytest.mark.parametrize(
    "spec",
    [
        {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{}]}}}},
        {"affinity": {"podAntiAffinity": {REQUIRED: [{}]}}},
        {"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]},
        {"volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "a"}}]},
        {"volumes": [{"name": "a", "ephemeral": {}}]},
        {"containers": [{"ports": [{"containerPort": 80, "hostPort": 80}]}]},
        asking(**{"ephemeral-storage": "1Gi"}),
    ],
)
def test_wishes_that_nobody_looks_at_are_noticed(spec: dict[str, Any]) -> None:
    assert want(raw(**spec)).picky


@pytest.mark.parametrize(
    "spec",
    [
        asking(**{"nvidia.com/gpu": "1"}),
        asking(**{"hugepages-2Mi": "4Mi"}),
        {"initContainers": [{"resources": {"requests": {"example.com/nic": "1"}}}]},
        {"resourceClaims": [{"name": "gpu"}]},
    ],
)
def test_devices_are_noticed(spec: dict[str, Any]) -> None:
    assert want(raw(**spec)).devices


@pytest.mark.parametrize("toleration", [{"key": "pool"}, {"operator": "Exists"}])
def test_a_pod_that_tolerates_more_than_any_is_known_by_it(toleration: dict[str, str]) -> None:
    assert want(raw(tolerations=[toleration])).tolerant
