"""The head of each audit log is told once a day in the fallback channel, if anything was done."""

from collections.abc import Iterable

import pytest

from bot.anchors import Anchors
from bot.beside import Beside
from bot.notifier import Notifier
from bot.sender import Sender
from jobs.models import AuditHead
from sandbox.slack import Fault
from tests.bot.telling_bench import START, Bench, said

DAY = 86_400.0
HASH = "ab" * 32


@pytest.fixture
def heads() -> list[AuditHead]:
    return [AuditHead(cluster="prod-eu", seq=12, hash=HASH, began=int(START * 1000) - 86_400_000)]


@pytest.fixture
def telling(bench: Bench, heads: list[AuditHead]) -> Bench:
    bench.notifier = again(bench, heads)
    return bench


def again(bench: Bench, heads: list[AuditHead], channel: str = "C02FALL") -> Notifier:
    def beside(sender: Sender) -> Iterable[Beside]:
        return (
            Anchors(lambda: tuple(heads), sender, bench.store, clock=bench.clock, channel=channel),
        )

    return bench.another(beside=beside)


def told(bench: Bench) -> list[str]:
    return [said(message) for message in bench.slack.messages("fall")]


def test_a_head_is_told_as_the_anchor_that_verify_takes(telling: Bench) -> None:
    telling.ticks(3)
    assert (
        f"drainbot audit verify --anchor 12:{HASH}"
        in telling.parent("fall")["text"] + (told(telling)[0])
    )


def test_it_is_told_once_a_day_however_much_is_done(telling: Bench, heads: list[AuditHead]) -> None:
    for seq in range(13, 20):
        telling.ticks(2, seconds=40)
        heads[:] = [heads[0].model_copy(update={"seq": seq})]
    assert len(told(telling)) == 1
    telling.pass_time(DAY)
    telling.ticks(2)
    assert len(told(telling)) == 2
    assert "19 entries" in told(telling)[1]


def test_nothing_is_told_where_nothing_was_done_since(telling: Bench) -> None:
    for _ in range(3):
        telling.ticks(2)
        telling.pass_time(DAY)
    assert len(told(telling)) == 1


def test_the_first_day_of_a_log_is_told_on_the_next(telling: Bench, heads: list[AuditHead]) -> None:
    heads[:] = [heads[0].model_copy(update={"began": int(START * 1000)})]
    telling.ticks(3)
    assert told(telling) == []
    telling.pass_time(DAY)
    telling.ticks(3)
    assert len(told(telling)) == 1


def test_another_notifier_does_not_tell_it_again(telling: Bench, heads: list[AuditHead]) -> None:
    telling.ticks(3)
    telling.pass_time(60)
    telling.notifier = again(telling, heads)
    telling.ticks(3)
    assert len(told(telling)) == 1


def test_a_new_month_does_not_tell_what_the_last_one_told(
    telling: Bench, heads: list[AuditHead]
) -> None:
    telling.ticks(2)
    telling.pass_time(27 * DAY)
    telling.ticks(2)
    assert len(told(telling)) == 1


def test_a_post_whose_answer_was_lost_is_found_again(telling: Bench) -> None:
    telling.slack.fault(Fault(method="chat.postMessage", kind="reset", when="after"))
    telling.ticks(30)
    assert len(told(telling)) == 1


def test_without_a_fallback_channel_nothing_is_told(bench: Bench, heads: list[AuditHead]) -> None:
    bench.notifier = again(bench, heads, channel="")
    bench.ticks(5)
    assert bench.slack.calls("chat.postMessage") == []
