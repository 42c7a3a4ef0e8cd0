"""What the cluster's nodes have to give and its pods take, read in pages of a few numbers each."""

from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.drain.capacity import Amount, Free, Load, Want, takes_pods
from jobs.drain.facts import FINISHED, Node, Pod
from jobs.drain.quantities import cpu_and_memory, quantity, requests, wanted
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Cluster
from jobs.kubernetes.pods import pods_on
from jobs.kubernetes.watching import Collection, list_all, list_pages

Json = Mapping[str, Any]
# The server leaves finished pods out, as `kubectl describe node` asks it to.
_ALIVE = (("fieldSelector", "status.phase!=Succeeded,status.phase!=Failed"),)
_ANY_NODES = frozenset({"cpu", "memory", "ephemeral-storage"})  # all else only some nodes have
_ANYBODYS = "node.kubernetes.io/"  # taints that admission lets any pod tolerate for a while
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def pods_with_wants(cluster: Cluster, node: str) -> tuple[tuple[Pod, Want], ...]:
    """Return the pods of a node, each with what it would ask of another one."""
    there = pods_on(node)
    both = Collection(there.path, lambda raw: (parse.pod(raw), want(raw)), there.query)
    return list_all(cluster, both)[0]


def free_nodes(
    cluster: Cluster, *, but: Names[str], labels: Names[str]
) -> Iterator[dict[str, Free]]:
    """Yield, page by page, what the nodes have to give that take pods, but those named.

    Of their labels only `labels` are kept. Raises as :func:`jobs.kubernetes.watching.list_pages`.
    """
    for page in list_pages(cluster, Collection("/api/v1/nodes", _node_and_amount)):
        yield {
            node.name: Free(amount, {key: node.labels[key] for key in labels if key in node.labels})
            for node, amount in page.items
            if takes_pods(node) and node.name not in but
        }


def loads(cluster: Cluster) -> Iterator[tuple[Load, ...]]:
    """Yield, page by page, what each pod of the cluster takes that is not finished.

    Raises as :func:`jobs.kubernetes.watching.list_pages`.
    """
    for page in list_pages(cluster, Collection("/api/v1/pods", load, _ALIVE)):
        yield tuple(each for each in page.items if each is not None)


def load(raw: Json) -> Load | None:
    """Read what a pod takes; None for one that takes nothing: finished, or deleted before it ran.

    A server that does not know the field selector, as a cache between may not, is no reason to
    count a finished pod.
    """
    spec, phase = raw.get("spec") or {}, (raw.get("status") or {}).get("phase")
    node = spec.get("nodeName") or ""
    if phase in FINISHED or (not node and raw["metadata"].get("deletionTimestamp")):
        return None
    return Load(node, Amount(*requests(spec), pods=1))


def want(raw: Json) -> Want:
    """Read what a pod asks of a node."""
    meta, spec = raw["metadata"], raw.get("spec") or {}
    return Want(
        pod=f"{meta['namespace']}/{meta['name']}",
        amount=Amount(*requests(spec), pods=1),
        selector=spec.get("nodeSelector") or {},
        tolerant=any(_special(each) for each in spec.get("tolerations") or ()),
        devices=_wants_devices(spec),
        picky=_picky(spec),
    )


def _node_and_amount(raw: Json) -> tuple[Node, Amount]:
    given = (raw.get("status") or {}).get("allocatable") or {}
    pods = int(quantity(given.get("pods", 0)))
    return parse.node(raw), Amount(*cpu_and_memory(given), pods=pods)


def _special(toleration: Json) -> bool:
    return not str(toleration.get("key") or "").startswith(_ANYBODYS)


def _wants_devices(spec: Json) -> bool:
    asked = (wanted(one).keys() for one in (spec, *_containers(spec)))
    return bool(spec.get("resourceClaims")) or any(not names <= _ANY_NODES for names in asked)


def _containers(spec: Json) -> tuple[Json, ...]:
    return (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))


def _picky(spec: Json) -> bool:
    """Whether a pod has wishes that :mod:`jobs.drain.capacity` does not look at."""
    affinity = spec.get("affinity") or {}
    kinds = ("nodeAffinity", "podAffinity", "podAntiAffinity")
    volumes, spread = spec.get("volumes") or (), spec.get("topologySpreadConstraints") or ()
    containers = _containers(spec)
    return (
        any((affinity.get(kind) or {}).get(_REQUIRED) for kind in kinds)
        or any(one.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule" for one in spread)
        or any("persistentVolumeClaim" in volume or "ephemeral" in volume for volume in volumes)
        or any("ephemeral-storage" in wanted(one) for one in (spec, *containers))
        or any(port.get("hostPort") for one in containers for port in one.get("ports") or ())
    )
