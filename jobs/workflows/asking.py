"""The questions in the middle of a node's drain: what is asked, and what can be answered."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.durable import Fired, Question, Signal, Timer
from jobs.models import BY_BUDGETS, NodeStatus, QuestionKind, Requirements
from jobs.workflows import choices
from jobs.workflows.node_state import NodeDrain
from jobs.workflows.telling import tell_blocked

_PARTS = ("refusals", "blocks", "wont_stop")
_NAMED = 3  # pods that a sentence names
_BY_COUNTS = ("budget", "budget_broken")  # kinds of blocks that end when a budget's counts allow


def ask(node: NodeDrain, turn: int, outcome: dict[str, Any]) -> Fired:
    """Ask about what keeps pods on the node; the watcher may free it before anybody answers.

    Where another pod comes, or a budget says something else, that is another question: this one is
    closed, and what people have said of it does not count for the next.
    """
    node.show(NodeStatus.BLOCKED, outcome["detail"])
    stuck = [f"{o['pod']['namespace']}/{o['pod']['name']}" for o in obstacles(outcome)]
    tell_blocked(node, turn, outcome["detail"], stuck)
    needs = node.drain.requirements
    # Past the deadline only people let it go on: what is free would be asked about again at once.
    pods = [o["pod"] for o in obstacles(outcome)] if outcome["outcome"] == "asks" else []
    watching = {
        **node.common(), "budgets": _budgets(outcome, *_BY_COUNTS),
        "one_of": _budgets(outcome, "two_budgets"), "pods": pods,
        "owners": outcome["short"],
        "free_for": needs.auto_resume_after_free,
        "known": outcome["known"], "specs": _specs(outcome),
    }  # fmt: skip
    asked_at = node.ctx.now()
    fired = node.ctx.first(
        f"ask:{turn}",
        watching=watching if pods else None,
        answer=_question(node, outcome),
        freed=Signal("freed"),
        changed=Signal("changed", closes_as="superseded"),
        stop=Timer(needs.stop_after, movable=True),
    )
    node.superseded, node.because = "", ""
    if fired.name == "answer" and fired.value.get("of"):
        node.shared = True
    if fired.name == "changed":
        node.superseded, node.because = fired.questions["answer"], fired.value or ""
    late = fired.at - asked_at > needs.auto_resume_within * 1000
    return _ask_freed(node, turn, outcome) if fired.name == "freed" and late else fired


def _ask_freed(node: NodeDrain, turn: int, outcome: dict[str, Any]) -> Fired:
    """Ask before a drain goes on by itself so late that people have other plans by now."""
    needs = node.drain.requirements
    detail = f"{names(obstacles(outcome))} could move now"
    node.show(NodeStatus.BLOCKED, detail)
    node.log("freed_late", pods=names(obstacles(outcome)))
    question = Question(
        QuestionKind.FREED, {**_counts(node, outcome), "detail": detail}, choices.FREED,
        notices=notices(needs), stop_after=needs.stop_after,
    )  # fmt: skip
    return node.ctx.first(f"freed:{turn}", answer=question, stop=Timer(needs.stop_after))


def obstacles(outcome: dict[str, Any], *parts: str) -> list[dict[str, Any]]:
    """Return what keeps pods on the node: all of it, or only these parts."""
    return [obstacle for part in parts or _PARTS for obstacle in outcome[part]]


def names(found: list[dict[str, Any]]) -> str:
    """Return the pods of obstacles, for a line of the story."""
    return ", ".join(f"{o['pod']['namespace']}/{o['pod']['name']}" for o in found)


def _kind(outcome: dict[str, Any]) -> tuple[QuestionKind, tuple[str, ...]]:
    """Return what is asked, and what can be answered."""
    if outcome["outcome"] == "uncordoned":
        return QuestionKind.UNCORDONED, choices.UNCORDONED
    kind = QuestionKind.REFUSAL
    offered: tuple[str, ...] = choices.REFUSAL
    if outcome["outcome"] == "overdue":
        kind, offered = QuestionKind.OVERDUE, choices.OVERDUE
    elif outcome["blocks"] or outcome["wont_stop"]:
        by_budget = bool(outcome["blocks"])
        kind = QuestionKind.BLOCK if by_budget else QuestionKind.WONT_STOP
        anyway = (choices.EVICT_ANYWAY,) if outcome["refusals"] else ()
        offered = (*anyway, *(choices.BLOCK if by_budget else choices.WONT_STOP))
    if any(not stuck["node_ready"] for stuck in outcome["wont_stop"]):
        offered = choices.with_dead(offered)
    return kind, offered


def _counts(node: NodeDrain, outcome: dict[str, Any]) -> dict[str, Any]:
    return {
        "node": node.drain.node,
        "thread_key": node.thread,
        "pods_left": outcome["total"] - outcome["gone"],
        "pods_total": outcome["total"],
    }


def _question(node: NodeDrain, outcome: dict[str, Any]) -> Question:
    needs = node.drain.requirements
    kind, offered = _kind(outcome)
    specs = [f"{budget} {spec}" for budget, spec in sorted(_specs(outcome).items())]
    asked = [*sorted(obstacle["pod"]["uid"] for obstacle in obstacles(outcome)), *specs]
    if not node.thread or asked != node.asked:
        node.thread, node.asked = f"{node.drain.node}:{node.rounds}", asked
    payload = {
        **_counts(node, outcome),
        "detail": outcome["detail"],
        **{part: outcome[part] for part in _PARTS},
    }
    if node.shared:  # its own message is an old one by now: an edit there nobody would notice
        payload["thread_alone"] = f"{node.thread}:alone"
    return Question(
        kind,
        payload,
        offered,
        votes_needed=votes(needs, offered, pods_of(outcome)),
        roles_needed=roles(needs, offered, pods_of(outcome)),
        notices=notices(needs),
        stop_after=needs.stop_after,
        supersedes=node.superseded,
        because=node.because,
        cause=_cause(kind, offered, outcome, needs),
        joins=f"{_few(outcome)} on {node.drain.node} can't move either, for the same budget",
    )


def _cause(
    kind: QuestionKind, offered: tuple[str, ...], outcome: dict[str, Any], needs: Requirements
) -> str:
    """Return what makes it one question with those of other nodes: all that a choice rests on.

    Pods that the same budgets keep, and nothing else in the way; "" where it is this node's alone.
    """
    blocks, pods = outcome["blocks"], pods_of(outcome)
    by_budgets = bool(blocks) and all(
        block["kind"] in BY_BUDGETS and block["budgets"] for block in blocks
    )
    if kind is not QuestionKind.BLOCK or not by_budgets or len(obstacles(outcome)) > len(blocks):
        return ""
    rests_on = [
        sorted(_specs(outcome).items()), offered, votes(needs, offered, pods),
        roles(needs, offered, pods),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()[:16]


def _few(outcome: dict[str, Any]) -> str:
    found = obstacles(outcome)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{names(found[:_NAMED])}{more}"


def pods_of(outcome: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pods that force would delete."""
    return [obstacle["pod"] for obstacle in obstacles(outcome, "blocks", "wont_stop")]


