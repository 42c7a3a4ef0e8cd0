"""What has materially changed between two plans of the same operation, in words for people.

It follows :func:`jobs.drain.plan.digest`: where that is the same nothing is said here, and where it
differs something is.
"""

from collections.abc import Iterable, Iterator

from jobs.models import NodePlan, OperationPlan, Refusal

_SAID = 3  # changes that a sentence names; the rest are counted


def plan_changes(before: OperationPlan, after: OperationPlan) -> str:
    """Say what people who saw `before` have not seen of `after`; "" where it is all the same."""
    if before.digest == after.digest:
        return ""
    old = {node.name: node for node in before.nodes}
    said = [words for node in after.nodes for words in _node(old.get(node.name), node)]
    named = said[:_SAID] or ["the plan has changed"]
    more = len(said) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _node(old: NodePlan | None, new: NodePlan) -> Iterator[str]:
    if old is None or old.uid != new.uid:
        yield f"{new.name} is another node than before, under the same name"
        return
    yield from _refusals(old, new)
    for words, was, now in (
        ("would lose its emptyDir's data", old.data_lost, new.data_lost),
        ("would be down while it moves", old.single_replicas, new.single_replicas),
    ):
        yield from (f"{each} on {new.name} {words}" for each in _more(was, now))
        yield from (f"{each} on {new.name} no longer {words}" for each in _more(now, was))
    was_never, is_never = _hopeless(old), _hopeless(new)
    yield from (f"budget {each} can't be met on {new.name}" for each in _more(was_never, is_never))
    yield from (
        f"budget {each} no longer stands in the way on {new.name}"
        for each in _more(is_never, was_never)
    )


def _refusals(old: NodePlan, new: NodePlan) -> Iterator[str]:
    was = {_key(each): each for each in old.refusals}
    now = {_key(each): each for each in new.refusals}
    for key in sorted(now.keys() - was.keys()):
        yield f"{now[key].pod} on {new.name} may not be evicted without a word"
    for key in sorted(was.keys() - now.keys()):
        yield f"{was[key].pod} on {new.name} needs nobody's word any more"


def _key(refusal: Refusal) -> tuple[str, ...]:
    who = str(refusal.pod)
    if refusal.owner is not None:
        who = f"{refusal.owner.kind} {refusal.owner.namespace}/{refusal.owner.name}"
    return who, *(reason.value for reason in refusal.reasons)


def _hopeless(node: NodePlan) -> set[str]:
    return {
        f"{block.budget.namespace}/{block.budget.name} ({block.budget.spec})"
        for block in node.blocks
        if block.never
    }


def _more(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return sorted(set(after) - set(before))
