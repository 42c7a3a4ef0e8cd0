"""Pods: what the API server fills in, and by what they can be selected."""

from sandbox.cluster.kinds.base import NAME_FIELDS, Kind, nested, unsupported_label
from sandbox.cluster.objects import Json, with_metadata
from sandbox.cluster.store import Store

__all__ = ["KIND", "complete_spec"]

_SPEC: Json = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_ADMITTED: Json = {
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "priority": 0,
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
}
_CONTAINER: Json = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_NODE_TROUBLE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def _container(container: Json) -> Json:
    image = container.get("image", "")
    tag = image.rpartition("/")[2].partition(":")[2]
    policy = "Always" if tag in ("", "latest") else "IfNotPresent"
    return {**_CONTAINER, "imagePullPolicy": policy, **container}


def complete_spec(spec: Json) -> Json:
    """Return the spec of a pod, or of a pod template, with the defaults of the API."""
    containers = [_container(one) for one in spec.get("containers") or ()]
    return {**_SPEC, **spec, "containers": containers}


def _tolerations(spec: Json) -> list[Json]:
    """Add those of the admission plugin DefaultTolerationSeconds."""
    present: list[Json] = list(spec.get("tolerations") or ())
    covered = {one.get("key") for one in present if one.get("effect") in (None, "NoExecute")}
    return present + [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in _NODE_TROUBLE
        if key not in covered and None not in covered
    ]


def _quality(spec: Json) -> str:
    resources = [container["resources"] for container in spec["containers"]]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= (one.get("limits") or {}).keys()
        and (one.get("requests") or one["limits"]) == one["limits"]
        for one in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _begin(_store: Store, body: Json) -> Json:
    spec = {**_ADMITTED, **complete_spec(body.get("spec") or {})}
    spec["tolerations"] = _tolerations(spec)
    status = {"phase": "Pending", "qosClass": _quality(spec)}
    return with_metadata({**body, "spec": spec, "status": status}, generation=1)


KIND = Kind(
    begin=_begin,
    fields={
        **NAME_FIELDS,
        "spec.nodeName": nested("spec", "nodeName"),
        "spec.restartPolicy": nested("spec", "restartPolicy"),
        "spec.schedulerName": nested("spec", "schedulerName"),
        "spec.serviceAccountName": nested("spec", "serviceAccountName"),
        "spec.hostNetwork": nested("spec", "hostNetwork", default="false"),
        "status.phase": nested("status", "phase"),
        "status.podIP": nested("status", "podIP"),
        "status.nominatedNodeName": nested("status", "nominatedNodeName"),
    },
    unknown_field=unsupported_label,
    counts_generation=True,
    empty={"spec": {"containers": None}, "status": {}},
)
