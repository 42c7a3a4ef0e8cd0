"""Every way in: who may, what is unknown, what comes twice, and a Redis that is away."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from jobs.durable import Question, Store, Token
from jobs.durable.keeper import Keeper
from jobs.errors import StateUnavailable
from jobs.inventory import InventoryStore
from jobs.models import (
    Acted,
    ClusterNode,
    DrainOptions,
    DrainRequest,
    NodeStatus,
    OperationEnd,
    OperationState,
    Outcome,
    Refused,
    Submitted,
)
from jobs.nodes import NodeStore, Reservation
from jobs.policy import Policy
from jobs.service import Service, open_client
from sandbox import redis as sandbox_redis
from tests.jobs.harness import ANA, BO, EVE, NAME, policy_with, until


@pytest.fixture
def store(redis: "Redis") -> Store:
    store = Store(redis, NAME)
    nodes = [ClusterNode(name=f"node-{n}", uid=f"uid-{n}") for n in range(1, 4)]
    InventoryStore(store).replace(nodes, now=store.now())
    return store


@pytest.fixture
def service(redis: "Redis", store: Store) -> Service:
    assert store.group == NAME
    return Service(redis, policy_with())


def request(*nodes: str, cluster: str = NAME, **fields: Any) -> DrainRequest:
    return DrainRequest(cluster=cluster, nodes=nodes or ("node-1",), channel="C01", **fields)


def submitted(service: Service, *nodes: str, dedup: str = "d1") -> str:
    answer = service.submit(ANA, request(*nodes), dedup=dedup)
    assert isinstance(answer, Submitted), answer
    return answer.operation


def refused(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    assert answer.reason.endswith((".", "?")), answer.reason
    return answer.reason


def asked(store: Store, operation: str, choices: tuple[str, ...] = ("retry", "skip")) -> str:
    """Have the operation ask a question, without any worker."""
    record = store.workflow(operation)
    assert record is not None
    token = Token(NAME, operation, record.epoch, "n")
    store.acquire(operation, record.epoch, owner="slot", lease=60, token="n")
    question = store.ask(Question("block", {"node": "node-1"}, choices))
    part = {"name": "answer", "kind": "question", "question": question["id"]}
    wait = {"key": "ask", "fp": "f", "interruptible": True, "parts": [part]}
    store.fenced_call("suspend", token, wait=wait, questions=[question])
    return str(question["id"])


# -- asking --------------------------------------------------------------------------------------


def test_the_same_delivery_starts_one_operation(service: Service, store: Store) -> None:
    first = service.submit(ANA, request(), dedup="d1")
    again = service.submit(ANA, request(), dedup="d1")
    other = service.submit(ANA, request(), dedup="d2")
    assert isinstance(first, Submitted)
    assert isinstance(again, Submitted)
    assert isinstance(other, Submitted)
    assert (first.created, again.created, other.created) == (True, False, True)
    assert first.operation == again.operation != other.operation
    assert store.redis.zcard(f"{store.prefix}live") == 2


def test_one_delivery_with_two_contents_is_refused(service: Service, store: Store) -> None:
    submitted(service, "node-1")
    words = refused(service.submit(ANA, request("node-2"), dedup="d1"))
    assert "Nothing was started." in words
    assert store.redis.zcard(f"{store.prefix}live") == 1


@pytest.mark.parametrize(
    "today",
    [
        policy_with(rule={"max_nodes": 1}),
        policy_with({"nodes_away": 2}),
        policy_with(rule={"request": []}),
    ],
    ids=["too many nodes by now", "other requirements by now", "may not any more"],
)
def test_who_asks_again_is_answered_as_before_whatever_the_policy_says_by_then(
    redis: "Redis", service: Service, store: Store, today: Policy
) -> None:
    first = submitted(service, "node-1", "node-2")
    again = Service(redis, today).submit(ANA, request("node-1", "node-2"), dedup="d1")
    assert isinstance(again, Submitted), again
    assert (again.operation, again.created) == (first, False)
    assert store.redis.zcard(f"{store.prefix}live") == 1


def test_who_may_not_ask_starts_nothing(service: Service, store: Store) -> None:
    answer = service.submit(EVE, request(), dedup="d1")
    refused(answer)
    assert isinstance(answer, Refused)
    assert answer.who_may == ("U01ANA", "U02BO")
    assert store.redis.zcard(f"{store.prefix}live") == 0
    refused(service.uncordon(EVE, NAME, "node-1", channel="C01", dedup="d2"))


def test_a_node_that_is_not_there_is_told_with_what_was_meant(service: Service) -> None:
    assert "Did you mean node-1" in refused(service.submit(ANA, request("nod-1"), dedup="d1"))
    refused(service.uncordon(ANA, NAME, "nope", channel="C01", dedup="d2"))


def test_a_cluster_that_is_not_there_is_refused_with_those_that_are(service: Service) -> None:
    assert "Known: test." in refused(service.submit(ANA, request(cluster="tset"), dedup="d1"))
    assert service.operations("tset") == ()
    assert service.inventory("tset").as_of == 0
    assert service.worker_seen("tset") is False


def test_no_node_is_refused(service: Service) -> None:
    empty = DrainRequest(cluster=NAME, nodes=(), channel="C01")
    refused(service.submit(ANA, empty, dedup="d1"))


def test_without_a_policy_nothing_is_allowed_and_it_says_so(redis: "Redis") -> None:
    service = Service(redis, None)
    assert "DRAINBOT_POLICY" in refused(service.submit(ANA, request(), dedup="d1"))
    refused(service.uncordon(ANA, NAME, "node-1", channel="C01", dedup="d2"))
    assert service.clusters() == ()
    assert service.decide(ANA, "test-q-0123456789ab", "retry", nonce="n").outcome is Outcome.UNKNOWN
    refused(service.abort(ANA, "test-abc123", nonce="n"))
    assert service.operation("test-abc123") is None
    assert service.changes({}, wait=0) == ()
    assert service.now() > 0
    assert service.lease("notifier", seconds=5).hold()


def test_without_an_inventory_the_nodes_are_not_known(redis: "Redis") -> None:
    words = refused(Service(redis, policy_with()).submit(ANA, request(), dedup="d1"))
    assert "no worker" in words


def test_a_worker_that_is_alive_is_seen_and_none_is_said(service: Service, store: Store) -> None:
    answer = service.submit(ANA, request(), dedup="d1")
    assert isinstance(answer, Submitted)
    assert not answer.worker_seen
    Keeper(store, name="keeper", keep_for=60).tick()
    assert service.worker_seen(NAME)
    fresh = Service(store.redis, policy_with())  # a look counts for a second
    again = fresh.submit(ANA, request(), dedup="d1")
    assert isinstance(again, Submitted)
    assert again.worker_seen


def test_more_nodes_than_the_policy_allows_are_refused(redis: "Redis", store: Store) -> None:
    assert store.group == NAME
    service = Service(redis, policy_with(rule={"max_nodes": 1}))
    words = refused(service.submit(ANA, request("node-1", "node-2"), dedup="d1"))
    assert "allows 1" in words


def test_an_option_that_needs_the_force_right_is_refused_without_it(
    redis: "Redis", store: Store
) -> None:
    assert store.group == NAME
    service = Service(redis, policy_with(rule={"force": {"by": ["U02BO"], "votes": 1}}))
    options = DrainOptions(disable_eviction=True)
    refused(service.submit(ANA, request(options=options), dedup="d1"))


# -- deciding ------------------------------------------------------------------------------------


def test_a_question_or_a_choice_that_is_not_there_changes_nothing(
    service: Service, store: Store
) -> None:
    question = asked(store, submitted(service))
    forged = "test-q-0123456789ab"
    for unknown in ("test-q-nope", forged, f"other{forged[4:]}", "", "*", "test-abc123"):
        assert service.decide(BO, unknown, "retry", nonce="n").outcome is Outcome.UNKNOWN
        assert service.question(unknown) is None
    assert service.decide(BO, question, "force", nonce="n").outcome is Outcome.NOT_A_CHOICE
    assert service.decide(BO, question, "wait", nonce="n").outcome is Outcome.NOT_A_CHOICE
    view = service.question(question)
    assert view is not None
    assert (view.votes, view.state) == ((), "open")


def test_who_may_not_decide_is_told_who_may(service: Service, store: Store) -> None:
    question = asked(store, submitted(service))
    answer = service.decide(EVE, question, "retry", nonce="n")
    assert (answer.outcome, answer.who_may) == (Outcome.REFUSED, ("U01ANA", "U02BO"))
    assert answer.reason.endswith(".")


def test_a_decision_counts_once_and_the_loser_learns_who_won(
    service: Service, store: Store
) -> None:
    question = asked(store, submitted(service))
    assert service.decide(BO, question, "retry", nonce="n1").outcome is Outcome.SETTLED
    assert service.decide(BO, question, "retry", nonce="n1").outcome is Outcome.SETTLED  # resent
    late = service.decide(ANA, question, "skip", nonce="n2")
    assert late.outcome is Outcome.ALREADY_SETTLED
    assert late.question is not None
    assert late.question.settled is not None
    assert (late.question.settled.choice, late.question.settled.by) == ("retry", ("T01:U02BO",))


def test_force_needs_a_reason_where_the_policy_wants_one(redis: "Redis", store: Store) -> None:
    force = {"by": ["sre"], "votes": 2, "reason": "required"}
    service = Service(redis, policy_with(rule={"force": force}))
    question = asked(store, submitted(service), ("force", "skip"))
    answer = service.decide(BO, question, "force", note="  ", nonce="n1")
    assert (answer.outcome, "reason" in answer.reason) == (Outcome.REFUSED, True)
    record = service.decide(BO, question, "force", note="disk", nonce="n2")
    assert record.question is not None
    assert record.question.votes[0].note == "disk"


def test_abort_pause_and_resume_obey_the_policy_and_say_what_changed(service: Service) -> None:
    operation = submitted(service)
    for act in (service.abort, service.pause, service.resume):
        refused(act(EVE, operation, nonce="n0"))
        assert "no operation" in refused(act(ANA, "test-n0pe12", nonce="n0"))
        assert "no operation" in refused(act(ANA, "elsewhere-abc123", nonce="n0"))
    assert service.pause(ANA, operation, nonce="n1") == Acted(operation=operation, changed=True)
    assert service.pause(BO, operation, nonce="n2") == Acted(operation=operation, changed=False)
    paused = service.operation(operation)
    assert paused is not None
    assert paused.paused_by == "T01:U01ANA"
    assert service.resume(BO, operation, nonce="n3") == Acted(operation=operation, changed=True)
    aborted = service.abort(BO, operation, reason="no", nonce="n4")
    assert aborted == Acted(operation=operation, changed=True)


def test_who_paused_and_resumed_it_and_when_stays_in_its_story(service: Service) -> None:
    operation = submitted(service)
    before = service.now()
    service.pause(ANA, operation, nonce="n1")
    service.pause(ANA, operation, nonce="n1")  # the same click once more
    service.resume(BO, operation, nonce="n2")
    view = service.operation(operation)
    assert view is not None
    told = [(entry.key, entry.what, entry.fields) for entry in view.log]
    assert told == [
        ("held:0", "paused", {"by": ANA.id}),
        ("held:1", "resumed", {"by": BO.id}),
    ]
    assert all(before <= entry.at <= service.now() for entry in view.log)


def test_an_operation_that_has_ended_can_not_be_aborted(service: Service, store: Store) -> None:
    operation = submitted(service)
    store.acquire(operation, 1, owner="slot", lease=60, token="n")
    token = Token(NAME, operation, 1, "n")
    store.fenced_call("finish", token, state="failed", outcome='{"error":"a bug","step":"plan"}')
    assert "has ended" in refused(service.abort(ANA, operation, nonce="n1"))
    view = service.operation(operation)
    assert view is not None
    assert (view.state, view.end, view.detail) == (
        OperationState.ENDED, OperationEnd.FAILED, "a bug",
    )  # fmt: skip


# -- looking -------------------------------------------------------------------------------------


def test_all_that_runs_or_ended_lately_is_found_however_much_it_is(
    service: Service, store: Store
) -> None:
    operations = [submitted(service, dedup=f"d{n}") for n in range(3)]
    for n, operation in enumerate(operations[:2]):
        store.acquire(operation, 1, owner="slot", lease=60, token="n")
        token = Token(NAME, operation, 1, "n")
        store.fenced_call("finish", token, state="failed", outcome='{"error":"a bug"}')
        store.redis.zadd(f"{store.prefix}ended", {operation: 1_000 + n})
    assert {view.id for view in service.lately(NAME, since=0)} == set(operations)
    assert {view.id for view in service.lately(NAME, since=1_001)} == set(operations[1:])
    assert [view.id for view in service.lately(NAME, since=1_002)] == operations[2:]
    assert service.lately("unknown", since=0) == ()


def test_operations_are_listed_the_newest_first_and_their_children_are_not(
    service: Service, store: Store
) -> None:
    first = submitted(service, dedup="d1")
    asked_at = store.now()
    until(lambda: store.now() > asked_at, what="another millisecond")
    second = submitted(service, "node-2", dedup="d2")
    assert [view.id for view in service.operations(NAME)] == [second, first]
    assert [view.id for view in service.operations(NAME, limit=1)] == [second]
    assert service.operation(f"{first}-1") is None
    node = service.operations(NAME)[1].nodes[0]
    assert (node.name, node.status) == ("node-1", NodeStatus.WAITING)
    assert store.redis.zcard(f"{store.prefix}live") == 2


def test_a_lease_has_one_holder_and_a_rising_token(service: Service) -> None:
    one, two = service.lease("notifier", seconds=60), service.lease("notifier", seconds=60)
    assert (one.hold(), two.hold()) == (True, False)
    assert one.hold()
    first = one.token
    one.release()
    assert (one.token, two.hold()) == (0, True)
    assert two.token > first


def test_the_owner_of_a_node_is_shown_in_the_inventory(service: Service, store: Store) -> None:
    operation = submitted(service)
    store.acquire(operation, 1, owner="slot", lease=60, token="n")
    NodeStore(store).reserve(
        Token(NAME, operation, 1, "n"), operation, [Reservation("node-1", "uid-1", 0)],
        max_away=5, by="", why="",
    )  # fmt: skip
    node = service.inventory(NAME).get("node-1")
    assert node is not None
    assert node.owner == operation


# -- Redis away ----------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Service], object]] = {
    "submit": lambda s: s.submit(ANA, request(), dedup="d"),
    "uncordon": lambda s: s.uncordon(ANA, NAME, "node-1", channel="C01", dedup="d"),
    "decide": lambda s: s.decide(ANA, "test-q-0123456789ab", "retry", nonce="n"),
    "abort": lambda s: s.abort(ANA, "test-abc123", nonce="n"),
    "operation": lambda s: s.operation("test-abc123"),
    "operations": lambda s: s.operations(NAME),
    "lately": lambda s: s.lately(NAME, since=0),
    "question": lambda s: s.question("test-q-0123456789ab"),
    "inventory": lambda s: s.inventory(NAME),
    "worker_seen": lambda s: s.worker_seen(NAME),
    "changes": lambda s: s.changes({NAME: "$"}, wait=0.1),
    "lease": lambda s: s.lease("notifier", seconds=5).hold(),
    "now": lambda s: s.now(),
}


def test_every_call_says_that_redis_is_away_within_its_time() -> None:
    with sandbox_redis.running(appendfsync="everysec") as server:
        client = open_client(server.url, policy_with(), timeout=0.2)
        assert client.now() > 0
        server.freeze()
        for name, call in CALLS.items():
            began = time.monotonic()
            with pytest.raises(StateUnavailable):
                call(client)
            took = time.monotonic() - began
            assert took < 1, f"{name} took {took:.1f} s"
        server.thaw()
        assert client.now() > 0
        server.kill()
        with pytest.raises(StateUnavailable):
            client.now()


def test_waiting_for_changes_for_long_is_no_redis_that_is_away(redis_url: str) -> None:
    client = open_client(redis_url, policy_with(), timeout=0.4)
    (begun,) = client.changes({NAME: "$"}, wait=0)
    assert client.changes({NAME: begun.cursor}, wait=30) == ()
