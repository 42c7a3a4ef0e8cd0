from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from jobs.drain import events as e
from jobs.drain.answers import (
    Accepted,
    AlreadyGone,
    Blocked,
    BudgetBroken,
    Busy,
    MissingRight,
    NamespaceEnding,
    Passing,
    Replaced,
    TwoBudgets,
    Webhook,
)
from jobs.drain.facts import Budget, Pod
from jobs.drain.filters import Fate, Rules
from jobs.drain.pacing import DrainState, Pace
from jobs.models import DrainOptions
from tests.jobs.drain.making import NAMED, NOW, budget, daemon_set, pod

BLOCKED = Blocked("web", "The disruption budget web needs 2 healthy pods and has 2 currently", 2, 2)


def drain(*pods: Pod, budgets: tuple[Budget, ...] = (), **fields: Any) -> DrainState:
    state = DrainState(**{"rules": Rules(), "workloads": NAMED, **fields})
    if budgets:
        state = state.apply(e.BudgetsListed("shop", budgets), NOW)
    return state.apply(e.PodsListed(pods), NOW)


def names(state: DrainState, now: int = NOW) -> list[str]:
    return [ref.name for ref in state.actions(now)]


def send(state: DrainState, now: int = NOW) -> DrainState:
    for ref in state.actions(now):
        state = state.apply(e.Sent(ref.uid), now)
    return state


def answer(state: DrainState, name: str, what: Any, now: int = NOW) -> DrainState:
    return state.apply(e.Answer(f"uid-{name}", what), now)


def webs(count: int) -> tuple[Pod, ...]:
    return tuple(pod(f"web-{number}") for number in range(count))


def test_a_pod_that_is_spared_for_a_while_moves_when_that_is_over() -> None:
    state = drain(pod("web-1", do_not_disrupt_until=NOW + 1000))
    assert names(state.apply(e.Tick(), NOW + 999), NOW + 999) == []
    assert names(state.apply(e.Tick(), NOW + 1000), NOW + 1000) == ["web-1"]


def test_pods_are_evicted_in_parallel_up_to_the_limit() -> None:
    state = drain(*webs(5), pace=Pace(in_flight=3))
    assert names(state) == ["web-0", "web-1", "web-2"]
    state = send(state)
    assert names(state) == []
    assert names(answer(state, "web-1", Accepted())) == ["web-3"]


def test_an_accepted_pod_is_waited_for_and_not_evicted_again() -> None:
    state = answer(send(drain(*webs(1))), "web-0", Accepted())
    state = state.apply(e.PodSeen(pod("web-0")), NOW)  # news from before the eviction
    assert names(state, NOW + 10**6) == []
    assert not state.empty
    assert not state.stalled(NOW)
    state = state.apply(e.PodGone("uid-web-0"), NOW + 500)
    assert state.empty
    assert state.counts().gone == 1


def test_only_what_was_offered_may_be_sent() -> None:
    state = send(drain(*webs(1)))
    with pytest.raises(ValueError, match="was offered"):
        state.apply(e.Sent("uid-web-0"), NOW)
    with pytest.raises(ValueError, match="was offered"):
        state.apply(e.Sent("uid-nobody"), NOW)


def test_what_got_no_leave_is_offered_again_from_then_on() -> None:
    state = send(drain(*webs(1))).apply(e.Withheld("uid-web-0", NOW + 300), NOW)
    assert names(state, NOW + 299) == []
    assert state.next_wake(NOW) == NOW + 300
    assert names(state, NOW + 300) == ["web-0"]


def test_nothing_is_empty_or_stalled_before_the_first_list() -> None:
    state = DrainState(rules=Rules())
    assert not state.empty
    assert not state.stalled(NOW)
    assert state.apply(e.PodsListed(()), NOW).empty


def test_pods_that_stay_do_not_count() -> None:
    state = drain(
        pod("agent-1", controller=daemon_set()),
        pod("static-1", mirror=True),
    )
    assert state.empty
    assert state.counts().total == 0


def test_a_refused_pod_does_not_stop_the_others_and_stalls_the_drain_in_the_end() -> None:
    state = send(drain(*webs(1), pod("bare-1", controller=None)))
    assert [entry.pod.name for entry in state.refused()] == ["bare-1"]
    assert not state.stalled(NOW)
    state = state.apply(e.PodGone("uid-web-0"), NOW)
    assert state.stalled(NOW)
    assert not state.empty


def test_a_daemonset_that_turns_out_to_be_gone_has_its_pods_refused() -> None:
    state = drain(pod("agent-1", controller=daemon_set()))
    state = state.apply(e.DaemonSetGone(daemon_set().uid), NOW)
    assert [entry.pod.name for entry in state.refused()] == ["agent-1"]


