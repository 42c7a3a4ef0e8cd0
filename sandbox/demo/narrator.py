"""Tells in plain lines what drainbot and the cluster do, from state and from the cluster's journal.

What is told is decided by pure functions over what was told before; :class:`Narrator` looks.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.messages.decisions import outcome_line
from bot.messages.finish import finish_text, is_return
from bot.messages.log import log_words
from bot.messages.question import question_text
from bot.messages.style import PLAIN
from bot.messages.text import listing, short_id
from jobs.client import Client
from jobs.errors import StateUnavailable
from jobs.models import OperationState, OperationView
from sandbox.cluster import Cluster, Entry

__all__ = ["Narrator", "Said", "Spoken", "of_cluster", "of_operation", "stamped"]

_NAMED = 2  # pods of one node that are named when they go together
_LEFT_OUT = frozenset({"cordoned", "ended"})  # told from the cluster, and with the end's own words
_WENT = {
    ("create", "pods/eviction"): "evicted {}",
    ("delete", "pods"): "deleted {} past its budget,",
}
_OK = 300  # HTTP: from here on it was not done
_REFUSED = 429  # HTTP: by a budget, or for now


@dataclass(frozen=True)
class Said:
    """One line: who does it (`drainbot`, `cluster`, `demo`), and what."""

    who: str
    words: str


def stamped(said: Said, at: float) -> str:
    """Return a line with its moment (seconds since the epoch), in local time."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}  {said.who:<8}  {said.words}"


class Spoken:
    """A style of messages for a terminal beside the chat: people by their names."""

    def __init__(self, people: Mapping[str, str]) -> None:
        self._people = people

    def text(self, words: str, limit: int = 300) -> str:
        """Make foreign words safe to show."""
        return PLAIN.text(words, limit)

    def person(self, principal: str) -> str:
        """Name a user: `@bo`."""
        name = PLAIN.person(principal)
        return f"@{self._people.get(name, name)}"

    def time(self, ms: int, *, seconds: bool = False, day: bool = False) -> str:  # noqa: ARG002  the same shape
        """Say a moment in local time. The demo is of today."""
        return time.strftime("%H:%M:%S" if seconds else "%H:%M", time.localtime(ms / 1000))

    def bold(self, words: str) -> str:
        """Say it as it is."""
        return words

    def link(self, words: str, url: str) -> str:  # noqa: ARG002  the same shape for all styles
        """Say the words alone."""
        return words


def of_operation(view: OperationView, style: Spoken) -> list[tuple[str, Said]]:
    """Return all there is to say of an operation so far, in order, each under a key that stays."""
    facts = sorted(_facts(view, style), key=lambda fact: fact[0])
    return [(f"{view.id}:{key}", Said("drainbot", words)) for _, key, words in facts]


def _facts(view: OperationView, style: Spoken) -> Iterator[tuple[int, str, str]]:
    """Yield when it was (ms), its key, and words."""
    if view.plan or view.life or view.state is OperationState.ENDED:  # else it isn't known what for
        yield view.created_at, "asked", _asked(view, style)
    for question in view.questions:
        key = question.id
        yield question.opened_at, f"{key}:asked", f"asked: {question_text(view, question, style)}"
        for wait in question.waits:
            yield (
                wait.at,
                f"{key}:wait:{wait.at}",
                f"{style.person(wait.by)} chose to wait another hour",
            )
        ended = outcome_line(question, style)
        if ended and question.settled:
            yield question.settled.at, f"{key}:ended", f"settled: {ended}"
        elif ended:
            yield question.closed_at, f"{key}:ended", f"closed: {ended}"
    for entry in view.log:
        if entry.what not in _LEFT_OUT:
            yield entry.at, f"log:{entry.key}", log_words(entry, style)
    if view.state is OperationState.ENDED:
        yield view.ended_at, "ended", finish_text(view, style)


def _asked(view: OperationView, style: Spoken) -> str:
    nodes = listing([node.name for node in view.nodes], 6, last=" and ")
    who, op = style.person(view.requester), f"op {short_id(view.id)}"
    if view.life:
        return f"{op} looks after {nodes}, which {who} had drained"
    wish = f"to have {nodes} back" if is_return(view) else f"to drain {nodes}"
    return f"{who} asked {wish} ({op})"


def of_cluster(entries: Sequence[Entry], refused: set[tuple[str, int]]) -> list[Said]:
    """Return what happened in the cluster, in order; pods that go together share a line.

    `refused` remembers which refusals were told: a drain that tries again would tell them forever.
    """
    lines: list[Said] = []
    together: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        if entry.dry_run or entry.status is None:
            continue
        done = entry.carried_out and entry.status < _OK
        if done and entry.resource == "nodes":
            lines += [*_gone(together), *_cordon(entry)]
            together = {}
        elif done and (entry.verb, entry.resource) in _WENT:
            words, node = _WENT[entry.verb, entry.resource], entry.node or "?"
            together.setdefault((words, node), []).append(f"{entry.namespace}/{entry.name}")
        elif entry.resource == "pods/eviction" and entry.status >= _OK:
            lines += _refused(entry, refused)
    return [*lines, *_gone(together)]


def _cordon(entry: Entry) -> Iterator[Said]:
    spec = (entry.body or {}).get("spec") or {}
    if "unschedulable" in spec:
        words = "cordoned" if spec["unschedulable"] else "uncordoned"
        yield Said("cluster", f"{entry.name} is {words}")


def _refused(entry: Entry, refused: set[tuple[str, int]]) -> Iterator[Said]:
    key = (entry.object_uid or entry.name, entry.status or 0)
    if key not in refused:
        refused.add(key)
        why = f"{entry.status}{', a budget' if entry.status == _REFUSED else ''}"
        words = f"refuses to evict {entry.namespace}/{entry.name} from {entry.node}"
        yield Said("cluster", f"{words} ({why})")


def _gone(together: Mapping[tuple[str, str], list[str]]) -> list[Said]:
    return [
        Said("cluster", f"{words.format(listing(pods, _NAMED, last=' and '))} from {node}")
        for (words, node), pods in together.items()
    ]


@dataclass
class Narrator:
    """Looks at drainbot's state and at the cluster, and says what is new."""

    client: Client
    cluster: Cluster
    name: str
    style: Spoken
    _cursor: str = "0-0"
    _read: int = 0
    _told: set[str] = field(default_factory=set)
    _refused: set[tuple[str, int]] = field(default_factory=set)
    _away: bool = False

    def look(self) -> list[Said]:
        """Return what happened since the last look. That Redis is away is said once."""
        try:
            lines = self._of_drainbot()
        except StateUnavailable:
            lines = [] if self._away else [Said("demo", "Redis can't be reached; looking again.")]
            self._away = True
        else:
            self._away = False
        entries = self.cluster.requests()
        new, self._read = entries[self._read :], len(entries)
        return [*lines, *of_cluster(new, self._refused)]

    def _of_drainbot(self) -> list[Said]:
        lines: list[Said] = []
        for change in self.client.changes({self.name: self._cursor}, wait=0):
            views = [self.client.operation(one) for one in change.operations]
            if change.lost:
                views = list(self.client.operations(self.name))
            for view in sorted(filter(None, views), key=lambda view: view.created_at):
                for key, said in of_operation(view, self.style):
                    if key not in self._told:
                        self._told.add(key)
                        lines.append(said)
            # Only now: an answer that did not come is asked for again.
            self._cursor = change.cursor
        return lines
