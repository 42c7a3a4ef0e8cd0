import itertools

import pytest
import redis as redis_client

from bot.message_store import FENCE, Deposed, MessageStore, Record, key_of
from jobs.durable import Store
from jobs.errors import StateUnavailable
from jobs.leases import NamedLease
from sandbox import redis as sandbox_redis

OPERATION = "prod-eu-7f3k9q"
RECORD = Record(channel="C1", ts="1.2", digest="d", version=7, state="sent", link="https://x", by=3)


def test_records_come_back_as_they_were_written(redis: "redis_client.Redis") -> None:
    store = MessageStore(redis)

    store.write(3, OPERATION, {"parent": RECORD, "log:a": Record()})

    assert store.read(OPERATION) == {"parent": RECORD, "log:a": Record()}
    assert store.read("prod-eu-000000") == {}


def test_a_deposed_notifier_overwrites_nothing(redis: "redis_client.Redis") -> None:
    store = MessageStore(redis)
    store.write(4, OPERATION, {"parent": RECORD})

    with pytest.raises(Deposed):
        store.write(3, OPERATION, {"parent": Record(), "finish": Record()})

    assert store.read(OPERATION) == {"parent": RECORD}


def test_a_newer_notifier_bars_older_ones_from_every_operation(redis: "redis_client.Redis") -> None:
    store = MessageStore(redis)
    store.write(3, OPERATION, {"parent": RECORD})
    store.write(4, "prod-eu-other0", {"parent": RECORD})

    with pytest.raises(Deposed):
        store.write(3, OPERATION, {"parent": Record()})

    assert redis.get(FENCE) == "4"


def test_the_same_write_twice_does_no_harm(redis: "redis_client.Redis") -> None:
    store = MessageStore(redis)

    store.write(3, OPERATION, {"parent": RECORD})
    store.write(3, OPERATION, {"parent": RECORD})

    assert store.read(OPERATION) == {"parent": RECORD}


def test_records_outlive_the_operation_and_not_for_good(redis: "redis_client.Redis") -> None:
    MessageStore(redis).write(3, OPERATION, {"parent": RECORD})

    days = int(redis.ttl(key_of(OPERATION))) / 86_400

    assert 30 < days <= 40


def test_a_record_of_another_version_is_read_as_far_as_it_goes(redis: "redis_client.Redis") -> None:
    redis.hset(key_of(OPERATION), "parent", '{"ts": "1.2", "state": "sent", "novel": 1}')
    redis.hset(key_of(OPERATION), "broken", "{")

    assert MessageStore(redis).read(OPERATION) == {"parent": Record(ts="1.2", state="sent")}


def test_answers_in_bytes_are_read_as_well(redis_url: str) -> None:
    with redis_client.Redis.from_url(redis_url) as raw:
        store = MessageStore(raw)
        store.write(3, OPERATION, {"parent": RECORD})

        assert store.read(OPERATION) == {"parent": RECORD}


def test_redis_away_is_said_as_such_and_what_was_written_is_there_after_a_kill() -> None:
    with sandbox_redis.running(appendfsync="always") as server:
        client = redis_client.Redis.from_url(server.url, retry=None)
        store = MessageStore(client)
        store.write(3, OPERATION, {"parent": RECORD})
        server.kill()
        with pytest.raises(StateUnavailable):
            store.read(OPERATION)
        with pytest.raises(StateUnavailable):
            store.write(3, OPERATION, {"parent": RECORD})

        server.restart()

        assert store.read(OPERATION) == {"parent": RECORD}
        client.close()


def test_what_is_written_late_after_redis_was_lost_does_not_bar_the_next_term(
    redis: "redis_client.Redis",
) -> None:
    clock = itertools.count(1_800_000_000_000, 1_000)  # a term lasts for some time
    state = Store(redis, "prod-eu", clock=lambda: next(clock))
    store, lease = MessageStore(redis), NamedLease(state, "notifier", 60)
    for _ in range(3):
        assert lease.hold()
        late = lease.token
        lease.release()
    redis.flushall()
    store.write(late, OPERATION, {"parent": Record()})  # a call to Slack had just come back

    assert lease.hold()
    store.write(lease.token, OPERATION, {"parent": RECORD})

    assert store.read(OPERATION) == {"parent": RECORD}
