from dataclasses import replace
from typing import Any

from jobs.drain.facts import Owner, Pod
from jobs.drain.fence import TOKEN
from jobs.drain.filters import Rules
from jobs.drain.plan import Survey, digest, node_plan, operation_plan
from jobs.models import DrainOptions, RefusalReason
from tests.jobs.drain.making import NOW, budget, daemon_set, node, pod, replica_set


def owner(name: str = "web", replicas: int = 3, **fields: Any) -> Owner:
    given: dict[str, Any] = {"uid": replica_set().uid, "kind": "Deployment"}
    return Owner(namespace="shop", name=name, replicas=replicas, **{**given, **fields})


def survey(*pods: Pod, **fields: Any) -> Survey:
    return Survey(node=fields.pop("node", node()), pods=pods, **fields)


def owned_by(*owners: Owner) -> dict[str, Owner]:
    return {each.uid: each for each in owners}


def test_pods_are_counted_by_what_becomes_of_them() -> None:
    plan = node_plan(
        survey(
            pod("web-1"),
            pod("web-2"),
            pod("agent-1", controller=daemon_set()),
            pod("static-1", mirror=True),
            pod("web-3", deletion=NOW),
            pod("bare-1", controller=None, emptydir=True),
            node=node(unschedulable=True, ready=False, annotations={TOKEN: "4"}),
            taken_by="kured",
        ),
        Rules(),
        NOW,
    )
    assert (plan.evict, plan.daemonset, plan.static, plan.terminating) == (2, 1, 1, 1)
    assert (plan.cordoned_before, plan.ready, plan.token, plan.taken_by) == (
        True,
        False,
        4,
        "kured",
    )
    (refused,) = plan.refusals
    assert str(refused.pod) == "shop/bare-1"
    assert refused.reasons == (RefusalReason.EMPTYDIR, RefusalReason.UNMANAGED)


def test_a_budget_that_would_refuse_now_is_shown_and_whether_it_ever_can() -> None:
    pods = [pod("web-1"), pod("web-2", phase="Pending", ready=False), pod("web-3", phase="Failed")]
    budgets = {"shop": (budget(),)}
    full = survey(*pods, budgets=budgets, owners=owned_by(owner(replicas=2)))
    (block,) = node_plan(full, Rules(), NOW).blocks
    assert (block.pod.name, block.budget.name, block.never) == ("web-1", "web", True)
    roomy = survey(*pods, budgets=budgets, owners=owned_by(owner(replicas=3)))
    assert [each.never for each in node_plan(roomy, Rules(), NOW).blocks] == [False]
    free = survey(*pods, budgets={"shop": (budget(disruptions_allowed=1),)})
    assert node_plan(free, Rules(), NOW).blocks == ()


def test_a_delete_asks_no_budget() -> None:
    rules = Rules.of(DrainOptions(disable_eviction=True))
    assert node_plan(survey(pod(), budgets={"shop": (budget(),)}), rules, NOW).blocks == ()


def test_two_budgets_on_a_pod_are_both_named_even_if_both_allow() -> None:
    both = (budget(disruptions_allowed=1), budget("all", app="", disruptions_allowed=1))
    blocks = node_plan(survey(pod(), budgets={"shop": both}), Rules(), NOW).blocks
    assert [(block.budget.name, block.never) for block in blocks] == [("web", True), ("all", True)]


def test_data_that_would_be_lost_is_named_only_where_it_may_be_deleted() -> None:
    surveyed = survey(pod("cache-1", emptydir=True), pod("web-1"))
    rules = Rules.of(DrainOptions(delete_emptydir_data=True))
    assert node_plan(surveyed, rules, NOW).data_lost == ("shop/cache-1",)
    assert node_plan(surveyed, Rules(), NOW).data_lost == ()


def test_a_workload_with_one_replica_is_named_by_its_own_name() -> None:
    single = survey(pod(), owners=owned_by(owner("cart", 1)))
    assert node_plan(single, Rules(), NOW).single_replicas == ("shop/cart",)
    of_job = survey(pod(), owners=owned_by(owner("train", 1, kind="Job")))
    assert node_plan(of_job, Rules(), NOW).single_replicas == ()


def test_the_operations_plan_keeps_the_order_of_its_nodes() -> None:
    surveys = [survey(node=node(name="b", uid="2")), survey(node=node(name="a", uid="1"))]
    plan = operation_plan(surveys, Rules(), NOW)
    assert [each.name for each in plan.nodes] == ["b", "a"]
    assert plan.as_of == NOW
    assert plan.digest == digest(surveys[::-1], Rules(), NOW)


OWNERS = owned_by(owner(replicas=2))
BASE = survey(
    pod("web-1"),
    pod("cache-1", emptydir=True),
    budgets={"shop": (budget(),)},
    owners=OWNERS,
)


def test_names_and_numbers_of_pods_and_counts_of_budgets_do_not_change_the_digest() -> None:
    same = replace(
        BASE,
        pods=(
            pod("web-7", uid="new", labels={"app": "web"}),
            pod("web-8", uid="new-2", labels={"app": "web"}),
            pod("cache-4", uid="new-3", emptydir=True),
        ),
        budgets={"shop": (budget(version="9", current_healthy=1),)},
    )
    assert digest([same], Rules(), NOW) == digest([BASE], Rules(), NOW)
    assert digest([BASE], Rules(), NOW + 10**6) == digest([BASE], Rules(), NOW)


def test_every_material_fact_changes_the_digest() -> None:
    lossy = Rules.of(DrainOptions(delete_emptydir_data=True))
    variants = {
        "base": digest([BASE], Rules(), NOW),
        "node": digest([replace(BASE, node=node(uid="other"))], Rules(), NOW),
        "options": digest([BASE], Rules.of(DrainOptions(grace_period=5)), NOW),
        "refusal": digest([replace(BASE, pods=BASE.pods[:1])], Rules(), NOW),
        "lost": digest([BASE], lossy, NOW),
        "nothing lost": digest([replace(BASE, pods=BASE.pods[:1])], lossy, NOW),
        "never": digest([replace(BASE, budgets={})], Rules(), NOW),
        "spec": digest([replace(BASE, budgets={"shop": (budget(min_available=9),)})], Rules(), NOW),
        "single": digest([replace(BASE, owners=owned_by(owner(replicas=1)))], Rules(), NOW),
    }
    assert len(set(variants.values())) == len(variants)
