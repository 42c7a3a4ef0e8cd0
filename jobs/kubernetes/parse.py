"""The API's JSON into the values of :mod:`jobs.drain.facts`: the fields that decide something."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobs.drain.conditions import CONDITIONS
from jobs.drain.facts import Attachment, Budget, Controller, Node, NodeCondition, Owner, Pod, Taint
from jobs.drain.filters import DO_NOT_DISRUPT, MIRROR, SAFE_TO_EVICT
from jobs.drain.quantities import go_duration, quantity, requests
from jobs.drain.selectors import from_object

Json = Mapping[str, Any]


def milliseconds(time: str | None) -> int:
    """Return an RFC 3339 time in ms since the epoch, 0 for none."""
    if not time:
        return 0
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def pod(raw: Json) -> Pod:
    """Read a pod."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    annotations = meta.get("annotations") or {}
    ready = _condition(status, "Ready")
    cpu, memory = requests(spec)
    deleted = meta.get("deletionTimestamp")
    started = milliseconds(status.get("startTime"))
    spared, spared_until = _do_not_disrupt(annotations, started)
    return Pod(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        node=spec.get("nodeName") or "",
        resource_version=meta.get("resourceVersion", ""),
        phase=status.get("phase") or "Pending",
        ready=ready.get("status") == "True",
        ready_changed=milliseconds(ready.get("lastTransitionTime")),
        why_not_ready="" if ready.get("status") == "True" else _why_not_ready(status),
        created=milliseconds(meta.get("creationTimestamp")),
        started=started,
        deletion=milliseconds(deleted),
        grace=_grace(meta, spec),
        labels=meta.get("labels") or {},
        controller=controller(meta),
        finalizers=tuple(meta.get("finalizers") or ()),
        mirror=MIRROR in annotations,
        emptydir=any("emptyDir" in volume for volume in spec.get("volumes") or ()),
        gpu=_wants_gpu(spec),
        do_not_disrupt=spared,
        do_not_disrupt_until=spared_until,
        not_safe_to_evict=annotations.get(SAFE_TO_EVICT) == "false",
        priority=int(spec.get("priority") or 0),
        claims=_claims(meta["name"], spec),
        cpu=cpu,
        memory=memory,
    )


def _do_not_disrupt(annotations: Json, started: int) -> tuple[bool, int]:
    """Return whether Karpenter spares a pod always, and until when it does else (ms; 0: not).

    The value is `true`, or how long after its start. As Karpenter has it, one that has not started
    is spared, and a value that is neither means nothing (pkg/utils/pod, IsDoNotDisruptActive).
    """
    mark = str(annotations.get(DO_NOT_DISRUPT) or "")
    spared_for = go_duration(mark)
    if mark == "true" or (spared_for and not started):
        return True, 0
    return False, started + spared_for if spared_for else 0


def _grace(meta: Json, spec: Json) -> int:
    grace = meta.get("deletionGracePeriodSeconds")
    if grace is None:
        grace = spec.get("terminationGracePeriodSeconds", 30)
    return int(grace)


def _claims(pod: str, spec: Json) -> tuple[str, ...]:
    """Return the names of its PersistentVolumeClaims; an ephemeral volume's is made of its name.

    https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming
    """
    found = []
    for volume in spec.get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            found.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            found.append(f"{pod}-{volume['name']}")
    return tuple(found)


def _why_not_ready(status: Json) -> str:
    """Return why a pod is not ready: the scheduler's words, else what a container waits for."""
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return str(scheduled.get("message") or scheduled.get("reason") or "")
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason"):
                said = waiting.get("message")
                return f"{waiting['reason']}: {said}" if said else str(waiting["reason"])
    return str(_condition(status, "Ready").get("message") or "")


def _wants_gpu(spec: Json) -> bool:
    for container in spec.get("containers") or ():
        resources = container.get("resources") or {}
        wanted = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
        for name, amount in wanted.items():
            kind = name.endswith("/gpu") or "gpu" in name.partition("/")[0]
            if kind and quantity(amount) > 0:
                return True
    return False


