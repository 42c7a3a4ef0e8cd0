"""Where a cluster's workers are, and whether they take work."""

import pytest
from redis import Redis

from jobs.doctor import Level, examine_workers
from jobs.doctor.findings import Finding
from jobs.doctor.workers import judge_workers
from jobs.durable import Store
from jobs.durable.keeper import Keeper
from jobs.hosts import Hosts, Lives
from jobs.workload import Gone, begin, observe
from sandbox.processes import free_port

HALT = {"node-1": "Changes of node-1 were missed."}


def judge(*nodes: str, halted: dict[str, str] | None = None) -> list[Finding]:
    return judge_workers(Hosts(frozenset(nodes), frozenset(nodes)), halted or {}, "prod-eu")


@pytest.mark.parametrize(
    ("nodes", "level", "said"),
    [
        (["node-1", "node-2"], Level.OK, "there are some on node-1, node-2"),
        (["node-1", ""], Level.OK, "there are some on a node that it was not told, node-1"),
        (["node-1"], Level.UNKNOWN, "there are some on node-1 only"),
        ([""], Level.UNKNOWN, "they are told no node, so none is followed"),
        ([], Level.UNKNOWN, "none of prod-eu is alive"),
    ],
)
def test_workers_on_two_nodes_are_fine_and_else_what_to_do_is_said(
    nodes: list[str], level: Level, said: str
) -> None:
    (found,) = judge(*nodes)
    assert (found.level, found.what) == (level, said)
    assert bool(found.mend) is (level is not Level.OK)


def test_workers_that_are_halted_are_unsafe_and_how_to_clear_that_is_said() -> None:
    found, where = judge("node-1", "node-2", halted=HALT)
    assert (found.level, where.level) == (Level.UNSAFE, Level.OK)
    assert found.what == "those on node-1 are halted: Changes of node-1 were missed."
    assert "drainbot clear-halt node-1" in found.mend


def test_the_doctor_looks_at_those_who_are_alive(redis: "Redis", redis_url: str) -> None:
    store = Store(redis, "prod-eu")
    for node in ("node-1", "node-2"):
        Keeper(store, name=f"keeper-{node}", keep_for=60, host=node).tick()
    gone = observe(begin("node-1", "u1", "accepting", 0).life, Gone("Node node-1 is gone."))
    assert gone is not None
    assert Lives(store).keep("node-1", "", gone.life)
    unsafe, fine = examine_workers(redis_url, "prod-eu")
    assert unsafe.what == "those on node-1 are halted: Node node-1 is gone."
    assert (fine.level, fine.what) == (Level.OK, "there are some on node-1, node-2")
    (none,) = examine_workers(redis_url, "lab")
    assert none.what == "none of lab is alive"


def test_a_redis_that_is_away_is_no_word_about_the_workers() -> None:
    (found,) = examine_workers(f"redis://127.0.0.1:{free_port()}/0", "prod-eu", timeout=1)
    assert (found.level, found.part) == (Level.UNKNOWN, "workers")
