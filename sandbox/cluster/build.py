"""From a scenario's values to objects in the store."""

from itertools import cycle, islice

from sandbox.cluster.controllers.base import World
from sandbox.cluster.controllers.daemonsets import daemon_pod
from sandbox.cluster.controllers.deployments import replica_set_of
from sandbox.cluster.controllers.kubelet import Kubelet, with_running
from sandbox.cluster.controllers.owners import pod_of
from sandbox.cluster.controllers.scheduler import bound
from sandbox.cluster.controllers.statefulsets import identity
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.resources import Resource, resource
from sandbox.cluster.scenario import Attachment, Budget, Node, Scenario, Workload
from sandbox.cluster.scheduling import suits
from sandbox.cluster.times import stamp
from sandbox.cluster.timing import COMPLETE_AFTER, START_AFTER, TERMINATE_AFTER

__all__ = ["Builder"]

_ALWAYS = ("default", "kube-system", "kube-public", "kube-node-lease")
_PODS = resource("pods")
_REPLICA_SETS = resource("replicasets")
_ZERO_UID = "00000000-0000-0000-0000-000000000000"


class Builder:
    """Puts scenario values into a cluster. All methods raise ApiError as the API would."""

    def __init__(self, world: World, kubelet: Kubelet) -> None:
        self._world = world
        self._store = world.store
        self._rest = world.rest
        self._kubelet = kubelet

    def build(self, scenario: Scenario) -> None:
        """Put a whole scenario into an empty cluster."""
        for namespace in (*_ALWAYS, *scenario.every_namespace()):
            self.namespace(namespace)
        for node in scenario.nodes:
            self.node(node)
        for workload in scenario.workloads:
            self.workload(workload)
        for budget in scenario.budgets:
            self.budget(budget)
        for attachment in scenario.attachments:
            self.attachment(attachment)

    def namespace(self, name: str) -> None:
        """Make a namespace, unless it is there."""
        if self._store["namespaces"].get("", name) is None:
            self._create("namespaces", "", {"metadata": {"name": name}})

    def node(self, node: Node) -> Item:
        """Make a node, which registers as a kubelet does it."""
        since = stamp(self._store.clock())
        capacity = {"cpu": node.cpu, "memory": node.memory, "pods": str(node.pods)}
        spec: Json = {"unschedulable": True} if node.unschedulable else {}
        host, _ = self._kubelet.addresses(node.name)
        status = {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [node_condition(since, ready=node.ready)],
            "addresses": [
                {"type": "InternalIP", "address": host},
                {"type": "Hostname", "address": node.name},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.36.2",
                "osImage": "Sandbox Linux",
                "kernelVersion": "6.12.0",
                "containerRuntimeVersion": "containerd://2.1.4",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        }
        labels = {"kubernetes.io/hostname": node.name, **node.labels}
        metadata = {"name": node.name, "labels": labels}
        return self._create("nodes", "", {"metadata": metadata, "spec": spec, "status": status})

    def budget(self, budget: Budget) -> Item:
        """Make a budget; its controller looks at it."""
        spec: Json = {"selector": {"matchLabels": dict(budget.match_labels)}}
        for field, value in (
            ("minAvailable", budget.min_available),
            ("maxUnavailable", budget.max_unavailable),
            ("unhealthyPodEvictionPolicy", budget.unhealthy_pods),
        ):
            if value is not None:
                spec[field] = value
        body = {"metadata": {"name": budget.name}, "spec": spec}
        return self._create("poddisruptionbudgets", budget.namespace, body)

    def attachment(self, attachment: Attachment) -> Item:
        """Make a VolumeAttachment."""
        spec = {
            "attacher": "csi.example.com",
            "source": {"persistentVolumeName": attachment.volume},
            "nodeName": attachment.node,
        }
        kind = resource("volumeattachments")
        item = self._create(
            "volumeattachments", "", {"metadata": {"name": attachment.name}, "spec": spec}
        )
        status = {"attached": attachment.attached}
        return self._store.replace(kind, item, {**item.body, "status": status})

    def workload(self, workload: Workload) -> list[Item]:
        """Make a workload, and its pods where it says on which nodes. Return those pods."""
        self.namespace(workload.namespace)
        for claim in workload.claims:
            self._claim(workload.namespace, claim)
        if workload.kind == "Pod":
            return self._bare_pods(workload)
        kind = resource(workload.kind)
        owner = self._create(kind.plural, workload.namespace, _owner(workload))
        if workload.kind == "Deployment":
            body = replica_set_of(owner, self._store.suffix(10))
            owner, kind = self._create("replicasets", workload.namespace, body), _REPLICA_SETS
        if workload.kind == "DaemonSet":
            return self._daemons(workload, kind, owner)
        nodes = islice(cycle(workload.on), workload.replicas if workload.on else 0)
        pods = []
        for number, node in enumerate(nodes):
            if workload.kind == "StatefulSet":
                name, labels, spec = identity(owner, number)
                new = pod_of(kind, owner, name=name, labels=labels, spec=spec)
            else:
                new = pod_of(kind, owner)
            pods.append(self._run(workload, new, node))
        return pods

    def _claim(self, namespace: str, name: str) -> None:
        """Make a claim that is bound to a volume of its own, unless it is there."""
        if self._store["persistentvolumeclaims"].get(namespace, name) is None:
            spec = {"accessModes": ["ReadWriteMany"], "volumeName": f"pv-{name}"}
            body = {"metadata": {"name": name}, "spec": spec, "status": {"phase": "Bound"}}
            self._create("persistentvolumeclaims", namespace, body)

    def _daemons(self, workload: Workload, kind: Resource, owner: Item) -> list[Item]:
        template = owner.spec["template"]["spec"]
        nodes = workload.on or sorted(
            node.key.name for node in self._store["nodes"] if suits(template, node)
        )
        return [self._run(workload, daemon_pod(kind, owner, node), node) for node in nodes]

    def _bare_pods(self, workload: Workload) -> list[Item]:
        template = _template(workload)
        if workload.owner:
            reference = {
                "apiVersion": workload.owner.api_version,
                "kind": workload.owner.kind,
                "name": workload.owner.name,
                "uid": workload.owner.uid or _ZERO_UID,
                "controller": True,
            }
            template["metadata"]["ownerReferences"] = [reference]
        nodes = list(islice(cycle(workload.on), workload.replicas)) if workload.on else []
        pods = []
        for number in range(workload.replicas):
            name = workload.name if workload.replicas == 1 else f"{workload.name}-{number}"
            new = {**template, "metadata": {**template["metadata"], "name": name}}
            if nodes:
                pods.append(self._run(workload, new, nodes[number]))
            else:
                pods.append(self._create("pods", workload.namespace, new))
        return pods

    def _run(self, workload: Workload, new: Json, node: str) -> Item:
        """Make a pod that is running on the node already."""
        pod = self._rest.create(_PODS, workload.namespace, new)
        now = self._store.clock()
        pod = self._store.replace(_PODS, pod, bound(pod, node, now))
        addresses = self._kubelet.addresses(node)
        body = with_running(pod, now, ready=workload.ready, addresses=addresses)
        return self._store.replace(_PODS, pod, body)

    def _create(self, plural: str, namespace: str, body: Json) -> Item:
        return self._rest.create(resource(plural), namespace, body)


def node_condition(since: str, *, ready: bool) -> Json:
    """Return the condition Ready of a node; one that is not ready is not heard of any more."""
    return {
        "type": "Ready",
        "status": "True" if ready else "Unknown",
        "lastHeartbeatTime": since,
        "lastTransitionTime": since,
        "reason": "KubeletReady" if ready else "NodeStatusUnknown",
        "message": "" if ready else "Kubelet stopped posting node status.",
    }


def _template(workload: Workload) -> Json:
    container: Json = {"name": workload.name, "image": f"registry.example.com/{workload.name}:1.0"}
    if workload.requests:
        container["resources"] = {"requests": dict(workload.requests)}
    spec: Json = {"containers": [container], "terminationGracePeriodSeconds": workload.grace}
    volumes: list[Json] = [{"name": "scratch", "emptyDir": {}}] if workload.emptydir else []
    volumes += [
        {"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in workload.claims
    ]
    if volumes:
        spec["volumes"] = volumes
    if workload.kind == "Job":
        spec["restartPolicy"] = "Never"
    annotations = dict(workload.annotations)
    for annotation, seconds in (
        (START_AFTER, workload.start_after),
        (TERMINATE_AFTER, workload.stop_after),
        (COMPLETE_AFTER, workload.complete_after),
    ):
        if seconds is not None:
            annotations[annotation] = f"{seconds:g}"
    metadata: Json = {"labels": workload.pod_labels}
    if annotations:
        metadata["annotations"] = annotations
    if workload.finalizers:
        metadata["finalizers"] = list(workload.finalizers)
    return {"metadata": metadata, "spec": spec}


def _owner(workload: Workload) -> Json:
    """Return the workload's own object."""
    spec: Json = {"template": _template(workload)}
    if workload.kind == "Job":
        spec |= {"parallelism": workload.replicas, "completions": workload.replicas}
    else:
        spec["selector"] = {"matchLabels": workload.pod_labels}
    if workload.kind in ("Deployment", "ReplicaSet", "StatefulSet"):
        spec["replicas"] = workload.replicas
    if workload.kind == "StatefulSet":
        policy = "Parallel" if workload.parallel else "OrderedReady"
        spec |= {"serviceName": workload.name, "podManagementPolicy": policy}
    return {"metadata": {"name": workload.name, "labels": workload.pod_labels}, "spec": spec}
