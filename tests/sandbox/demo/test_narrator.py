"""What the demo's terminal tells of state and cluster."""

import json
import time
from typing import Any

import pytest
import urllib3
from redis import Redis

from jobs.models import (
    LogEntry,
    NodeLife,
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    QuestionState,
    Settlement,
    Vote,
)
from jobs.policy import load_policy
from jobs.service import open_client
from sandbox.cluster import Entry, Scenario, running
from sandbox.demo.narrator import Narrator, Said, Spoken, of_cluster, of_operation, stamped
from sandbox.demo.stage import POLICY
from tests.bot.messages.samples import ANA, BO, DB_2, T0, operation, question

STYLE = Spoken({"U01ANA": "ana", "U02BOB": "bo"})


def entry(**fields: Any) -> Entry:
    """An eviction that was carried out."""
    usual: dict[str, Any] = {
        "time": 1.0,
        "user": "worker",
        "method": "POST",
        "path": "/",
        "verb": "create",
        "resource": "pods/eviction",
        "namespace": "shop",
        "name": "web-1",
        "uid_precondition": "u",
        "dry_run": False,
        "status": 201,
        "reason": "",
        "carried_out": True,
        "object_uid": "u",
        "node": "node-1",
        "body": None,
    }
    return Entry.model_validate({**usual, **fields})


def cordon(*, on: bool, node: str = "node-1") -> Entry:
    return entry(
        resource="nodes",
        verb="patch",
        name=node,
        node=node,
        status=200,
        body={"spec": {"unschedulable": on}},
    )


def words(*entries: Entry) -> list[str]:
    return [said.words for said in of_cluster(entries, set())]


def test_pods_that_go_together_share_a_line_and_a_cordon_stands_before_them() -> None:
    pods = [entry(name=f"web-{number}") for number in range(1, 5)]
    assert words(cordon(on=True), *pods, entry(name="db-0", node="node-2")) == [
        "node-1 is cordoned",
        "evicted shop/web-1, shop/web-2 and 2 more from node-1",
        "evicted shop/db-0 from node-2",
    ]
    assert words(pods[0], cordon(on=False)) == [
        "evicted shop/web-1 from node-1",
        "node-1 is uncordoned",
    ]


def test_a_refusal_is_told_once_however_often_it_is_tried_again() -> None:
    refused: set[tuple[str, int]] = set()
    no = entry(name="db-0", status=429, carried_out=False)
    told = of_cluster([no, no], refused)
    assert told == [Said("cluster", "refuses to evict shop/db-0 from node-1 (429, a budget)")]
    assert of_cluster([no], refused) == []
    other = no.model_copy(update={"status": 500})
    assert [said.words for said in of_cluster([other], refused)] == [
        "refuses to evict shop/db-0 from node-1 (500)"
    ]


def test_a_pod_that_is_deleted_past_its_budget_is_not_called_evicted() -> None:
    deleted = entry(verb="delete", resource="pods", name="db-0", status=200)
    assert words(deleted) == ["deleted shop/db-0 past its budget, from node-1"]


@pytest.mark.parametrize(
    "nothing",
    [
        entry(dry_run=True),
        entry(status=None),
        entry(status=201, carried_out=False),
        entry(resource="nodes", verb="patch", status=200, body={"metadata": {"labels": {}}}),
        entry(resource="nodes", verb="patch", status=409, body={"spec": {"unschedulable": True}}),
        entry(resource="events"),
    ],
)
def test_what_changed_no_pod_and_no_cordon_is_not_told(nothing: Entry) -> None:
    assert words(nothing) == []


