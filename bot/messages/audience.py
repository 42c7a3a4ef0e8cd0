"""What a rendering has to know beside the state: who may settle, and where messages are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jobs.models import QuestionView

__all__ = ["Audience", "nobody"]


def nobody(question: QuestionView) -> tuple[str, ...]:  # noqa: ARG001  the shape of `mentions`
    """Mention nobody."""
    return ()


@dataclass(frozen=True)
class Audience:
    """Who may settle a question (ids of users and user groups), and permalinks by message key.

    `moved_from` is the channel that the operation was told in until Slack refused it there.
    """

    mentions: Callable[[QuestionView], tuple[str, ...]] = nobody
    links: Mapping[str, str] = field(default_factory=dict)
    moved_from: str = ""
