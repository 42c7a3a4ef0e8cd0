"""Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs: what owns pods."""

from collections.abc import Callable

from sandbox.cluster.kinds.base import NAME_FIELDS, Kind, nested
from sandbox.cluster.kinds.pods import complete_spec
from sandbox.cluster.objects import Json, with_metadata
from sandbox.cluster.store import Store

__all__ = ["DAEMON_SET", "DEPLOYMENT", "JOB", "REPLICA_SET", "STATEFUL_SET"]

_TEMPLATE: Json = {"metadata": {}, "spec": {"containers": None}}


def _begin(status: Json, **defaults: object) -> Callable[[Store, Json], Json]:
    def begin(_store: Store, body: Json) -> Json:
        spec = {**defaults, **(body.get("spec") or {})}
        template = spec.get("template") or {}
        spec["template"] = {**template, "spec": complete_spec(template.get("spec") or {})}
        return with_metadata({**body, "spec": spec, "status": dict(status)}, generation=1)

    return begin


def _begin_job(store: Store, body: Json) -> Json:
    """Complete a Job: it selects its pods by its own uid."""
    spec = body.get("spec") or {}
    template = spec.get("template") or {}
    name, uid = body["metadata"]["name"], body["metadata"]["uid"]
    labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        **((template.get("metadata") or {}).get("labels") or {}),
    }
    template = {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}}
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    with_selector = {**body, "spec": {**spec, "selector": selector, "template": template}}
    return _begin({}, parallelism=1, completions=1, backoffLimit=6)(store, with_selector)


REPLICA_SET = Kind(
    begin=_begin({"replicas": 0}, replicas=1),
    fields={**NAME_FIELDS, "status.replicas": nested("status", "replicas", default="0")},
    counts_generation=True,
    empty={"spec": {"selector": None, "template": _TEMPLATE}, "status": {"replicas": 0}},
)
DEPLOYMENT = Kind(
    begin=_begin(
        {},
        replicas=1,
        strategy={
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        },
        revisionHistoryLimit=10,
        progressDeadlineSeconds=600,
    ),
    counts_generation=True,
    empty={"spec": {"selector": None, "template": _TEMPLATE, "strategy": {}}, "status": {}},
)
STATEFUL_SET = Kind(
    begin=_begin(
        {"replicas": 0, "availableReplicas": 0},
        replicas=1,
        serviceName="",
        podManagementPolicy="OrderedReady",
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        revisionHistoryLimit=10,
    ),
    counts_generation=True,
    empty={
        "spec": {"selector": None, "template": _TEMPLATE, "updateStrategy": {}},
        "status": {"replicas": 0, "availableReplicas": 0},
    },
)
_NO_DAEMONS: Json = {
    "currentNumberScheduled": 0,
    "numberMisscheduled": 0,
    "desiredNumberScheduled": 0,
    "numberReady": 0,
}
DAEMON_SET = Kind(
    begin=_begin(
        _NO_DAEMONS,
        updateStrategy={
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        },
        revisionHistoryLimit=10,
    ),
    counts_generation=True,
    empty={
        "spec": {"selector": None, "template": _TEMPLATE, "updateStrategy": {}},
        "status": _NO_DAEMONS,
    },
)
JOB = Kind(
    begin=_begin_job,
    fields={
        **NAME_FIELDS,
        "status.successful": nested("status", "succeeded", default="0"),
    },
    counts_generation=True,
    empty={"spec": {"template": _TEMPLATE}, "status": {}},
)
