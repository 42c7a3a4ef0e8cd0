"""What is left to say: compares what should be read with what was said; pure.

`steps_of` looks at one operation's messages and records and returns the calls that would bring
Slack in step with them, the most urgent first. The sender carries one out at a time, and the rest
is worked out anew: the latest state wins, and nothing is queued that could be stale.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.budget import LIMITS
from bot.message_store import HOME, Record
from bot.messages import Message, Priority
from bot.messages.finish import FINISH
from bot.messages.log import summary
from bot.messages.progress import PARENT
from bot.messages.question import question_key, successor_of
from jobs.models import OperationState, OperationView, QuestionKind, QuestionView

__all__ = [
    "Kind",
    "Place",
    "Step",
    "address_of",
    "collapsed",
    "leads_to",
    "links_of",
    "place_of",
    "shown_every",
    "steps_of",
]

_SELDOM = 5.0  # s between two updates, from which on it is said
_STEPS = (5, 10, 15, 20, 30, 45, 60, 120, 180, 300, 600)
MAX_LOSSES = 2  # somebody who deletes it twice doesn't want it


class Kind(StrEnum):
    """What a step does."""

    POST = "post"
    FIND = "find"  # a post whose outcome is unknown
    UPDATE = "update"
    LINK = "link"  # ask for a question's address
    CHECK = "check"  # look for a late duplicate


@dataclass(frozen=True)
class Place:
    """Where an operation is told. `moved_from` can't be reached any more."""

    home: str
    fallback: str = ""
    moved_from: str = ""


@dataclass(frozen=True)
class Step:
    """One thing to do in Slack, not before `not_before` (ms since the epoch)."""

    operation: str
    kind: Kind
    message: Message
    channel: str
    thread_ts: str
    rank: tuple[int, int, int]
    not_before: int = 0

    @property
    def may_wait(self) -> bool:
        """Whether it leaves room for what is more urgent.

        Last states do too: of a minute's updates each drain takes one for its end, and whoever
        presses a button of another one's question wants to see at once that it counted.
        """
        return self.rank[0] >= Priority.PROGRESS or self.rank[0] == Priority.ENDED


@dataclass(frozen=True)
class Pace:
    """How long to wait for what, in milliseconds.

    `progress`: between updates of one message. `doubt`: before an unknown post is looked for.
    """

    progress: int = 1_500
    doubt: int = 3_000


def place_of(view: OperationView, records: Mapping[str, Record], fallback: str) -> Place:
    """Return where an operation is told now."""
    moved = records.get(HOME)
    if moved is not None:
        return Place(moved.channel, fallback, moved.moved_from)
    return Place(view.channel or fallback, fallback)


def collapsed(
    view: OperationView,
    messages: Sequence[Message],
    records: Mapping[str, Record],
    *,
    above: int,
) -> tuple[Message, ...]:
    """Join log entries that were not told yet into one message, where they are more than `above`.

    Entries that a post may have carried already stay together as they were then, so that it can be
    found again.
    """
    told = {f"log:{entry.key}": entry for entry in view.log}
    groups: dict[str, list[str]] = {}
    new: list[str] = []
    others: list[Message] = []
    for message in messages:
        record = records.get(message.key)
        if message.key not in told:
            others.append(message)
        elif record is None or record.state == "unsent":
            new.append(message.key)
        elif record.state == "sending" and record.sent_as != message.key:
            groups.setdefault(record.sent_as, []).append(message.key)
        elif record.state == "sending":
            others.append(message)
    joined = [summary(view, [told[key] for key in keys]) for keys in groups.values()]
    if len(new) > above:
        joined.append(summary(view, [told[key] for key in new]))
    else:
        joined += [message for message in messages if message.key in set(new)]
    return (*others, *joined)


def steps_of(
    operation: str,
    messages: Sequence[Message],
    records: Mapping[str, Record],
    place: Place,
    *,
    token: int,
    pace: Pace,
) -> list[Step]:
    """Return what is left to do, the most urgent first; empty where Slack is in step."""
    steps: list[Step] = []
    log_waits = False
    for index, message in enumerate(messages):
        record = _record(message, records)
        step = _step(operation, message, record, records, place, index, pace, token)
        if step is None or (log_waits and message.priority is Priority.LOG):
            continue
        # One line of the story at a time, so that lines stay in order.
        log_waits = log_waits or message.priority is Priority.LOG
        steps.append(step)
    return sorted(steps, key=lambda step: step.rank)


def _record(message: Message, records: Mapping[str, Record]) -> Record | None:
    return next((records[key] for key in message.covers if key in records), None)


