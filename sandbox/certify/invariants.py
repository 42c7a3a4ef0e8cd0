"""What must hold of a performance of the story, whoever died in it; pure."""

from collections import Counter
from collections.abc import Callable, Iterator

from jobs.models import OperationEnd, OperationState
from sandbox.certify.always import ALWAYS, takes_a_pod
from sandbox.certify.evidence import Evidence
from sandbox.certify.scene import BLOCKED, NODE, SPARE

__all__ = ["broken"]

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


def _questions(seen: Evidence) -> Iterator[str]:
    """See that the one question that people answered is settled as they said."""
    settled = [question for question in seen.questions if question.state == "settled"]
    choices = [question.winner["choice"] for question in settled if question.winner]
    if choices != ["force"]:
        yield f"people said force once; settled as {choices}"


def _pods(seen: Evidence) -> Iterator[str]:
    """No pod is touched under another uid, on another node, or before somebody said so."""
    meant = set(seen.pods.values())
    touched = [entry for entry in seen.requests if takes_a_pod(entry)]
    for entry in touched:
        if entry.object_uid not in meant or entry.node != NODE:
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


_JUDGES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    *ALWAYS, _ends, _questions, _pods, _cordons, _story,
)  # fmt: skip
