"""What an answer to a question takes."""

from jobs.authorization import Action, action_of_choice
from jobs.models import QuestionKind, QuestionView
from jobs.workflows import choices


def actions_of(choice: str, question: QuestionView) -> list[Action]:
    """Return all that somebody must be allowed to do to answer so; nothing for no known choice."""
    action = action_of_choice(choice)
    if action is None or question.kind is not QuestionKind.START:
        return [action] if action else []
    # Who asked may start what they asked for, but not decide about what it refuses.
    return [Action.START, *([action] if choice == choices.EVICT_ANYWAY else [])]
