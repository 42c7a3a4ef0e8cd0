"""When what a suspended workflow waits for has come."""

from typing import Any

from jobs.drain.facts import Budget, Controller, Owner, Pod
from jobs.drain.wellness import Baseline
from jobs.freed import Freed, Seen, Watched, another_question, may_have_to_move
from jobs.hosts import Hosts


def waiting(**fields: Any) -> Watched:
    raw = {"node": "node-1", "uid": "n1", "budgets": ["shop/web"], "pods": [{"uid": "p1"}]}
    return Watched.read("op-1-1", raw | fields)


def budget(allowed: int = 0, **fields: Any) -> dict[str, dict[str, Budget]]:
    known = Budget(namespace="shop", name="web", disruptions_allowed=allowed, **fields)
    return {"shop": {"web": known}}


def look(
    freed: Freed, watched: Watched, budgets: Any = None, *, pods: Any = None, at: float = 0,
    **seen: Any,
) -> bool:  # fmt: skip
    known = Seen(budgets=budgets or {}, pods=pods or {}, **seen)
    return freed.look([watched], known, seconds=at) == [watched.workflow]


def test_a_budget_that_allows_a_disruption_is_free() -> None:
    assert look(Freed(), waiting(), budget(1))
    assert not look(Freed(), waiting(), budget(0))


def test_a_node_that_is_gone_or_made_anew_is_waited_for_no_more() -> None:
    assert not look(Freed(), waiting(), budget(0), nodes=None)
    assert not look(Freed(), waiting(), budget(0), nodes={"node-1": "n1"})
    assert look(Freed(), waiting(), budget(0), nodes={"node-1": "n2"})
    assert look(Freed(), waiting(), budget(0), nodes={"node-2": "n3"})


def test_what_was_not_listed_yet_is_not_free_and_a_deleted_budget_is() -> None:
    assert not look(Freed(), waiting(), {})
    assert look(Freed(), waiting(), {"shop": {}})


def test_counts_that_are_not_up_to_date_or_not_to_be_trusted_free_nothing() -> None:
    assert not look(Freed(), waiting(), budget(1, generation=2))
    assert not look(Freed(), waiting(), budget(1, sync_failed="no such scale"))


def test_all_budgets_must_be_free() -> None:
    both = waiting(budgets=["shop/web", "shop/api"])
    api = Budget(namespace="shop", name="api", disruptions_allowed=0)
    assert not look(Freed(), both, {"shop": {**budget(1)["shop"], "api": api}})


def test_of_two_budgets_on_a_pod_one_must_go_whatever_they_allow() -> None:
    both = waiting(budgets=[], one_of=["shop/web", "shop/api"])
    api = Budget(namespace="shop", name="api", disruptions_allowed=3)
    assert not look(Freed(), both, {"shop": {**budget(3)["shop"], "api": api}})
    assert not look(Freed(), both, {})
    assert look(Freed(), both, budget(0))
    assert both.namespaces == {"shop"}


def test_a_pod_that_left_frees_a_drain_that_waits_for_another_copy_too() -> None:
    controller = Controller(kind="ReplicaSet", name="web-1", uid="rs")
    short = Baseline(controller=controller, namespace="shop", name="web", ready=2)
    waits = waiting(budgets=[], owners=[short.stored()])
    one = {
        "rs": Owner(uid="rs", kind="Deployment", namespace="shop", name="web", replicas=3, ready=1)
    }
    two = {
        "rs": Owner(uid="rs", kind="Deployment", namespace="shop", name="web", replicas=3, ready=2)
    }
    here = {"node-1": frozenset({"p1"})}
    assert not look(Freed(), waits, owners=one, pods=here)
    assert look(Freed(), waits, owners=two, pods=here)
    assert look(Freed(), waits, owners=one, pods={"node-1": frozenset()})


def test_a_pod_that_left_frees_the_drain() -> None:
    assert look(Freed(), waiting(), pods={"node-1": frozenset()})
    assert not look(Freed(), waiting(), pods={"node-1": frozenset({"p1", "p2"})})
    assert not look(Freed(), waiting(), pods={})
    assert not look(Freed(), waiting(), pods={"node-2": frozenset()})


def test_a_budget_that_flickers_frees_nothing_before_it_was_free_for_long_enough() -> None:
    freed, patient = Freed(), waiting(free_for=2)
    assert not look(freed, patient, budget(1), at=10)
    assert not look(freed, patient, budget(1), at=11.9)
    assert not look(freed, patient, budget(0), at=11.95)
    assert not look(freed, patient, budget(1), at=12)
    assert not look(freed, patient, budget(1), at=13.9)
    assert look(freed, patient, budget(1), at=14)


