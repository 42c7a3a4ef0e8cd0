"""Whether Redis keeps what is put there: judged from what it says of itself."""

from typing import Any

import pytest
from redis import Redis

from jobs.doctor import Finding, Level, examine_redis
from jobs.doctor.state import judge_redis
from sandbox import redis as sandbox_redis

LOCAL = "redis://drainbot-worker:x@127.0.0.1:6379/0"
SAFE: dict[str, Any] = {
    "redis_version": "7.2.4",
    "role": "master",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
    "appendfsync": "always",
    "whoami": "drainbot-worker",
}


def bad(facts: dict[str, Any], url: str = LOCAL) -> list[Finding]:
    return [found for found in judge_redis(facts, url) if found.level is not Level.OK]


def test_nothing_is_wrong_with_a_redis_that_is_set_up_as_the_manifests_do() -> None:
    assert bad(SAFE) == []
    assert bad(SAFE, "rediss://drainbot-worker:x@redis.drainbot.svc:6379") == []


@pytest.mark.parametrize(
    ("change", "said", "mend"),
    [
        ({"redis_version": "6.0.16"}, "version 6.0.16", "6.2 or later"),
        ({"role": "slave"}, "it is a slave", "the primary"),
        ({"aof_enabled": 0}, "append-only file is off", "appendonly yes"),
        ({"aof_last_write_status": "err"}, "last write to the append-only", "disk"),
        ({"appendfsync": "everysec"}, "appendfsync everysec", "up to a second"),
        ({"appendfsync": "no"}, "appendfsync no", "half a minute"),
        ({"maxmemory": 1, "maxmemory_policy": "allkeys-lru"}, "allkeys-lru", "noeviction"),
    ],
)
def test_what_may_lose_work_is_unsafe_and_how_to_mend_it_is_said(
    change: dict[str, Any], said: str, mend: str
) -> None:
    (found,) = bad(SAFE | change)
    assert found.level is Level.UNSAFE
    assert said in found.what
    assert mend in found.mend


def test_a_setting_that_is_hidden_from_this_user_is_unknown_and_not_safe() -> None:
    (found,) = bad(SAFE | {"appendfsync": None})
    assert found.level is Level.UNKNOWN
    assert "can't be read" in found.what


def test_a_remote_redis_in_clear_and_as_the_default_user_is_unsafe() -> None:
    found = bad(SAFE | {"whoami": "default"}, "redis://redis.prod:6379")
    assert [each.level for each in found] == [Level.UNSAFE, Level.UNSAFE]
    assert "in clear" in found[0].what
    assert "default user" in found[1].what


def test_a_real_redis_is_looked_at_without_changing_it(redis: Redis, redis_url: str) -> None:
    found, at = examine_redis(redis_url)
    words = [each.what for each in found]
    assert "the append-only file is on" in words
    assert "appendfsync everysec" in words
    assert at is not None
    assert redis.dbsize() == 0


def test_the_workers_own_user_may_look() -> None:
    with sandbox_redis.running(appendfsync="always") as server:
        with Redis.from_url(server.url) as admin:
            admin.execute_command(
                "ACL", "SETUSER", "drainbot-worker", "on", ">secret", "~*", "-@all",
                "+time", "+info", "+ping", "+client|setname", "+hello",
            )  # fmt: skip
        url = server.url.replace("redis://", "redis://drainbot-worker:secret@")
        found, _ = examine_redis(url)
    assert {each.level for each in found} == {Level.OK, Level.UNKNOWN}


def test_a_wrong_password_is_said_as_such() -> None:
    with sandbox_redis.running(appendfsync="always") as server:
        found, at = examine_redis(server.url.replace("redis://", "redis://nobody:wrong@"))
    assert "does not take the name or password" in found[0].what
    assert at is None


def test_a_redis_that_does_not_answer_is_said_as_such() -> None:
    found, at = examine_redis("redis://127.0.0.1:1/0", timeout=0.5)
    assert "does not answer" in found[0].what
    assert found[0].level is Level.UNSAFE
    assert at is None
