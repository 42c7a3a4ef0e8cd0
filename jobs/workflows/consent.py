"""What an operation asks before it touches anything: Start, and approvals, as the policy wants."""

from dataclasses import dataclass
from typing import Any

from jobs.durable import Question, Timer
from jobs.models import OperationPlan, OperationState, QuestionKind, Refusal, Requirements
from jobs.workflows import choices
from jobs.workflows.asking import notices
from jobs.workflows.inputs import OperationInput
from jobs.workflows.story import Story

_NAMED = 20  # pods that a sentence names; the rest are counted


@dataclass(frozen=True)
class Consent:
    """What people said. `refused` says why nothing happens, or is empty.

    `evict_anyway` holds the uids of the pods that they let go in spite of a refusal in the plan.
    """

    refused: str = ""
    evict_anyway: frozenset[str] = frozenset()


def wants_start(needs: Requirements, plan: OperationPlan) -> bool:
    """Whether the policy of its day wants somebody to say Start to such a plan."""
    return needs.start == "confirm" or (needs.start == "when_noteworthy" and plan.noteworthy)


def ask_people(operation: OperationInput, story: Story) -> Consent:
    """Ask for Start and then for approvals, each where the policy of its day wants it."""
    plan = story.plan
    if plan is None:
        return Consent()
    consent = _start(operation, story, plan)
    if consent.refused or not operation.requirements.approve_votes:
        return consent
    return _approval(operation, story, plan, consent)


def _start(operation: OperationInput, story: Story, plan: OperationPlan) -> Consent:
    needs, refusals = operation.requirements, _refusals(plan)
    if not wants_start(needs, plan):
        return Consent()
    if needs.approve_votes and not refusals:
        return Consent()  # whoever approves sees the same plan, and has nothing else to choose
    anyway = (choices.EVICT_ANYWAY,) if refusals else ()
    question = Question(
        QuestionKind.START,
        {
            "digest": plan.digest,
            "thread_key": "plan",
            "refusals": [refusal.model_dump(mode="json") for refusal in refusals],
        },
        (choices.START, *anyway, choices.ABORT),
        votes_needed={choices.START: 1},
        notices=_reminder(needs),
        stop_after=needs.approve_lapses,
    )
    choice, by = _ask(story, "start", OperationState.CONFIRMING, question)
    if choice not in {choices.START, choices.EVICT_ANYWAY}:
        return Consent(refused=_denied(story, by, "aborted before it started"))
    let_go = refusals if choice == choices.EVICT_ANYWAY else ()
    what = "confirmed" if needs.approve_votes else "started"
    story.ctx.log(what, by=by, **({"anyway": _names(let_go)} if let_go else {}))
    return Consent(evict_anyway=frozenset(refusal.pod.uid for refusal in let_go))


def _approval(
    operation: OperationInput, story: Story, plan: OperationPlan, consent: Consent
) -> Consent:
    needs = operation.requirements
    let_go = [each for each in _refusals(plan) if each.pod.uid in consent.evict_anyway]
    payload: dict[str, Any] = {"digest": plan.digest, "thread_key": "plan"}
    if let_go:
        payload["detail"] = f"To be evicted anyway, within budgets: {_names(let_go)}."
    question = Question(
        QuestionKind.APPROVAL,
        payload,
        (choices.APPROVE, choices.DENY),
        votes_needed={choices.APPROVE: needs.approve_votes},
        notices=notices(needs, before=needs.approve_lapses),
        stop_after=needs.approve_lapses,
    )
    choice, by = _ask(story, "approve", OperationState.APPROVING, question)
    if choice != choices.APPROVE:
        return Consent(refused=_denied(story, by, "denied"))
    story.ctx.log("started", by=by)
    return consent


def _reminder(needs: Requirements) -> dict[str, float]:
    """Who asked is reminded of a Start that nobody pressed; it is no matter for anybody else."""
    due = notices(needs, before=needs.approve_lapses)
    return {name: after for name, after in due.items() if name == "remind"}


def _ask(story: Story, key: str, state: OperationState, question: Question) -> tuple[str, str]:
    """Return the choice, empty if it lapsed, and who made it."""
    story.show(state)
    fired = story.ctx.first(key, answer=question, lapsed=Timer(question.stop_after))
    if fired.name == "lapsed":
        return "", ""
    return fired.value["choice"], ", ".join(fired.value["by"])


def _denied(story: Story, by: str, words: str) -> str:
    if not by:
        return "nobody answered in time"
    story.ctx.log("denied", by=by)
    return words


def _refusals(plan: OperationPlan) -> tuple[Refusal, ...]:
    return tuple(refusal for node in plan.nodes for refusal in node.refusals)


def _names(refusals: tuple[Refusal, ...] | list[Refusal]) -> str:
    names = [str(refusal.pod) for refusal in refusals[:_NAMED]]
    more = len(refusals) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