def test_one_refusal_by_a_budget_holds_all_of_its_pods() -> None:
    state = drain(*webs(20), pod("api-1"), budgets=(budget(),))
    assert names(state) == ["api-1", "web-0"]
    state = answer(send(state), "web-0", BLOCKED, NOW + 5)
    assert names(state, NOW + 9_000) == []
    assert {kept.entry.pod.name for kept in state.blocked()} == {f"web-{n}" for n in range(20)}
    assert {kept.since for kept in state.blocked()} == {NOW + 5}
    assert {kept.answer for kept in state.blocked()} == {BLOCKED}


def test_a_blocked_drain_is_stalled_when_the_rest_has_gone() -> None:
    state = send(drain(*webs(2), pod("api-1"), budgets=(budget(),)))
    state = answer(state, "web-0", BLOCKED)
    assert not state.stalled(NOW)  # api-1 is on its way
    state = answer(state, "api-1", Accepted()).apply(e.PodGone("uid-api-1"), NOW + 2000)
    assert state.stalled(NOW + 2000)
    assert state.last_progress == NOW + 2000


def test_a_freed_budget_is_used_at_once_and_no_further_than_it_goes() -> None:
    state = answer(send(drain(*webs(5), budgets=(budget(),))), "web-0", BLOCKED)
    freed = budget(version="2", disruptions_allowed=2)
    state = state.apply(e.BudgetChanged(freed), NOW + 50)
    assert not state.stalled(NOW + 50)
    assert state.blocked() == ()
    assert names(state, NOW + 50) == ["web-0", "web-1"]
    state = send(state, NOW + 50)
    assert names(state, NOW + 60) == []


def test_accepted_pods_count_against_the_budget_until_its_counts_show_them() -> None:
    state = drain(*webs(4), budgets=(budget(disruptions_allowed=1),))
    state = answer(send(state), "web-0", Accepted(), NOW + 10)
    assert names(state, NOW + 20) == []
    spent = budget(version="2", disruptions_allowed=0, disrupted=frozenset({"web-0"}))
    state = state.apply(e.BudgetChanged(spent), NOW + 30)
    assert names(state, NOW + 40) == []
    state = state.apply(e.BudgetChanged(budget(version="3", disruptions_allowed=1)), NOW + 600)
    assert names(state, NOW + 600) == ["web-1"]


def test_news_of_the_counts_may_come_before_the_answer() -> None:
    state = send(drain(*webs(4), budgets=(budget(disruptions_allowed=3),)))
    spent = budget(version="2", disruptions_allowed=2, disrupted=frozenset({"web-0"}))
    state = state.apply(e.BudgetChanged(spent), NOW)
    assert names(state) == []  # two are allowed, and two are still on their way
    state = answer(state, "web-0", Accepted())
    assert names(state) == []


def test_freedom_that_came_while_the_refusal_was_on_its_way_is_not_lost() -> None:
    state = send(drain(*webs(1), budgets=(budget(),)))
    state = state.apply(e.BudgetChanged(budget(version="2", disruptions_allowed=1)), NOW + 1)
    state = answer(state, "web-0", BLOCKED, NOW + 2)
    assert names(state, NOW + 2) == ["web-0"]
    # The same counts again are not believed against the server.
    state = answer(send(state, NOW + 2), "web-0", BLOCKED, NOW + 3)
    assert names(state, NOW + 3) == []


def test_without_news_a_blocked_budget_is_tried_with_growing_pauses() -> None:
    state = drain(*webs(1))
    tries: list[int] = []
    now: int | None = NOW
    while now is not None and len(tries) < 10:
        assert names(state, now) == ["web-0"]
        tries.append(now)
        state = answer(send(state, now), "web-0", BLOCKED, now)
        now = state.next_wake(now)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]


def test_a_budget_that_is_not_up_to_date_is_asked_again_when_it_says() -> None:
    fresh = replace(BLOCKED, needs=-1, has=-1, retry_after=10)
    stale = budget(generation=2, disruptions_allowed=1)
    state = answer(send(drain(*webs(1), budgets=(stale,))), "web-0", fresh)
    assert names(state, NOW + 9_999) == []
    assert names(state, NOW + 10_000) == ["web-0"]
    caught_up = budget(version="2", generation=2, observed_generation=2, disruptions_allowed=1)
    assert names(state.apply(e.BudgetChanged(caught_up), NOW + 5), NOW + 5) == ["web-0"]


