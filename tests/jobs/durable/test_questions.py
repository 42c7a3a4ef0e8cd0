"""What a workflow's author may rely on when people are asked."""

from typing import Any

from jobs.durable import (
    Context,
    Question,
    Signal,
    Timer,
)
from tests.jobs.durable.harness import Group

Ctx = Context[Any]


def ask(**kwargs: Any) -> Question:
    return Question("block", {"pod": "db-2"}, ("retry", "skip", "force"), **kwargs)


def test_a_settled_question_wakes_its_workflow_with_the_answer(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        fired = ctx.first("ask", answer=ask(), stop=Timer(3600))
        return [fired.name, fired.value["choice"], fired.value["by"], fired.value["note"]]

    group.start("drain")
    assert group.work() == ["suspended"]
    settled = group.store.settle(group.question(), "retry", by="T:U1", call="c1", note="go")
    assert settled == "settled"
    assert group.work() == ["done"]
    assert group.result() == ["answer", "retry", ["T:U1"], "go"]


def test_the_loser_of_a_race_is_told_and_changes_nothing(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.first("ask", answer=ask()).value["choice"]

    group.start("drain")
    group.work()
    question = group.question()
    assert group.store.settle(question, "skip", by="T:U1", call="c1") == "settled"
    assert group.store.settle(question, "force", by="T:U2", call="c2") == "already_settled"
    group.work()
    assert group.result() == "skip"


def test_a_timer_closes_the_question_that_it_was_first_against(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.first("ask", answer=ask(), stop=Timer(3600)).name

    group.start("drain")
    group.work()
    group.clock.advance(3601)
    group.sweep()
    assert group.store.settle(group.question(), "skip", by="T:U1", call="c1") == "closed"
    record = group.store.question(group.question())
    assert record is not None
    assert (record.state, record.closed_because) == ("closed", "nobody_answered")
    assert group.work() == ["done"]
    assert group.result() == "stop"


def test_an_answer_that_comes_after_an_abort_is_told_so(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.first("ask", answer=ask()).value["choice"]

    group.start("drain")
    group.work()
    group.store.control("op-1", "abort", by="T:U9", call="a")
    assert group.store.settle(group.question(), "skip", by="T:U1", call="c1") == "closed"
    assert group.work() == ["aborted"]


def test_a_handover_while_a_question_is_open_asks_no_second_one(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.first("ask", answer=ask()).value["choice"]

    group.start("drain")
    group.work()
    question = group.question()
    assert group.store.signal("op-1", "other") == "ignored"
    group.store.settle(question, "retry", by="T:U1", call="c1")
    group.stopping = True
    assert group.work(most=1) == ["done"]
    assert group.store.question_ids("op-1") == [question]


def test_votes_of_two_distinct_people_settle_where_two_are_needed(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.first("ask", answer=ask(votes_needed={"force": 2})).value

    group.start("drain")
    group.work()
    question = group.question()
    assert group.store.settle(question, "force", by="T:U1", call="c1") == "voted"
    assert group.store.settle(question, "force", by="T:U1", call="c2") == "already_voted"
    assert group.doorbells() == []
    assert group.store.settle(question, "force", by="T:U2", call="c3") == "settled"
    group.work()
    assert group.result()["by"] == ["T:U2", "T:U1"]


def test_a_signal_closes_the_question_as_no_longer_needed(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        watching = {"budgets": ["payments/db"]}
        return ctx.first("ask", watching=watching, answer=ask(), freed=Signal("freed")).name

    group.start("drain")
    group.work()
    assert group.store.watching() == {"op-1": {"budgets": ["payments/db"]}}
    assert group.store.signal("op-1", "freed") == "woken"
    record = group.store.question(group.question())
    assert record is not None
    assert record.closed_because == "no_longer_needed"
    assert group.work() == ["done"]
    assert group.store.watching() == {}
    assert group.result() == "freed"


def test_waiting_longer_moves_the_stop_and_keeps_the_question_open(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        question = ask(notices={"remind": 900}, stop_after=3600)
        return ctx.first("ask", answer=question, stop=Timer(3600, movable=True)).name

    group.start("drain")
    group.work()
    group.clock.advance(3500)
    assert group.sweep()["timers"] == 1
    record = group.store.question(group.question())
    assert record is not None
    assert record.reminded == ("remind",)
    assert group.store.postpone(group.question(), 3600, by="T:U1", call="p1") == "postponed"
    assert group.store.postpone(group.question(), 3600, by="T:U1", call="p1") == "postponed"
    group.clock.advance(3600)
    assert group.sweep()["timers"] == 1  # reminded again, and not stopped
    group.clock.advance(200)
    assert group.sweep()["timers"] == 1
    group.work()
    assert group.result() == "stop"
