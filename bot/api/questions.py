"""`/questions`: what waits for a person, and their answers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from bot import commands
from bot.api.callers import At, By, Caller, IdempotencyKey, Key, readable
from bot.api.problems import Code, FieldError, Problem, ProblemError, problem_of, problems
from bot.api.shapes import CHOICE, InCluster, QuestionId, Words, cluster_named
from bot.commands.steer import served
from bot.messages.decisions import outcome_line, wait_line
from bot.messages.ephemeral import decided_words
from bot.messages.style import PLAIN
from jobs.models import Decided, Frozen, Outcome, QuestionView, Settlement

__all__ = ["Decision", "Questions", "decision", "router"]

router = APIRouter(tags=["questions"])

Choice = Annotated[str, Field(pattern=CHOICE)]


class Questions(Frozen):
    """Questions that wait for a person, those that were asked first at first."""

    questions: tuple[QuestionView, ...]


class Answer(Frozen):
    """One of the question's choices, and why."""

    choice: Choice
    note: Words = ""


class Note(Frozen):
    """Why, for everybody to read."""

    note: Words = ""


class Decision(Frozen):
    """What became of an answer.

    `settled_by_you`: it was the one that counted. `winner` is what was decided, by whoever; None
    while the question is open, as when it needs more votes.
    """

    outcome: Outcome
    settled_by_you: bool
    winner: Settlement | None
    message: str
    question: QuestionView


@router.get(
    "/questions",
    summary="Look at what is asked",
    responses=problems("not_allowed", "unknown"),
)
def look_at_open(
    caller: By,
    parts: At,
    cluster: InCluster = None,
    state: Annotated[  # noqa: ARG001  those that are settled stand in their operation
        Literal["open"], Query(description="Settled ones stand in their operation.")
    ] = "open",
) -> Questions:
    """Return the open questions of a cluster."""
    named = cluster_named(caller, cluster)
    readable(caller, named)
    return Questions(questions=parts.counter.questions(named))


@router.get(
    "/questions/{id}",
    summary="Look at a question",
    responses=problems("not_allowed", "unknown"),
)
def look(id: QuestionId, caller: By) -> QuestionView:
    """Return a question as it stands, also if it is settled or closed."""
    question = caller.desk.client.question(id) if served(caller.desk, id, question=True) else None
    if question is None:
        raise _refusal(Decided(outcome=Outcome.UNKNOWN), caller, "")
    readable(caller, question.cluster)
    return question


_ANSWERS = problems("not_allowed", "unknown", "not_a_choice", "closed")


@router.post("/questions/{id}", summary="Answer a question", responses=_ANSWERS)
def answer(id: QuestionId, said: Answer, caller: By, key: IdempotencyKey) -> Decision:
    """Answer a question; the loser of a race is told who won."""
    return _decide(id, said.choice, said.note, caller, key)


@router.post(
    "/questions/{id}/{choice}",
    summary="Answer a question, in short",
    responses=_ANSWERS,
)
def answer_shortly(
    id: QuestionId,
    choice: Annotated[
        str,
        Path(pattern=CHOICE, description="One of its choices."),
    ],
    caller: By,
    key: IdempotencyKey,
    said: Note = Note(),  # noqa: B008  frozen
) -> Decision:
    """Answer a question with the choice that stands in the address."""
    return _decide(id, choice, said.note, caller, key)


def _decide(id: str, choice: str, note: str, caller: Caller, key: Key) -> Decision:
    nonce = key.nonce({"choice": choice, "note": note})
    decided = commands.decide(caller.desk, caller.principal, id, choice, note=note, nonce=nonce)
    return decision(decided, choice, caller)


def decision(decided: Decided, choice: str, caller: Caller) -> Decision:
    """Return an answer that was taken or came too late; raise :class:`ProblemError` for others."""
    question = decided.question
    settled = question is not None and question.settled is not None
    late = decided.outcome in {Outcome.CLOSED, Outcome.ALREADY_SETTLED} and not settled
    wrong = {Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_A_CHOICE}
    if question is None or decided.outcome in wrong or late:
        raise _refusal(decided, caller, choice)
    said = decided_words(decided, choice, now_ms=caller.desk.client.now(), style=PLAIN)
    return Decision(
        outcome=decided.outcome,
        settled_by_you=decided.outcome is Outcome.SETTLED,
        winner=question.settled,
        message=said or outcome_line(question, PLAIN) or wait_line(question, PLAIN) or "Recorded.",
        question=question,
    )


def _refusal(decided: Decided, caller: Caller, choice: str) -> ProblemError:
    said = decided_words(decided, choice, now_ms=caller.desk.client.now(), style=PLAIN)
    return ProblemError(_problem(decided, said))


def _problem(decided: Decided, said: str) -> Problem:
    question, outcome = decided.question, decided.outcome
    if outcome is Outcome.REFUSED:
        return problem_of(
            "not_allowed", said, reason=decided.reason, who_may=decided.who_may, outcome=outcome,
            question=question,
        )  # fmt: skip
    if outcome is Outcome.NOT_A_CHOICE:
        wrong = (FieldError(field="choice", detail=said),)
        return problem_of("not_a_choice", said, errors=wrong, outcome=outcome, question=question)
    code: Code = "unknown" if question is None or outcome is Outcome.UNKNOWN else "closed"
    return problem_of(code, said, outcome=outcome, question=question)