def test_an_unready_pod_that_its_budget_does_not_count_is_not_held_by_it() -> None:
    sick = pod("web-9", ready=False)
    lenient = budget(unhealthy_policy="AlwaysAllow")
    assert names(drain(sick, *webs(1), budgets=(lenient,))) == ["web-9", "web-0"]
    strict = budget(current_healthy=1)
    assert names(drain(sick, *webs(1), budgets=(strict,))) == ["web-9"]


def test_a_pod_that_we_thought_uncounted_waits_when_the_server_counts_it() -> None:
    sick = pod("web-9", ready=False)
    state = drain(sick, budgets=(budget(unhealthy_policy="AlwaysAllow", disruptions_allowed=1),))
    state = answer(send(state), "web-9", BLOCKED)
    assert names(state, NOW + 99) == []
    assert [kept.entry.pod.name for kept in state.blocked()] == ["web-9"]


def test_a_budget_that_is_deleted_holds_nobody() -> None:
    state = answer(send(drain(*webs(3), budgets=(budget(),))), "web-0", BLOCKED)
    assert names(state.apply(e.BudgetGone("shop", "web"), NOW), NOW) == ["web-0", "web-1", "web-2"]
    assert names(state.apply(e.BudgetsListed("shop", ()), NOW), NOW) == [
        "web-0",
        "web-1",
        "web-2",
    ]


def test_two_budgets_hold_a_pod_until_one_is_left() -> None:
    both = (budget(), budget("all", app="", disruptions_allowed=1))
    state = answer(send(drain(*webs(1), budgets=both)), "web-0", TwoBudgets("more than one"))
    assert names(state, NOW + 10**6) == []
    assert state.stalled(NOW)
    elsewhere = replace(budget(), namespace="other")
    assert names(state.apply(e.BudgetChanged(elsewhere), NOW), NOW + 10**6) == []
    state = state.apply(e.BudgetGone("shop", "web"), NOW + 5)
    assert names(state, NOW + 10_000) == ["web-0"]


def test_a_broken_budget_is_kept_and_named() -> None:
    broken = BudgetBroken("web", "pdb disruptions allowed is negative")
    state = answer(
        send(drain(*webs(2), budgets=(budget(disruptions_allowed=-1),))), "web-0", broken
    )
    assert {kept.answer for kept in state.blocked()} == {broken}
    assert state.stalled(NOW)


def test_a_missing_right_stops_its_namespace_after_one_answer() -> None:
    missing = MissingRight("pods is forbidden", "create pods/eviction")
    pace = Pace(in_flight=1)
    state = answer(send(drain(*webs(30), pace=pace)), "web-0", missing)
    assert names(state, NOW + 10**6) == []
    assert len(state.blocked()) == 30
    assert state.stalled(NOW)


def test_an_ending_namespace_only_waits() -> None:
    state = answer(send(drain(*webs(1))), "web-0", NamespaceEnding("ends"))
    assert names(state, NOW + 10**6) == []
    assert len(state.blocked()) == 1


def test_a_webhook_that_is_only_too_early_is_asked_again_and_shown() -> None:
    state = answer(send(drain(*webs(1))), "web-0", Webhook("moving", "vm", again=True))
    assert names(state, NOW + 100) == ["web-0"]
    assert state.stalled(NOW)
    final = answer(send(drain(*webs(1))), "web-0", Webhook("no", "vm"))
    assert names(final, NOW + 10**6) == []


def test_a_busy_server_is_left_alone_as_long_as_it_says_and_is_no_block() -> None:
    state = answer(send(drain(*webs(3), pace=Pace(in_flight=2))), "web-0", Busy(3, "busy"))
    assert names(state, NOW + 2_999) == []
    assert state.next_wake(NOW) == NOW + 3000
    assert state.blocked() == ()
    assert not state.stalled(NOW)
    assert names(state, NOW + 3000) == ["web-0"]


def test_a_passing_error_is_tried_again_and_is_no_block() -> None:
    state = answer(send(drain(*webs(1))), "web-0", Passing("500"))
    assert names(state, NOW + 99) == []
    assert not state.stalled(NOW + 99)
    assert names(state, NOW + 100) == ["web-0"]
    assert state.blocked() == ()
    late = answer(send(state, NOW + 100), "web-0", Passing("504", 10), NOW + 100)
    assert names(late, NOW + 10_099) == []
    assert names(late, NOW + 10_100) == ["web-0"]


@pytest.mark.parametrize("what", [AlreadyGone(), Replaced()])
def test_a_pod_that_the_answer_calls_gone_stays_gone(what: Any) -> None:
    state = answer(send(drain(*webs(1))), "web-0", what)
    assert state.empty
    assert state.apply(e.PodSeen(pod("web-0")), NOW).empty
    assert not state.evicted_any


