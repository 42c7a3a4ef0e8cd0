from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.capacity import Amount, Free, Want, comes_back, room, takes_pods
from jobs.drain.facts import Controller, Taint
from jobs.drain.filters import Fate
from jobs.models import Room
from tests.jobs.drain.making import NOW, daemon_set, job, node, pod

GIB = 2**30


def want(name: str = "web-1", cpu: int = 1000, memory: int = 0, **fields: Any) -> Want:
    return Want(f"shop/{name}", Amount(cpu, memory, 1), **fields)


def free(cpu: int = 4000, memory: int = 8 * GIB, pods: int = 100, **labels: str) -> Free:
    return Free(Amount(cpu, memory, pods), labels)


def test_it_fits_where_a_place_is_found_for_each() -> None:
    assert room([want()] * 4, [free(2000), free(2000)]) == Room(fits=True)
    assert room([], []) == Room(fits=True)


@pytest.mark.parametrize(
    ("wants", "nodes", "short"),
    [
        ([want()] * 3, [free(500)], {"short_cpu": 2500}),
        ([want(memory=5 * GIB)] * 2, [free()], {"short_memory": 2 * GIB}),
        ([want(cpu=0)] * 3, [free(pods=1)], {"short_pods": 2}),
    ],
)
def test_what_is_short_is_said_for_each_resource(
    wants: list[Want], nodes: list[Free], short: dict[str, int]
) -> None:
    answer = room(wants, nodes)
    assert answer.model_copy(update={"too_large": ()}) == Room(fits=False, **short)


def test_without_any_other_node_everything_is_short() -> None:
    assert room([want(memory=GIB)], []) == Room(
        fits=False, short_cpu=1000, short_memory=GIB, short_pods=1, too_large=("shop/web-1",)
    )


def test_a_pod_that_no_single_node_has_room_for_is_named_though_the_sum_suffices() -> None:
    answer = room([want("big", 3000), want()], [free(2500), free(2500)])
    assert answer == Room(fits=False, too_large=("shop/big",))


def test_a_pod_needs_cpu_and_memory_on_the_same_node() -> None:
    nodes = [free(cpu=4000, memory=0), free(cpu=0, memory=8 * GIB)]
    answer = room([want("both", 1000, GIB)], nodes)
    assert answer == Room(fits=False, too_large=("shop/both",))


def test_room_that_is_scattered_is_no_room_and_no_shortage_either() -> None:
    # Three pods of 3 cores; 9 cores are free, but only in one place three of them together.
    answer = room([want(cpu=3000)] * 3, [free(4000), free(2500), free(2500)])
    assert (answer.fits, answer.why) == (None, "the free room is in pieces")


def test_an_overcommitted_node_takes_nothing_from_the_room_of_others() -> None:
    assert room([want()], [free(1000), free(-5000)]).fits is True


def test_what_a_pod_does_not_ask_for_may_be_short() -> None:
    assert room([want(cpu=0)], [free(cpu=-1000)]).fits is True


def test_a_pod_is_placed_only_where_its_node_selector_points() -> None:
    picks = want(selector={"pool": "blue"})
    assert room([picks], [free(pool="red"), free(pool="blue")]).fits is True
    assert room([picks], [free(pool="red")]).too_large == ("shop/web-1",)
    # Those that may run anywhere make way for it.
    assert room([want("any", 1000), picks], [free(1000, pool="blue"), free(1000)]).fits is True


def test_pods_that_tolerate_taints_may_have_nodes_that_were_not_counted() -> None:
    answer = room([want("gpu", 9000, tolerant=True), want()], [free()])
    assert (answer.fits, answer.short_cpu) == (None, 0)
    assert "1 pod tolerates taints" in answer.why
    assert room([want(tolerant=True)], [free()]).fits is True


def test_pods_that_wait_for_room_already_may_be_first() -> None:
    waiting = Amount(3500, 0, 2)
    answer = room([want()], [free(4000)], waiting)
    assert (answer.fits, answer.why) == (None, "2 other pods wait for room already")
    assert room([want()], [free(4500)], waiting).fits is True
    assert room([], [], waiting).fits is True


def test_pods_that_want_devices_have_no_known_room() -> None:
    answer = room([want(devices=True), want()], [free()])
    assert (answer.fits, answer.why) == (None, "1 pod wants devices, which were not counted")
    assert room([want(cpu=9000, devices=True)], [free()]).short_cpu == 5000


def test_wishes_that_are_not_looked_at_are_counted() -> None:
    assert room([want(picky=True), want()], [free()]).unchecked == 1


AMOUNTS = st.builds(Amount, st.integers(0, 5), st.integers(0, 5), st.just(1))
FREE = st.builds(Amount, st.integers(-2, 9), st.integers(-2, 9), st.integers(0, 4))


@given(st.lists(AMOUNTS, max_size=6), st.lists(FREE, max_size=4))
def test_fits_is_never_said_where_a_sum_or_the_largest_pod_speaks_against_it(
    wanted: list[Amount], given_: list[Amount]
) -> None:
    wants = [Want(str(number), amount) for number, amount in enumerate(wanted)]
    answer = room(wants, [Free(amount) for amount in given_])
    if answer.fits:
        assert sum(a.cpu for a in wanted) <= sum(a.usable.cpu for a in given_)
        assert sum(a.memory for a in wanted) <= sum(a.usable.memory for a in given_)
        assert len(wanted) <= sum(a.pods for a in given_)
        for amount in wanted:
            assert any(node.holds(amount) for node in given_)
    else:
        assert wants
        said = (answer.short_cpu, answer.short_memory, answer.short_pods, answer.too_large)
        assert (answer.fits is False) == any(said)
        assert (answer.fits is None) == bool(answer.why)


@pytest.mark.parametrize(
    ("fields", "takes"),
    [
        ({}, True),
        ({"ready": False}, False),
        ({"unschedulable": True}, False),
        ({"deletion": NOW}, False),
        ({"taints": (Taint(key="a", effect="NoSchedule"),)}, False),
        ({"taints": (Taint(key="a", effect="NoExecute"),)}, False),
        ({"taints": (Taint(key="a", effect="PreferNoSchedule"),)}, True),
    ],
)
def test_only_nodes_that_take_any_pod_count(
    fields: dict[str, Any],
    takes: bool,  # noqa: FBT001  the table's column
) -> None:
    assert takes_pods(node(**fields)) is takes


STATEFUL = Controller(kind="StatefulSet", name="db", uid="uid-db")


@pytest.mark.parametrize(
    ("fields", "fate", "comes"),
    [
        ({}, Fate.EVICT, True),
        ({}, Fate.REFUSE, True),  # somebody may let it go
        ({"controller": job()}, Fate.EVICT, True),
        ({"controller": None}, Fate.EVICT, False),
        ({"controller": daemon_set()}, Fate.LEAVE, False),
        ({"controller": daemon_set()}, Fate.EVICT, False),
        ({"phase": "Succeeded"}, Fate.EVICT, False),
        ({"deletion": NOW}, Fate.WAIT, False),  # its replacement was made when it began to end
        ({"deletion": NOW, "controller": STATEFUL}, Fate.WAIT, True),
        ({}, Fate.NOT_SELECTED, False),
        ({"mirror": True}, Fate.SKIP, False),
    ],
)
def test_only_pods_that_come_back_want_room(
    fields: dict[str, Any],
    fate: Fate,
    comes: bool,  # noqa: FBT001  the table's column
) -> None:
    assert comes_back(pod(**fields), fate) is comes
