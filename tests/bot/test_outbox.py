import pytest
import redis as redis_client

from bot.outbox import KEY, TAKEN, Note, Outbox
from jobs.errors import StateUnavailable
from sandbox import redis as sandbox_redis

NOTES = [Note("U02BOB", "C01OPS", f"note {number}", "1.2") for number in range(3)]


def test_notes_are_taken_in_the_order_in_which_they_were_queued(
    redis: "redis_client.Redis",
) -> None:
    outbox = Outbox(redis)
    for note in NOTES:
        outbox.queue_note(note)

    taken = [outbox.take() for _ in range(4)]

    assert [t.note if t else None for t in taken] == [*NOTES, None]


def test_a_note_is_stamped_by_redis_clock(redis: "redis_client.Redis") -> None:
    outbox = Outbox(redis)
    seconds, _ = redis.time()
    outbox.queue_note(NOTES[0])

    taken = outbox.take()

    assert taken is not None
    assert abs(taken.queued_at - seconds * 1000) < 60_000


def test_a_note_is_in_redis_until_it_is_done(redis: "redis_client.Redis") -> None:
    outbox = Outbox(redis)
    outbox.queue_note(NOTES[0])
    taken = outbox.take()
    assert taken is not None
    assert redis.llen(TAKEN) == 1

    outbox.done(taken)

    assert redis.llen(TAKEN) == redis.llen(KEY) == 0


def test_what_a_killed_notifier_had_taken_goes_back_before_the_others(
    redis: "redis_client.Redis",
) -> None:
    outbox = Outbox(redis)
    for note in NOTES:
        outbox.queue_note(note)
    outbox.take()
    outbox.take()

    recovered = Outbox(redis).recover()

    assert recovered == 2
    taken = [outbox.take() for _ in range(3)]
    assert [t.note if t else None for t in taken] == NOTES


def test_the_same_words_twice_are_two_notes(redis: "redis_client.Redis") -> None:
    outbox = Outbox(redis)
    outbox.queue_note(NOTES[0])
    outbox.queue_note(NOTES[0])
    first, second = outbox.take(), outbox.take()
    assert first is not None
    assert second is not None

    outbox.done(first)

    assert redis.lrange(TAKEN, 0, -1) == [second.raw]


def test_what_is_no_note_stands_in_nobodys_way(redis: "redis_client.Redis") -> None:
    outbox = Outbox(redis)
    for raw in ("nonsense", "id|x|{}", 'id|1|{"user": "U1"}', "id|1|[]"):
        redis.lpush(KEY, raw)
    outbox.queue_note(NOTES[0])

    taken = outbox.take()

    assert taken is not None
    assert taken.note == NOTES[0]
    assert redis.llen(TAKEN) == 1


def test_any_words_come_back_as_they_were(redis_url: str) -> None:
    raw = redis_client.Redis.from_url(redis_url)  # answers are bytes here
    outbox = Outbox(raw)
    note = Note("U1", "C1", 'a | b \n "c" \u202e שלום 😀')
    outbox.queue_note(note)

    taken = outbox.take()
    assert taken is not None
    outbox.done(taken)

    assert taken.note == note
    assert raw.llen(TAKEN) == 0
    raw.close()


def test_redis_away_is_said_as_such() -> None:
    with sandbox_redis.running(appendfsync="no") as server:
        client = redis_client.Redis.from_url(server.url, retry=None)
        outbox = Outbox(client)
        server.kill()

        with pytest.raises(StateUnavailable):
            outbox.queue_note(NOTES[0])
        with pytest.raises(StateUnavailable):
            outbox.take()
        client.close()


def test_a_queued_note_survives_redis_being_killed() -> None:
    with sandbox_redis.running(appendfsync="always") as server:
        client = redis_client.Redis.from_url(server.url)
        Outbox(client).queue_note(NOTES[0])
        server.kill()
        server.restart()

        taken = Outbox(client).take()

        assert taken is not None
        assert taken.note == NOTES[0]
        client.close()
