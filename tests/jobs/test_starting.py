"""What a worker waits for before it forks."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jobs.errors import ConfigError
from jobs.kubernetes import connect
from jobs.starting import look_at_cluster, wait_for_redis
from sandbox import redis as sandbox_redis
from sandbox.cluster import nodes, running
from sandbox.processes import free_port


def test_redis_that_comes_up_later_is_waited_for_in_one_line_a_try() -> None:
    port = free_port()
    waits: list[float] = []
    servers: list[sandbox_redis.RedisServer] = []

    with sandbox_redis.running(port=port, appendfsync="everysec") as server:
        server.stop()

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                server.restart()
                servers.append(server)

        with capture_logs() as logs:
            wait_for_redis(server.url, sleep=sleep)
    assert waits == [0.25, 0.5, 1.0]
    assert [log["event"] for log in logs] == ["waiting_for_redis"] * 3
    assert {log["setting"] for log in logs} == {"DRAINBOT_REDIS_URL"}


def test_a_wrong_password_of_redis_ends_the_start_in_one_sentence(redis_url: str) -> None:
    wrong = redis_url.replace("redis://", "redis://nobody:wrong@")
    with pytest.raises(ConfigError, match="DRAINBOT_REDIS_URL"):
        wait_for_redis(wrong)


def test_a_cluster_that_is_away_is_said_and_the_worker_goes_on(tmp_path: Path) -> None:
    with running(nodes("node-1")) as cluster:
        kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")
        with capture_logs() as logs:
            look_at_cluster(connect(str(kubeconfig), pool=1))
        assert logs == []
    with capture_logs() as logs:
        look_at_cluster(connect(str(kubeconfig), pool=1))
    assert [(log["event"], log["setting"]) for log in logs] == [
        ("waiting_for_cluster", "KUBECONFIG")
    ]
