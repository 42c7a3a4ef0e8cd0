"""`/_sandbox/...`: scripts the cluster and looks into it, as JSON over HTTP.

    GET    /_sandbox/requests            the log of mutating requests
    GET    /_sandbox/counters            how often each verb was used on each resource
    GET    /_sandbox/state               controllers, delays, open watches, failures
    GET    /_sandbox/faults              the faults that are set; POST one; DELETE all
    POST   /_sandbox/timing              delays to change: {"budget_s": 2}
    POST   /_sandbox/controllers         to switch: {"kubelet": false}
    POST   /_sandbox/watches/close       end all watches
    POST   /_sandbox/watches/forget      answer older watches and pages with 410 Expired
    POST   /_sandbox/nodes, /workloads, /budgets, /attachments    add one, as a scenario names it
    POST   /_sandbox/pods/ready          {"namespace": …, "name": …, "ready": false}
    POST   /_sandbox/nodes/ready         {"name": …, "ready": false}
    POST   /_sandbox/reset               the scenario anew

It asks for no token: it is for whoever runs the stand-in, which listens on loopback only.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from sandbox.cluster.cluster import SimulatedCluster
from sandbox.cluster.errors import bad_request, method_not_allowed, no_such_resource
from sandbox.cluster.faults import Fault
from sandbox.cluster.scenario import Attachment, Budget, Node, Workload
from sandbox.cluster.web import Reply, Request, json_reply

__all__ = ["PREFIX", "answer"]

PREFIX = "/_sandbox/"

_Action = Callable[[SimulatedCluster, Any], Any]


class _PodReadiness(BaseModel):
    namespace: str
    name: str
    ready: bool


class _NodeReadiness(BaseModel):
    name: str
    ready: bool


def _faults(cluster: SimulatedCluster, _body: Any) -> Any:
    return [{**fault.model_dump(mode="json"), "times": left} for fault, left in cluster.faults.left]


def _state(cluster: SimulatedCluster, _body: Any) -> Any:
    return {
        "scenario": cluster.scenario.name,
        "controllers": cluster.switched(),
        "timing": cluster.timing.model_dump(),
        "watches": cluster.api.watches(),
        "failures": [repr(failure) for failure in cluster.failures],
    }


def _set_fault(cluster: SimulatedCluster, body: Any) -> None:
    cluster.faults.add(Fault.model_validate(body))


def _set_pod_readiness(cluster: SimulatedCluster, body: Any) -> None:
    wanted = _PodReadiness.model_validate(body)
    cluster.set_ready(wanted.namespace, wanted.name, ready=wanted.ready)


def _set_node_readiness(cluster: SimulatedCluster, body: Any) -> None:
    wanted = _NodeReadiness.model_validate(body)
    cluster.set_node_ready(wanted.name, ready=wanted.ready)


def _add_workload(cluster: SimulatedCluster, body: Any) -> Any:
    pods = cluster.builder.workload(Workload.model_validate(body))
    return [{"name": pod.key.name, "uid": pod.uid} for pod in pods]


def _add_node(cluster: SimulatedCluster, body: Any) -> None:
    cluster.builder.node(Node.model_validate(body))


def _add_budget(cluster: SimulatedCluster, body: Any) -> None:
    cluster.builder.budget(Budget.model_validate(body))


def _add_attachment(cluster: SimulatedCluster, body: Any) -> None:
    cluster.builder.attachment(Attachment.model_validate(body))


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise bad_request("the body is not a JSON object")
    return body


_ACTIONS: Mapping[str, Mapping[str, _Action]] = {
    "requests": {
        "GET": lambda cluster, _: [one.model_dump() for one in cluster.journal.entries],
    },
    "counters": {"GET": lambda cluster, _: cluster.journal.counts},
    "state": {"GET": _state},
    "faults": {
        "GET": _faults,
        "POST": _set_fault,
        "DELETE": lambda cluster, _: cluster.faults.clear(),
    },
    "timing": {"POST": lambda cluster, body: cluster.set_timing(_object(body))},
    "controllers": {"POST": lambda cluster, body: cluster.switch(_object(body))},
    "watches/close": {"POST": lambda cluster, _: cluster.api.end_watches()},
    "watches/forget": {"POST": lambda cluster, _: cluster.api.forget_history()},
    "nodes": {"POST": _add_node},
    "workloads": {"POST": _add_workload},
    "budgets": {"POST": _add_budget},
    "attachments": {"POST": _add_attachment},
    "pods/ready": {"POST": _set_pod_readiness},
    "nodes/ready": {"POST": _set_node_readiness},
    "reset": {"POST": lambda cluster, _: cluster.reset()},
}


def answer(cluster: SimulatedCluster, request: Request) -> Reply:
    """Carry out a control request. Raises ApiError 400, 404 or 405."""
    methods = _ACTIONS.get(request.path.removeprefix(PREFIX).strip("/"))
    if methods is None:
        raise no_such_resource()
    action = methods.get(request.method)
    if action is None:
        raise method_not_allowed()
    try:
        result = action(cluster, request.json())
    except ValueError as error:  # pydantic's refusals are such
        raise bad_request(str(error)) from error
    return json_reply({} if result is None else result)
