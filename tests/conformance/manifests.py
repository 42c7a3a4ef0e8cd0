"""The objects that the cases put into a cluster, as JSON. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.api import Json, version_of

IMAGE = "registry.k8s.io/pause:3.10"
GRACE = 1  # seconds: what waits for it waits for nothing
GATE = "drainbot.dev/conformance-ready"
DISPOSABLE = "drainbot.dev/disposable"
HOSTNAME = "kubernetes.io/hostname"


def template(
    name: str,
    *,
    grace: int = GRACE,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    finalizers: Sequence[str] = (),
    emptydir: bool = False,
    gated: bool = False,
    deadline: int | None = None,
    limits: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
) -> Json:
    """A pod's metadata and spec. `gated`: it is ready only once the driver says so."""
    container: Json = {"name": "pause", "image": IMAGE}
    if limits:
        container["resources"] = {"limits": dict(limits), "requests": dict(limits)}
    spec: Json = {
        "containers": [container],
        "terminationGracePeriodSeconds": grace,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
    }
    if emptydir:
        spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    if gated:
        spec["readinessGates"] = [{"conditionType": GATE}]
    if deadline is not None:
        spec["activeDeadlineSeconds"] = deadline
    if where:
        spec["nodeSelector"] = dict(where)
    metadata: Json = {"labels": {"app": name, **(labels or {})}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    return {"metadata": metadata, "spec": spec}


def pod(namespace: str, name: str, node: str, *, owner: Json | None = None, **traits: Any) -> Json:
    """A pod on a node, without the scheduler; `owner` is its controlling owner reference."""
    made = template(name, **traits)
    made["spec"]["nodeName"] = node
    made["metadata"] |= {"namespace": namespace, "name": name}
    if owner:
        made["metadata"]["ownerReferences"] = [owner]
    return {"kind": "Pod", "apiVersion": "v1", **made}


def reference(kind: str, name: str, uid: str) -> Json:
    """A controlling owner reference."""
    return {
        "apiVersion": version_of(kind), "kind": kind, "name": name, "uid": uid, "controller": True,
    }  # fmt: skip


def workload(kind: str, namespace: str, name: str, replicas: int, **traits: Any) -> Json:
    """An owner with its pods' template."""
    spec: Json = {"template": template(name, **traits)}
    if kind == "Job":
        spec |= {"parallelism": replicas, "completions": replicas, "backoffLimit": 100}
        spec["template"]["spec"]["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": {"app": name}}
    if kind in {"ReplicaSet", "StatefulSet"}:
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        # OnDelete: what is changed in the template later moves no pod by itself.
        spec |= {"serviceName": name, "podManagementPolicy": "Parallel"}
        spec["updateStrategy"] = {"type": "OnDelete"}
    if kind == "DaemonSet":
        spec["updateStrategy"] = {"type": "OnDelete"}
    metadata = {"namespace": namespace, "name": name, "labels": {"app": name}}
    return {"kind": kind, "apiVersion": version_of(kind), "metadata": metadata, "spec": spec}


def budget(namespace: str, name: str, app: str, **spec: Any) -> Json:
    """A PodDisruptionBudget of the pods of one workload: `minAvailable` or `maxUnavailable`."""
    return {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"selector": {"matchLabels": {"app": app}}, **spec},
    }


def attachment(name: str, node: str, volume: str) -> Json:
    """A VolumeAttachment of a driver that does not exist: nobody else acts on it."""
    return {
        "kind": "VolumeAttachment",
        "apiVersion": "storage.k8s.io/v1",
        "metadata": {"name": name},
        "spec": {
            "attacher": "conformance.drainbot.dev",
            "source": {"persistentVolumeName": volume},
            "nodeName": node,
        },
    }


def node(name: str) -> Json:
    """A node for a control plane that has none."""
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {DISPOSABLE: "true", HOSTNAME: name}},
    }


def conditions(status: Mapping[str, bool], *, now: str) -> Json:
    """A status patch that sets conditions."""
    return {
        "status": {
            "conditions": [
                {"type": kind, "status": "True" if true else "False", "lastTransitionTime": now}
                for kind, true in status.items()
            ]
        }
    }
