"""The telling gives way to people who wait, and never starves."""

import threading

from bot.courtesy import Courtesy
from tests.jobs.harness import until


def test_nobody_waits_and_the_telling_goes_on_at_once() -> None:
    courtesy = Courtesy()
    with courtesy:
        pass
    courtesy.give_way(most=3600)


def test_the_telling_goes_on_when_the_last_one_is_answered() -> None:
    courtesy = Courtesy()
    gave_way = threading.Event()

    def tell() -> None:
        courtesy.give_way(most=3600)
        gave_way.set()

    with courtesy:
        with courtesy:
            teller = threading.Thread(target=tell, daemon=True)
            teller.start()
        assert not gave_way.is_set()
    until(gave_way.is_set, what="the telling")
    teller.join()


def test_the_telling_goes_on_after_a_while_however_many_wait() -> None:
    courtesy = Courtesy()
    with courtesy:
        courtesy.give_way(most=0.001)
