"""Workloads without a budget: their last ready pod stays until another one is ready."""

from typing import Any

import pytest

from jobs.drain import events as e
from jobs.drain.answers import Accepted
from jobs.drain.facts import Owner, Pod
from jobs.drain.filters import Rules
from jobs.drain.pacing import DrainState, Pace
from jobs.drain.workloads import (
    FIRST_LOOK,
    FRESH,
    LOOK_AGAIN,
    LOOK_SELDOM,
    SETTLE,
    Look,
    Place,
    Workloads,
)
from jobs.models import DrainOptions
from tests.jobs.drain.making import NOW, budget, job, pod, replica_set

WEB = "uid-web-5d9"
PLACE = "shop/Deployment/web"


def owner(ready: int, replicas: int = -1, **fields: Any) -> Owner:
    given = {"uid": WEB, "kind": "Deployment", "namespace": "shop", "name": "web"}
    return Owner(
        **{**given, "ready": ready, "replicas": ready if replicas < 0 else replicas, **fields}
    )


def look(*ready: str, coming: int = 0, replicas: int = 2, name: str = "web") -> Look:
    return Look(
        kind="Deployment", namespace="shop", name=name, replicas=replicas,
        ready=frozenset(ready), coming=coming,
    )  # fmt: skip


def drain(*pods: Pod, owners: dict[str, Owner] | None = None, **fields: Any) -> DrainState:
    state = DrainState(**{"rules": Rules(), **fields})
    state = state.apply(e.OwnersCounted(owners or {}, NOW), NOW)
    return state.apply(e.PodsListed(pods), NOW)


def webs(count: int, **fields: Any) -> tuple[Pod, ...]:
    return tuple(pod(f"web-{number}", **fields) for number in range(count))


def names(state: DrainState, now: int = NOW) -> list[str]:
    return [ref.name for ref in state.actions(now)]


def send(state: DrainState, now: int = NOW) -> DrainState:
    for ref in state.actions(now):
        state = state.apply(e.Sent(ref.uid), now)
    return state


def accept(state: DrainState, *numbers: int, now: int = NOW) -> DrainState:
    for number in numbers:
        state = state.apply(e.Answer(f"uid-web-{number}", Accepted()), now)
    return state


def looked(state: DrainState, what: Look | None, now: int = NOW, uid: str = WEB) -> DrainState:
    return state.apply(e.Looked(uid, what, now), now)


def wanted(state: DrainState, now: int = NOW) -> list[str]:
    return [controller.uid for _, controller in state.wanting(now)]


def test_all_go_at_once_while_more_are_ready_elsewhere() -> None:
    state = drain(*webs(3), owners={WEB: owner(4)})
    assert names(state) == ["web-0", "web-1", "web-2"]
    assert wanted(send(state), NOW + FRESH) == []


def test_the_last_ready_one_stays_until_a_look_finds_another() -> None:
    state = send(drain(*webs(3), owners={WEB: owner(3)}))
    assert [each.pod.name for each in state.pods.values() if not each.flying] == ["web-2"]
    state = accept(state, 0, 1)
    assert names(state, NOW + FRESH) == []
    assert wanted(state) == []  # its replacements need a moment
    assert state.next_wake(NOW) == NOW + FIRST_LOOK
    later = NOW + FIRST_LOOK
    assert wanted(state, later) == [WEB]
    state = looked(state, look(coming=2, replicas=3), later)
    assert names(state, later) == []
    assert [each.pod.name for each in state.waiting()] == ["web-2"]
    state = looked(state, look("uid-new", coming=1, replicas=3), later + LOOK_AGAIN)
    assert names(state, later + LOOK_AGAIN) == ["web-2"]
    assert state.waiting() == ()


def test_looks_that_find_nothing_become_rare() -> None:
    state, now = drain(*webs(1), owners={WEB: owner(1, 2)}), NOW
    assert wanted(state) == [WEB]
    pauses = []
    for _ in range(6):
        state = looked(state, look(coming=1), now)
        wake = state.next_wake(now)
        assert wake is not None
        assert wanted(state, wake - 1) == []
        assert wanted(state, wake) == [WEB]
        pauses.append(wake - now)
        now = wake
    assert pauses == [LOOK_AGAIN, 1000, 2000, 4000, LOOK_SELDOM, LOOK_SELDOM]


