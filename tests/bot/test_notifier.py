"""The notifier, over a real Redis and the strict stand-in of Slack."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis as redis_client

import sandbox.slack
from bot.message_store import Deposed, Record
from bot.outbox import Note
from jobs.errors import StateUnavailable
from jobs.models import LogEntry, NodeStatus, OperationView, QuestionState, Vote
from sandbox.slack import Fault, Slack
from tests.bot.messages import samples
from tests.bot.telling_bench import QUICK, START, WORKSPACE, Bench, buttons, said


@pytest.fixture
def slack() -> Iterator[Slack]:
    with sandbox.slack.running(WORKSPACE, rate_limits=False) as slack:
        yield slack


@pytest.fixture
def bench(slack: Slack, redis: "redis_client.Redis") -> Bench:
    return Bench(slack, redis)


SHIFT = int(START * 1000) - samples.T0


def view(**changes: object) -> OperationView:
    """Two nodes, one of them blocked, now."""
    fields: dict[str, object] = {"created_at": int(START * 1000), "log": ()}
    return samples.operation(**{**fields, **changes})


def running(version: int = 5, gone: int = 3, **changes: object) -> OperationView:
    """One node on its way, no question."""
    node = samples.NODE_17.model_copy(
        update={"status": NodeStatus.DRAINING, "pods_gone": gone, "started_at": int(START * 1000)}
    )
    return view(questions=(), nodes=(node,), version=version, **changes)


def test_an_operation_gets_one_parent_and_its_question_a_message_that_mentions_who_decides(
    bench: Bench,
) -> None:
    bench.client.put(view())

    bench.ticks(4)

    assert "Waiting for people" in said(bench.parent())
    (asked,) = bench.replies()
    assert buttons(asked) == ["Retry", "Wait 1 h", "Skip node-17", "Force db-2…", "Abort…"]
    assert asked["subtype"] == "thread_broadcast"
    assert bench.slack.mentions("ops", asked["ts"]) == {"S0SRE"}


def test_the_parent_leads_to_the_question(bench: Bench) -> None:
    bench.client.put(view())

    bench.ticks(8)

    assert "|→ question>" in said(bench.parent())


def test_progress_is_shown_in_place_without_an_event(bench: Bench) -> None:
    bench.client.put(running(gone=3))
    bench.ticks(2)
    bench.client.put(running(gone=9), event=False)

    bench.ticks(6)

    assert "9/21" in said(bench.parent())
    assert bench.replies() == []


def test_nothing_is_sent_while_nothing_changes(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(6)
    calls = len(bench.slack.calls())

    bench.ticks(20)

    assert len(bench.slack.calls()) == calls


def test_progress_in_between_is_left_out_when_it_comes_faster_than_it_may_go(
    bench: Bench,
) -> None:
    bench.client.put(running(gone=0))
    bench.ticks(2)
    for gone in range(1, 16):
        bench.client.put(running(gone=gone, version=5 + gone))
        bench.ticks(1, seconds=0.1)

    bench.ticks(6)

    assert "15/21" in said(bench.parent())
    assert len(bench.slack.calls("chat.update")) <= 4


def test_a_settled_question_loses_its_buttons_and_says_who_chose_what(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    bench.client.put(view(questions=(samples.settled(),), version=13))

    bench.ticks(2)

    (asked,) = bench.replies()
    assert buttons(asked) == []
    assert "Forced by <@U02BOB> and <@U03CY> at" in said(asked)
    assert "primary moved" in said(asked)


def test_a_refused_retry_edits_the_same_message(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    retried = samples.settled("retry", note="")
    again = samples.question(id="prod-eu-q-abcdef999999", opened_at=START * 1000)
    bench.client.put(view(questions=(retried, again), version=14))

    bench.ticks(3)

    (asked,) = bench.replies()
    assert "Before: Retried by" in said(asked)
    assert "prod-eu-q-abcdef999999" in str(asked["blocks"])


def test_a_question_that_closed_before_it_was_asked_is_not_asked(bench: Bench) -> None:
    closed = samples.question(state=QuestionState.CLOSED, closed_because="no_longer_needed")
    bench.client.put(view(questions=(closed,)))

    bench.ticks(4)

    assert bench.replies() == []


def test_the_end_is_a_new_message_that_mentions_who_asked(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(2)
    bench.client.put(samples.ended(ended_at=bench.clock.ms(), questions=(), log=()))

    bench.ticks(4)

    (finish,) = bench.replies()
    assert "Safe to power off" in finish["text"]
    assert bench.slack.mentions("ops", finish["ts"]) == {"U01ANA"}
    assert buttons(bench.parent()) == []


def test_the_story_stands_in_the_thread_in_its_order(bench: Bench) -> None:
    log = tuple(
        LogEntry(key=str(n), what="cordoned", at=bench.clock.ms(), node=f"node-{n}")
        for n in range(3)
    )
    bench.client.put(running(log=log))

    bench.ticks(6)

    assert [m["text"] for m in bench.replies()] == [f"node-{n} is cordoned." for n in range(3)]


def test_many_lines_at_once_become_one_message(bench: Bench) -> None:
    log = tuple(
        LogEntry(key=str(n), what="cordoned", at=bench.clock.ms(), node=f"node-{n}")
        for n in range(40)
    )
    bench.client.put(running(log=log))

    bench.ticks(6)

    (summary,) = bench.replies()
    assert "40 things happened" in summary["text"]
    assert "node-39 is cordoned." in said(summary)
    assert "25 earlier entries" in said(summary)


def test_a_reminder_is_a_new_message(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    bench.client.put(view(questions=(samples.question(reminded=("remind",)),), version=13))

    bench.ticks(4)

    assert bench.keys() == ["parent", "q:node-17-block", f"notice:{samples.question().id}:0"]


def test_another_channel_hears_of_an_escalation_without_names_of_pods(bench: Bench) -> None:
    requirements = samples.operation().requirements.model_copy(update={"escalate_to": "C03ESC"})
    asked = samples.question(reminded=("remind", "escalate"))
    bench.client.put(view(questions=(asked,), requirements=requirements))

    bench.ticks(8)

    (told,) = bench.slack.messages("esc")
    assert "db-2" not in str(told)
    assert "waits for a decision about 1 pod" in said(told)


def test_an_operation_without_a_channel_is_told_in_the_fallback_channel(bench: Bench) -> None:
    bench.client.put(view(channel=""))

    bench.ticks(3)

    assert "Waiting for people" in said(bench.parent("fall"))


def test_by_a_real_clock_it_tells_as_well(slack: Slack, redis: "redis_client.Redis") -> None:
    bench = Bench(slack, redis)
    bench.notifier = bench.another(clock=time.monotonic)
    bench.client.put(view())

    for _ in range(4):
        bench.notifier.tick()

    assert bench.keys() == ["parent", "q:node-17-block"]


@pytest.mark.parametrize("channel", ["C04OLD", "C05OUT", "C0NOWHERE"])
def test_a_channel_that_is_gone_sends_the_word_to_the_fallback_channel(
    bench: Bench, channel: str
) -> None:
    bench.client.put(view(channel=channel))

    bench.ticks(8)

    assert bench.keys("fall") == ["parent", "q:node-17-block"]
    assert f"<#{channel}> can't be reached" in said(bench.parent("fall"))


def test_a_channel_that_is_archived_in_between_moves_what_is_open(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    bench.slack.fault(Fault(method="chat.update", kind="error", error="is_archived"))
    bench.client.put(view(version=20, paused_by=samples.BO))

    bench.ticks(8)

    assert bench.keys("fall") == ["parent", "q:node-17-block"]


def test_a_question_that_somebody_deleted_is_asked_in_the_fallback_channel(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    (asked,) = bench.replies()
    _delete(bench, asked["ts"])
    voted = samples.question(waits=(Vote(choice="wait", by=samples.BO, at=samples.T0),))
    bench.client.put(view(version=13, questions=(voted,)))

    bench.ticks(6)

    (again,) = bench.slack.messages("fall")
    assert "Force db-2…" in buttons(again)


def test_a_parent_that_somebody_deleted_comes_back_in_the_fallback_channel(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    _delete(bench, bench.parent()["ts"])
    bench.client.put(view(version=13, paused_by=samples.BO))

    bench.ticks(6)

    assert "Paused" in said(bench.parent("fall"))


def test_without_a_fallback_channel_a_deleted_parent_comes_back_where_it_was(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, fallback_channel=""))
    bench.client.put(running())
    bench.ticks(2)
    _delete(bench, bench.parent()["ts"])
    bench.client.put(running(gone=20, version=9))

    bench.ticks(6)

    assert "20/21" in said(bench.parent())


def _delete(bench: Bench, ts: str) -> None:
    from slack_sdk import WebClient  # noqa: PLC0415  a person's deed, by the same app

    from tests.bot.telling_bench import TOKEN  # noqa: PLC0415

    WebClient(TOKEN, base_url=bench.slack.api_url).chat_delete(channel="C01OPS", ts=ts)


# -- Slack away, slow, or in doubt ---------------------------------------------------------------


def test_a_reset_after_slack_took_the_post_leaves_one_message(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="after"))
    bench.client.put(running())

    bench.ticks(12)

    assert "3/21" in said(bench.parent())
    assert len(bench.slack.calls("chat.postMessage")) == 1


def test_a_reset_before_slack_took_the_post_leaves_one_message_too(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="before"))
    bench.client.put(view())

    bench.ticks(16)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_a_reset_of_a_reply_is_looked_for_in_its_thread(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="after"))
    bench.client.put(view(version=13))

    bench.ticks(14)

    assert bench.keys() == ["parent", "q:node-17-block"]
    assert bench.slack.calls("conversations.replies")


def test_a_summary_whose_post_was_in_doubt_is_found_again(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="after"))
    log = tuple(
        LogEntry(key=str(n), what="cordoned", at=bench.clock.ms(), node="n") for n in range(9)
    )
    bench.client.put(running(version=13, log=log))

    bench.ticks(14)

    assert bench.keys() == ["parent", "logs:8"]


def test_a_late_duplicate_is_deleted(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="before"))
    bench.client.put(running())
    bench.ticks(12)
    kept = bench.parent()
    bench.notifier._sender._slack.post(  # the first post, arriving after all
        "C01OPS", "late", (), payload={"key": "parent", "operation": "prod-eu-7f3k9q"}
    )

    bench.ticks(80)

    assert bench.parent()["ts"] == kept["ts"]


def test_a_killed_notifier_leaves_no_double_and_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    bench.client.put(view())
    monkeypatch.setattr(bench.notifier._sender, "_save", killed)
    with pytest.raises(KilledError):
        bench.ticks()  # the parent is in Slack; that it is, was never stored
    bench.pass_time(60)

    bench.notifier = bench.another()
    bench.ticks(10)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_an_update_that_was_begun_by_another_notifier_is_made_again_and_once_more_later(
    bench: Bench,
) -> None:
    bench.client.put(running(gone=3))
    bench.ticks(2)
    record = bench.store.read("prod-eu-7f3k9q")["parent"]
    begun = record.change(state="sending", began=bench.clock.ms())
    bench.store.write(1, "prod-eu-7f3k9q", {"parent": begun})
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.ticks(2)
    updates = len(bench.slack.calls("chat.update"))
    bench.notifier._sender._slack.update(  # the deposed one's, arriving late
        "C01OPS", record.ts, "old", (), payload={}
    )

    bench.ticks(50)

    assert updates == 1
    assert "3/21" in said(bench.parent())


def test_slack_away_for_ten_minutes_loses_nothing_and_floods_nothing(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.update", kind="status", status=503, times=1_000))
    bench.slack.fault(Fault(method="chat.postMessage", kind="status", status=503, times=1_000))
    for minute in range(10):
        log = tuple(
            LogEntry(key=str(n), what="evicted", at=bench.clock.ms(), node="n", fields={"pods": 1})
            for n in range(minute)
        )
        bench.client.put(running(gone=minute, version=10 + minute, log=log))
        bench.ticks(6, seconds=10)
    bench.client.put(samples.ended(questions=(), log=log, version=50, ended_at=bench.clock.ms()))
    bench.ticks(3)
    tried = len(bench.slack.calls())
    bench.slack.clear_faults()

    bench.ticks(60, seconds=1)

    assert tried < 80
    assert "2 of 2 drained" in said(bench.parent())
    keys = bench.keys()
    assert sorted(set(keys)) == sorted(keys)
    assert {"parent", "finish"} <= set(keys)
    assert len(keys) <= 5
    assert "Evicted" in str([m["text"] for m in bench.replies()])


def test_a_429_is_obeyed_for_as_long_as_slack_says(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.update", kind="ratelimited", retry_after=60))
    bench.client.put(running(gone=2, version=6))
    bench.ticks(4)
    assert len(bench.slack.calls("chat.update")) == 1

    bench.client.put(running(gone=7, version=7))
    bench.ticks(50, seconds=1)
    assert len(bench.slack.calls("chat.update")) == 1
    bench.ticks(12, seconds=1)

    assert "7/21" in said(bench.parent())
    assert len(bench.slack.calls("chat.update")) == 2


def test_a_429_for_updates_keeps_no_question_waiting(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.update", kind="ratelimited", retry_after=600))
    bench.client.put(running(gone=2, version=6))
    bench.ticks(4)

    bench.client.put(view(version=13))
    bench.ticks(2)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_thirty_operations_stay_within_what_slack_takes_and_questions_go_first(
    redis: "redis_client.Redis",
) -> None:
    with sandbox.slack.running(WORKSPACE, rate_limits=True) as slack:
        bench = Bench(slack, redis)
        for minute in range(4):
            for number in range(30):
                for second in range(2):
                    operation = f"prod-eu-{number:06d}"
                    gone = minute * 4 + second
                    bench.client.put(running(version=gone + 1, gone=gone, id=operation))
            bench.ticks(60, seconds=1)
        asked = view(version=99, id="prod-eu-000007")
        bench.client.put(asked)
        bench.ticks(2, seconds=1)

        answers = [call["answer"]["ok"] for call in slack.calls()]
        updates = slack.calls("chat.update")
        records = bench.store.read("prod-eu-000007")

    assert all(answers)
    assert len(updates) <= 4 * 45
    assert records["q:node-17-block"].state == "sent"


def test_a_token_that_is_revoked_loses_nothing(bench: Bench) -> None:
    bench.slack.fault(
        Fault(method="chat.postMessage", kind="error", error="token_revoked", times=3)
    )
    bench.client.put(view())

    bench.ticks(30)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_blocks_that_slack_refuses_are_told_as_a_sentence(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postMessage", kind="error", error="invalid_blocks"))
    bench.client.put(running())

    bench.ticks(2)

    assert bench.parent()["text"].startswith("Draining in prod-eu")


# -- Redis away, leases, cursors -----------------------------------------------------------------


def test_redis_away_is_raised_and_the_telling_goes_on_when_it_is_back(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    bench.client.away = True
    with pytest.raises(StateUnavailable):
        bench.ticks()
    bench.client.away = False
    bench.client.put(running(gone=8, version=9))

    bench.ticks(4)

    assert "8/21" in said(bench.parent())


def test_what_slack_took_while_redis_went_away_is_stored_when_it_is_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = bench.notifier._sender._store.write
    times = iter([True, False])

    def flaky(token: int, operation: str, records: dict[str, Record]) -> None:
        if not next(times, True):
            raise StateUnavailable("Redis can't be reached.")
        write(token, operation, records)

    monkeypatch.setattr(bench.notifier._sender._store, "write", flaky)
    bench.client.put(running())

    bench.ticks(3)

    assert bench.store.read("prod-eu-7f3k9q")["parent"].state == "sent"
    assert len(bench.slack.calls("chat.postMessage")) == 1


def test_one_notifier_tells_at_a_time(bench: Bench) -> None:
    other = bench.another()
    bench.client.put(view())
    bench.ticks(1)

    for _ in range(5):
        other.tick()
        bench.ticks(1)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_a_deposed_notifier_is_refused_by_the_store(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    deposed = bench.notifier
    bench.client.leases.until = 0
    bench.notifier = bench.another()
    bench.client.put(running(gone=5, version=9))
    bench.ticks(4)

    with pytest.raises(Deposed):
        deposed._sender._store.write(1, "prod-eu-7f3k9q", {"parent": Record()})

    assert "5/21" in said(bench.parent())


def test_a_state_that_is_older_than_what_was_said_is_not_told(bench: Bench) -> None:
    bench.client.put(running(gone=9, version=20))
    bench.ticks(3)
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.client.put(running(gone=2, version=19))

    bench.ticks(4)

    assert "9/21" in said(bench.parent())


def test_a_reader_that_fell_behind_rebuilds_from_state(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    ended = samples.ended(id="prod-eu-000002", questions=(), log=(), ended_at=bench.clock.ms())
    bench.client.put(ended, event=False)
    bench.client.lost = True

    bench.ticks(4)

    assert len([m for m in bench.slack.messages("ops") if "subtype" not in m]) == 2


def test_an_operation_that_ended_long_ago_is_left_alone(bench: Bench) -> None:
    bench.client.put(samples.ended(log=(), ended_at=bench.clock.ms() - 7_200_000), event=False)

    bench.ticks(4)

    assert bench.slack.messages("ops") == []


def test_run_tells_and_stops_within_two_seconds_and_leaves_the_lease(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, wait=0.02))
    stop = threading.Event()
    thread = threading.Thread(target=bench.notifier.run, args=(stop,))
    thread.start()
    bench.client.put(running())
    end = time.monotonic() + 20
    while not bench.slack.messages("ops") and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert "3/21" in said(bench.parent())
    assert bench.client.leases.until == 0


def test_run_outlives_a_rendering_that_fails(
    slack: Slack, redis: "redis_client.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, wait=0.02))
    tick = bench.notifier.tick
    faults = iter([RuntimeError("broken"), StateUnavailable("away"), Deposed()])

    def broken(*, wait: float = 0) -> float:
        for fault in faults:
            raise fault
        return tick(wait=wait)

    monkeypatch.setattr(bench.notifier, "tick", broken)
    stop = threading.Event()
    thread = threading.Thread(target=bench.notifier.run, args=(stop,))
    thread.start()
    bench.client.put(running())
    end = time.monotonic() + 30
    while not bench.slack.messages("ops") and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(timeout=10)

    assert "3/21" in said(bench.parent())


# -- notes ---------------------------------------------------------------------------------------


def test_a_note_reaches_its_person_alone(bench: Bench) -> None:
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "You can't decide this."))

    bench.ticks(2)

    (note,) = bench.slack.ephemerals("bo")
    assert note["text"] == "You can't decide this."
    assert bench.slack.messages("ops") == []


def test_a_note_that_can_not_be_shown_to_one_person_goes_into_the_thread(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(2)
    parent = bench.parent()["ts"]
    bench.outbox.queue_note(Note("U03CY", "C01OPS", "Already settled.", parent))

    bench.ticks(3)

    (reply,) = bench.replies()
    assert reply["text"] == "<@U03CY> Already settled."


def test_a_note_survives_a_notifier_that_is_killed_with_it(bench: Bench) -> None:
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "Already settled."))
    assert bench.outbox.take() is not None  # and then the power goes

    bench.ticks(2)

    assert len(bench.slack.ephemerals("bo")) == 1


def test_a_note_waits_while_slack_is_away(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postEphemeral", kind="reset", times=3))
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "Already settled."))

    bench.ticks(40)

    assert len(bench.slack.ephemerals("bo")) == 1


def test_a_note_that_is_too_old_is_dropped(bench: Bench, redis: "redis_client.Redis") -> None:
    bench.outbox.queue_note(Note("U02BOB", "C01OPS", "Already settled."))
    queued = redis.time()[0]
    bench.clock.at = queued + 700

    bench.ticks(2)

    assert bench.slack.ephemerals("bo") == []
    assert bench.outbox.recover() == 0
