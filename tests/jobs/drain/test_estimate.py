from typing import Any

import pytest

from jobs.drain.estimate import REPLACEMENT, Speed, node_seconds, operation_seconds
from jobs.drain.facts import Budget, Pod
from jobs.models import DrainOptions
from tests.jobs.drain.making import NOW, budget, pod

FAST = Speed(evictions_per_second=0, in_flight=10_000)


def node(
    *pods: Pod,
    ending: tuple[Pod, ...] = (),
    budgets: tuple[Budget, ...] = (),
    speed: Speed = FAST,
    **options: Any,
) -> int:
    return node_seconds(
        pods, ending, budgets=budgets, speed=speed, options=DrainOptions(**options), now=NOW
    )


def webs(number: int, **fields: Any) -> tuple[Pod, ...]:
    return tuple(pod(f"web-{n}", **fields) for n in range(number))


def test_a_node_takes_its_slowest_pod_and_until_the_owners_are_well() -> None:
    assert node(pod(grace=30), pod("web-2", grace=90)) == 90 + REPLACEMENT + 1  # and its sending
    assert node() == 0


def test_a_grace_period_of_the_request_counts_in_place_of_the_pods() -> None:
    assert node(pod(grace=600), grace_period=5) == 5 + REPLACEMENT + 1


def test_a_finished_pod_needs_no_time_to_stop() -> None:
    assert node(pod(phase="Succeeded", grace=600)) == REPLACEMENT + 1


def test_what_terminates_already_is_waited_for() -> None:
    assert node(ending=(pod(deletion=NOW + 120_000), pod(deletion=NOW - 5))) == 120


@pytest.mark.parametrize(
    ("speed", "sending"),
    [
        (Speed(evictions_per_second=2, in_flight=32), 30),
        (Speed(evictions_per_second=1000, in_flight=1), 6),  # one request takes a tenth of a s
        (Speed(evictions_per_second=0, in_flight=6), 1),
    ],
)
def test_many_pods_wait_for_the_rate_and_for_requests_in_flight(speed: Speed, sending: int) -> None:
    assert node(*webs(60, grace=0), speed=speed) == sending + REPLACEMENT


def test_pods_under_one_budget_go_in_turns_of_as_many_as_it_allows() -> None:
    pods = webs(6, grace=10)
    assert node(*pods, budgets=(budget(disruptions_allowed=6),)) == 10 + REPLACEMENT + 1
    in_threes = node(*pods, budgets=(budget(disruptions_allowed=2),))
    assert in_threes == 3 * 10 + 2 * REPLACEMENT + REPLACEMENT + 1
    # One that allows none has to wait for a replacement first, and then goes one by one.
    one_by_one = node(*pods, budgets=(budget(disruptions_allowed=0),))
    assert one_by_one == REPLACEMENT + 6 * 10 + 5 * REPLACEMENT + REPLACEMENT + 1


def test_budgets_that_are_not_asked_cost_no_time() -> None:
    pods, tight = webs(6, grace=10), (budget(disruptions_allowed=1),)
    assert node(*pods, budgets=tight, disable_eviction=True) == 10 + REPLACEMENT + 1
    assert node(*webs(6, grace=10, phase="Pending"), budgets=tight) == 10 + REPLACEMENT + 1


def whole(*seconds: int, away: int = 1, **options: Any) -> int:
    nodes = [(each, 1) for each in seconds]
    return operation_seconds(nodes, away=away, speed=FAST, options=DrainOptions(**options))


def test_nodes_go_one_after_the_other_or_as_many_at_once_as_may_be_away() -> None:
    assert whole(60, 60, 60) == 180
    assert whole(60, 60, 60, away=2) == 120
    assert whole(100, 10, 10, 10, away=2) == 100  # the short ones share one place
    assert whole(60, away=10) == 60
    assert whole() == 0


def test_the_others_begin_only_after_the_canaries_have_soaked() -> None:
    assert whole(60, 60, 60, away=3, canary=1, soak=600) == 60 + 600 + 60
    assert whole(60, 60, away=2, canary=2, soak=600) == 60  # no others are left


def test_all_nodes_share_one_rate() -> None:
    slow = Speed(evictions_per_second=1)
    many = [(20, 100)] * 5
    assert operation_seconds(many, away=5, speed=slow, options=DrainOptions()) == 500
