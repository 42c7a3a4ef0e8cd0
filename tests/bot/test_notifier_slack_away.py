"""What the notifier makes of a Slack that is away, slow, refuses, or leaves it in doubt."""

import pytest
import redis as redis_client

import sandbox.slack
from bot.messages import thread_of
from jobs.models import LogEntry, QuestionState
from sandbox.slack import Fault
from tests.bot.messages import samples
from tests.bot.telling_bench import WORKSPACE, Bench, buttons, running, said, view


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

    assert tried < 2 * 70  # a post and a search for it at each of some sixty looks
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


def test_a_question_that_arrives_late_and_is_closed_by_then_offers_no_answer(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="before"))
    asked = samples.question()
    bench.client.put(view(version=13, questions=(asked,)))
    bench.ticks()
    closed = asked.model_copy(
        update={"state": QuestionState.CLOSED, "closed_because": "no_longer_needed", "version": 14}
    )
    bench.client.put(view(version=14, questions=(closed,)))
    bench.ticks(12)
    assert bench.keys() == ["parent"]
    parent = bench.parent()
    message = next(
        m for m in thread_of(view(questions=(asked,)), bench.clock.ms()) if m.key.startswith("q:")
    )
    bench.notifier._sender._slack.post(  # the post in doubt, arriving after all
        "C01OPS", message.text, message.blocks, thread_ts=parent["ts"],
        payload={"key": message.key, "operation": "prod-eu-7f3k9q"},
    )  # fmt: skip
    assert buttons(bench.replies()[0])

    bench.ticks(80)

    assert [buttons(message) for message in bench.replies()] == [[]]
    searches = len(bench.slack.calls("conversations.replies"))
    bench.ticks(200)
    assert len(bench.slack.calls("conversations.replies")) == searches


def test_a_post_in_doubt_that_nobody_wants_any_more_is_looked_for_once_more_and_no_longer(
    bench: Bench,
) -> None:
    bench.client.put(running())
    bench.ticks(2)
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="before"))
    asked = samples.question()
    bench.client.put(view(version=13, questions=(asked,)))
    bench.ticks()
    closed = asked.model_copy(
        update={"state": QuestionState.CLOSED, "closed_because": "no_longer_needed", "version": 14}
    )
    bench.client.put(view(version=14, questions=(closed,)))
    bench.ticks(300)
    assert bench.keys() == ["parent"]
    assert len(bench.slack.calls("conversations.replies")) == 2
