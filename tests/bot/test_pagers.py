"""Pages reach their pagers, signed, in order, over a real Redis and real HTTP."""

import hashlib
import hmac
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis

from bot.page_store import PageStore, pager_key
from bot.pagers import Pager, PagerSettings
from sandbox.processes import free_port
from tests.bot.receiver import Receiver, receiver

SECRET = "0123456789abcdef-secret"


class AlwaysLease:
    """Nobody else wants it."""

    token = 1

    def hold(self) -> bool:
        return True

    def release(self) -> None:
        return


class Clock:
    """Seconds since the epoch by Redis, and what a test adds."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.ahead = 0.0

    def __call__(self) -> float:
        seconds, micros = self._redis.time()
        return float(seconds) + float(micros) / 1e6 + self.ahead


@dataclass
class Line:
    """A pager with its receiver."""

    there: Receiver
    store: PageStore
    clock: Clock
    pager: Pager

    def queue(self, key: str, about: str = "q1", **body: Any) -> None:
        page = {"event": "question", "status": key, "about": about, **body}
        assert self.store.note("prod-eu-7f3k9q", f"{about}:{key}", page)

    def ticks(self, number: int, *, seconds: float) -> None:
        for _ in range(number):
            self.pager.tick()
            self.clock.ahead += seconds

    def another(self) -> Pager:
        """One more copy of the bot, with the same pager."""
        return Pager(self.there.url, SECRET, self.store, AlwaysLease(), now=self.clock)


@pytest.fixture
def line(redis: Redis) -> Iterator[Line]:
    with receiver() as there:
        store, clock = PageStore(redis, [there.url]), Clock(redis)
        pager = Pager(
            there.url, SECRET, store, AlwaysLease(), settings=PagerSettings(timeout=2), now=clock
        )
        yield Line(there, store, clock, pager)


def test_a_page_is_delivered_once_with_its_id_and_a_signature_that_can_be_checked(
    line: Line,
) -> None:
    line.queue("open", pods=3, link="https://acme.slack.com/archives/C1/p2")
    line.ticks(3, seconds=60)
    ((headers, body, _),) = line.there.requests
    signed = headers["X-Drainbot-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Drainbot-Signature"] == f"v1={expected}"
    (page,) = line.there.pages
    assert page["pods"] == 3
    assert page["attempt"] == 1
    assert page["id"] == headers["X-Drainbot-Page"]


def test_the_same_page_is_queued_once_however_often_it_is_noted(line: Line) -> None:
    for _ in range(5):
        line.queue("open")
    line.ticks(2, seconds=1)
    line.queue("open")
    line.ticks(2, seconds=1)
    assert len(line.there.requests) == 1


def test_a_pager_that_fails_gets_the_page_again_later_and_later_under_the_same_id(
    line: Line,
) -> None:
    line.there.answers += [(500, {}), (503, {}), (502, {})]
    line.queue("open")
    tried = []
    for _ in range(60):
        before = len(line.there.requests)
        line.ticks(1, seconds=1)
        tried += [line.clock.ahead] if len(line.there.requests) > before else []
    gaps = [later - one for one, later in itertools.pairwise(tried)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > gaps[0]
    assert len({page["id"] for page in line.there.pages}) == 1
    assert [page["attempt"] for page in line.there.pages] == [1, 2, 3, 4]
    assert line.store.waiting(line.pager.name) == ()


def test_retry_after_is_obeyed(line: Line) -> None:
    line.there.answers += [(429, {"Retry-After": "120"})]
    line.queue("open")
    line.ticks(11, seconds=10)
    assert len(line.there.requests) == 1
    line.ticks(3, seconds=10)
    assert len(line.there.requests) == 2


def test_a_pager_that_is_not_there_is_tried_again_until_it_is(redis: Redis) -> None:
    url, clock = f"http://127.0.0.1:{free_port()}/hook", Clock(redis)
    store = PageStore(redis, [url])
    pager = Pager(url, SECRET, store, AlwaysLease(), now=clock)
    assert store.note("op", "q:open", {"about": "q"})
    for _ in range(20):
        pager.tick()
        clock.ahead += 60
    (page,) = store.waiting(pager.name)
    assert page.attempts > 3


def test_a_redirect_is_not_followed(line: Line) -> None:
    line.there.answers += [(307, {"Location": "/elsewhere"}), (302, {"Location": "/elsewhere"})]
    line.queue("open")
    line.ticks(6, seconds=60)
    assert {path for _, _, path in line.there.requests} == {"/hook"}
    assert len(line.there.requests) == 3


def test_later_pages_of_a_thing_never_overtake_the_earlier_ones(line: Line) -> None:
    line.there.answers += [(400, {})]
    line.queue("open")
    line.ticks(1, seconds=1)
    line.queue("closed")
    line.ticks(20, seconds=5)
    assert [page["status"] for page in line.there.pages] == ["open", "open", "closed"]


def test_a_page_that_is_refused_holds_up_no_other(line: Line) -> None:
    line.there.answers += [(400, {})]
    line.queue("open")
    line.queue("open", about="q2")
    line.ticks(1, seconds=0)
    assert {page["about"] for page in line.there.pages} == {"q1", "q2"}


def test_what_was_queued_outlives_the_bot_and_its_copy_delivers_it(line: Line) -> None:
    line.queue("open")
    line.another().tick()
    line.pager.tick()
    assert len(line.there.requests) == 1


def test_a_kill_between_the_answer_and_its_note_sends_it_again_under_the_same_id(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    line.queue("open")
    with monkeypatch.context() as patched:
        patched.setattr(line.store, "done", killed)
        with pytest.raises(KilledError):
            line.pager.tick()
    pager = line.another()
    line.clock.ahead += 60
    pager.tick()
    first, second = line.there.pages
    assert first["id"] == second["id"]
    assert (first["attempt"], second["attempt"]) == (1, 2)


def test_a_page_is_given_up_after_a_day(line: Line) -> None:
    line.there.answers += [(404, {})] * 1000
    line.queue("open")
    line.ticks(30, seconds=3600)
    assert line.store.waiting(line.pager.name) == ()


def test_the_end_of_what_was_never_told_is_not_told_either(line: Line) -> None:
    assert not line.store.note("op", "q1:closed", {"about": "q1"}, after="q1:open")
    assert line.store.waiting(line.pager.name) == ()
    assert line.store.note("op", "q1:open", {"about": "q1"})
    assert line.store.note("op", "q1:closed", {"about": "q1"}, after="q1:open")
    assert len(line.store.waiting(line.pager.name)) == 2


def test_each_pager_gets_its_own_copy(redis: Redis) -> None:
    store = PageStore(redis, ["https://a.example/x", "https://b.example/y"])
    store.note("op", "q1:open", {"about": "q1"})
    one, other = (
        store.waiting(pager_key(url)) for url in ("https://a.example/x", "https://b.example/y")
    )
    assert len(one) == len(other) == 1
    assert one[0].id != other[0].id
    assert 0 < int(str(redis.ttl("drainbot:pages:noted:op"))) <= 40 * 24 * 3600
