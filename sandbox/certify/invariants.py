"""What must hold of a performance, whoever died in it; pure."""

from collections import Counter
from collections.abc import Callable, Iterator

from jobs.models import OperationEnd, OperationState
from sandbox.certify.evidence import Evidence
from sandbox.certify.scene import BLOCKED, NODE, SPARE
from sandbox.cluster import Entry

__all__ = ["broken"]

_OK = 300
_ENDS = frozenset({"done", "failed", "aborted"})
_NOT_TOLD = frozenset({"ended"})  # of a story's lines: the message at the end says more
_OWNER = "drainbot.dev/operation"


def broken(seen: Evidence) -> tuple[str, ...]:
    """Return what does not hold, in sentences; empty where all does."""
    return tuple(sentence for judge in _JUDGES for sentence in judge(seen))


def _ends(seen: Evidence) -> Iterator[str]:
    """Every operation reaches one end, and one of them drained the node."""
    if seen.waiting:
        yield f"still under way: {', '.join(sorted(set(seen.waiting)))}"
    ends = [view.end for view in seen.operations]
    for view in seen.operations:
        if view.state is not OperationState.ENDED:
            yield f"{view.id} has not ended: {view.state}"
    if ends.count(OperationEnd.DRAINED) != 1:
        yield f"one operation drains the node; they ended as {', '.join(map(str, ends))}"
    if others := set(ends) - {OperationEnd.DRAINED, OperationEnd.REFUSED}:
        yield f"an operation ended as {', '.join(sorted(map(str, others)))}"
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


def _questions(seen: Evidence) -> Iterator[str]:
    """Every question is settled once; the one that people answered is settled as they said."""
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
    choices = [question.winner["choice"] for question in settled if question.winner]
    if choices != ["force"]:
        yield f"people said force once; settled as {choices}"


def _pods(seen: Evidence) -> Iterator[str]:
    """No pod is touched under another uid, on another node, or before somebody said so."""
    meant = set(seen.pods.values())
    touched = [entry for entry in seen.requests if _takes_a_pod(entry)]
    for entry in touched:
        if entry.uid_precondition is None or entry.uid_precondition != entry.object_uid:
            yield f"{entry.verb} {entry.resource} {entry.name} hit a pod that was not meant"
        elif entry.object_uid not in meant or entry.node != NODE:
            yield f"{entry.verb} {entry.resource} {entry.name} on {entry.node}: not the node's pod"
    if seen.left_on_node:
        yield f"{NODE} is not empty: {', '.join(seen.left_on_node)}"
    if meant - {entry.object_uid for entry in touched}:
        yield "a pod went without having been asked to"
    said = min((q.winner["at"] for q in seen.questions if q.winner), default=0)
    for entry in touched:
        if entry.verb == "delete" and (entry.name != BLOCKED or entry.time * 1000 < said):
            yield f"{entry.name} was forced, which nobody had said"
        if entry.verb == "create" and entry.name == BLOCKED:
            yield f"{BLOCKED} was evicted past its budget"


def _cordons(seen: Evidence) -> Iterator[str]:
    """No cordon of ours is without an operation that owns it, and nobody else's node has one."""
    drained = [view.id for view in seen.operations if view.end is OperationEnd.DRAINED]
    node, record = seen.nodes[NODE], seen.node_records.get(NODE)
    if not node["spec"].get("unschedulable"):
        yield f"{NODE} is not cordoned"
    owner = (node["metadata"].get("annotations") or {}).get(_OWNER, "")
    if [owner] != drained:
        yield f"{NODE} says that {owner!r} has it, and {drained} drained it"
    if record is None or [record.owner] != drained or record.mode != "drained":
        yield f"the record of {NODE} is {record}"
    if seen.nodes[SPARE]["spec"].get("unschedulable") or SPARE in seen.node_records:
        yield f"{SPARE} was touched"


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
        for key, record in records.items():
            if record.state != "sent":
                yield f"{view.id}: {key} is {record.state}"
        wanted = {f"log:{entry.key}" for entry in view.log if entry.what not in _NOT_TOLD}
        wanted |= {"parent", "finish"}
        if missing := wanted - records.keys():
            yield f"{view.id}: not told: {sorted(missing)}"


def _story(seen: Evidence) -> Iterator[str]:
    """See that the story's lines are each there once, and that the counts are right."""
    for view in seen.operations:
        if view.end is not OperationEnd.DRAINED:
            continue
        lines = Counter(entry.what for entry in view.log)
        for what in ("cordoned", "forced", "drained", "ended"):
            if lines[what] != 1:
                yield f"{view.id}: its story says {what} {lines[what]} times"
        node = next(iter(view.nodes), None)
        if node is None or node.pods_total != len(seen.pods) or node.pods_gone != len(seen.pods):
            yield f"{view.id}: it says {node}, and {len(seen.pods)} pods went"
        elif node.forced != (f"shop/{BLOCKED}",):
            yield f"{view.id}: it says that {node.forced} were forced"


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


def _takes_a_pod(entry: Entry) -> bool:
    return (
        entry.carried_out
        and entry.status is not None
        and entry.status < _OK
        and not entry.dry_run
        and (entry.resource, entry.verb) in {("pods/eviction", "create"), ("pods", "delete")}
    )


_JUDGES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    _ends, _steps, _questions, _pods, _cordons, _thread, _story, _events,
)  # fmt: skip
