"""A sample of the certificate, and each of its judges shown what it must not let pass."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.message_store import Record
from sandbox.certify.boundaries import Boundary
from sandbox.certify.certifying import boundaries, verdict
from sandbox.certify.deaths import deaths_at, sample
from sandbox.certify.evidence import Evidence, Told
from sandbox.certify.invariants import broken
from sandbox.certify.lane import Lane, lane
from sandbox.certify.scene import NODE

SEED, SAMPLED = 20, 8  # another seed is another sample; `make certify` dies all of the deaths


@pytest.fixture(scope="module")
def stage() -> Iterator[Lane]:
    with lane() as one:
        yield one


@pytest.fixture(scope="module")
def found(stage: Lane) -> frozenset[Boundary]:
    return boundaries(stage, plays=1)


@pytest.fixture(scope="module")
def evidence(stage: Lane) -> Evidence:
    played = stage.play()
    assert played.wrong == (), played.said
    assert played.evidence is not None
    return played.evidence


@pytest.mark.parametrize("number", range(SAMPLED))
def test_whoever_dies_wherever_in_the_story_it_goes_on(
    stage: Lane, found: frozenset[Boundary], number: int
) -> None:
    deaths = deaths_at(found)
    death = sample(deaths, every=len(deaths) // SAMPLED, seed=SEED)[number]
    died = verdict(stage, death)
    assert not died.wrong, (str(death), died.wrong, died.said)


def test_boundaries_are_found_in_every_process_and_at_every_client(
    found: frozenset[Boundary],
) -> None:
    places = {(boundary.process, boundary.client) for boundary in found}
    assert places >= {
        ("supervisor", "redis"), ("supervisor", "kubernetes"), ("slot", "redis"),
        ("slot", "kubernetes"), ("keeper", "redis"), ("watcher", "redis"),
        ("watcher", "kubernetes"), ("bot", "redis"), ("bot", "slack"),
    }  # fmt: skip
    assert {(replace(b, phase="after")) for b in found if b.client == "slack"} <= found


def spoiled_end(seen: Evidence) -> Evidence:
    return replace(seen, operations=(*seen.operations, *seen.operations))


def spoiled_final_events(seen: Evidence) -> Evidence:
    return replace(seen, events=(*seen.events, seen.events[-1]))


def spoiled_commits(seen: Evidence) -> Evidence:
    return replace(seen, commits=(*seen.commits, seen.commits[0]))


def spoiled_question(seen: Evidence) -> Evidence:
    first = seen.questions[0]
    return replace(seen, questions=(replace(first, votes=(*first.votes, *first.votes)),))


def spoiled_uid(seen: Evidence) -> Evidence:
    evicted = next(entry for entry in seen.requests if entry.resource == "pods/eviction")
    other = evicted.model_copy(update={"object_uid": "another", "status": 201, "carried_out": True})
    return replace(seen, requests=(*seen.requests, other))


def spoiled_force(seen: Evidence) -> Evidence:
    deleted = next(entry for entry in seen.requests if entry.verb == "delete")
    early = deleted.model_copy(update={"time": 1.0})
    return replace(seen, requests=(*seen.requests, early))


def spoiled_cordon(seen: Evidence) -> Evidence:
    node = {**seen.nodes[NODE], "metadata": {"annotations": {}}}
    return replace(seen, nodes={**seen.nodes, NODE: node})


def spoiled_duplicate(seen: Evidence) -> Evidence:
    first = seen.messages[0]
    return replace(seen, messages=(*seen.messages, Told("1.1", first.key, first.operation)))


def spoiled_silence(seen: Evidence) -> Evidence:
    return replace(seen, messages=tuple(m for m in seen.messages if m.key != "finish"))


def spoiled_record(seen: Evidence) -> Evidence:
    operation = seen.operations[0].id
    records = {**seen.records[operation], "parent": Record(state="unsent")}
    return replace(seen, records={operation: records})


def spoiled_story(seen: Evidence) -> Evidence:
    first = seen.operations[0]
    return replace(seen, operations=(first.model_copy(update={"log": (*first.log, *first.log)}),))


def spoiled_version(seen: Evidence) -> Evidence:
    first = seen.operations[0]
    return replace(seen, operations=(first.model_copy(update={"version": first.version + 1}),))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoiled_end, "one operation drains the node"),
        (spoiled_final_events, "its events say"),
        (spoiled_commits, "2 times"),
        (spoiled_question, "was settled 2 times"),
        (spoiled_uid, "hit a pod that was not meant"),
        (spoiled_force, "which nobody had said"),
        (spoiled_cordon, "has it"),
        (spoiled_duplicate, "is told 2 times"),
        (spoiled_silence, "records without a message"),
        (spoiled_record, "parent is unsent"),
        (spoiled_story, "its story says drained 2 times"),
        (spoiled_version, "at version"),
    ],
)
def test_what_must_not_happen_is_seen(
    evidence: Evidence, spoil: Callable[[Evidence], Any], words: str
) -> None:
    assert any(words in sentence for sentence in broken(spoil(evidence))), broken(spoil(evidence))
