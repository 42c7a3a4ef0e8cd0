"""What the notifier tells and how it keeps it up to date, over a real Redis and a strict Slack."""

import time

import redis as redis_client

from jobs.models import LogEntry, QuestionState, Vote
from sandbox.slack import Slack
from tests.bot.messages import samples
from tests.bot.telling_bench import START, Bench, buttons, running, said, view


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


def test_counts_that_change_are_shown_in_the_message_that_asked(bench: Bench) -> None:
    vote = Vote(choice="force", by=samples.BO, at=samples.T0)
    asked = samples.question(votes_needed={"force": 2}, votes=(vote,))
    bench.client.put(view(questions=(asked,)))
    bench.ticks(4)
    (first,) = bench.replies()
    budget = samples.BUDGET.model_copy(update={"current_healthy": 2})
    amended = samples.BLOCK.model_copy(update={"budgets": (budget,)})
    now = asked.model_copy(update={"blocks": (amended,), "version": 5})
    bench.client.put(view(questions=(now,), version=14))

    bench.ticks(3)

    (shown,) = bench.replies()
    assert shown["ts"] == first["ts"]  # an edit: nobody is notified again
    assert "needs 3 healthy pods and has 2" in said(shown)
    assert "1 of 2 votes" in said(shown)


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
    assert "for a decision about 1 pod." in said(told)


def test_by_a_real_clock_it_tells_as_well(slack: Slack, redis: "redis_client.Redis") -> None:
    bench = Bench(slack, redis)
    bench.notifier = bench.another(clock=time.monotonic)
    bench.client.put(view())

    for _ in range(4):
        bench.notifier.tick()

    assert bench.keys() == ["parent", "q:node-17-block"]
