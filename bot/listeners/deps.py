"""What listeners work with, and who they let in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bot.commands import Desk
from bot.listeners.delivery import Delivery
from bot.listeners.within import Aside, Within
from bot.messages.ephemeral import OTHER_ORGANISATION
from bot.messages.message import BlockDict
from bot.outbox import Note
from jobs.errors import DrainbotError
from jobs.models import Decided, Principal, QuestionView

__all__ = ["Deps", "Looks", "NotAdmitted", "Notes", "admit"]


class Notes(Protocol):
    """As :class:`bot.outbox.Outbox`: where words to one person wait for the notifier, durably."""

    def queue_note(self, note: Note) -> None:
        """Put a note in line."""
        ...


class Looks(Protocol):
    """As :class:`bot.home_store.HomeStore`: who looks at their home tab, and what they are told."""

    def looked(self, user: str) -> None:
        """Note that somebody looks at it, or pressed something there."""
        ...

    def tell(self, user: str, words: str) -> None:
        """Tell somebody something there; it is durable when this returns."""
        ...

    def heard(self, user: str) -> None:
        """Take that back: they have read it."""
        ...


def _nowhere(question: QuestionView) -> str:  # noqa: ARG001  the shape of `leads_to`
    return ""


def _members(user: str) -> str | None:  # noqa: ARG001  the shape of `outsider`
    return ""


_NOT_KNOWN = (
    "The policy does not name you, and Slack does not say at the moment whether you are a member "
    "of this workspace or a guest; guests are refused. Nothing changed. Try again."
)


class NotAdmitted(DrainbotError):  # noqa: N818  it names what the person is told
    """The person may not even ask; the text tells them why."""


@dataclass(frozen=True)
class Deps:
    """What listeners need; one for the whole process.

    `desk` is None where there is no policy: then nothing is allowed, and `no_policy` says so.
    `open_view` opens a modal and returns what went wrong, or ""; `respond` posts words for one
    person to a response_url. Both are slow, and only ever run aside. `leads_to` returns the
    address of what took a question's place, or "".

    `outsider` asks Slack about somebody whom the policy does not name: what they are if no full
    member of the workspace, None where nobody can say. `named` are users whom it names itself.
    """

    desk: Desk | None
    no_policy: str
    notes: Notes
    within: Within
    aside: Aside
    open_view: Callable[[str, BlockDict], str]
    respond: Callable[[str, dict[str, Any]], None]
    looks: Looks
    leads_to: Callable[[QuestionView], str] = _nowhere
    outsider: Callable[[str], str | None] = _members
    named: frozenset[str] = frozenset()

    def successor(self, decided: Decided) -> str:
        """Return where somebody is sent whose answer came too late for a question."""
        question = decided.question
        return self.leads_to(question) if question is not None and question.superseded_by else ""


def admit(deps: Deps, delivery: Delivery) -> tuple[Desk, Principal]:
    """Return the desk, and the person as a principal with what is known of their groups.

    Raises :class:`NotAdmitted` for people of other organizations, for guests and bots, and for
    everybody where there is no policy; :class:`jobs.errors.StateUnavailable`.
    """
    desk = deps.desk
    if desk is None:
        raise NotAdmitted(deps.no_policy)
    if not delivery.belongs_to(desk.policy.team):
        raise NotAdmitted(OTHER_ORGANISATION)
    outsider = desk.directory.outsider(delivery.user)
    if delivery.user not in deps.named and not desk.directory.knows(delivery.user):
        found = deps.outsider(delivery.user)
        if found is None:
            raise NotAdmitted(_NOT_KNOWN)
        outsider = found
    if outsider:
        raise NotAdmitted(f"drainbot takes no orders from {outsider}. Nothing changed.")
    return desk, desk.directory.principal(desk.policy.team, delivery.user)