def votes(
    needs: Requirements, offered: tuple[str, ...], pods: Sequence[Mapping[str, Any]] = ()
) -> dict[str, int]:
    """Return how many people it takes for what gets past budgets and kubelets."""
    needed = {
        choice: sum(by_role.values()) for choice, by_role in roles(needs, offered, pods).items()
    }
    dead = {choices.NODE_IS_DEAD: needs.force_votes} if choices.NODE_IS_DEAD in offered else {}
    return needed | dead


def roles(
    needs: Requirements, offered: tuple[str, ...], pods: Sequence[Mapping[str, Any]] = ()
) -> dict[str, dict[str, int]]:
    """Return how many votes of which role it takes to force these pods: one of each owner's too.

    The roles are those of :func:`jobs.authorization.force_roles`.
    """
    if choices.FORCE not in offered:
        return {}
    owners = {needs.owners[pod["namespace"]] for pod in pods if pod["namespace"] in needs.owners}
    of_owners = dict.fromkeys((f"owner:{group}" for group in sorted(owners)), 1)
    return {choices.FORCE: {"force": needs.force_votes, **of_owners}}


def notices(needs: Requirements, *, before: float = 0) -> dict[str, float]:
    """Return when people are reminded of a question, in seconds; none as late as `before`."""
    known = {"remind": needs.remind_after}
    if needs.escalate_to:
        known["escalate"] = needs.escalate_after
    return {name: after for name, after in known.items() if not before or after < before}


def _specs(outcome: dict[str, Any]) -> dict[str, str]:
    """Return what each budget says that blocks something: with the pods, the question's identity.

    Its counts are not part of that.
    """
    return {
        f"{budget['namespace']}/{budget['name']}": budget["spec"]
        for block in outcome["blocks"]
        for budget in block["budgets"]
    }


def _budgets(outcome: dict[str, Any], *kinds: str) -> list[str]:
    return sorted(
        {
            f"{budget['namespace']}/{budget['name']}"
            for block in outcome["blocks"]
            if block["kind"] in kinds
            for budget in block["budgets"]
        }
    )
