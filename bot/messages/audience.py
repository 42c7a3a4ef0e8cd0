"""What a rendering has to know beside the state: who may settle, and where messages are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jobs.models import QuestionView

__all__ = ["Audience", "OwnersPlace", "nobody", "nowhere"]


def nobody(question: QuestionView) -> tuple[str, ...]:  # noqa: ARG001  the shape of `mentions`
    """Mention nobody."""
    return ()


@dataclass(frozen=True)
class OwnersPlace:
    """A channel of owners whose pods are in the way: of which namespaces, and whom to mention.

    `votes`: to force their pods takes a vote of theirs.
    """

    channel: str
    who: tuple[str, ...]
    namespaces: tuple[str, ...]
    votes: bool = True


def nowhere(question: QuestionView) -> tuple[OwnersPlace, ...]:  # noqa: ARG001  as above
    """Ask no owners."""
    return ()


@dataclass(frozen=True)
class Audience:
    """Who may settle a question (ids of users and user groups), and permalinks by message key.

    `owners` are those who are asked too, each in their own channel.
    `moved_from` is the channel that the operation was told in until Slack refused it there.
    `copies` are the keys of owners' copies that are there.
    `every`: how often progress can be shown, in seconds, where that is seldom; else 0.
    """

    mentions: Callable[[QuestionView], tuple[str, ...]] = nobody
    owners: Callable[[QuestionView], tuple[OwnersPlace, ...]] = nowhere
    links: Mapping[str, str] = field(default_factory=dict)
    moved_from: str = ""
    copies: frozenset[str] = frozenset()
    every: int = 0
