"""Look at everything that a plan rests on; nothing is changed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from jobs.activities.own import look_at_own
from jobs.activities.trouble import asking_cluster
from jobs.drain.estimate import Speed
from jobs.drain.facts import Budget, Node, Owner, Pod
from jobs.drain.filters import Rules
from jobs.drain.marks import foreign_mark
from jobs.drain.plan import node_plan, operation_plan
from jobs.ids import short
from jobs.kubernetes.budgets import list_budgets
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import list_pods_on
from jobs.models import DrainOptions, NodePlan, Requirements
from jobs.resources import Resources
from jobs.selectors import SelectorError


class Looker(Protocol):
    """Who looks: an activity, or the watcher."""

    @property
    def resources(self) -> Resources:
        """Return the cluster and the state."""

    def now(self) -> int:
        """Return the time in ms."""

    def tick(self) -> None:
        """Say that it gets on; raises where it is to stop."""


def survey(
    act: Looker,
    *,
    nodes: list[str],
    options: dict[str, Any],
    requirements: dict[str, Any],
    plan_only: bool,
) -> dict[str, Any]:
    """Plan an operation; `{plan}`, or `{refused}` with a sentence for people.

    What keeps a drain of a node from beginning refuses it; with `plan_only` it stands in the plan.
    A node that is not there refuses it in any case, and is named as `gone`.
    """
    wanted = DrainOptions.model_validate(options)
    try:
        look = _Look(act, wanted, Requirements.model_validate(requirements))
        with asking_cluster():
            return _plan(look, nodes, plan_only=plan_only)
    except SelectorError as error:
        return {"refused": f"{error} Nothing was started."}


def _plan(look: "_Look", nodes: list[str], *, plan_only: bool) -> dict[str, Any]:
    plans: list[NodePlan] = []
    for name in nodes:
        node = look.find(name)
        if node is None:
            return {"refused": f"There is no node {name}. Nothing was started.", "gone": name}
        refused = look.refusal(node)
        if refused and not plan_only:
            return {"refused": f"{refused} Nothing was started."}
        plans.append(look.at(node, refused))
    plans = look.own_last(plans)
    away, more = look.away(plans)
    too_many = not look.guardrails.away_allowed(away, more)
    if too_many and not plan_only:
        return {"refused": look.too_many(away)}
    plan = operation_plan(
        plans, look.options, now=look.now(), nodes_away=look.needs.nodes_away, speed=look.speed
    ).model_copy(
        update={
            "away": away - (len(plans) - more),
            "max_away": look.guardrails.max_nodes_away,
            "too_many_away": too_many,
        }
    )
    return {"plan": plan.model_dump(mode="json")}


class _Look:
    """What has been read of the cluster for one plan: each budget list and each owner once."""

    def __init__(self, act: Looker, options: DrainOptions, needs: Requirements) -> None:
        self._act = act
        self._cluster = act.resources.cluster
        self._rules = Rules.of(options, long_work=needs.long_work)
        self._budgets: dict[str, tuple[Budget, ...]] = {}
        self._owners: dict[str, Owner | None] = {}
        self._pods: dict[str, tuple[Pod, ...]] = {}
        self.options = options
        self.needs = needs
        self.guardrails = act.resources.guardrails
        rate = self.guardrails.rate(needs.evictions_per_second)
        self.speed = Speed(rate, needs.evictions_in_flight)

    def now(self) -> int:
        """Return the time, in ms."""
        return self._act.now()

    def find(self, name: str) -> Node | None:
        """Return a node as it is."""
        self._act.tick()
        return find_node(self._cluster, name)

    def refusal(self, node: Node) -> str:
        """Return why this worker does not touch a node, whoever asks; "" if it does."""
        label = self.guardrails.protecting_label(node.labels)
        if label:
            return f"The worker's guardrails protect {node.name} ({label})."
        mark = foreign_mark(node)
        return f"Another tool has {node.name}: {mark}." if mark else ""

    def at(self, node: Node, refused: str) -> NodePlan:
        """Return a node's plan."""
        pods, _ = list_pods_on(self._cluster, node.name)
        self._pods[node.name] = pods
        for pod in pods:
            self._read_budgets(pod.namespace)
            self._read_owner(pod)
        namespaces = sorted({pod.namespace for pod in pods})
        return node_plan(
            node,
            pods,
            budgets=[budget for name in namespaces for budget in self._budgets[name]],
            owners={uid: owner for uid, owner in self._owners.items() if owner is not None},
            rules=replace(self._rules, daemonsets_gone=self._daemonsets_gone(pods)),
            now=self._act.now(),
            taken_by=self._taken_by(node),
            refused=refused,
            speed=self.speed,
        )

    def away(self, plans: Sequence[NodePlan]) -> tuple[int, int]:
        """Return how many nodes are out of service by drainbot, and how many more these make.

        Counts as :meth:`jobs.nodes.NodeStore.reserve` does, which decides when it comes to it.
        """
        owned = self._act.resources.nodes.owned()
        return len(owned), len({plan.name for plan in plans} - set(owned))

    def own_last(self, plans: Sequence[NodePlan]) -> list[NodePlan]:
        """Mark the nodes on which drainbot itself runs; those go last."""
        names = [plan.name for plan in plans]
        marked = [plan.model_copy(update={"own": self._own(plan.name, names)}) for plan in plans]
        return sorted(marked, key=lambda plan: bool(plan.own))

    def _own(self, name: str, leaving: Sequence[str]) -> tuple[str, ...]:
        resources, pods = self._act.resources, self._pods[name]
        return look_at_own(resources, self._act.tick, name, pods, leaving=leaving)

    def too_many(self, away: int) -> str:
        """Say that the guardrails let no more nodes leave."""
        return self._act.resources.too_many_away(away)

    def _taken_by(self, node: Node) -> str:
        """Name the operation that is at work on a node; one that has ended gives way."""
        record = self._act.resources.nodes.record(node.name)
        if record is None or not record.owner or record.uid != node.uid:
            return ""
        owner = self._act.resources.store.workflow(record.owner)
        return "" if owner is None or owner.final else f"op {short(record.owner)}"

    def _daemonsets_gone(self, pods: Sequence[Pod]) -> frozenset[str]:
        return frozenset(
            pod.controller.uid
            for pod in pods
            if pod.controller is not None
            and pod.controller.kind == "DaemonSet"
            and self._owners[pod.controller.uid] is None
        )

    def _read_budgets(self, namespace: str) -> None:
        if namespace not in self._budgets:
            self._act.tick()
            self._budgets[namespace], _ = list_budgets(self._cluster, namespace)

    def _read_owner(self, pod: Pod) -> None:
        if pod.controller is None or pod.controller.uid in self._owners:
            return
        self._act.tick()
        self._owners[pod.controller.uid] = find_owner(self._cluster, pod.namespace, pod.controller)
