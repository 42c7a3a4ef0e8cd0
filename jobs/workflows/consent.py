"""What an operation asks before it touches anything: Start, and approvals, as the policy wants.

People say yes to a plan. While they are asked the watcher looks at it again, and once they have
answered it is looked at before anything is touched: where it has materially changed (see
:func:`jobs.drain.plan.digest`), what was said is void, and they are asked anew.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.durable import Question, Signal, Timer
from jobs.models import OperationPlan, OperationState, QuestionKind, Refusal, Requirements
from jobs.workflows import choices
from jobs.workflows.asking import notices
from jobs.workflows.inputs import OperationInput
from jobs.workflows.planning import planned_again, survey_of, wants_start
from jobs.workflows.story import Story

_NAMED = 20  # pods that a sentence names; the rest are counted


@dataclass(frozen=True)
class Consent:
    """What people said. `refused` says why nothing happens, or is empty.

    `evict_anyway` holds the uids of the pods that they let go in spite of a refusal in the plan.
    `asked` is the id of the question that was asked last, "" where none was; `changed`: that one
    closed because its plan has. `by` are those who let it begin.
    """

    refused: str = ""
    evict_anyway: frozenset[str] = frozenset()
    by: str = ""
    asked: str = ""
    changed: bool = False
    anyway: Mapping[str, str] = field(default_factory=dict)  # what the story says of them


@dataclass(frozen=True)
class _Turn:
    """A round of asking; each but the first takes the place of a question, and says why."""

    number: int = 1
    supersedes: str = ""
    because: str = ""

    def key(self, name: str) -> str:
        return name if self.number == 1 else f"{name}:{self.number}"


def ask_people(operation: OperationInput, story: Story) -> Consent:
    """Ask for Start and then for approvals, each where the policy of its day wants it.

    The story's plan is the one that they said yes to, with the numbers of now.
    """
    turn = _Turn()
    for number in itertools.count(2):
        if story.plan is None:
            return Consent()
        consent = _asked(operation, story, story.plan, turn)
        if consent.refused or not consent.asked:
            return consent
        changed, refused = planned_again(operation, story, number)
        if refused:
            return Consent(refused=refused)
        if not (changed or consent.changed):
            story.ctx.log("started", by=consent.by, **consent.anyway)
            return consent
        # The watcher saw a change that is gone again by now: its question is closed all the same.
        because = changed or "the plan had changed for a moment"
        story.ctx.log("replanned", why=because)
        turn = _Turn(number, consent.asked, because)
    raise AssertionError("unreachable")


def _asked(operation: OperationInput, story: Story, plan: OperationPlan, turn: _Turn) -> Consent:
    consent = _start(operation, story, plan, turn)
    if consent.refused or consent.changed or not operation.requirements.approve_votes:
        return consent
    return _approval(operation, story, plan, consent, turn)


def _start(operation: OperationInput, story: Story, plan: OperationPlan, turn: _Turn) -> Consent:
    needs, refusals = operation.requirements, _refusals(plan)
    # Whoever was asked once is asked again, also where the plan that is left needs no word.
    again = bool(turn.supersedes) and not needs.approve_votes
    if not wants_start(needs, plan) and not again:
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
        supersedes=turn.supersedes,
        because=turn.because,
    )
    said = _ask(operation, story, plan, turn.key("start"), OperationState.CONFIRMING, question)
    if said.changed:
        return Consent(asked=said.question, changed=True)
    if said.choice not in {choices.START, choices.EVICT_ANYWAY}:
        return Consent(refused=_denied(story, said.by, "aborted before it started"))
    let_go = refusals if said.choice == choices.EVICT_ANYWAY else ()
    uids = frozenset(refusal.pod.uid for refusal in let_go)
    named = {"anyway": _names(let_go)} if let_go else {}
    if not needs.approve_votes:
        return Consent(evict_anyway=uids, asked=said.question, by=said.by, anyway=named)
    story.ctx.log("confirmed", by=said.by, **named)
    return Consent(evict_anyway=uids, asked=said.question)


def _approval(
    operation: OperationInput, story: Story, plan: OperationPlan, consent: Consent, turn: _Turn
) -> Consent:
    needs = operation.requirements
    let_go = [each for each in _refusals(plan) if each.pod.uid in consent.evict_anyway]
    # A new message each time: an edit would tell nobody that their approval is void.
    payload: dict[str, Any] = {"digest": plan.digest, "thread_key": turn.key("plan")}
    if let_go:
        payload["detail"] = f"To be evicted anyway, within budgets: {_names(let_go)}."
    question = Question(
        QuestionKind.APPROVAL,
        payload,
        (choices.APPROVE, choices.DENY),
        votes_needed={choices.APPROVE: needs.approve_votes},
        notices=notices(needs, before=needs.approve_lapses),
        stop_after=needs.approve_lapses,
        supersedes="" if consent.asked else turn.supersedes,
        because=turn.because,
    )
    said = _ask(operation, story, plan, turn.key("approve"), OperationState.APPROVING, question)
    if said.changed:
        return Consent(asked=said.question, changed=True)
    if said.choice != choices.APPROVE:
        return Consent(refused=_denied(story, said.by, "denied"))
    return replace(consent, asked=said.question, by=said.by)


def _reminder(needs: Requirements) -> dict[str, float]:
    """Who asked is reminded of a Start that nobody pressed; it is no matter for anybody else."""
    due = notices(needs, before=needs.approve_lapses)
    return {name: after for name, after in due.items() if name == "remind"}


@dataclass(frozen=True)
class _Said:
    """The choice, empty if it lapsed, and who made it; or that the plan has changed."""

    question: str
    choice: str = ""
    by: str = ""
    changed: bool = False


def _ask(
    operation: OperationInput,
    story: Story,
    plan: OperationPlan,
    key: str,
    state: OperationState,
    question: Question,
) -> _Said:
    story.show(state)
    every = operation.requirements.plan_again
    fired = story.ctx.first(
        key,
        watching={"plan": {**survey_of(operation), "digest": plan.digest, "every": every}},
        answer=question,
        changed=Signal("changed", closes_as="superseded"),
        lapsed=Timer(question.stop_after),
    )
    asked = fired.questions["answer"]
    if fired.name != "answer":
        return _Said(asked, changed=fired.name == "changed")
    return _Said(asked, fired.value["choice"], ", ".join(fired.value["by"]))


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