def _step(
    operation: str,
    message: Message,
    record: Record | None,
    records: Mapping[str, Record],
    place: Place,
    index: int,
    pace: Pace,
    token: int,
) -> Step | None:
    def step(kind: Kind, channel: str, thread_ts: str, rank: int, not_before: int = 0) -> Step:
        since = record.updated if record else 0
        return Step(operation, kind, message, channel, thread_ts, (rank, since, index), not_before)

    if record is None or record.state in {"unsent", "lost"} or _left_behind(message, record, place):
        target = _target(message, record, records, place) if message.post else None
        if target is not None:
            first = Priority.URGENT if message.key == PARENT else message.priority
            return step(Kind.POST, *target, first)
        # Nobody wants it any more, but an earlier post of it may have arrived after all.
        old = record if record is not None and record.state == "unsent" else Record()
        return (
            step(Kind.CHECK, old.channel, old.thread_ts, Priority.PROGRESS + 1, old.check_at)
            if old.check_at
            else None
        )
    if not record.ts:
        found = (record.channel, record.thread_ts)
        return step(Kind.FIND, *found, message.priority, record.began + pace.doubt)
    if _differs(message, record):
        slow = message.priority is Priority.PROGRESS and record.by == token
        wait = record.updated + pace.progress if slow else 0
        return step(Kind.UPDATE, record.channel, record.thread_ts, message.priority, wait)
    later = _later(message, record)
    if later is None:
        return None
    kind, rank, not_before = later
    return step(kind, record.channel, record.thread_ts, rank, not_before)


def _later(message: Message, record: Record) -> tuple[Kind, int, int] | None:
    """Return what is left where the words are right: kind, rank, and when."""
    if record.again_at:
        return Kind.UPDATE, message.priority, record.again_at
    if not record.link and message.key.startswith("q:") and message.priority is Priority.URGENT:
        return Kind.LINK, Priority.PROGRESS, 0
    if record.check_at:
        return Kind.CHECK, Priority.PROGRESS + 1, record.check_at
    return None


def _differs(message: Message, record: Record) -> bool:
    if not message.mutable or record.version > message.version:
        return False  # what was said is newer: nothing older overwrites it
    return record.state == "sending" or record.digest != message.digest


def _left_behind(message: Message, record: Record, place: Place) -> bool:
    """Whether the message is in a channel that is gone, and still matters."""
    return (
        bool(place.moved_from)
        and record.channel == place.moved_from
        and not message.channel
        and (message.key in {PARENT, FINISH} or message.priority is Priority.URGENT)
    )


def _target(
    message: Message, record: Record | None, records: Mapping[str, Record], place: Place
) -> tuple[str, str] | None:
    """Return channel and thread for a post, or None where it can't be posted (yet)."""
    channel = message.channel or place.home
    losses = record.losses if record is not None else 0
    if losses > MAX_LOSSES:
        return None
    if losses and place.fallback and not message.confined:
        channel = place.fallback
    if not channel:
        return None
    parent = records.get(PARENT)
    # An update of the parent that is in doubt holds up nobody: it is there all the same.
    there = parent is not None and parent.channel == channel and bool(parent.ts)
    if not message.in_thread:
        return channel, ""
    if parent is not None and there:
        return channel, parent.ts
    gone = parent is not None and parent.losses > MAX_LOSSES
    # In another channel than the parent's, or where that is gone for good, it stands alone.
    return (channel, "") if gone or channel != place.home else None


def address_of(records: Mapping[str, Record], workspace: str) -> str:
    """Return the address of an operation's thread, "" while it is nowhere.

    It is put together as Slack's permalinks are, from the workspace's address (`url` of auth.test:
    https://docs.slack.dev/reference/methods/chat.getPermalink), so that it takes no call.
    """
    parent = records.get(PARENT)
    if not workspace or parent is None or not parent.ts:
        return ""
    return f"{workspace.rstrip('/')}/archives/{parent.channel}/p{parent.ts.replace('.', '')}"


def links_of(view: OperationView, records: Mapping[str, Record], workspace: str) -> dict[str, str]:
    """Return the addresses of an operation and of its questions by their ids, where known."""
    links = {view.id: address_of(records, workspace)}
    for question in view.questions:
        record = records.get(question_key(question))
        if record is not None and record.ts and workspace:
            thread = (
                f"?thread_ts={record.thread_ts}&cid={record.channel}" if record.thread_ts else ""
            )
            at = f"{record.channel}/p{record.ts.replace('.', '')}{thread}"
            links[question.id] = f"{workspace.rstrip('/')}/archives/{at}"
    return {id: link for id, link in links.items() if link}


def leads_to(
    view: OperationView, question: QuestionView, records: Mapping[str, Record], workspace: str
) -> str:
    """Return the address of the question that took another one's place, "" where none is known.

    A Start is asked by the operation's first message.
    """
    found = successor_of(view, question)
    if found is None:
        return ""
    links = links_of(view, records, workspace)
    start = found.kind is QuestionKind.START
    return links.get(view.id if start else found.id) or links.get(view.id, "")


def shown_every(views: Iterable[OperationView], progress: float) -> int:
    """Return how often the progress of each running operation can be shown, in seconds.

    0 where that is as often as anybody would look. All share the budget's updates, and none is
    shown more often than every `progress` seconds. It is said in steps, so that it seldom changes.
    """
    running = sum(view.state is OperationState.RUNNING for view in views)
    seconds = max(progress, running / LIMITS["chat.update"].rate)
    if seconds < _SELDOM:
        return 0
    return next((step for step in _STEPS if step >= seconds), _STEPS[-1])


def open_links(records: Mapping[str, Record]) -> Iterator[tuple[str, str]]:
    """Yield the addresses that are known, by message key."""
    for key, record in records.items():
        if record.link.startswith("https://") or record.link.startswith("http://"):
            yield key, record.link
