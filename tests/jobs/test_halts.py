"""Who may let workers take work again that are halted, and what is written of it."""

import json

import pytest
from redis import Redis

from jobs.durable import Store
from jobs.errors import StateUnavailable
from jobs.halts import clear_halt
from jobs.hosts import Lives
from jobs.hosts.lives import readable
from jobs.models import Principal, Refused
from jobs.policy import Policy
from jobs.workload import Gone, Life, begin, observe
from sandbox.processes import free_port
from tests.jobs.harness import ANA, EVE, NAME, policy


@pytest.fixture
def rules() -> Policy:
    return policy()


@pytest.fixture
def lives(redis: "Redis") -> Lives:
    """The workers on node-1 are halted."""
    lives = Lives(Store(redis, NAME))
    halt(lives, begin("node-1", "u1", "accepting", 0).life)
    return lives


def halt(lives: Lives, life: Life) -> None:
    step = observe(life, Gone("Node node-1 is gone."))
    assert step is not None
    assert lives.keep(life.node, lives.kept(life.node), step.life)


def halted(lives: Lives) -> bool:
    life = readable(lives.kept("node-1"))
    assert life is not None
    return life.state.halted


def test_whoever_may_decide_clears_a_halt_and_it_is_written_down(
    redis: "Redis", redis_url: str, rules: Policy, lives: Lives
) -> None:
    said = clear_halt(redis_url, rules, ANA, NAME, "node-1", why=" its disk is well ")
    assert said == "The workers on node-1 take work again."
    assert not halted(lives)
    (entry,) = map(json.loads, redis.lrange(f"drainbot:{NAME}:audit", 0, -1))
    assert (entry["what"], entry["node"], entry["by"], entry["why"]) == (
        "halt_cleared", "node-1", "T01:U01ANA", "its disk is well",
    )  # fmt: skip
    assert entry["facts"]["grounds"]["rests_on"] == ["user:U01ANA"]


def test_on_a_node_that_is_out_of_service_they_rest_when_the_halt_is_cleared(
    redis_url: str, rules: Policy, lives: Lives
) -> None:
    halt(lives, begin("node-1", "u1", "draining", 1).life)
    said = clear_halt(redis_url, rules, ANA, NAME, "node-1", why="so")
    assert said == "The workers on node-1 are halted no more; it is draining: they rest."


@pytest.mark.parametrize(
    ("who", "cluster", "node", "why", "said"),
    [
        (EVE, NAME, "node-1", "so", "may not"),
        (ANA, NAME, "node-1", " ", "Say why"),
        (ANA, "lab", "node-1", "so", "no cluster `lab`"),
        (ANA, NAME, "node-9", "so", "No worker of test is known on node-9"),
    ],
)
def test_what_is_refused_changes_nothing(
    redis_url: str, rules: Policy, lives: Lives, who: Principal, cluster: str, node: str, why: str,
    said: str,
) -> None:  # fmt: skip
    answer = clear_halt(redis_url, rules, who, cluster, node, why=why)
    assert isinstance(answer, Refused)
    assert said in answer.reason or answer.who_may
    assert halted(lives)


def test_nothing_is_said_of_a_redis_that_is_away(rules: Policy) -> None:
    with pytest.raises(StateUnavailable):
        clear_halt(f"redis://127.0.0.1:{free_port()}/0", rules, ANA, NAME, "node-1", why="so")
