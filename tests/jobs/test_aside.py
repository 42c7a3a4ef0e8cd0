import threading
from collections.abc import Callable

import structlog.testing

from jobs import aside
from jobs.aside import Aside
from tests.jobs.harness import until


def fail() -> None:
    raise ValueError("no")


def test_acts_are_done_in_order_and_whoever_wants_may_wait() -> None:
    did: list[int] = []

    def act(number: int) -> Callable[[], None]:
        return lambda: did.append(number)

    beside = Aside()
    waits = [beside.do(act(number)) for number in range(20)]
    assert waits[-1].wait(10)
    assert did == list(range(20))


def test_an_act_that_fails_is_logged_and_the_next_one_is_done() -> None:
    beside, did = Aside(), threading.Event()
    with structlog.testing.capture_logs() as logs:
        assert beside.do(fail).wait(10)
        assert beside.do(did.set).wait(10)
    assert did.is_set()
    assert [line["event"] for line in logs] == ["aside_failed"]


def test_the_thread_ends_when_nothing_is_left_and_begins_again() -> None:
    beside = Aside()
    for _ in range(3):
        did = threading.Event()
        assert beside.do(did.set).wait(10)
        assert did.is_set()


def test_what_piles_up_is_dropped_not_waited_for() -> None:
    beside, go_on, did = Aside(), threading.Event(), threading.Event()

    def hold() -> None:
        go_on.wait(10)

    beside.do(hold)
    waiting = [beside.do(did.set) for _ in range(aside.MOST_WAITING + 1)]
    with structlog.testing.capture_logs() as logs:
        assert beside.do(fail).is_set()
    assert logs[0]["event"] == "aside_dropped"
    go_on.set()
    assert all(done.wait(10) for done in waiting)


def test_after_a_wait_in_vain_nobody_waits_for_a_while() -> None:
    times = [0.0]
    beside = Aside(lambda: times[-1])
    assert beside.keeps_up
    beside.fell_behind()
    times.append(aside.IMPATIENT_FOR - 1)
    assert not beside.keeps_up
    times.append(aside.IMPATIENT_FOR)
    assert beside.keeps_up


def test_some_things_are_said_once() -> None:
    beside = Aside()
    assert [beside.first_time("a"), beside.first_time("a"), beside.first_time("b")] == [
        True,
        False,
        True,
    ]


def test_it_is_idle_only_when_nothing_is_left_to_do() -> None:
    beside, go_on = Aside(), threading.Event()
    assert beside.idle

    def hold() -> None:
        go_on.wait(10)

    held = beside.do(hold)
    assert not beside.idle
    go_on.set()
    assert held.wait(10)
    until(lambda: beside.idle, what="an idle thread aside")