def controller(meta: Json) -> Controller | None:
    """Return the owner that controls an object, if one does."""
    for owner in meta.get("ownerReferences") or ():
        if owner.get("controller"):
            return Controller(
                kind=owner["kind"],
                name=owner["name"],
                uid=owner["uid"],
                api_version=owner.get("apiVersion", ""),
            )
    return None


def _condition(status: Json, kind: str) -> Json:
    found = (c for c in status.get("conditions") or () if c.get("type") == kind)
    return next(found, {})


def node(raw: Json) -> Node:
    """Read a node."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    ready = _condition(status, "Ready")
    return Node(
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta.get("resourceVersion", ""),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        unschedulable=bool(spec.get("unschedulable")),
        ready=ready.get("status") == "True",
        ready_changed=milliseconds(ready.get("lastTransitionTime")),
        taints=tuple(
            Taint(key=t["key"], value=t.get("value", ""), effect=t.get("effect", ""))
            for t in spec.get("taints") or ()
        ),
        deletion=milliseconds(meta.get("deletionTimestamp")),
        conditions=tuple(
            NodeCondition(
                kind=c["type"],
                status=c.get("status", ""),
                reason=c.get("reason") or "",
                message=c.get("message") or "",
                since=milliseconds(c.get("lastTransitionTime")),
            )
            for c in status.get("conditions") or ()
            if c.get("type") in CONDITIONS
        ),
        allocatable=status.get("allocatable") or {},
    )


def budget(raw: Json) -> Budget:
    """Read a PodDisruptionBudget."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    allowed = _condition(status, "DisruptionAllowed")
    failed = allowed.get("reason") == "SyncFailed"
    return Budget(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta.get("resourceVersion", ""),
        selector=from_object(spec.get("selector")),
        min_available=spec.get("minAvailable"),
        max_unavailable=spec.get("maxUnavailable"),
        unhealthy_policy=spec.get("unhealthyPodEvictionPolicy") or "IfHealthyBudget",
        generation=int(meta.get("generation", 1)),
        observed_generation=int(status.get("observedGeneration", 0)),
        disruptions_allowed=int(status.get("disruptionsAllowed", 0)),
        current_healthy=int(status.get("currentHealthy", 0)),
        desired_healthy=int(status.get("desiredHealthy", 0)),
        expected_pods=int(status.get("expectedPods", 0)),
        disrupted=frozenset(status.get("disruptedPods") or ()),
        sync_failed=str(allowed.get("message") or "sync failed") if failed else "",
    )


def owner(raw: Json, *, kind: str, shown: Controller | None, uid: str) -> Owner:
    """Read what runs pods; `shown` is what people know it by, such as a ReplicaSet's Deployment."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    scheduled = status.get("desiredNumberScheduled")  # a DaemonSet has no number of replicas
    failed = _condition(status, "ReplicaFailure")
    return Owner(
        uid=uid,
        kind=shown.kind if shown else kind,
        namespace=meta.get("namespace", ""),
        name=shown.name if shown else meta["name"],
        replicas=_first(spec.get("replicas"), spec.get("parallelism"), scheduled),
        ready=_first(status.get("readyReplicas"), status.get("ready"), status.get("numberReady")),
        resource_version=meta.get("resourceVersion", ""),
        selector=from_object(spec.get("selector")),
        trouble=str(failed.get("message") or "") if failed.get("status") == "True" else "",
    )


def _first(*values: int | None) -> int:
    """Return the first count that is there; readiness that is 0 is left out by the server."""
    return next((int(value) for value in values if value is not None), 0)


def attachment(raw: Json) -> Attachment:
    """Read a VolumeAttachment."""
    spec = raw.get("spec") or {}
    return Attachment(
        name=raw["metadata"]["name"],
        node=spec.get("nodeName", ""),
        volume=(spec.get("source") or {}).get("persistentVolumeName") or "",
        attached=bool((raw.get("status") or {}).get("attached")),
    )
