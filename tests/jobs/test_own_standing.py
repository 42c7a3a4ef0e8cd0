"""What a worker does about its node's mode, and which workers would be left."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import ConfigError
from jobs.hosts import Hosts, Standing, standing
from jobs.modes import Mode
from jobs.worker import WorkerConfig, run_worker
from jobs.workload import begin
from jobs.workload.state import halt

NODES = ("node-1", "node-2", "node-3", "")


def hosts(*alive: str, leaving: tuple[str, ...] = ()) -> Hosts:
    return Hosts(frozenset(alive), frozenset(alive) - frozenset(leaving))


@pytest.mark.parametrize(
    ("found", "only"),
    [
        (hosts("node-1"), True),
        (hosts("node-1", "node-2"), False),
        (hosts("node-1", "node-2", leaving=("node-2",)), True),  # it is about to go as well
        (hosts("node-1", "node-2", leaving=("node-1",)), False),
        (hosts("node-1", leaving=("node-1",)), True),
        (hosts("node-1", ""), False),  # one that runs who knows where stays
        (hosts(""), False),
        (hosts("node-2"), False),
        (hosts(), False),  # nobody's branch is cut where nobody sits
    ],
)
def test_a_node_has_the_only_worker_if_none_that_takes_work_is_elsewhere(
    found: Hosts, *, only: bool
) -> None:
    assert found.only_on("node-1") is only


def test_the_nodes_of_a_plan_have_the_last_workers_only_if_all_of_them_leave() -> None:
    both = hosts("node-1", "node-2")
    assert both.last_on(["node-1"]) == frozenset()
    assert both.last_on(["node-1", "node-2", "node-3"]) == {"node-1", "node-2"}
    assert hosts("node-1", "").last_on(["node-1"]) == frozenset()
    assert hosts("node-1").last_on(["node-3"]) == frozenset()
    assert hosts("node-1", "node-2", leaving=("node-2",)).last_on(["node-1"]) == {"node-1"}


@given(st.frozensets(st.sampled_from(NODES)), st.frozensets(st.sampled_from(NODES)))
def test_a_plan_of_one_node_says_what_is_asked_at_its_turn(
    alive: frozenset[str], able: frozenset[str]
) -> None:
    found = Hosts(alive, able & alive)
    for node in NODES[:3]:
        assert (node in found.last_on([node])) is found.only_on(node)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_worker_takes_work_on_an_accepting_node_and_rests_elsewhere_unless_it_is_alone(
    mode: Mode, *, elsewhere: bool
) -> None:
    found = standing(begin("node-1", "u", mode, 7).life, elsewhere=elsewhere)
    if mode is Mode.ACCEPTING:
        assert found is Standing.TAKES
    elif not elsewhere:
        assert found is Standing.ALONE
    else:
        assert found is (Standing.HALTED if mode is Mode.FENCE_LOST else Standing.RESTS)
    assert found.shut is (elsewhere and mode is not Mode.ACCEPTING)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_halted_worker_takes_nothing_when_its_node_is_back_even_alone(*, elsewhere: bool) -> None:
    life = begin("node-1", "u", "accepting", 0).life
    halted = replace(life, state=halt(life.state, "changes were missed"))
    assert standing(halted, elsewhere=elsewhere) is Standing.HALTED
    assert Standing.HALTED.shut


def test_a_worker_with_a_name_that_no_node_has_does_not_start() -> None:
    config = WorkerConfig("redis://127.0.0.1:1/0", "prod-eu", node_name="Node 7")
    with pytest.raises(ConfigError, match="DRAINBOT_NODE_NAME is wrong: `Node 7` is no node's"):
        run_worker(config)
