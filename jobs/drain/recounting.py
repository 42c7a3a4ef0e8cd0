"""A block that people are asked about, brought up to date with what is seen now; pure.

What makes the question stays as it was asked: the pod, and what its budgets say. What changes
under it are counts, pods that are not ready, owners, and whether waiting can help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.drain.answers import Blocked, TwoBudgets
from jobs.drain.blocks import block_by
from jobs.drain.facts import Budget, Owner, Pod
from jobs.models import BY_BUDGETS, Block, Holder

__all__ = ["Sighting", "names_of", "recounted"]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What was seen of the budgets of some blocks, by `namespace/name`.

    `covered` are the pods that a budget selects, on whatever node, and `held_by` the other
    operations that evicted under it. `owners` are by uid, None for one that is gone; what could not
    be read is missing.
    """

    budgets: Mapping[str, Budget]
    covered: Mapping[str, Sequence[Pod]]
    held_by: Mapping[str, Sequence[Holder]] = field(default_factory=dict)
    owners: Mapping[str, Owner | None] = field(default_factory=dict)


def names_of(block: Block) -> tuple[str, ...]:
    """Return the budgets that tell how a block stands, as `namespace/name`; none of others."""
    if block.kind not in BY_BUDGETS:
        return ()
    return tuple(f"{budget.namespace}/{budget.name}" for budget in block.budgets)


def recounted(block: Block, seen: Sighting) -> Block:
    """Return a block as it stands now, or as it was where what was seen does not tell.

    That is so of a budget that says something else by now, and of a pod that has left: these are
    no changes of words, but end the question.
    """
    names = names_of(block)
    budgets = [seen.budgets[name] for name in names if name in seen.budgets]
    if not names or [each.spec for each in budgets] != [each.spec for each in block.budgets]:
        return block
    covered = seen.covered.get(names[0])
    pod = next((each for each in covered or () if each.uid == block.pod.uid), None)
    if pod is None:
        return block
    uid = pod.controller.uid if pod.controller is not None else ""
    if uid and uid not in seen.owners:
        return block  # without its owner less would be known than was told
    if block.kind == "budget_broken" and budgets[0].disruptions_allowed < 0:
        return block
    by_two = block.kind == "two_budgets"
    return block_by(
        pod,
        TwoBudgets(block.message) if by_two else Blocked(budgets[0].name, block.message),
        since=block.since,
        budgets=budgets,
        owner=seen.owners.get(uid),
        covered=covered,
        held_by=seen.held_by.get(names[0], ()),
    )
