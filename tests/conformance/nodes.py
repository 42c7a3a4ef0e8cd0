"""The nodes that a run may use: chosen, remembered as they were, and put back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.kubernetes.errors import KubernetesError
from tests.conformance import manifests
from tests.conformance.api import Json, Objects
from tests.conformance.controllers import is_ready
from tests.conformance.manifests import DISPOSABLE
from tests.conformance.times import stamp

_OURS = ("drainbot.dev/", "cluster-autoscaler.kubernetes.io/", "karpenter.sh/", "weave.works/")
_OURS_CONDITIONS = ("DrainInProgress", "Drained")
_OUR_TAINTS = ("node.kubernetes.io/out-of-service",)
_ROOM = {"cpu": "8", "memory": "32Gi", "pods": "110"}
_MIRROR = "kubernetes.io/config.mirror"


class UnfitError(Exception):
    """The cluster is not one that the suite may run on; the text says what to do."""


def choose(objects: Objects, needed: int) -> tuple[str, ...]:
    """The first nodes that are labelled as disposable and carry nothing of anybody's.

    Raises UnfitError: what runs on a disposable node must stay there under a drain.
    """
    labelled = objects.listed("Node", label=f"{DISPOSABLE}=true")
    reasons = {node["metadata"]["name"]: _unfit(objects, node) for node in labelled}
    fit = [name for name, reason in sorted(reasons.items()) if not reason]
    if len(fit) < needed:
        why = "".join(f"\n  {name}: {reason}" for name, reason in reasons.items() if reason)
        raise UnfitError(
            f"{len(fit)} of {len(labelled)} nodes with the label {DISPOSABLE}=true can be used, "
            f"{needed} are needed; nothing was changed. Label nodes whose loss nobody minds: "
            f"kubectl label node NODE {DISPOSABLE}=true{why}"
        )
    return tuple(fit[:needed])


def _unfit(objects: Objects, node: Json) -> str:
    if node["spec"].get("unschedulable"):
        return "it is cordoned"
    foreign = [pod for pod in objects.pods_on(node["metadata"]["name"]) if not _stays(pod)]
    if foreign:
        meta = foreign[0]["metadata"]
        return f"{meta['namespace']}/{meta['name']} runs there, which a drain would move"
    return ""


def _stays(pod: Json) -> bool:
    meta = pod["metadata"]
    owners = meta.get("ownerReferences") or ()
    return _MIRROR in (meta.get("annotations") or {}) or any(
        owner["kind"] == "DaemonSet" for owner in owners
    )


@dataclass(frozen=True)
class Remembered:
    """A node as it was found."""

    name: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    unschedulable: bool
    ready: bool
    taints: frozenset[str]
    conditions: frozenset[str]


def remember(objects: Objects, name: str) -> Remembered:
    node = objects.get("Node", "", name)
    meta, spec = node["metadata"], node["spec"]
    return Remembered(
        name=name,
        uid=meta["uid"],
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
        unschedulable=bool(spec.get("unschedulable")),
        ready=is_ready(node),
        taints=frozenset(taint["key"] for taint in spec.get("taints") or ()),
        conditions=frozenset(_conditions(node)),
    )


def put_back(objects: Objects, was: Remembered, *, revive: bool = False) -> None:
    """Undo whatever a case left on a node: cordon, marks, taints, conditions.

    `revive` lets one be ready again that a case has made silent; not where kubelets are real.
    """
    node = objects.find("Node", "", was.name)
    if node is None:
        made = manifests.node(was.name)
        objects.create({**made, "metadata": {**made["metadata"], "labels": dict(was.labels)}})
        node = objects.get("Node", "", was.name)
    if revive and was.ready and not is_ready(node):
        heartbeat(objects, was.name)
    meta, spec = node["metadata"], node["spec"]
    annotations = _undone(meta.get("annotations") or {}, was.annotations, _OURS)
    labels = _undone(meta.get("labels") or {}, was.labels, _OURS)
    taints = [t for t in spec.get("taints") or () if t["key"] not in _left(was)]
    patch: Json = {
        "metadata": {"annotations": annotations, "labels": labels},
        "spec": {"unschedulable": True if was.unschedulable else None},
    }
    if len(taints) != len(spec.get("taints") or ()):
        patch["spec"]["taints"] = taints
    objects.patch("Node", "", was.name, patch)
    ours = [c for c in _OURS_CONDITIONS if c in _conditions(node) and c not in was.conditions]
    if ours:
        removed = {"status": {"conditions": [{"type": c, "$patch": "delete"} for c in ours]}}
        objects.patch("Node", "", was.name, removed, subresource="status")


def _left(was: Remembered) -> set[str]:
    return {key for key in _OUR_TAINTS if key not in was.taints}


def _undone(now: Mapping[str, str], before: Mapping[str, str], ours: Iterable[str]) -> Json:
    """The patch that brings back what stood under names of ours."""
    names = {name for name in {*now, *before} if name.startswith(tuple(ours))}
    wanted: dict[str, Any] = {name: before.get(name) for name in names}
    return {name: value for name, value in wanted.items() if now.get(name) != value}


def _conditions(node: Json) -> set[str]:
    return {each["type"] for each in (node.get("status") or {}).get("conditions") or ()}


def heartbeat(objects: Objects, name: str) -> None:
    """Let a node be ready, and have room, for which no kubelet speaks."""
    patch = manifests.conditions({"Ready": True}, now=stamp())
    if not (objects.get("Node", "", name).get("status") or {}).get("allocatable"):
        patch["status"] |= {"capacity": _ROOM, "allocatable": _ROOM}
    objects.patch("Node", "", name, patch, subresource="status")


def make(objects: Objects, names: Iterable[str]) -> None:
    """Make the nodes of a control plane that has none."""
    for name in names:
        objects.create(manifests.node(name))


def remove(objects: Objects, names: Iterable[str]) -> list[str]:
    """Remove nodes that were made; returns what could not be removed."""
    left = []
    for name in names:
        try:
            objects.delete("Node", "", name)
        except KubernetesError as error:
            left.append(f"node {name}: {error}")
    return left
