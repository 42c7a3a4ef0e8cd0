"""Keeps Slack in step with the state: one notifier a workspace, by lease.

It reads which operations changed, renders each from its state, compares that with what was said,
and carries out what is most urgent within the budget. It holds nothing that a kill would lose: the
state is the operations', what was said is in the message store, notes are in the outbox.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from bot.beside import Beside
from bot.courtesy import Courtesy
from bot.losses import Losses
from bot.message_store import Deposed, MessageStore, Record
from bot.messages import Audience, Message, thread_of
from bot.messages.audience import OwnersPlace, nobody, nowhere
from bot.messages.finish import FINISH
from bot.messages.owners import COPY
from bot.notes import Notes
from bot.notifier_settings import NotifierSettings
from bot.outbox import Outbox
from bot.sender import Sender
from bot.slack_api import SlackApi
from bot.telling import (
    Pace,
    Step,
    address_of,
    collapsed,
    open_links,
    place_of,
    shown_every,
    steps_of,
)
from jobs.client import Client
from jobs.errors import StateUnavailable
from jobs.models import LostState, OperationState, OperationView, QuestionView

__all__ = ["Mentions", "Notifier", "NotifierSettings"]

log = structlog.get_logger()

Mentions = Callable[[OperationView, QuestionView], tuple[str, ...]]
"""Who may settle a question today: ids of users and user groups."""

Owners = Callable[[QuestionView], tuple[OwnersPlace, ...]]
"""The channels of owners who are asked a question too."""


@dataclass
class _Told:
    """One operation in memory: a cache of Redis, dropped with the lease."""

    view: OperationView
    records: dict[str, Record]
    messages: tuple[Message, ...] = ()
    address: str = ""


@dataclass
class _Term:
    """What one term of the lease knows."""

    token: int = 0
    cursors: dict[str, str] = field(default_factory=dict)
    told: dict[str, _Told] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    waits: dict[str, float] = field(default_factory=dict)  # what is to be told, since when
    finished: OrderedDict[str, int] = field(default_factory=OrderedDict)
    polled: float = 0
    swept: float = 0


_REMEMBERED = 5_000  # ended operations that need no second look
_STANDBY = 1.0  # s between two tries to take the lease
_AWAY_MOST = 1.0  # s between two tries while Redis is away: to be back soon after it is
_TROUBLE_MOST = 15.0  # s between two tries while something fails that nobody foresaw


class Notifier:
    """See the module. `clock` is in seconds and never goes back; `run` blocks, `tick` does not.

    `note_thread` takes an operation and the address of its thread, once that is known.
    `lost` returns what was lost with a Redis that came back empty. `beside` makes what else is
    told, given the sender whose budget it shares.

    `beat` is the clock's time of the last tick that reached Redis: a probe may look at it.
    """

    def __init__(
        self,
        client: Client,
        slack: SlackApi,
        store: MessageStore,
        outbox: Outbox,
        settings: NotifierSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        mentions: Mentions | None = None,
        owners: Owners = nowhere,
        courtesy: Courtesy | None = None,
        note_thread: Callable[[str, str], None] | None = None,
        lost: Callable[[], tuple[LostState, ...]] | None = None,
        beside: Callable[[Sender], Iterable[Beside]] | None = None,
    ) -> None:
        self.beat = 0.0
        self._settings = settings or NotifierSettings()
        self._client = client
        self._store = store
        self._clock = clock
        self._mentions = mentions
        self._owners = owners
        self._courtesy = courtesy or Courtesy()
        self._note_thread = note_thread or (lambda _operation, _address: None)
        self._sender = Sender(slack, store, clock=clock, settings=self._settings.sender)
        self._notes = Notes(
            outbox, slack, self._sender, clock=clock, expires=self._settings.note_expires
        )
        self._losses = Losses(
            lost or (lambda: ()), self._sender, store, clock=clock,
            channel=self._settings.fallback_channel, pace=self._pace(),
        )  # fmt: skip
        self._beside = tuple(beside(self._sender)) if beside else ()
        self._lease = client.lease("notifier", seconds=self._settings.lease)
        self._held_at = float("-inf")
        self._hurry = False  # more could be sent at once: no waiting for changes
        self._term = _Term()

    def run(self, stop: threading.Event) -> None:
        """Tell until `stop` is set, whatever happens to Redis and Slack; then give up the lease."""
        renewer = threading.Thread(
            target=self._renew, args=(stop,), name="notifier lease", daemon=True
        )
        renewer.start()
        trouble = 0
        while not stop.is_set():
            try:
                pause = self.tick(wait=self._settings.wait)
                trouble = 0
            except StateUnavailable as error:
                trouble += 1
                pause = min(_AWAY_MOST, 0.25 * 2 ** min(trouble, 8))
                log.warning("notifier_waits_for_redis", error=str(error), seconds=pause)
            except Deposed:
                log.warning("notifier_deposed", token=self._term.token)
                self._stand_by()
                pause = _STANDBY
            except Exception:
                # One bad operation must not end all telling; the log has the rest.
                trouble += 1
                pause = min(_TROUBLE_MOST, 0.5 * 2 ** min(trouble, 8))
                log.exception("notifier_failed", seconds=pause)
            if pause > 0:
                stop.wait(pause)
        renewer.join()
        self._release()

    @property
    def lag(self) -> float:
        """For how many seconds the oldest change that waits to be told has waited; 0: none."""
        since = min(list(self._term.waits.values()), default=None)
        return 0.0 if since is None else max(0.0, self._clock() - since)

    def tick(self, *, wait: float = 0) -> float:
        """Do what is due, blocking at most `wait` seconds for changes and the time of a few calls.

        Returns for how long there is nothing to do but to look for changes again. Raises
        StateUnavailable while Redis is away, and Deposed where another notifier has taken over.
        """
        if not self._hold():
            self._stand_by()
            return _STANDBY
        self._sender.flush()
        self._look(0 if self._hurry else wait)
        now_ms = self._client.now()
        self.beat = self._clock()
        for operation in sorted(self._term.dirty):
            self._courtesy.give_way()
            self._refresh(operation, now_ms)
        self._term.dirty.clear()
        self._losses.tell(now_ms)
        self._notes.deliver(now_ms)
        for each in self._beside:
            each.note(now_ms, [(told.view, told.records) for told in self._term.told.values()])
        self._send(now_ms)
        for each in self._beside:
            each.tell(now_ms)
        return 0.0

    # -- the lease ---------------------------------------------------------------------------

    def _hold(self) -> bool:
        now = self._clock()
        ours = self._term.token and self._lease.token == self._term.token
        if ours and now - self._held_at < self._settings.lease / 4:
            return True
        if not self._lease.hold():
            return False
        self._held_at = now
        if self._lease.token != self._term.token:
            self._begin(self._lease.token)
        return True

    def _begin(self, token: int) -> None:
        log.info("notifier_begins", token=token)
        clusters = self._client.clusters()
        self._term = _Term(token=token, cursors=dict.fromkeys(clusters, "$"))
        self._sender.forget()
        self._sender.token = token
        self._notes.begin()
        self._losses.begin()
        for each in self._beside:
            each.begin()

    def _stand_by(self) -> None:
        self._term = _Term()
        self._held_at = float("-inf")
        self._sender.forget()

    def _renew(self, stop: threading.Event) -> None:
        """Renew the lease while a slow call to Slack lasts, but not for a loop that is stuck."""
        while not stop.wait(self._settings.lease / 4):
            stuck = self._clock() - self._held_at > 4 * self._settings.lease
            if not self._term.token or stuck:
                continue
            try:
                self._lease.hold()
            except StateUnavailable as error:
                log.warning("notifier_lease_not_renewed", error=str(error))

    def _release(self) -> None:
        if not self._term.token:
            return
        try:
            self._lease.release()
        except StateUnavailable as error:
            log.warning("notifier_lease_left_to_lapse", error=str(error))

    # -- what changed ------------------------------------------------------------------------

    def _look(self, wait: float) -> None:
        term, now = self._term, self._clock()
        if term.cursors:
            for change in self._client.changes(term.cursors, wait=wait):
                term.cursors[change.cluster] = change.cursor
                term.dirty |= change.operations
                if change.lost:
                    log.warning("notifier_fell_behind", cluster=change.cluster)
                    # Where the stream began anew, its old cursor would be behind for good.
                    term.cursors[change.cluster] = "$" if not change.operations else change.cursor
                    term.swept = 0
        if not term.polled or now - term.polled >= self._settings.progress:
            term.polled = now
            self._poll()
        if not term.swept or now - term.swept >= self._settings.sweep:
            # Who begins looks further back: at what nobody may have told in time.
            back = self._settings.recent if term.swept else self._settings.missed
            term.swept = now
            self._sweep(back)

    def _poll(self) -> None:
        """Mark what runs: its progress makes no event. All else is told by events."""
        self._term.dirty |= {
            operation
            for operation, told in self._term.told.items()
            if told.view.state is OperationState.RUNNING
        }

    def _sweep(self, back: float) -> None:
        """Mark what runs or ended at most `back` s ago: no event is needed for it to be told."""
        now_ms = self._client.now()
        for cluster in self._term.cursors:
            for view in self._client.lately(cluster, since=now_ms - int(back * 1000)):
                known = self._term.finished.get(view.id) == view.version
                if not known and self._is_wanted(view, now_ms):
                    self._term.dirty.add(view.id)

    def _is_wanted(self, view: OperationView, now_ms: int) -> bool:
        """Whether it may be left to tell: of what ended long ago only an end that was missed."""
        ended_ago = now_ms - view.ended_at
        if view.state is not OperationState.ENDED or ended_ago < self._settings.recent * 1000:
            return True
        if ended_ago < self._settings.missed * 1000:
            records = self._store.read(view.id)
            last = records.get(FINISH)
            if records and (last is None or last.state in {"unsent", "sending"}):
                return True
        self._finished(view)
        return False

    def _refresh(self, operation: str, now_ms: int) -> None:
        view = self._client.operation(operation)
        if view is None or self._term.finished.get(operation) == view.version:
            self._term.told.pop(operation, None)
            return
        told = self._term.told.get(operation)
        if told is None:
            told = self._term.told[operation] = _Told(view, self._store.read(operation))
        elif view.version >= told.view.version:
            told.view = view
        self._render(told, now_ms)

    def _render(self, told: _Told, now_ms: int) -> None:
        view = told.view
        place = place_of(view, told.records, self._settings.fallback_channel)
        mentions = self._mentions
        audience = Audience(
            mentions=(lambda question: mentions(view, question)) if mentions else nobody,
            owners=self._owners,
            links=dict(open_links(told.records)),
            moved_from=place.moved_from,
            copies=frozenset(key for key in told.records if key.startswith(COPY)),
            every=shown_every((t.view for t in self._term.told.values()), self._settings.progress),
        )
        told.messages = thread_of(view, now_ms, audience)
        self._note_address(told)

    def _note_address(self, told: _Told) -> None:
        """Let the worker know where an operation is talked about, so that its nodes can tell."""
        address = address_of(told.records, self._settings.workspace)
        if address != told.address and told.view.state is not OperationState.ENDED:
            self._note_thread(told.view.id, address)
            told.address = address

    # -- telling -----------------------------------------------------------------------------

    def _steps(self, told: _Told) -> list[Step]:
        settings = self._settings
        messages = collapsed(told.view, told.messages, told.records, above=settings.summary_above)
        return steps_of(
            told.view.id,
            messages,
            told.records,
            place_of(told.view, told.records, settings.fallback_channel),
            token=self._term.token,
            pace=self._pace(),
        )

    def _pace(self) -> Pace:
        return Pace(int(self._settings.progress * 1000), int(self._settings.doubt * 1000))

    def _ready(self, now_ms: int) -> list[Step]:
        """Return the steps that may go now, the most urgent of all operations first."""
        steps: list[Step] = []
        for operation, told in list(self._term.told.items()):
            left = self._steps(told)
            if not left and told.view.state is OperationState.ENDED:
                self._finish(operation, told)
            if left:
                self._term.waits.setdefault(operation, self._clock())
            else:
                self._term.waits.pop(operation, None)
            steps += left
        # The clock is read after the sender has read it: else a step is always a moment early.
        due = [
            step
            for step in steps
            if step.not_before <= now_ms and self._sender.ready_at(step) <= self._clock()
        ]
        return sorted(due, key=lambda step: step.rank)

    def _send(self, now_ms: int) -> None:
        began, self._hurry = self._clock(), False
        for _ in range(self._settings.batch):
            token, ready = self._term.token, self._ready(now_ms)
            # In a new term nothing of this is known any more.
            if not ready or not self._hold() or self._term.token != token:
                return
            self._courtesy.give_way()
            step = ready[0]
            told = self._term.told[step.operation]
            place = place_of(told.view, told.records, self._settings.fallback_channel)
            elapsed = int((self._clock() - began) * 1000)
            changed = self._sender.carry_out(step, told.records, place, now_ms + elapsed)
            told.records.update(changed)
            # A new address or another channel changes what the other messages say.
            self._render(told, now_ms + elapsed)
        self._hurry = True

    def _finish(self, operation: str, told: _Told) -> None:
        self._finished(told.view)
        del self._term.told[operation]

    def _finished(self, view: OperationView) -> None:
        finished = self._term.finished
        finished[view.id] = view.version
        while len(finished) > _REMEMBERED:
            finished.popitem(last=False)
