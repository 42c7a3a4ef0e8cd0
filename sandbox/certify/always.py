"""What must hold of every story, whatever happened in it; pure.

Each judge returns what does not hold, in sentences.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from bot.messages import thread_of
from sandbox.certify.evidence import Evidence
from sandbox.cluster import Entry

__all__ = ["ALWAYS", "Judge", "takes_a_pod"]

Judge = Callable[[Evidence], Iterator[str]]

_OK = 300
_ENDS = frozenset({"done", "failed", "aborted"})


def takes_a_pod(entry: Entry) -> bool:
    """Whether a request was carried out that evicts or deletes a pod."""
    return (
        entry.carried_out
        and entry.status is not None
        and entry.status < _OK
        and not entry.dry_run
        and (entry.resource, entry.verb) in {("pods/eviction", "create"), ("pods", "delete")}
    )


def _one_end(seen: Evidence) -> Iterator[str]:
    """Every workflow ends once, and its events say so."""
    for record in seen.workflows:
        finals = [e["kind"] for e in seen.events if e["wf"] == record.id and e["kind"] in _ENDS]
        if finals != [record.state]:
            yield f"{record.id} is {record.state}, and its events say {finals}"


def _steps(seen: Evidence) -> Iterator[str]:
    """Every step is committed once."""
    for (workflow, step), times in Counter((w, s) for w, s, _ in seen.commits).items():
        if times > 1:
            yield f"{workflow} committed {step} {times} times"
        if step not in seen.steps.get(workflow, {}):
            yield f"{workflow} committed {step}, which is not stored"


def _settled_once(seen: Evidence) -> Iterator[str]:
    """Every question is settled once, or closed."""
    settled = [question for question in seen.questions if question.state == "settled"]
    for question in seen.questions:
        if question.state == "open":
            yield f"{question.id} is still open"
        counted = [vote for vote in question.votes if vote.get("result") == "settled"]
        if len(counted) != (question.state == "settled"):
            yield f"{question.id} is {question.state}, and was settled {len(counted)} times"
    told = sum(event["kind"] == "settled" for event in seen.events)
    if told != len(settled):
        yield f"{len(settled)} questions are settled, and events say {told}"


def _meant(seen: Evidence) -> Iterator[str]:
    """No pod is touched under another uid."""
    for entry in filter(takes_a_pod, seen.requests):
        if entry.uid_precondition is None or entry.uid_precondition != entry.object_uid:
            yield f"{entry.verb} {entry.resource} {entry.name} hit a pod that was not meant"


def _thread(seen: Evidence) -> Iterator[str]:
    """See that the thread tells what happened: nothing is missing, nothing is there twice."""
    for view in seen.operations:
        told = [message for message in seen.messages if message.operation == view.id]
        for key, times in Counter(message.key for message in told).items():
            if times > 1:
                yield f"{view.id}: {key} is told {times} times"
        records = seen.records.get(view.id, {})
        said = {record.ts for record in records.values() if record.state == "sent"}
        if unknown := {message.ts: message.key for message in told if message.ts not in said}:
            yield f"{view.id}: messages without a record: {sorted(unknown.values())}"
        if lost := said - {message.ts for message in told}:
            yield f"{view.id}: records without a message: {sorted(lost)}"
        wanted = {message.key: message.post for message in thread_of(view, view.ended_at)}
        for key, record in records.items():
            # What was not said before it was out of date needs no saying.
            out_of_date = record.state == "unsent" and not wanted.get(key) and not record.check_at
            if record.state != "sent" and not out_of_date:
                yield f"{view.id}: {key} is {record.state}"
        if missing := {key for key, post in wanted.items() if post} - records.keys():
            yield f"{view.id}: not told: {sorted(missing)}"


def _events(seen: Evidence) -> Iterator[str]:
    """Event stream and state agree: each workflow began once, and versions count the events."""
    known = {record.id for record in seen.workflows}
    for record in seen.workflows:
        kinds = [event["kind"] for event in seen.events if event["wf"] == record.id]
        if kinds.count("started") != 1:
            yield f"{record.id} started {kinds.count('started')} times"
    for view in seen.operations:
        told = sum(event["root"] == view.id for event in seen.events)
        if told != view.version:
            yield f"{view.id} is at version {view.version} after {told} events"
    if strangers := {event["wf"] for event in seen.events} - known:
        yield f"events of unknown workflows: {sorted(strangers)}"


ALWAYS: tuple[Judge, ...] = (_one_end, _steps, _settled_once, _meant, _thread, _events)
