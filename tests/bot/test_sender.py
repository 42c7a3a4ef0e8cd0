"""The sender, killed at each of its calls, and the pure decisions on what is left to say."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_client

import sandbox.slack
from bot.message_store import HOME, MessageStore, Record
from bot.messages import Message, Priority, thread_of
from bot.messages.progress import PARENT
from bot.notifier import Notifier
from bot.telling import Kind, Pace, Place, Step, collapsed, steps_of
from jobs.models import LogEntry, OperationView
from sandbox.slack import Slack
from tests.bot.messages import samples
from tests.bot.telling_bench import QUICK, START, WORKSPACE, Bench, buttons, said

ID = "prod-eu-7f3k9q"
HERE = Place("C01OPS", "C02FALL")


class KilledError(BaseException):
    """The process ended here; nothing of it runs any more."""


@pytest.fixture(scope="module")
def slack() -> Iterator[Slack]:
    with sandbox.slack.running(WORKSPACE, rate_limits=False) as running:
        yield running


class _Fuse:
    """Kills at the nth outside call of a notifier, right before it or right after it."""

    def __init__(self, notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.at = -1
        self.after = False
        sender: Any = notifier._sender
        for name in ("post", "update", "find", "permalink", "delete"):
            monkeypatch.setattr(sender._slack, name, self._guard(getattr(sender._slack, name)))
        monkeypatch.setattr(sender._store, "write", self._guard(sender._store.write))

    def _guard(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.at and not self.after:
                raise KilledError
            result = call(*args, **options)
            if self.calls == self.at:
                raise KilledError
            return result

        return guarded


def _story(operation: str) -> list[OperationView]:
    now = int(START * 1000)
    log = (LogEntry(key="c18", what="cordoned", at=now, node="node-18"),)
    fields: dict[str, Any] = {"id": operation, "created_at": now, "log": log}
    return [
        samples.operation(**fields, version=1),
        samples.operation(**fields, version=2, questions=(samples.settled(),)),
        samples.ended(**{**fields, "ended_at": now}, version=3),
    ]


def _tell(bench: Bench, views: list[OperationView]) -> None:
    for view in views:
        bench.client.put(view)
        bench.ticks(3, seconds=1)


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_call_loses_nothing_and_says_nothing_twice(
    slack: Slack, redis: "redis_client.Redis", monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    killed = 0
    for at in range(1, 100):
        operation = f"prod-eu-{after:d}{at:05d}"
        bench = Bench(slack, redis)
        bench.client.leases.token = 10 * at  # each bench is a later term on the same Redis
        fuse = _Fuse(bench.notifier, monkeypatch)
        fuse.at, fuse.after = at, after
        views = _story(operation)
        try:
            _tell(bench, views)
        except KilledError:
            killed += 1
        else:
            break
        bench.pass_time(60)
        bench.notifier = bench.another()
        bench.client.put(views[-1])
        bench.ticks(45, seconds=1)

        keys, parent = _thread(slack, operation)
        # What was decided before it could be asked is told by the story and the end alone.
        wanted = {"parent", "q:node-17-block", "log:c18", "finish"}
        assert sorted(keys) == sorted(wanted), (at, after)
        assert "2 of 2 drained" in said(parent), (at, after)
        assert buttons(parent) == []
    assert killed > 12


def _thread(slack: Slack, operation: str) -> tuple[list[str], dict[str, Any]]:
    def of(message: dict[str, Any]) -> dict[str, str]:
        payload: dict[str, str] = message.get("metadata", {}).get("event_payload", {})
        return payload

    parents = [
        m for m in slack.messages("ops") if of(m) == {"key": "parent", "operation": operation}
    ]
    assert len(parents) == 1, operation
    thread = slack.thread("ops", parents[0]["ts"])
    return [of(m)["key"] for m in thread], parents[0]


# -- what is left to say -------------------------------------------------------------------------


def _messages(**changes: Any) -> tuple[Message, ...]:
    return thread_of(samples.operation(**changes), samples.T0)


def _told(*messages: Message, **changes: Any) -> dict[str, Record]:
    return {
        m.key: Record(
            channel="C01OPS", ts=f"1.{n}", digest=m.digest, version=m.version, state="sent", by=1,
            link="https://x",
        ).change(**changes)
        for n, m in enumerate(messages)
    }  # fmt: skip


def _left(
    messages: tuple[Message, ...], records: dict[str, Record], place: Place = HERE
) -> list[Step]:
    return steps_of(ID, messages, records, place, token=1, pace=Pace())


def test_the_parent_goes_first_and_alone() -> None:
    (step,) = _left(_messages(), {})

    assert (step.kind, step.message.key, step.channel) == (Kind.POST, PARENT, "C01OPS")


def test_questions_go_before_the_story_and_the_story_before_progress() -> None:
    messages = _messages()
    records = _told(messages[0], digest="other")

    kinds = [step.message.priority for step in _left(messages, records)]

    assert kinds == [Priority.URGENT, Priority.LOG, Priority.PROGRESS]


def test_what_became_of_a_question_is_shown_before_the_end_and_the_end_leaves_room_for_it() -> None:
    messages = thread_of(samples.ended(questions=(samples.settled(),), log=()), samples.T0)

    steps = _left(messages, _told(*messages, digest="another"))

    left = [(step.kind, step.message.priority, step.may_wait) for step in steps]
    assert left == [
        (Kind.UPDATE, Priority.URGENT, False),  # the word to whoever asked
        (Kind.UPDATE, Priority.SETTLED, False),
        (Kind.UPDATE, Priority.ENDED, True),
    ]


def test_what_is_in_step_needs_nothing() -> None:
    messages = _messages()

    assert _left(messages, _told(*messages)) == []


def test_a_changed_clock_alone_is_no_reason_to_update() -> None:
    early, late = (thread_of(samples.operation(), samples.T0 + s * 1_000) for s in (1, 9))

    assert early[0].blocks != late[0].blocks
    assert _left(late, _told(*early)) == []


def test_fresh_block_ids_come_with_every_change() -> None:
    first = _messages()[0]
    other = _messages(paused_by=samples.BO)[0]

    ids = {block["block_id"] for message in (first, other) for block in message.blocks}

    assert len(ids) == len(first.blocks) + len(other.blocks)


def test_what_was_said_from_a_newer_state_stays() -> None:
    messages = _messages(version=5)
    records = _told(*messages, version=6, digest="newer")

    assert _left(messages, records) == []


def test_an_unchanging_message_is_never_updated() -> None:
    messages = _messages()
    records = _told(*messages) | {"log:c18": Record(ts="1.9", state="sent", channel="C01OPS")}

    assert _left(messages, records) == []


def test_progress_waits_its_time_and_an_end_does_not() -> None:
    messages = _messages()
    records = _told(*messages, digest="other", updated=1_000)
    running = [s for s in _left(messages, records) if s.message.key == PARENT]
    ended = thread_of(samples.ended(), samples.T0)
    over = [s for s in _left(ended, records) if s.message.key == PARENT]

    assert [s.not_before for s in running] == [1_000 + Pace().progress]
    assert [s.not_before for s in over] == [0]


def test_a_doubtful_post_is_looked_for_before_anything_else_happens_to_it() -> None:
    messages = _messages()
    records = {PARENT: Record(channel="C01OPS", state="sending", sent_as=PARENT, began=5_000, by=1)}

    (step,) = _left(messages, records)

    assert (step.kind, step.not_before) == (Kind.FIND, 5_000 + Pace().doubt)


def test_a_post_that_certainly_did_not_happen_is_made_at_once() -> None:
    (step,) = _left(_messages(), {PARENT: Record(state="unsent", began=5_000)})

    assert (step.kind, step.not_before) == (Kind.POST, 0)


def test_somebody_who_deletes_it_again_and_again_is_obeyed() -> None:
    messages = _messages()
    asked = messages[1].key
    records = _told(*messages) | {asked: Record(state="lost", losses=3)}

    assert _left(messages, records) == []


def test_questions_stand_alone_where_the_parent_is_gone_for_good() -> None:
    messages = _messages(log=())
    records = {PARENT: Record(state="lost", losses=3)}

    (step,) = _left(messages, records, Place("C01OPS"))

    assert (step.message.key, step.channel, step.thread_ts) == (
        "q:node-17-block", "C01OPS", "",
    )  # fmt: skip


def test_what_is_open_follows_to_the_fallback_channel_and_the_story_so_far_does_not() -> None:
    messages = _messages()
    records = _told(*messages) | {HOME: Record(channel="C02FALL", moved_from="C01OPS")}
    moved = Place("C02FALL", "C02FALL", "C01OPS")

    first = _left(messages, records, moved)
    records |= _told(messages[0], channel="C02FALL", ts="9.9")
    second = _left(messages, records, moved)

    assert [s.message.key for s in first] == [PARENT]
    assert [(s.message.key, s.thread_ts) for s in second] == [("q:node-17-block", "9.9")]


def test_entries_of_a_doubtful_summary_stay_together() -> None:
    log = tuple(
        LogEntry(key=f"{n}", what="cordoned", at=samples.T0, node=f"node-{n}") for n in range(8)
    )
    view = samples.operation(log=log)
    records = {f"log:{n}": Record(state="sending", sent_as="logs:4") for n in range(5)}

    joined = collapsed(view, thread_of(view, samples.T0), records, above=3)

    told = [m for m in joined if m.priority is Priority.LOG]
    assert [m.key for m in told] == ["logs:4", "log:5", "log:6", "log:7"]
    assert told[0].covers == tuple(f"log:{n}" for n in range(5))


def test_a_search_that_is_not_allowed_posts_again_rather_than_never(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, fallback_channel=""))
    view = samples.operation(id="prod-eu-search", questions=(), log=())
    began = Record(
        channel="C01OPS", state="sending", sent_as=PARENT, began=bench.clock.ms() - 9_000
    )
    MessageStore(redis).write(0, view.id, {PARENT: began})
    slack.fault(
        sandbox.slack.Fault(method="conversations.history", kind="error", error="missing_scope")
    )
    bench.client.put(view)

    bench.ticks(6)

    assert bench.store.read(view.id)[PARENT].state == "sent"
