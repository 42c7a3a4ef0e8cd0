"""An API server that is away is told once in the threads it concerns, whatever happens."""

from collections.abc import Iterable

import pytest

from bot.beside import Beside
from bot.notifier import Notifier
from bot.outages import OutageNotes, Sources
from bot.sender import Sender
from jobs.models import Outage
from sandbox.slack import Fault
from tests.bot.telling_bench import START, Bench, running, said, view

AT = int(START * 1000)
AWAY = Outage(cluster="prod-eu", since=AT - 120_000, said_at=AT, nodes=("node-17",))


class Telling:
    """A notifier that is told of outages."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.outages: tuple[Outage, ...] = ()
        self.away()
        bench.notifier = self.another()

    def another(self) -> Notifier:
        def beside(sender: Sender) -> Iterable[Beside]:
            sources = Sources(lambda: self.outages, self.bench.client.operation)
            store, clock = self.bench.store, self.bench.clock
            return (OutageNotes(sources, sender, store, clock=clock, channel="C02FALL"),)

        return self.bench.another(beside=beside)

    def away(self, *operations: str) -> None:
        self.outages = (AWAY.model_copy(update={"operations": operations}),)

    def back(self) -> None:
        changes = {"back_at": AT + 60_000, "over": True, "held": ("node-17",), "total": 2}
        self.outages = tuple(each.model_copy(update=changes) for each in self.outages)

    def told(self) -> list[str]:
        replies = self.bench.replies()
        return [reply["text"] for reply in replies if "API server" in reply["text"]]

    def alone(self) -> list[str]:
        return [said(message) for message in self.bench.slack.messages("fall")]


@pytest.fixture
def telling(bench: Bench) -> Telling:
    return Telling(bench)


def test_it_is_told_once_in_the_thread_and_so_is_its_end(telling: Telling) -> None:
    shown = running()
    telling.bench.client.put(shown)
    telling.away(shown.id)
    telling.bench.ticks(10)
    assert len(telling.told()) == 1
    assert "has not answered as it should since" in telling.told()[0]
    telling.back()
    telling.bench.ticks(10)
    assert len(telling.told()) == 2
    assert "answers again, after 3 min. The fence of node-17 holds." in telling.told()[1]
    assert telling.alone() == []


def test_it_is_told_where_an_operation_has_long_ended(telling: Telling) -> None:
    shown = running()
    telling.bench.client.put(shown)
    telling.bench.ticks(5)
    telling.bench.client.views[shown.id] = view(state="ended", end="drained", ended_at=AT)
    telling.away(shown.id)
    telling.bench.ticks(10)
    assert len(telling.told()) == 1


def test_where_nothing_runs_it_is_told_in_the_fallback_channel(telling: Telling) -> None:
    telling.bench.ticks(10)
    telling.back()
    telling.bench.ticks(10)
    away, back = telling.alone()
    assert "has not answered" in away
    assert "answers again" in back


def test_an_operation_that_is_forgotten_or_has_no_thread_is_no_place_to_tell_it(
    telling: Telling,
) -> None:
    shown = running(channel="", id="prod-eu-aaaaaa")
    telling.bench.client.views[shown.id] = shown.model_copy(update={"channel": ""})
    telling.away(shown.id, "prod-eu-bbbbbb")
    telling.bench.notifier.tick()
    assert len(telling.alone()) == 1


def test_another_notifier_does_not_tell_it_again(telling: Telling) -> None:
    shown = running()
    telling.bench.client.put(shown)
    telling.away(shown.id)
    telling.bench.ticks(10)
    telling.bench.pass_time(60)
    telling.bench.notifier = telling.another()
    telling.bench.ticks(10)
    assert len(telling.told()) == 1


def test_a_post_whose_answer_was_lost_is_found_again(telling: Telling) -> None:
    shown = running()
    telling.bench.client.put(shown)
    telling.bench.ticks(5)
    telling.bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="after"))
    telling.away(shown.id)
    telling.bench.ticks(30)
    assert len(telling.told()) == 1


def test_what_nobody_could_be_told_for_a_day_is_not_told_any_more(telling: Telling) -> None:
    telling.bench.pass_time(2 * 86_400)
    telling.bench.ticks(5)
    assert telling.alone() == []
