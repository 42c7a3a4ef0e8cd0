from typing import Any

import pytest

from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.fence import TOKEN
from jobs.drain.filters import Rules
from jobs.drain.plan import digest, node_plan, operation_plan
from jobs.models import DrainOptions, NodePlan, RefusalReason
from tests.jobs.drain.making import NOW, budget, daemon_set, node, pod, replica_set


def owner(name: str = "web", replicas: int = 3, **fields: Any) -> Owner:
    given: dict[str, Any] = {"uid": replica_set().uid, "kind": "Deployment"}
    return Owner(namespace="shop", name=name, replicas=replicas, **{**given, **fields})


def plan(
    *pods: Pod,
    budgets: tuple[Budget, ...] = (),
    owned: tuple[Owner, ...] = (),
    options: DrainOptions | None = None,
    **fields: Any,
) -> NodePlan:
    return node_plan(
        fields.pop("node", node()),
        pods,
        budgets=budgets,
        owners={each.uid: each for each in owned},
        rules=Rules.of(options or DrainOptions()),
        now=fields.pop("now", NOW),
        **fields,
    )


def test_pods_are_counted_by_what_becomes_of_them() -> None:
    planned = plan(
        pod("web-1"),
        pod("web-2"),
        pod("agent-1", controller=daemon_set()),
        pod("static-1", mirror=True),
        pod("web-3", deletion=NOW),
        pod("bare-1", controller=None, emptydir=True),
        node=node(unschedulable=True, ready=False, annotations={TOKEN: "4"}),
        taken_by="kured",
    )
    assert (planned.evict, planned.daemonset, planned.static, planned.terminating) == (2, 1, 1, 1)
    assert planned.cordoned_before
    assert not planned.ready
    assert (planned.token, planned.taken_by) == (4, "kured")
    (refused,) = planned.refusals
    assert str(refused.pod) == "shop/bare-1"
    assert refused.reasons == (RefusalReason.EMPTYDIR, RefusalReason.UNMANAGED)


def test_a_budget_that_would_refuse_now_is_shown_and_whether_it_ever_can() -> None:
    pods = [pod("web-1"), pod("web-2", phase="Pending", ready=False), pod("web-3", phase="Failed")]
    (block,) = plan(*pods, budgets=(budget(),), owned=(owner(replicas=2),)).blocks
    assert (block.pod.name, block.budget.name, block.never) == ("web-1", "web", True)
    roomy = plan(*pods, budgets=(budget(),), owned=(owner(replicas=3),))
    assert [each.never for each in roomy.blocks] == [False]
    assert plan(*pods, budgets=(budget(disruptions_allowed=1),)).blocks == ()


@pytest.mark.parametrize(
    ("fields", "never"),
    [
        ({"max_unavailable": 1, "expected_pods": 0}, True),  # counts no pod without an owner
        ({"max_unavailable": 1, "expected_pods": 3}, False),
        ({"sync_failed": 'found no controllers for pod "web-1"'}, True),
        ({"sync_failed": "etcdserver: request timed out"}, False),
    ],
)
def test_a_budget_that_can_not_reckon_with_its_pods_is_known_in_the_plan(
    *, fields: dict[str, Any], never: bool
) -> None:
    bare = pod("web-1", controller=None)
    options = DrainOptions(force=True)
    (block,) = plan(bare, budgets=(budget(**fields),), options=options).blocks
    assert block.never is never


def test_the_time_that_people_take_for_a_budget_that_never_passes_is_in_no_estimate() -> None:
    pods = [pod(f"web-{number}", grace=10) for number in range(4)]
    one_by_one = plan(*pods, budgets=(budget(),), owned=(owner(replicas=6),))
    hopeless = plan(*pods, budgets=(budget(),), owned=(owner(replicas=2),))
    assert [block.never for block in (*one_by_one.blocks[:1], *hopeless.blocks[:1])] == [
        False,
        True,
    ]
    assert hopeless.seconds == plan(*pods).seconds
    assert one_by_one.seconds > 3 * hopeless.seconds


def test_pods_outside_the_selector_are_left_and_counted() -> None:
    chosen = plan(pod("web-1"), pod("db-1"), options=DrainOptions(pod_selector="app=web"))
    assert (chosen.evict, chosen.not_selected) == (1, 1)


