"""What must hold at the end of a run, whatever happened in it; pure."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages.ephemeral import NOT_RECORDED
from jobs.models import OperationState, OperationView, QuestionState, QuestionView
from sandbox.certify.always import ALWAYS, takes_a_pod
from sandbox.certify.evidence import Evidence
from sandbox.chaos.people import Press
from sandbox.cluster import Entry

__all__ = ["Seen", "broken", "cordons", "emptied", "overlap"]

IN_FLIGHT = 2.0  # seconds that a request may be under way on a busy machine
_OWNER = "drainbot.dev/operation"
_LEAVE = frozenset({"skip", "abort"})


@dataclass(frozen=True)
class Seen:
    """All that is looked at. `notes` are what was told to one person: (user, thread, words).

    `held` are times in which what a worker had sent may have been held back, in seconds.
    """

    evidence: Evidence
    presses: tuple[Press, ...] = ()
    notes: tuple[tuple[str, str, str], ...] = ()
    held: tuple[tuple[float, float], ...] = ()
    messages: tuple[Mapping[str, Any], ...] = ()


def broken(seen: Seen) -> tuple[str, ...]:
    """Return what does not hold, in sentences; empty where all does."""
    always = [sentence for judge in ALWAYS for sentence in judge(seen.evidence)]
    return (*always, *(sentence for judge in _JUDGES for sentence in judge(seen)))


def cordons(seen: Evidence) -> Iterator[str]:
    """Yield each node whose marks and whose record do not name the same owner, one that exists."""
    known = {view.id for view in seen.operations}
    for name, node in seen.nodes.items():
        marked = (node["metadata"].get("annotations") or {}).get(_OWNER, "")
        record = seen.node_records.get(name)
        owner = record.owner if record else ""
        if marked != owner:
            yield f"{name} says that {marked or 'nobody'} has it, its record {owner or 'nobody'}"
        if marked and marked not in known:
            yield f"{name} belongs to {marked}, which nobody knows"
        if not marked and node["spec"].get("unschedulable"):
            yield f"{name} is cordoned, and nobody says why"


def emptied(seen: Evidence, pods: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each node that counts as drained, is cordoned, and has pods that should have gone."""
    left = {
        name: [
            pod["metadata"]["name"] for pod in pods
            if pod["spec"].get("nodeName") == name and not _stays(pod)
        ]
        for name, record in seen.node_records.items()
        if record.mode == "drained" and seen.nodes[name]["spec"].get("unschedulable")
    }  # fmt: skip
    for name, names in left.items():
        if names:
            yield f"{name} is drained, and {', '.join(names)} is on it"


