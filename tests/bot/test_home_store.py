"""Who looks at their home tab is kept for as long as they do."""

import time

import pytest
from redis import Redis

from bot.home_store import LOOKED, TOLD, HomeStore, Looker
from jobs.errors import StateUnavailable


def test_who_looked_is_known_to_every_copy_of_the_bot(redis: Redis) -> None:
    HomeStore(redis).looked("U01ANA")
    HomeStore(redis).tell("U01ANA", "Already settled: a | b.")
    (looker,) = HomeStore(redis).lookers()
    assert (looker.user, looker.told) == ("U01ANA", "Already settled: a | b.")
    assert abs(looker.looked_at - time.time() * 1000) < 60_000


def test_who_looked_longer_than_a_quarter_of_an_hour_ago_looks_no_more(redis: Redis) -> None:
    long_ago = int(time.time() * 1000) - 16 * 60_000
    redis.hset(LOOKED, mapping={"U01ANA": long_ago, "U02BOB": long_ago + 2 * 60_000})
    assert [looker.user for looker in HomeStore(redis).lookers()] == ["U02BOB"]
    assert redis.hkeys(LOOKED) == ["U02BOB"]


def test_words_to_one_person_are_gone_after_two_minutes_or_when_they_were_heard(
    redis: Redis,
) -> None:
    store = HomeStore(redis)
    store.looked("U01ANA")
    redis.hset(TOLD, "U01ANA", f"{int(time.time() * 1000) - 121_000}|too late")
    assert [looker.told for looker in store.lookers()] == [""]
    store.tell("U01ANA", "now")
    assert [looker.told for looker in store.lookers()] == ["now"]
    store.heard("U01ANA")
    assert [looker.told for looker in store.lookers()] == [""]


def test_nothing_of_it_outlives_the_interest_in_it(redis: Redis) -> None:
    store = HomeStore(redis)
    store.looked("U01ANA")
    store.tell("U01ANA", "words")
    assert 0 < int(str(redis.ttl(LOOKED))) <= 900
    assert 0 < int(str(redis.ttl(TOLD))) <= 120


def test_the_same_call_twice_changes_nothing(redis: Redis) -> None:
    store = HomeStore(redis)
    for _ in range(2):
        store.looked("U01ANA")
        store.tell("U01ANA", "words")
        assert store.lookers() == (Looker("U01ANA", store.lookers()[0].looked_at, "words"),)


def test_redis_away_is_said() -> None:
    store = HomeStore(Redis(port=1, socket_connect_timeout=0.2))
    with pytest.raises(StateUnavailable):
        store.looked("U01ANA")
    with pytest.raises(StateUnavailable):
        store.lookers()
