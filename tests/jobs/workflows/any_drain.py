"""Any scene that a drain may meet, and a witness that sees what becomes of each of its pods."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from jobs.models import OperationView, QuestionView
from sandbox.cluster import Cluster, Scenario, nodes
from sandbox.cluster.objects import Item, Json, Key, controller_of
from sandbox.cluster.resources import resource
from sandbox.cluster.store import Change

NODE, ELSEWHERE, SPARE = "node-1", "node-2", "node-3"
SPACE = "shop"
REPLICATED = ("Deployment", "StatefulSet")
_PODS = resource("pods")


@dataclass(frozen=True)
class Owner:
    """A workload: pods on the node that is drained, and elsewhere."""

    kind: str
    here: int
    elsewhere: int
    emptydir: bool
    spared: bool  # karpenter.sh/do-not-disrupt
    ready: bool
    stuck: bool  # a finalizer that nobody takes away
    claims: int
    budgets: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Scene:
    """Workloads, faults of the API, the options of the drain, and what people will answer."""

    owners: tuple[Owner, ...]
    faults: tuple[str, ...]
    options: Mapping[str, bool]
    answers: tuple[int, ...]
    breaks: bool  # watches end, and their history is forgotten, in the middle


_budgets = st.tuples(st.sampled_from(["min_available", "max_unavailable"]), st.integers(0, 3))
owners = st.builds(
    Owner,
    kind=st.sampled_from([*REPLICATED, *REPLICATED, "DaemonSet", "Job", "Pod"]),
    here=st.integers(1, 3),
    elsewhere=st.integers(0, 2),
    emptydir=st.sampled_from([False, False, True]),
    spared=st.sampled_from([False, False, False, True]),
    ready=st.sampled_from([True, True, False]),
    stuck=st.sampled_from([False] * 5 + [True]),
    claims=st.sampled_from([0, 0, 1]),
    budgets=st.lists(_budgets, max_size=2).map(tuple),
)
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "evictions fail": {"kind": "answer", "status": 500, "method": "POST", "path": "/eviction"},
    "throttled": {
        "kind": "answer", "status": 429, "method": "POST", "path": "/eviction",
        "body": {"message": "slow down"}, "headers": {"Retry-After": "0"},
    },
    "cut before": {"kind": "cut", "method": "POST", "path": "/eviction", "when": "before"},
    "answer lost": {"kind": "cut", "method": "POST", "path": "/eviction", "when": "after"},
    "lists fail": {"kind": "answer", "status": 503, "method": "GET", "path": "/api/v1/pods"},
    "budgets fail": {"kind": "answer", "status": 500, "method": "GET", "path": "budgets"},
    "owners fail": {"kind": "answer", "status": 504, "method": "GET", "path": "/apis/apps"},
    "nodes fail": {"kind": "cut", "method": "GET|PATCH", "path": "/api/v1/nodes/"},
    "deletes fail": {"kind": "cut", "method": "DELETE", "path": "/pods/", "when": "after"},
}  # fmt: skip
_flag = st.sampled_from([False, False, True])
scenes = st.builds(
    Scene,
    owners=st.lists(owners, min_size=1, max_size=4).map(tuple),
    faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=4).map(tuple),
    options=st.fixed_dictionaries(
        {
            "force": _flag,
            "delete_emptydir_data": _flag,
            "ignore_daemonsets": st.sampled_from([True, True, False]),
            "disable_eviction": st.sampled_from([False] * 5 + [True]),
        }
    ),
    answers=st.lists(st.integers(0, 5), max_size=4).map(tuple),
    breaks=st.booleans(),
)


def start() -> Scenario:
    """Three nodes, of which the first is drained."""
    return nodes(NODE, ELSEWHERE, SPARE)


def put(cluster: Cluster, scene: Scene) -> None:
    """Put a scene's workloads and budgets into a cluster."""
    for number, owner in enumerate(scene.owners):
        name = f"w{number}"
        kind: Any = owner.kind
        on = [NODE] * owner.here + [ELSEWHERE] * owner.elsewhere
        fields: dict[str, Any] = {"on": on, "replicas": len(on), "emptydir": owner.emptydir}
        if owner.kind == "DaemonSet":
            fields = {"emptydir": owner.emptydir}
        if owner.kind == "StatefulSet":
            fields["parallel"] = True
        if owner.spared:
            fields["annotations"] = {"karpenter.sh/do-not-disrupt": "true"}
        if owner.stuck:
            fields["finalizers"] = ["example.com/hold"]
        if owner.claims:
            fields["claims"] = [f"data-{number}"]
        cluster.add_workload(
            kind, SPACE, name, ready=owner.ready, grace=0 if owner.stuck else 1, **fields
        )
        for place, (rule, count) in enumerate(owner.budgets):
            limit: dict[str, Any] = {rule: count}
            cluster.add_budget(SPACE, f"{name}-{place}", match_labels={"app": name}, **limit)


@dataclass
class Witness:
    """Sees in the cluster's own store who was left of a workload when a pod of it began to go."""

    lonely: list[tuple[str, str]] = field(default_factory=list)  # (owner, uid): the last ready one

    @contextmanager
    def watching(self, cluster: Cluster) -> Iterator["Witness"]:
        def attach(inside: Any) -> None:
            store = inside.store

            def note(change: Change) -> None:
                before, pod = change.previous, change.item
                if before is None or before.ending or not pod.ending or not before.ready:
                    return
                reference = controller_of(pod.body)
                others = store[_PODS].owned_by(reference["uid"]) if reference else []
                if not any(o.ready and not o.ending for o in others if o.uid != pod.uid):
                    self.lonely.append((_workload(store, pod, reference), pod.uid))

            store[_PODS].listeners.append(note)

        cluster.call(attach)
        yield self


def _workload(store: Any, pod: Item, reference: Json | None) -> str:
    """`kind namespace/name` as people know what runs a pod, a ReplicaSet's Deployment."""
    if reference is None:
        return f"Pod {pod.key.namespace}/{pod.key.name}"
    kind, name = reference["kind"], reference["name"]
    if kind == "ReplicaSet":
        found = store[resource(kind)].get(*Key(pod.key.namespace, name))
        above = controller_of(found.body) if found else None
        kind, name = (above["kind"], above["name"]) if above else (kind, name)
    return f"{kind} {pod.key.namespace}/{name}"


@dataclass
class Consent:
    """The pods that people let go, by what they were told when they did."""

    anyway: set[str] = field(default_factory=set)
    forced: set[str] = field(default_factory=set)

    def given(self, question: QuestionView, choice: str) -> None:
        if choice == "evict_anyway":
            self.anyway |= {refusal.pod.uid for refusal in question.refusals}
        elif choice == "force":
            self.forced |= {block.pod.uid for block in question.blocks}
            self.forced |= {stuck.pod.uid for stuck in question.wont_stop}


def named(view: OperationView) -> set[str]:
    """The workloads that the plan said would be down while their only pod moves."""
    return (
        {name for node in view.plan.nodes for name in node.single_replicas} if view.plan else set()
    )
