"""Look at everything that a plan rests on; nothing is changed."""

from typing import Any

from jobs.activities.trouble import asking_cluster
from jobs.drain.facts import Budget, Node, Owner, Pod
from jobs.drain.filters import Rules
from jobs.drain.plan import node_plan, operation_plan
from jobs.durable import Activity
from jobs.kubernetes.budgets import list_budgets
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import list_pods_on
from jobs.models import DrainOptions, NodePlan
from jobs.resources import Resources
from jobs.selectors import SelectorError


def survey(
    act: Activity[Resources], *, nodes: list[str], options: dict[str, Any], long_work: float
) -> dict[str, Any]:
    """Plan an operation; `{plan}`, or `{refused}` with a sentence for people."""
    try:
        return _plan(act, nodes, options, long_work)
    except SelectorError as error:
        return {"refused": f"{error} Nothing was started."}


def _plan(
    act: Activity[Resources], nodes: list[str], options: dict[str, Any], long_work: float
) -> dict[str, Any]:
    with asking_cluster():
        wanted = DrainOptions.model_validate(options)
        look = _Look(act, Rules.of(wanted, long_work=long_work))
        plans: list[NodePlan] = []
        for name in nodes:
            act.tick()
            node = find_node(act.resources.cluster, name)
            refused = f"There is no node {name}." if node is None else look.refusal(node)
            if node is None or refused:
                return {"refused": f"{refused} Nothing was started."}
            plans.append(look.at(node))
    return {"plan": operation_plan(plans, wanted, now=act.now()).model_dump(mode="json")}


class _Look:
    """What has been read of the cluster for one plan: each budget list and each owner once."""

    def __init__(self, act: Activity[Resources], rules: Rules) -> None:
        self._act = act
        self._rules = rules
        self._cluster = act.resources.cluster
        self._budgets: dict[str, tuple[Budget, ...]] = {}
        self._owners: dict[str, Owner] = {}

    def refusal(self, node: Node) -> str:
        """Return why this worker does not touch a node, whoever asks; "" if it does."""
        label = self._act.resources.guardrails.protecting_label(node.labels)
        if label:
            return f"The worker's guardrails protect {node.name} ({label})."
        return ""

    def at(self, node: Node) -> NodePlan:
        """Return a node's plan."""
        pods, _ = list_pods_on(self._cluster, node.name)
        for pod in pods:
            self._read_budgets(pod.namespace)
            self._read_owner(pod)
        namespaces = sorted({pod.namespace for pod in pods})
        return node_plan(
            node,
            pods,
            budgets=[budget for name in namespaces for budget in self._budgets[name]],
            owners=self._owners,
            rules=self._rules,
            now=self._act.now(),
        )

    def _read_budgets(self, namespace: str) -> None:
        if namespace not in self._budgets:
            self._act.tick()
            self._budgets[namespace], _ = list_budgets(self._cluster, namespace)

    def _read_owner(self, pod: Pod) -> None:
        if pod.controller is None or pod.controller.uid in self._owners:
            return
        self._act.tick()
        owner = find_owner(self._cluster, pod.namespace, pod.controller)
        if owner is not None:
            self._owners[owner.uid] = owner
