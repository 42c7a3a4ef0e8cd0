"""Notes to one person: they reach that person alone, and once."""

import redis as redis_client

from bot.outbox import Note
from sandbox.slack import Fault
from tests.bot.telling_bench import Bench, running


def test_a_note_reaches_its_person_alone(bench: Bench) -> None:
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "You can't decide this."))

    bench.ticks(2)

    (note,) = bench.slack.ephemerals("bo")
    assert note["text"] == "You can't decide this."
    assert bench.slack.messages("ops") == []


def test_a_note_that_can_not_be_shown_to_one_person_goes_into_the_thread(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(2)
    parent = bench.parent()["ts"]
    bench.outbox.queue_note(Note("U03CY", "C01OPS", "Already settled.", parent))

    bench.ticks(3)

    (reply,) = bench.replies()
    assert reply["text"] == "<@U03CY> Already settled."


def test_a_note_survives_a_notifier_that_is_killed_with_it(bench: Bench) -> None:
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "Already settled."))
    assert bench.outbox.take() is not None  # and then the power goes

    bench.ticks(2)

    assert len(bench.slack.ephemerals("bo")) == 1


def test_a_note_waits_while_slack_is_away(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postEphemeral", kind="reset", times=3))
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "Already settled."))

    bench.ticks(40)

    assert len(bench.slack.ephemerals("bo")) == 1


def test_a_note_that_is_too_old_is_dropped(bench: Bench, redis: "redis_client.Redis") -> None:
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "Already settled."))
    queued = redis.time()[0]
    bench.clock.at = queued + 700

    bench.ticks(2)

    assert bench.slack.ephemerals("bo") == []
    assert bench.outbox.recover() == 0