def waits_for_owners(*ready: int) -> Watched:
    owners = [
        Baseline(
            controller=Controller(kind="ReplicaSet", name=f"web-{number}", uid=f"o{number}"),
            namespace="shop", name="web", ready=count,
        ).stored()
        for number, count in enumerate(ready)
    ]  # fmt: skip
    return Watched.read("op-1-1", {"node": "node-1", "uid": "n1", "owners": owners})


def owner(uid: str, ready: int, replicas: int = 3) -> Owner:
    return Owner(
        uid=uid, kind="Deployment", namespace="shop", name="web", replicas=replicas, ready=ready
    )


def test_workloads_that_are_all_as_ready_as_before_free_the_operation() -> None:
    watched = waits_for_owners(2, 3)
    well = {"o0": owner("o0", 2), "o1": owner("o1", 3)}
    assert look(Freed(), watched, owners=well)
    assert look(Freed(), watched, owners={**well, "o1": None})  # it is gone
    assert not look(Freed(), watched, owners={**well, "o1": owner("o1", 2)})
    assert not look(Freed(), watched, owners={"o0": well["o0"]})  # not looked at yet


def test_volumes_that_are_all_detached_free_the_drain() -> None:
    raw = {"node": "node-1", "uid": "n1", "volumes": ["csi-1", "csi-2"]}
    watched = Watched.read("op-1-1", raw)
    assert look(Freed(), watched, attached={"csi-1": False, "csi-2": False})
    assert not look(Freed(), watched, attached={"csi-1": False, "csi-2": True})
    assert not look(Freed(), watched, attached={"csi-1": False})


def test_a_worker_that_takes_work_on_another_node_frees_the_drain_of_the_last_one() -> None:
    watched = Watched.read("op-1-1", {"node": "node-1", "uid": "n1", "worker_elsewhere": True})
    here, there = frozenset({"node-1"}), frozenset({"node-1", "node-2"})
    assert look(Freed(), watched, hosts=Hosts(there, there))
    assert not look(Freed(), watched, hosts=Hosts(there, here))
    assert not look(Freed(), watched, hosts=Hosts(here, here))
    assert not look(Freed(), watched, hosts=None)
    assert not look(Freed(), waiting(), budget(0), hosts=Hosts(there, there))


# -- another question ------------------------------------------------------------------------------

ASKED: dict[str, Any] = {"known": ["p1", "p2"], "specs": {"shop/web": "minAvailable 2"}}


def changed(watched: Watched, pods: dict[str, str] | None = None, **spec: Any) -> str:
    budgets = budget(**{"min_available": 2, **spec})
    return another_question(watched, Seen(budgets=budgets, movable={"node-1": pods or {}}))


def test_one_more_pod_is_another_question_and_one_less_is_not() -> None:
    asked = waiting(**ASKED)
    assert changed(asked, {"p1": "shop/web-1"}) == ""
    assert changed(asked, {"p1": "shop/web-1", "p9": "shop/web-9"}) == (
        "shop/web-9 is on node-1 now too"
    )
    many = {f"n{number}": f"shop/new-{number}" for number in range(5)}
    assert changed(asked, many) == "shop/new-0, shop/new-1, shop/new-2 are on node-1 now too"


def test_another_word_of_a_budget_is_another_question_and_other_counts_are_not() -> None:
    asked = waiting(**ASKED)
    assert changed(asked, current_healthy=1, expected_pods=7) == ""
    assert changed(asked, min_available=3) == (
        "budget shop/web says minAvailable 3 now, not minAvailable 2"
    )
    assert changed(asked, min_available=3, generation=2) == ""  # its controller has not counted yet
    assert changed(asked, min_available=1, allowed=1) == ""  # the drain goes on by itself
    assert another_question(asked, Seen(budgets={"shop": {}})) == ""  # deleted: likewise


def test_nobody_who_was_not_asked_is_asked_anew() -> None:
    assert changed(waiting(), {"p9": "shop/web-9"}, min_available=3) == ""


def test_what_a_drain_leaves_alone_is_no_other_question() -> None:
    plain = Pod(namespace="shop", name="web-9", uid="p9")
    assert may_have_to_move(plain)
    daemon = Controller(kind="DaemonSet", name="logs", uid="d1")
    for fields in ({"mirror": True}, {"controller": daemon}, {"phase": "Succeeded"}):
        assert not may_have_to_move(Pod(namespace="shop", name="web-9", uid="p9", **fields))
