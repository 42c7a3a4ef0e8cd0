"""Carries out one step in Slack at a time, so that a kill at any moment loses and doubles nothing.

Before a call the record says `sending`, after it what became of it. Whoever finds `sending` without
a `ts` looks for the message before posting it again. All calls share one budget; a 429 pauses what
it was about, and any doubt about Slack pauses everything, longer each time, and only where a person
must mend it for long: Slack's return is to be noticed within two seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import structlog

from bot.budget import Budget
from bot.message_store import HOME, MessageStore, Record
from bot.messages import Message
from bot.messages.progress import PARENT
from bot.slack_api import Away, Failed, Found, Outcome, RateLimited, Sent, SlackApi, Unknown
from bot.slack_errors import (
    APP_REFUSED,
    BLOCKS_REFUSED,
    CHANNEL_GONE,
    MESSAGE_GONE,
    THREAD_GONE,
)
from bot.telling import Kind, Place, Step
from jobs.errors import StateUnavailable

__all__ = ["Sender", "SenderSettings"]

log = structlog.get_logger()

_METHODS = {
    Kind.POST: "chat.postMessage",
    Kind.UPDATE: "chat.update",
    Kind.LINK: "chat.getPermalink",
}
_NO_LINK = "none"
_SKEW = 300  # s that Slack's clock and Redis' may differ
_SAY_EVERY = 60.0  # s between two lines of the log about a Slack that stays away

GIVEN_UP = 99


@dataclass(frozen=True)
class SenderSettings:
    """How long a doubtful Slack is left alone, at first and at most; all in seconds.

    `away_most`: while it can't be reached; `refused_most`: while it refuses the app or the channel,
    which a person has to mend. `duplicates_after`: when to look for a late duplicate. `late_after`:
    how long a call of a deposed notifier may still arrive.
    """

    backoff_first: float = 0.5
    away_most: float = 1.5
    refused_most: float = 30
    duplicates_after: float = 30
    late_after: float = 20


class Sender:
    """Sends for one notifier. `clock` is in seconds and never goes back.

    `token` is the fencing token of the current term; each write carries it.
    """

    def __init__(
        self,
        slack: SlackApi,
        store: MessageStore,
        *,
        clock: Callable[[], float],
        settings: SenderSettings | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.token = 0
        self._slack = slack
        self._store = store
        self._clock = clock
        self._settings = settings or SenderSettings()
        self._budget = budget or Budget()
        self._quiet_until = 0.0
        self._doubts = 0
        self._say_at = 0.0
        self._unsaved: dict[str, dict[str, Record]] = {}

    def ready_at(self, step: Step) -> float:
        """Return when the budget lets the step go, by `clock`."""
        method = _METHODS.get(step.kind) or _search(step.thread_ts)
        return self.call_ready_at(method, step.channel, spare=1 if step.may_wait else 0)

    def call_ready_at(self, method: str, channel: str, *, spare: float = 0) -> float:
        """Return when a method may be called, by `clock`."""
        ready = self._budget.ready_at(method, channel, self._clock(), spare=spare)
        return max(ready, self._quiet_until)

    @property
    def doubtful(self) -> bool:
        """Whether the last call left it in doubt if Slack is there."""
        return self._doubts > 0

    def flush(self) -> None:
        """Store what could not be stored while Redis was away. Raises as the store does."""
        for operation in list(self._unsaved):
            self._store.write(self.token, operation, self._unsaved[operation])
            del self._unsaved[operation]

    def forget(self) -> None:
        """Begin a new term: what was not stored is looked for in Slack instead."""
        self._unsaved.clear()

    def carry_out(
        self, step: Step, records: Mapping[str, Record], place: Place, now_ms: int
    ) -> dict[str, Record]:
        """Do one step and return the records that changed. Raises as the store does."""
        if step.kind is Kind.POST:
            return self._post(step, records, place, now_ms)
        if step.kind is Kind.UPDATE:
            return self._update(step, records, place, now_ms)
        if step.kind is Kind.LINK:
            return self._link(step, records)
        return self._find(step, records, now_ms)

    def call(self, method: str, channel: str, call: Callable[[], Outcome]) -> Outcome:
        """Make one call within the budget's books: count it, and mind what it came to."""
        now = self._clock()
        self._budget = self._budget.spend(method, channel, now)
        outcome = call()
        self._mind(method, channel, outcome)
        return outcome

    def _mind(self, method: str, channel: str, outcome: object) -> None:
        now = self._clock()
        if isinstance(outcome, RateLimited):
            log.warning("slack_rate_limited", method=method, seconds=outcome.retry_after)
            self._budget = self._budget.pause(method, channel, now, outcome.retry_after)
        elif isinstance(outcome, Away | Unknown):
            self._back_off(method, outcome.reason, most=self._settings.away_most)
        elif isinstance(outcome, Failed) and outcome.error in APP_REFUSED:
            self._back_off(method, outcome.error, most=self._settings.refused_most)
        else:
            self._doubts = 0

    def _back_off(self, method: str, reason: str, *, most: float) -> None:
        wait = min(most, self._settings.backoff_first * 2 ** min(self._doubts, 10))
        self._doubts += 1
        now = self._clock()
        self._quiet_until = now + wait
        if self._doubts == 1 or now >= self._say_at:  # an hour of it fills no log
            self._say_at = now + _SAY_EVERY
            log.warning("slack_away", method=method, reason=reason, times=self._doubts)

    def _post(
        self, step: Step, records: Mapping[str, Record], place: Place, now_ms: int
    ) -> dict[str, Record]:
        message = step.message
        old = records.get(message.covers[0])
        begun = Record(
            channel=step.channel, thread_ts=step.thread_ts, version=message.version,
            sent_as=message.key, by=self.token, began=now_ms,
            first=old.first if old and old.first else now_ms,
            check_at=old.check_at if old else 0, losses=old.losses if old else 0,
        )  # fmt: skip
        self._store.write(self.token, step.operation, dict.fromkeys(message.covers, begun))
        outcome = self.call(
            "chat.postMessage",
            step.channel,
            lambda: self._slack.post(
                step.channel,
                message.text,
                message.blocks,
                thread_ts=step.thread_ts,
                broadcast=message.broadcast,
                payload=_payload(step),
            ),
        )
        changed = self._posted(step, begun, outcome, records, place, now_ms)
        return self._save(step.operation, changed)

    def _posted(
        self,
        step: Step,
        begun: Record,
        outcome: Outcome,
        records: Mapping[str, Record],
        place: Place,
        now_ms: int,
    ) -> dict[str, Record]:
        covers = step.message.covers
        if isinstance(outcome, Sent):
            log.info("message_posted", operation=step.operation, key=step.message.key)
            sent = self._said(begun, step.message, now_ms).change(ts=outcome.ts)
            return dict.fromkeys(covers, sent)
        if isinstance(outcome, Unknown):
            return dict.fromkeys(covers, begun)
        if isinstance(outcome, RateLimited | Away):
            return dict.fromkeys(covers, begun.change(state="unsent"))
        if isinstance(outcome, Failed):
            return self._post_refused(step, begun, outcome.error, records, place)
        assert_never(outcome)

    def _post_refused(
        self,
        step: Step,
        begun: Record,
        error: str,
        records: Mapping[str, Record],
        place: Place,
    ) -> dict[str, Record]:
        covers = step.message.covers
        unsent = dict.fromkeys(covers, begun.change(state="unsent"))
        if error in APP_REFUSED:
            return unsent
        log.warning("post_refused", operation=step.operation, key=step.message.key, error=error)
        if error in THREAD_GONE and step.thread_ts:
            return {**unsent, **_parent_lost(records.get(PARENT), place)}
        if error in CHANNEL_GONE:
            return {**unsent, **self._channel_gone(step, begun, error, place)}
        if error in BLOCKS_REFUSED and step.message.blocks:
            return self._bare(step, begun)
        return dict.fromkeys(covers, begun.change(state="lost", losses=GIVEN_UP))

    def _channel_gone(
        self, step: Step, begun: Record, error: str, place: Place
    ) -> dict[str, Record]:
        if step.channel != place.home:
            lost = begun.change(state="lost", losses=begun.losses + 1)
            return dict.fromkeys(step.message.covers, lost)
        if place.fallback not in {"", place.home}:
            return self._moved(step, place)
        # Nowhere else to go: a person has to invite the bot or to name a fallback channel.
        most = self._settings.refused_most
        self._back_off("chat.postMessage", f"{error}: {step.channel}", most=most)
        return {}

    def _bare(self, step: Step, begun: Record) -> dict[str, Record]:
        """Post the sentence alone: better without buttons than not at all."""
        log.error("blocks_refused", operation=step.operation, key=step.message.key)
        outcome = self.call(
            "chat.postMessage",
            step.channel,
            lambda: self._slack.post(
                step.channel,
                step.message.text,
                (),
                thread_ts=step.thread_ts,
                broadcast=step.message.broadcast,
                payload=_payload(step),
            ),
        )
        if isinstance(outcome, Sent):
            sent = self._said(begun, step.message, begun.began).change(ts=outcome.ts)
            return dict.fromkeys(step.message.covers, sent)
        if isinstance(outcome, Failed):
            lost = begun.change(state="lost", losses=GIVEN_UP)
            return dict.fromkeys(step.message.covers, lost)
        return dict.fromkeys(step.message.covers, begun)

    def _moved(self, step: Step, place: Place) -> dict[str, Record]:
        log.warning("operation_moved", operation=step.operation, gone=place.home, to=place.fallback)
        home = Record(channel=place.fallback, state="sent", moved_from=place.home)
        return {HOME: home}

    def _update(
        self, step: Step, records: Mapping[str, Record], place: Place, now_ms: int
    ) -> dict[str, Record]:
        message = step.message
        old = records[message.key]
        # A call that a deposed notifier began may still arrive after ours, with older words.
        late = old.state == "sending" and old.by != self.token
        again = old.again_at if old.again_at > now_ms else 0
        if late:
            again = now_ms + int(self._settings.late_after * 1000)
        begun = old.change(state="sending", by=self.token, began=now_ms, again_at=again)
        self._store.write(self.token, step.operation, {message.key: begun})
        outcome = self.call(
            "chat.update",
            step.channel,
            lambda: self._slack.update(
                step.channel, old.ts, message.text, message.blocks, payload=_payload(step)
            ),
        )
        if isinstance(outcome, Sent):
            after = self._said(begun, message, now_ms).change(again_at=again)
        elif isinstance(outcome, Unknown):
            after = begun
        elif isinstance(outcome, RateLimited | Away):
            after = old
        else:
            return self._save(step.operation, self._update_refused(step, old, outcome.error, place))
        return self._save(step.operation, {message.key: after})

    def _update_refused(
        self, step: Step, old: Record, error: str, place: Place
    ) -> dict[str, Record]:
        key = step.message.key
        if error in APP_REFUSED:
            return {key: old}
        log.warning("update_refused", operation=step.operation, key=key, error=error)
        other = place.fallback not in {"", place.home}
        if error in CHANNEL_GONE and old.channel == place.home and other:
            return {key: old, **self._moved(step, place)}
        if error in MESSAGE_GONE or error in CHANNEL_GONE:
            if key == PARENT:
                return _parent_lost(old, place)
            return {key: old.change(state="lost", ts="", link="", losses=old.losses + 1)}
        # Not to be said in this form: as if it were, until the state says something else.
        return {key: self._said(old, step.message, old.updated)}

    def _find(self, step: Step, records: Mapping[str, Record], now_ms: int) -> dict[str, Record]:
        """Look for a post whose outcome is unknown, or for duplicates of one that is known."""
        message = step.message
        record = next(records[key] for key in message.covers if key in records)
        method = _search(step.thread_ts)
        now = self._clock()
        self._budget = self._budget.spend(method, step.channel, now)
        oldest = f"{max(0, record.first // 1000 - _SKEW)}.000000"
        payload = _payload(step)
        found = self._slack.find(step.channel, payload, thread_ts=step.thread_ts, oldest=oldest)
        self._mind(method, step.channel, found)
        if isinstance(found, Found):
            after = self._found(step, record, found, now_ms)
        elif isinstance(found, Failed) and found.error not in APP_REFUSED - {"missing_scope"}:
            # Not to be found out. A second post is better than a question that nobody sees.
            log.warning("search_refused", operation=step.operation, error=found.error)
            after = record.change(state=record.state if record.ts else "unsent", check_at=0)
        else:
            return {}
        return self._save(step.operation, dict.fromkeys(message.covers, after))

    def _found(self, step: Step, record: Record, found: Found, now_ms: int) -> Record:
        check = now_ms + int(self._settings.duplicates_after * 1000)
        if record.ts:
            for extra in (ts for ts in found.ts if ts != record.ts):
                self._delete(step, extra)
            return record.change(check_at=0)
        if not found.ts:
            # Not there, though it may still arrive: post it, and look once more later.
            return record.change(state="unsent", check_at=0 if step.kind is Kind.CHECK else check)
        log.info("message_found", operation=step.operation, key=step.message.key)
        for extra in found.ts[1:]:
            self._delete(step, extra)
        # What it says is not known, so a mutable one is brought up to date.
        return record.change(state="sent", ts=found.ts[0], digest="", updated=now_ms)

    def _delete(self, step: Step, ts: str) -> None:
        log.info("duplicate_deleted", operation=step.operation, key=step.message.key)
        self.call("chat.delete", step.channel, lambda: self._slack.delete(step.channel, ts))

    def _link(self, step: Step, records: Mapping[str, Record]) -> dict[str, Record]:
        record = records[step.message.key]
        outcome = self.call(
            "chat.getPermalink",
            step.channel,
            lambda: self._slack.permalink(step.channel, record.ts),
        )
        if isinstance(outcome, Sent | Failed):
            link = outcome.link if isinstance(outcome, Sent) else _NO_LINK
            return self._save(step.operation, {step.message.key: record.change(link=link)})
        return {}

    def _said(self, record: Record, message: Message, now_ms: int) -> Record:
        return record.change(
            state="sent",
            digest=message.digest,
            version=message.version,
            updated=now_ms,
            by=self.token,
            again_at=0,
        )

    def _save(self, operation: str, records: dict[str, Record]) -> dict[str, Record]:
        try:
            self._store.write(self.token, operation, records)
        except StateUnavailable:
            # Slack knows already; Redis is told as soon as it is back.
            self._unsaved.setdefault(operation, {}).update(records)
        return records


def _parent_lost(parent: Record | None, place: Place) -> dict[str, Record]:
    """Somebody deleted the parent: the story goes on in the fallback channel, if there is one.

    What stands in the old thread stays, and is kept up to date there.
    """
    losses = parent.losses + 1 if parent else 1
    lost = {PARENT: Record(state="lost", losses=losses)}
    if place.fallback in {"", place.home}:
        return lost
    return {**lost, HOME: Record(channel=place.fallback, state="sent")}


def _search(thread_ts: str) -> str:
    return "conversations.replies" if thread_ts else "conversations.history"


def _payload(step: Step) -> dict[str, str]:
    return {"key": step.message.key, "operation": step.operation}