def test_a_look_without_an_answer_is_taken_again_later() -> None:
    state = drain(*webs(1), owners={WEB: owner(1, 2)}).apply(e.LookFailed(WEB), NOW)
    assert wanted(state, NOW + LOOK_AGAIN - 1) == []
    assert wanted(state, NOW + LOOK_AGAIN) == [WEB]
    assert not state.stalled(NOW)  # nobody is asked about what nobody knows


def test_what_was_counted_or_seen_long_ago_is_not_believed() -> None:
    state = drain(*webs(1), owners={WEB: owner(9)})
    assert names(state, NOW + FRESH) == ["web-0"]
    assert names(state, NOW + FRESH + 1) == []
    assert wanted(state, NOW + FRESH + 1) == [WEB]
    state = looked(state, look("uid-new"), NOW)
    assert names(state, NOW + FRESH + 1) == []
    with pytest.raises(ValueError, match="no other copy"):
        state.apply(e.Sent("uid-web-0"), NOW + FRESH + 1)


def test_the_only_copy_is_hopeless_and_one_whose_replacement_comes_is_not() -> None:
    state = looked(drain(*webs(1), owners={WEB: owner(1)}), look(replicas=1))
    (kept,) = state.waiting()
    workload = state.kept_by(kept)
    assert workload is not None
    assert workload.hopeless
    assert state.stalled(NOW)
    for other in (look(replicas=1, coming=1), look(replicas=2)):
        workload = looked(state, other).kept_by(kept)
        assert workload is not None
        assert not workload.hopeless


def test_the_only_copy_goes_if_the_plan_named_it() -> None:
    named = Workloads(named=frozenset({"shop/web"}))
    assert names(drain(*webs(1), owners={WEB: owner(1)}, workloads=named)) == ["web-0"]
    grown = drain(*webs(2), owners={WEB: owner(2)}, workloads=named)
    assert names(grown) == ["web-0"]  # it was said of one copy


def test_a_pod_goes_if_people_let_it_go_though_its_workload_is_down_then() -> None:
    agreed = Workloads(down_anyway=frozenset({"uid-web-0"}))
    state = looked(drain(*webs(1), owners={WEB: owner(1)}, workloads=agreed), look(replicas=1))
    assert names(state) == ["web-0"]
    assert state.waiting() == ()


def test_what_people_let_go_for_another_reason_keeps_its_last_copy() -> None:
    rules = Rules.of(DrainOptions(), evict_anyway=frozenset({"uid-web-0", "uid-web-1"}))
    state = drain(*webs(2, emptydir=True), owners={WEB: owner(2)}, rules=rules)
    assert names(state) == ["web-0"]


@pytest.mark.parametrize(
    "fields",
    [{"ready": False}, {"phase": "Pending"}, {"phase": "Succeeded"}, {"controller": job()}],
)
def test_pods_that_serve_nobody_and_those_of_other_kinds_are_free(fields: dict[str, Any]) -> None:
    assert names(drain(*webs(2, **fields), owners={WEB: owner(1)})) == ["web-0", "web-1"]


def test_a_workload_that_a_budget_covers_is_the_budgets_business_alone() -> None:
    state = DrainState(rules=Rules())
    state = state.apply(e.BudgetsListed("shop", (budget(disruptions_allowed=2),)), NOW)
    state = state.apply(e.OwnersCounted({WEB: owner(1)}, NOW), NOW)
    state = state.apply(e.PodsListed(webs(2)), NOW)
    assert names(state) == ["web-0", "web-1"]
    assert state.place("uid-web-0") is None


def test_a_workload_whose_owner_is_gone_keeps_nothing() -> None:
    state = looked(drain(*webs(2)), None)
    assert names(state) == ["web-0", "web-1"]
    assert wanted(state) == []


