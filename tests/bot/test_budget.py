from hypothesis import given, settings
from hypothesis import strategies as st

from bot.budget import LIMITS, Budget

POST, UPDATE = "chat.postMessage", "chat.update"


def test_posts_to_one_channel_keep_no_other_channel_waiting() -> None:
    budget = Budget()
    for _ in range(3):
        budget = budget.spend(POST, "C1", 0)

    assert budget.ready_at(POST, "C1", 0) == 1
    assert budget.ready_at(POST, "C2", 0) == 0


def test_updates_share_one_budget_whatever_the_channel() -> None:
    budget = Budget()
    for number in range(5):
        budget = budget.spend(UPDATE, f"C{number}", 0)

    assert budget.ready_at(UPDATE, "C9", 0) == 1.5


def test_what_may_wait_leaves_a_call_for_what_may_not() -> None:
    budget = Budget().spend(POST, "C1", 0).spend(POST, "C1", 0)

    assert budget.ready_at(POST, "C1", 0, spare=1) > 0
    assert budget.ready_at(POST, "C1", 0) == 0


def test_a_429_pauses_its_method_for_as_long_as_slack_says() -> None:
    budget = Budget().pause(UPDATE, "C1", 10, 60)

    assert budget.ready_at(UPDATE, "C2", 10) == 70
    assert budget.ready_at(UPDATE, "C2", 71) == 71
    assert budget.ready_at(POST, "C1", 10) == 10


def test_a_429_for_a_channel_pauses_that_channel() -> None:
    budget = Budget().pause(POST, "C1", 0, 5)

    assert budget.ready_at(POST, "C1", 0) == 5
    assert budget.ready_at(POST, "C2", 0) == 0


def test_a_second_429_never_shortens_the_first() -> None:
    budget = Budget().pause(UPDATE, "", 0, 60).pause(UPDATE, "", 1, 2)

    assert budget.ready_at(UPDATE, "", 1) == 60


def test_full_buckets_are_forgotten() -> None:
    budget = Budget()
    for number in range(50):
        budget = budget.spend(POST, f"C{number}", number * 10)

    assert len(budget.buckets) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(LIMITS)),
    st.lists(st.floats(0, 3), min_size=50, max_size=200),
)
def test_no_minute_holds_more_calls_than_allowed(method: str, pauses: list[float]) -> None:
    budget, now = Budget(), 0.0
    calls: list[float] = []
    for pause in pauses:
        now = max(now + pause, budget.ready_at(method, "C1", now))
        budget = budget.spend(method, "C1", now)
        calls.append(now)

    limit = LIMITS[method]
    most = limit.burst + 60 * limit.rate
    for begin in calls:
        assert sum(begin <= call < begin + 60 for call in calls) <= most + 1e-6