def _stays(pod: Mapping[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["kind"] == "DaemonSet" for owner in owners)


def overlap(start: float, end: float, held: Iterable[tuple[float, float]]) -> float:
    """Return how much of the time between the two was in any of these."""
    cut = sorted((max(start, a), min(end, b)) for a, b in held if b > start and a < end)
    total, until = 0.0, start
    for a, b in cut:
        total += max(0.0, b - max(a, until))
        until = max(until, b)
    return total


def _ended(seen: Seen) -> Iterator[str]:
    """Every operation has ended, and no workflow crashed."""
    found = seen.evidence
    if found.waiting:
        yield f"still under way: {', '.join(sorted(set(found.waiting)))}"
    for view in found.operations:
        if view.state is not OperationState.ENDED:
            yield f"{view.id} has not ended: {view.state}"
    for record in found.workflows:
        if record.crash:
            yield f"{record.id} crashed: {record.crash.strip().splitlines()[-1]}"


def _within_drains(seen: Seen) -> Iterator[str]:
    """No pod goes but from a node that an operation drains: not after skip, abort or its end."""
    times = [_times_of(seen.evidence, view) for view in seen.evidence.operations]
    drains = [drain for of_one in times for drain in of_one]
    for entry in filter(takes_a_pod, seen.evidence.requests):
        late = [_late(entry, begun, over, seen.held) for node, begun, over in drains
                if node == entry.node]  # fmt: skip
        if not any(found <= IN_FLIGHT for found in late):
            by = f"{min(late):.2f} s late" if late else "nobody drained it"
            what = f"{entry.verb} {entry.resource} {entry.name}"
            yield f"{what} on {entry.node} at {entry.time}: {by}"


def _times_of(seen: Evidence, view: OperationView) -> list[tuple[str, float, float]]:
    """Return (node, from, to), in seconds, of each drain of an operation."""
    ends = [flags.abort.at for record in seen.workflows
            if record.id == view.id and (flags := record.flags).abort]  # fmt: skip
    found: list[tuple[str, float, float]] = []
    for node in view.nodes:
        left = [q.settled.at for q in view.questions
                if node.name in q.nodes and q.settled and q.settled.choice in _LEAVE]  # fmt: skip
        over = min((*ends, *left, *((node.ended_at,) if node.ended_at else ())), default=0)
        if node.started_at:
            found.append((node.name, node.started_at / 1000, (over or 1e15) / 1000))
    return found


def _late(entry: Entry, begun: float, over: float, held: Sequence[tuple[float, float]]) -> float:
    """Return by how many seconds a request came too late, as far as nothing held it back."""
    if entry.time < begun - IN_FLIGHT:
        return float("inf")
    return entry.time - over - overlap(over, entry.time, held)


def _as_said(seen: Seen) -> Iterator[str]:
    """No pod is deleted past its budget but one that people forced, by its uid."""
    forced = [
        (pod.uid, question.settled.at / 1000)
        for question in _questions(seen)
        if question.settled and question.settled.choice == "force"
        for pod in question.pods
    ]
    for entry in filter(takes_a_pod, seen.evidence.requests):
        if entry.verb == "delete" and not any(
            uid == entry.object_uid and at <= entry.time for uid, at in forced
        ):
            yield f"{entry.name} on {entry.node} was forced, which nobody had said"


def _losers_are_told(seen: Seen) -> Iterator[str]:
    """Whoever's answer did not count, or did not suffice, got a word for it in that thread."""
    questions = {question.id: question for question in seen.evidence.questions}
    unheard: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], Press] = {}
    for press in seen.presses:
        question = questions.get(press.question)
        if question is None or not press.acknowledged:
            continue
        heard = [*question.votes, *question.waits]
        if any(_is_theirs(vote, press) and vote.get("result") != "voted" for vote in heard):
            continue
        unheard[press.user, press.thread] += 1
        last[press.user, press.thread] = press
    told = Counter(
        (user, thread) for user, thread, words in seen.notes if thread or words == NOT_RECORDED
    )
    for who, times in sorted(unheard.items()):
        # That Redis is away is told past it, where the delivery came from: in no thread.
        aside = min(max(0, times - told[who]), told[who[0], ""])
        told[who[0], ""] -= aside
        if told[who] + aside < times:
            yield (
                f"{last[who].who} answered {times} times in vain in the thread {who[1]} (at last "
                f"{last[who].choice} on {last[who].question}) and was told {told[who]} times"
            )


def _is_theirs(vote: Mapping[str, Any], press: Press) -> bool:
    by = str(vote.get("by", "")).rpartition(":")[2]
    return by == press.user and vote.get("choice", "wait") == press.choice


def _no_open_buttons(seen: Seen) -> Iterator[str]:
    """No message offers to answer a question that is not open."""
    is_open = {q.id for q in _questions(seen) if q.state is QuestionState.OPEN}
    for message in seen.messages:
        for block in message.get("blocks", []):
            for element in block.get("elements", []):
                if str(element.get("action_id", "")).startswith("decide:"):
                    question = json.loads(element["value"])["q"]
                    if question not in is_open:
                        yield f"the message {message['ts']} still offers to answer {question}"
                        break


def _questions(seen: Seen) -> Iterator[QuestionView]:
    for view in seen.evidence.operations:
        yield from view.questions


_JUDGES: tuple[Callable[[Seen], Iterator[str]], ...] = (
    _ended, _within_drains, _as_said, _losers_are_told, _no_open_buttons,
)  # fmt: skip