def test_an_owner_that_was_not_read_before_is_looked_at_first() -> None:
    state = drain(*webs(2))
    assert names(state) == []
    assert not state.stalled(NOW)
    assert wanted(state) == [WEB]
    assert names(looked(state, look())) == ["web-0"]  # one of the two here stays


def test_the_replica_sets_of_a_deployment_are_one_workload() -> None:
    new = replica_set("web-7c1")
    pods = (*webs(1), pod("web-1", controller=new))
    both = {WEB: owner(1), new.uid: owner(1, uid=new.uid)}
    state = drain(*pods, owners=both)
    assert names(state) == ["web-0"]
    assert names(looked(drain(*pods), look("uid-elsewhere"))) == ["web-0"]
    state = looked(drain(*pods), look("uid-elsewhere"))
    assert names(looked(state, look("uid-elsewhere"), uid=new.uid)) == ["web-0", "web-1"]


def test_a_refused_pod_serves_on_and_is_looked_at_once_for_the_question() -> None:
    pods = (pod("web-0", emptydir=True), pod("web-1"))
    state = drain(*pods, owners={WEB: owner(2)})
    assert names(state) == ["web-1"]
    state = accept(send(state), 1)
    assert wanted(state, NOW + LOOK_AGAIN) == [WEB]
    state = looked(state, look(coming=1), NOW + LOOK_AGAIN)
    assert wanted(state, NOW + 60_000) == []
    (refused,) = state.refused()
    assert state.kept_by(refused) is not None


def test_a_place_by_the_count_is_one_of_those_that_were_ready() -> None:
    state = send(drain(*webs(2), owners={WEB: owner(3)}))
    assert state.place("uid-web-0") == Place(
        name=PLACE, member="uid-web-0", room=2, since=NOW - SETTLE
    )


def test_a_place_by_a_look_names_the_copies_of_which_one_must_stay() -> None:
    state = looked(drain(*webs(3), pace=Pace(in_flight=2)), look("uid-b", "uid-a"))
    state = send(state)
    assert state.place("uid-web-0") == Place(
        name=PLACE, member="uid-web-0", room=3, since=NOW - SETTLE,
        of=("uid-a", "uid-b", "uid-web-2"),
    )  # fmt: skip


def test_whoever_goes_anyway_takes_a_place_so_that_other_drains_know() -> None:
    agreed = Workloads(down_anyway=frozenset({"uid-web-0"}))
    place = send(drain(*webs(1), owners={WEB: owner(1)}, workloads=agreed)).place("uid-web-0")
    assert place is not None
    assert place.room > 1000


def test_where_other_drains_took_the_room_only_a_new_look_tells() -> None:
    state = send(looked(drain(*webs(1)), look("uid-new")))
    state = state.apply(e.Crowded("uid-web-0"), NOW)
    assert names(state) == []
    assert not state.stalled(NOW)
    assert wanted(state) == []
    assert wanted(state, NOW + LOOK_AGAIN) == [WEB]
    assert names(looked(state, look("uid-new"), NOW + LOOK_AGAIN), NOW + LOOK_AGAIN) == ["web-0"]


def test_pods_that_find_the_room_taken_together_make_one_look_and_no_longer_wait() -> None:
    state = send(drain(*webs(8), owners={WEB: owner(9)}))
    for number in range(8):
        state = state.apply(e.Crowded(f"uid-web-{number}"), NOW)
    assert wanted(state) == [WEB]  # at once: what was crowded is a count, and a look is exact
    state = send(looked(state, look("uid-new")))
    for number in range(8):
        state = state.apply(e.Crowded(f"uid-web-{number}"), NOW)
    assert wanted(state, NOW + LOOK_AGAIN - 1) == []
    assert wanted(state, NOW + LOOK_AGAIN) == [WEB]


def test_what_got_no_leave_gives_its_place_back() -> None:
    state = send(drain(*webs(2), owners={WEB: owner(2)}))
    state = state.apply(e.Withheld("uid-web-0", NOW), NOW)
    assert names(state) == ["web-0"]
