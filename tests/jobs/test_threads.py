import pytest
from redis import Redis

from jobs.durable import Store
from jobs.threads import ThreadStore
from tests.jobs.harness import NAME

URL = "https://acme.slack.com/archives/C01/p1700000000000100"
OPERATION = f"{NAME}-7f3k9q"


@pytest.fixture
def threads(redis: Redis) -> ThreadStore:
    return ThreadStore(Store(redis, NAME))


def test_what_was_written_down_last_is_read_and_is_forgotten_some_day(
    threads: ThreadStore, redis: Redis
) -> None:
    assert threads.of(OPERATION) == ""
    threads.note(OPERATION, "https://acme.slack.com/archives/C02/p1")
    threads.note(OPERATION, URL)
    assert threads.of(OPERATION) == URL
    (key,) = redis.keys("*thread*")
    assert 30 * 86_400 < redis.ttl(key) < 50 * 86_400


@pytest.mark.parametrize(
    "wrong", ["", "slack://channel", "https://a.b/\nx", "https://" + "x" * 600]
)
def test_what_is_no_web_address_never_reaches_a_node(threads: ThreadStore, wrong: str) -> None:
    threads.note(OPERATION, URL)
    threads.note(OPERATION, wrong)
    assert threads.of(OPERATION) == URL
