"""A node that another operation has: whoever asks for it is told the taker at once."""

from typing import Any

import pytest
from redis import Redis

from jobs.durable import Store, Token
from jobs.durable.store import nonce
from jobs.inventory import InventoryStore
from jobs.models import ClusterNode, DrainRequest, Refused, Submitted
from jobs.nodes import NodeStore, Reservation
from jobs.service import Service
from jobs.workflows.inputs import OperationInput
from tests.jobs.harness import ANA, EVE, NAME, policy_with

TAKER = "test-7f3k9q"


@pytest.fixture
def service(redis: "Redis") -> Service:
    store = Store(redis, NAME)
    nodes = [ClusterNode(name=f"node-{n}", uid=f"uid-{n}") for n in (1, 2)]
    InventoryStore(store).replace(nodes, now=store.now())
    return Service(redis, policy_with())


@pytest.fixture
def token(redis: "Redis", service: Service) -> Token:
    """An operation at work that has node-1."""
    return take(Store(redis, NAME), TAKER, "node-1", "uid-1")


def take(store: Store, operation: str, node: str, uid: str) -> Token:
    asked = OperationInput(request=request(node), requester=ANA.id).model_dump(mode="json")
    store.start(operation, "operation", asked, dedup=operation)
    token = Token(NAME, operation, 1, nonce())
    store.acquire(operation, 1, owner="slot", lease=600, token=token.nonce)
    NodeStore(store).reserve(
        token, operation, [Reservation(node, uid, 0)], max_away=9, by="T:U", why=""
    )
    return token


def request(*nodes: str, **fields: Any) -> DrainRequest:
    return DrainRequest(cluster=NAME, nodes=nodes, channel="C01", **fields)


SAID = "Taken by other operations: node-1 by op 7F3K9Q. Nothing was started."


@pytest.mark.usefixtures("token")
def test_a_drain_is_refused_with_the_taker_and_nothing_is_started(service: Service) -> None:
    answer = service.submit(ANA, request("node-2", "node-1"), dedup="d1")
    assert answer == Refused(reason=SAID, because="taken", takers={"node-1": TAKER})
    assert [view.id for view in service.operations(NAME)] == [TAKER]


@pytest.mark.usefixtures("token")
def test_uncordon_maintenance_and_return_are_refused_alike(service: Service) -> None:
    refused = Refused(reason=SAID, because="taken", takers={"node-1": TAKER})
    assert service.uncordon(ANA, NAME, "node-1", channel="C01", dedup="a") == refused
    assert service.maintain(ANA, NAME, "node-1", channel="C01", dedup="b") == refused
    assert service.return_node(ANA, NAME, "node-1", channel="C01", dedup="c") == refused


@pytest.mark.usefixtures("token")
def test_who_may_not_ask_is_not_told_who_has_it(service: Service) -> None:
    answer = service.submit(EVE, request("node-1"), dedup="d1")
    assert isinstance(answer, Refused)
    assert (answer.because, answer.takers) == ("not_allowed", {})


@pytest.mark.usefixtures("token")
def test_a_plan_takes_nothing_so_it_is_not_refused(service: Service) -> None:
    answer = service.submit(ANA, request("node-1", plan_only=True), dedup="d1")
    assert isinstance(answer, Submitted)


def test_a_repeat_is_answered_as_before_though_its_own_operation_has_the_node(
    redis: "Redis", service: Service
) -> None:
    first = service.submit(ANA, request("node-1"), dedup="d1")
    assert isinstance(first, Submitted)
    store = Store(redis, NAME)
    token = Token(NAME, first.operation, 1, nonce())
    store.acquire(first.operation, 1, owner="slot", lease=600, token=token.nonce)
    wanted = [Reservation("node-1", "uid-1", 0)]
    NodeStore(store).reserve(token, first.operation, wanted, max_away=9, by="T:U", why="")
    again = service.submit(ANA, request("node-1"), dedup="d1")
    assert isinstance(again, Submitted)
    assert (again.operation, again.created) == (first.operation, False)
    assert isinstance(service.submit(ANA, request("node-1"), dedup="d2"), Refused)


def test_who_has_ended_has_nothing_any_more(service: Service, token: Token, redis: "Redis") -> None:
    Store(redis, NAME).fenced_call("finish", token, state="done", outcome="{}")
    assert isinstance(service.submit(ANA, request("node-1"), dedup="d1"), Submitted)


def test_another_node_of_that_name_is_free(redis: "Redis", service: Service) -> None:
    take(Store(redis, NAME), TAKER, "node-2", "uid-of-one-that-was-deleted")
    assert isinstance(service.submit(ANA, request("node-2"), dedup="d1"), Submitted)