def test_an_answer_about_a_pod_that_is_gone_changes_nothing() -> None:
    state = send(drain(*webs(2), budgets=(budget(disruptions_allowed=2),)))
    state = state.apply(e.PodGone("uid-web-0"), NOW)
    late = answer(state, "web-0", BLOCKED)
    assert (late.pods, late.gates, late.blocked()) == (state.pods, state.gates, ())
    assert not answer(state, "web-0", Accepted()).evicted_any


def test_a_request_without_an_answer_takes_its_place_even_if_its_pod_is_gone() -> None:
    state = send(drain(*webs(3), pace=Pace(in_flight=1))).apply(e.PodGone("uid-web-0"), NOW)
    assert names(state) == []
    assert names(answer(state, "web-0", Accepted())) == ["web-1"]


def test_another_uid_under_the_same_name_is_another_pod() -> None:
    state = answer(send(drain(pod("db-0"))), "db-0", Accepted())
    state = state.apply(e.PodGone("uid-db-0"), NOW)
    state = state.apply(e.PodSeen(pod("db-0", uid="second")), NOW)
    assert [ref.uid for ref in state.actions(NOW)] == ["second"]


def test_a_terminating_pod_is_late_after_its_grace_and_the_slack() -> None:
    leaving = pod("web-0", deletion=NOW + 30_000)
    state = drain(leaving, pace=Pace(slack=60_000))
    assert names(state, NOW) == []
    assert state.next_wake(NOW) == NOW + 90_001
    assert state.overdue(NOW + 90_000) == ()
    assert not state.stalled(NOW + 90_000)
    assert [entry.pod.name for entry in state.overdue(NOW + 90_001)] == ["web-0"]
    assert state.stalled(NOW + 90_001)


def test_an_accepted_pod_that_never_terminates_is_late_as_well() -> None:
    state = answer(send(drain(pod("web-0", grace=5))), "web-0", Accepted())
    assert state.overdue(NOW + 65_000) == ()
    assert len(state.overdue(NOW + 65_001)) == 1


def test_a_pod_that_terminates_for_too_long_is_forgotten_when_that_was_asked_for() -> None:
    rules = Rules.of(DrainOptions(skip_wait_for_delete_timeout=5))
    state = drain(pod("web-0", deletion=NOW), rules=rules)
    wake = state.next_wake(NOW)
    assert wake == NOW + 5001
    assert not state.apply(e.Tick(), NOW + 5000).empty
    assert state.apply(e.Tick(), wake).empty


def test_a_blocked_pod_that_somebody_else_deletes_is_only_waited_for() -> None:
    state = answer(send(drain(*webs(1), budgets=(budget(),))), "web-0", BLOCKED)
    state = state.apply(e.PodSeen(pod("web-0", deletion=NOW + 30_000)), NOW)
    assert state.blocked() == ()
    assert not state.stalled(NOW)
    assert names(state.apply(e.BudgetChanged(budget(disruptions_allowed=1)), NOW)) == []


def test_a_list_tells_who_left_while_nobody_watched() -> None:
    state = send(drain(*webs(3)))
    state = state.apply(e.PodsListed((pod("web-2"), pod("new-1"))), NOW + 1)
    assert state.pods.keys() == {"uid-web-2", "uid-new-1"}
    assert state.counts().gone == 2
    assert state.counts().total == 4


def test_finished_and_pending_pods_go_first_and_low_priority_before_high() -> None:
    state = drain(
        pod("d-1", priority=10),
        pod("c-1"),
        pod("b-1", phase="Pending", ready=False),
        pod("a-1", phase="Succeeded", ready=False, priority=5),
    )
    assert names(state) == ["b-1", "a-1", "c-1", "d-1"]


def test_progress_is_counted() -> None:
    state = send(drain(*webs(3), pod("bare-1", controller=None), pace=Pace(in_flight=2)))
    state = answer(state, "web-0", Accepted())
    counts = state.counts()
    assert (counts.total, counts.gone, counts.terminating, counts.flying, counts.left) == (
        4,
        0,
        1,
        1,
        4,
    )
    assert state.evicted_any


def test_a_pod_that_finishes_while_it_is_refused_is_evicted() -> None:
    state = drain(pod("bare-1", controller=None))
    state = state.apply(e.PodSeen(pod("bare-1", controller=None, phase="Succeeded")), NOW)
    assert state.pods["uid-bare-1"].judgement.fate is Fate.EVICT
    assert names(state) == ["bare-1"]