def test_an_operation_is_told_from_who_asked_to_how_it_ended() -> None:
    settled = Settlement(choice="force", by=(BO,), at=T0 + 4_000, note="primary moved")
    view = operation(
        state=OperationState.ENDED,
        end=OperationEnd.DRAINED,
        requester=ANA,
        nodes=(NodeView(name="node-17", status=NodeStatus.DRAINED, safe_to_power_off=True),),
        questions=(
            question(
                state=QuestionState.SETTLED,
                settled=settled,
                opened_at=T0 + 2_000,
                waits=(Vote(choice="wait", by=ANA, at=T0 + 3_000),),
            ),
        ),
        log=(
            LogEntry(key="1", what="cordoned", at=T0 + 1_000, node="node-17"),
            LogEntry(
                key="2", what="forced", at=T0 + 5_000, node="node-17", fields={"pods": str(DB_2)}
            ),
        ),
        ended_at=T0 + 8_000,
        created_at=T0,
    )
    at = time.strftime("%H:%M", time.localtime(T0 / 1000 + 4))
    keys, told = zip(*of_operation(view, STYLE), strict=True)
    assert [said.words for said in told] == [
        "@ana asked to drain node-17 (op 7F3K9Q)",
        f"asked: Decision needed on node-17 in prod-eu: {DB_2} can't move, and waiting won't help.",
        "@ana chose to wait another hour",
        f"settled: Forced by @bo at {at}: primary moved.",
        "Forced payments/db-2 on node-17.",
        "prod-eu: 1 of 1 node drained in 8 s. Safe to power off.",
    ]
    assert len(set(keys)) == len(keys)


def test_an_operation_is_not_called_a_drain_before_it_is_known_to_be_one() -> None:
    unknown = operation(plan=None, questions=(), log=(), nodes=(NodeView(name="node-17"),))
    assert of_operation(unknown, STYLE) == []
    tended = unknown.model_copy(update={"life": NodeLife(mode="fence_lost")})
    ((_, said),) = of_operation(tended, STYLE)
    assert said.words == "op 7F3K9Q looks after node-17, which @ana had drained"
    ended = {"state": OperationState.ENDED, "end": OperationEnd.DRAINED, "ended_at": T0 + 99}
    returned = unknown.model_copy(update=ended)
    ((_, said), _) = of_operation(returned, STYLE)
    assert said.words == "@ana asked to have node-17 back (op 7F3K9Q)"


def test_a_question_that_closed_by_itself_was_settled_by_nobody() -> None:
    closed = question(
        state=QuestionState.CLOSED,
        closed_because="no_longer_needed",
        opened_at=T0,
        closed_at=T0 + 1,
    )
    view = operation(questions=(closed,), log=())
    assert [said.words for _, said in of_operation(view, STYLE)][-1].startswith("closed: No longer")


def test_nothing_from_outside_reaches_the_terminal_as_control() -> None:
    view = operation(log=(LogEntry(key="1", what="failed", at=T0, fields={"why": "\x1b[2Jgone"}),))
    assert not any("\x1b" in said.words for _, said in of_operation(view, STYLE))


def test_a_line_has_its_moment_and_its_teller() -> None:
    at = time.mktime((2026, 9, 21, 14, 5, 6, 0, 0, -1))
    assert stamped(Said("demo", "hello"), at) == "14:05:06  demo      hello"


def test_redis_that_is_away_is_told_once_and_what_it_missed_later(
    redis: "Redis", redis_url: str
) -> None:
    assert redis.ping()
    with running(Scenario(name="empty")) as cluster:
        away = open_client("redis://127.0.0.1:9/0", load_policy(POLICY), timeout=0.2)
        narrator = Narrator(away, cluster, "demo", STYLE)
        assert [said.words for said in narrator.look()] == [
            "Redis can't be reached; looking again."
        ]
        assert narrator.look() == []
        narrator.client = open_client(redis_url, load_policy(POLICY), timeout=5)
        assert narrator.look() == []
        cluster.add_node("n1")
        urllib3.request(
            "PATCH",
            f"{cluster.url}/api/v1/nodes/n1",
            body=json.dumps({"spec": {"unschedulable": True}}),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert [said.words for said in narrator.look()] == ["n1 is cordoned"]
