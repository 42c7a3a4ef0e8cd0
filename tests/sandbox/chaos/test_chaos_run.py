"""A short run, and each judge shown what it must not let pass."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.durable.records import QuestionRecord
from jobs.nodes.store import NodeRecord
from sandbox.chaos.happenings import Event, Happening, Kill, LostReplies
from sandbox.chaos.invariants import Seen, broken, cordons, emptied, overlap
from sandbox.chaos.people import Press, begun, picked
from sandbox.chaos.plan import Cast, Plan, plan
from sandbox.chaos.playing import Outcome, play

SEED, SECONDS = 3, 5  # `make chaos` plays others, and for longer
CAST = Cast(workers=1, slots=2, bots=2, nodes=4, pace=1.5)
# Beside what the seed says, so that it is a test of something whatever that is.
ALWAYS: tuple[tuple[float, Happening], ...] = (
    (1.0, LostReplies("worker-0:redis", 2)), (2.0, Kill("slot", 0)), (3.0, Kill("bot", 0)),
)  # fmt: skip


def short() -> Plan:
    planned = plan(SEED, SECONDS, CAST)
    more = tuple(Event(at, 0, what) for at, what in ALWAYS)
    events = sorted((*planned.events, *more), key=lambda event: event.at)
    return replace(planned, clocks=(3600.0,), events=tuple(events))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    directory: Path = tmp_path_factory.mktemp("chaos")
    return play(short(), directory, lambda _: None)


@pytest.fixture
def seen(outcome: Outcome) -> Seen:
    assert outcome.seen is not None, outcome.wrong
    return outcome.seen


def test_whatever_befalls_it_all_that_must_hold_holds(outcome: Outcome) -> None:
    assert outcome.wrong == ()
    assert outcome.figures["operations"] > 0
    assert outcome.figures["replies lost"] > 0
    assert outcome.figures["starts"] > len(CAST.wires) // 2  # somebody was started again


def drained_nothing(seen: Seen) -> Seen:
    return replace(seen, evidence=replace(seen.evidence, operations=()))


def deleted(seen: Seen) -> Seen:
    entry = next(e for e in seen.evidence.requests if e.resource == "pods/eviction")
    forced = entry.model_copy(
        update={
            "resource": "pods", "verb": "delete", "status": 200, "carried_out": True,
            "uid_precondition": entry.object_uid,
        }
    )  # fmt: skip
    return replace(seen, evidence=replace(seen.evidence, requests=(forced,)))


def late(seen: Seen) -> Seen:
    """All drains were over at once, and whatever was asked for them came an hour later."""
    over = tuple(
        view.model_copy(
            update={
                "nodes": tuple(
                    node.model_copy(update={"ended_at": node.started_at}) for node in view.nodes
                )
            }
        )
        for view in seen.evidence.operations
    )
    taken = [e.model_copy(update={"time": e.time + 3600}) for e in seen.evidence.requests]
    evidence = replace(seen.evidence, requests=tuple(taken), operations=over)
    return replace(seen, evidence=evidence)


def under_way(seen: Seen) -> Seen:
    return replace(seen, evidence=replace(seen.evidence, waiting=("demo-1",)))


def crashed(seen: Seen) -> Seen:
    first, *rest = seen.evidence.workflows
    crash = "Traceback\nKeyError: 'x'"
    return replace(
        seen, evidence=replace(seen.evidence, workflows=(replace(first, crash=crash), *rest))
    )


def unheard(seen: Seen) -> Seen:
    won_by = {"choice": "retry", "by": "T0SANDBOX:U0ANA", "result": "settled"}
    raw = {
        "wf": "demo-1", "root": "demo-1", "kind": "block", "state": "settled", "payload": "{}",
        "choices": '["retry", "skip"]', "votes_needed": "{}", "votes": json.dumps([won_by]),
        "waits": "[]", "reminded": "[]", "opened_at": "0", "stop_at": "0", "version": "1",
    }  # fmt: skip
    asked = QuestionRecord.read("demo", "demo-q-1", raw)
    won = Press("ana", "U0ANA", asked.id, "retry", "1.0", 0.0, acknowledged=True)
    presses = (*seen.presses, won, replace(won, choice="skip"))
    return replace(
        seen, presses=presses, notes=(), evidence=replace(seen.evidence, questions=(asked,))
    )


def open_button(seen: Seen) -> Seen:
    element = {"action_id": "decide:skip", "value": '{"q": "demo-q-1", "c": "skip"}'}
    message = {"ts": "9.9", "blocks": [{"type": "actions", "elements": [element]}]}
    return replace(seen, messages=(*seen.messages, message))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (drained_nothing, "nobody drained it"),
        (deleted, "which nobody had said"),
        (late, "s late"),
        (under_way, "still under way: demo-1"),
        (crashed, "KeyError"),
        (unheard, "ana answered 1 times in vain in the thread 1.0"),
        (open_button, "still offers to answer demo-q-1"),
    ],
)
def test_what_must_not_happen_is_seen(
    seen: Seen, spoil: Callable[[Seen], Seen], words: str
) -> None:
    found = broken(spoil(seen))
    assert any(words in sentence for sentence in found), found


def test_a_node_whose_marks_name_another_owner_than_its_record_is_seen(seen: Seen) -> None:
    name, node = next(iter(seen.evidence.nodes.items()))
    for annotations, spec, words in (
        ({"drainbot.dev/operation": "demo-x"}, {}, "which nobody knows"),
        ({}, {"unschedulable": True}, "nobody says why"),
    ):
        spoilt = {**node, "metadata": {"annotations": annotations}, "spec": spec}
        evidence = replace(seen.evidence, nodes={name: spoilt}, node_records={})
        assert any(words in sentence for sentence in cordons(evidence))


def test_a_drained_node_with_a_pod_that_should_have_gone_is_seen(seen: Seen) -> None:
    name, node = next(iter(seen.evidence.nodes.items()))
    record = NodeRecord(
        name=name, uid="u", mode="drained", owner="demo-x", counter=1, since=0, by="", why="",
        evicted=True,
    )  # fmt: skip
    evidence = replace(
        seen.evidence, node_records={name: record},
        nodes={name: {**node, "spec": {"unschedulable": True}}},
    )  # fmt: skip
    pod = {"metadata": {"name": "web-1"}, "spec": {"nodeName": name}}
    daemon = {"name": "agent", "ownerReferences": [{"kind": "DaemonSet"}]}
    assert list(emptied(evidence, [pod, {**pod, "metadata": daemon}])) == [
        f"{name} is drained, and web-1 is on it"
    ]
    assert not list(emptied(evidence, [{**pod, "spec": {"nodeName": "another"}}]))


def test_what_was_held_back_is_not_counted_as_late() -> None:
    assert overlap(10, 20, [(0, 12), (11, 13), (18, 30)]) == 5
    assert overlap(10, 20, [(0, 5), (25, 30)]) == 0


def test_a_pick_takes_one_of_what_is_there() -> None:
    assert [picked("abc", pick) for pick in (0.0, 0.34, 0.99, 1.0)] == ["a", "b", "c", "c"]
    assert picked("", 0.5) is None


def test_an_answer_that_names_who_was_sooner_began_nothing() -> None:
    taken = "Taken by other operations: node-1 by op N64XPM. Nothing was started."
    assert begun(taken) == ""
    assert begun("Draining node-1 in demo: op N64XPM.") == "op N64XPM"