def test_the_whole_takes_as_long_as_its_nodes_one_after_the_other() -> None:
    nodes = [plan(pod(), node=node(name=name, uid=name)) for name in ("a", "b")]
    whole = operation_plan(nodes, DrainOptions(), now=NOW)
    assert whole.seconds == sum(each.seconds for each in nodes)
    at_once = operation_plan(nodes, DrainOptions(), now=NOW, nodes_away=2)
    assert at_once.seconds == nodes[0].seconds
    unknown = nodes[0].model_copy(update={"seconds": -1})
    assert operation_plan([unknown], DrainOptions(), now=NOW).seconds == -1


def test_a_delete_asks_no_budget() -> None:
    plain = DrainOptions(disable_eviction=True)
    assert plan(pod(), budgets=(budget(),), options=plain).blocks == ()


def test_two_budgets_on_a_pod_are_both_named_even_if_both_allow() -> None:
    both = (budget(disruptions_allowed=1), budget("all", app="", disruptions_allowed=1))
    blocks = plan(pod(), budgets=both).blocks
    assert [(block.budget.name, block.never) for block in blocks] == [("web", True), ("all", True)]


LOSSY = DrainOptions(delete_emptydir_data=True, force=True)


def test_whose_data_would_be_lost_is_named_only_where_it_may_be_deleted() -> None:
    pods = [pod("cache-1", emptydir=True), pod("bare-1", emptydir=True, controller=None)]
    assert plan(*pods, pod("web-1"), owned=(owner("cache"),), options=LOSSY).data_lost == (
        "shop/bare-1",
        "shop/cache",
    )
    assert plan(pods[0], options=LOSSY).data_lost == ("shop/web-5d9",)  # its owner was not read
    assert plan(*pods).data_lost == ()


def test_a_workload_with_one_replica_is_named_by_its_own_name() -> None:
    assert plan(pod(), owned=(owner("cart", 1),)).single_replicas == ("shop/cart",)
    assert plan(pod(), owned=(owner("train", 1, kind="Job"),)).single_replicas == ()


def test_the_operations_plan_keeps_the_order_of_its_nodes_and_the_digest_does_not() -> None:
    nodes = [plan(node=node(name="b", uid="2")), plan(node=node(name="a", uid="1"))]
    whole = operation_plan(nodes, DrainOptions(), now=NOW)
    assert [each.name for each in whole.nodes] == ["b", "a"]
    assert whole.as_of == NOW
    assert whole.digest == digest(nodes[::-1], DrainOptions())


WEB, CACHE = pod("web-1"), pod("cache-1", emptydir=True)
OWNED = (owner(replicas=2),)


def digest_of(*pods: Pod, options: DrainOptions | None = None, **fields: Any) -> str:
    given: dict[str, Any] = {"budgets": (budget(),), "owned": OWNED, **fields}
    return digest([plan(*pods, options=options, **given)], options or DrainOptions())


def test_names_and_numbers_of_pods_and_counts_of_budgets_do_not_change_the_digest() -> None:
    again = (
        pod("web-7", uid="new", labels={"app": "web"}),
        pod("web-8", uid="new-2", labels={"app": "web"}),
        pod("cache-4", uid="new-3", emptydir=True),
    )
    counted = (budget(version="9", current_healthy=1),)
    for options in (DrainOptions(), LOSSY):
        before = digest_of(WEB, CACHE, options=options)
        assert digest_of(*again, options=options, budgets=counted) == before
        assert digest_of(WEB, CACHE, options=options, now=NOW + 10**6) == before


def test_every_material_fact_changes_the_digest() -> None:
    single = (owner(replicas=1),)
    variants = {
        "base": digest_of(WEB, CACHE),
        "node": digest_of(WEB, CACHE, node=node(uid="other")),
        "options": digest_of(WEB, CACHE, options=DrainOptions(grace_period=5)),
        "refusal": digest_of(WEB),
        "lost": digest_of(WEB, CACHE, options=LOSSY),
        "nothing lost": digest_of(WEB, options=LOSSY),
        "never": digest_of(WEB, CACHE, budgets=()),
        "spec": digest_of(WEB, CACHE, budgets=(budget(min_available=9),)),
        "single": digest_of(WEB, CACHE, owned=single),
    }
    assert len(set(variants.values())) == len(variants)
