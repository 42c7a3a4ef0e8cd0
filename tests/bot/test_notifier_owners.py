"""Owners of the pods in the way are asked too, in their own channel: one question, two messages."""

from slack_sdk import WebClient

from bot.messages.audience import OwnersPlace
from jobs.models import QuestionState, Settlement
from tests.bot.messages import samples
from tests.bot.telling_bench import TOKEN, Bench, buttons, said, view

PAY = OwnersPlace("C03ESC", ("U03CY",), ("payments",))


def asking(bench: Bench, *places: OwnersPlace) -> None:
    bench.owners = places or (PAY,)
    bench.client.put(view())
    bench.ticks(6)


def test_the_owners_channel_gets_a_copy_with_the_same_buttons_and_a_way_to_the_thread(
    bench: Bench,
) -> None:
    asking(bench)
    bench.ticks(4)
    (copy,) = bench.slack.messages("esc")
    (original,) = bench.replies()
    assert buttons(copy) == buttons(original)
    assert "payments/db-2" in said(copy)
    assert "<@U03CY>: pods of payments are in the way" in said(copy)
    assert "<#C01OPS>" in said(copy)
    assert "/archives/C01OPS/p" in said(copy)


def test_what_became_of_it_stands_on_every_copy(bench: Bench) -> None:
    asking(bench)
    forced = samples.question(
        state=QuestionState.SETTLED,
        settled=Settlement(
            choice="force", by=(samples.BO, samples.CY), at=samples.T0, note="moved"
        ),
    )
    bench.client.put(view(version=20, questions=(forced,)))
    bench.ticks(6)
    for message in (*bench.slack.messages("esc"), *bench.replies()):
        assert buttons(message) == []
        assert "Forced by <@U02BOB> and <@U03CY>" in said(message)


def test_owners_in_the_operations_own_channel_are_asked_once(bench: Bench) -> None:
    asking(bench, OwnersPlace("C01OPS", ("U03CY",), ("payments",)))
    assert len(bench.replies()) == 1
    assert len(bench.slack.messages("ops")) == 2  # the parent, and the question's broadcast


def test_a_copy_never_goes_to_a_channel_where_pods_must_not_be_named(bench: Bench) -> None:
    asking(bench, OwnersPlace("C04OLD", ("S0PAY",), ("payments",)))
    bench.ticks(8)
    assert bench.slack.messages("fall") == []
    assert len(bench.replies()) == 1  # the question itself is asked all the same


def test_a_copy_that_somebody_deleted_is_asked_again_in_its_own_channel(bench: Bench) -> None:
    asking(bench)
    (copy,) = bench.slack.messages("esc")
    WebClient(TOKEN, base_url=bench.slack.api_url).chat_delete(channel="C03ESC", ts=copy["ts"])
    bench.client.put(view(version=20, questions=(samples.question(pods_left=2),)))
    bench.ticks(8)
    (again,) = bench.slack.messages("esc")
    assert "payments/db-2" in said(again)
    assert bench.slack.messages("fall") == []


def dropped(bench: Bench) -> None:
    """Another bot begins, with a policy that names these owners no more."""
    bench.owners = ()
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.ticks(8)


def test_owners_whom_the_policy_drops_are_asked_no_longer_and_their_copy_says_so(
    bench: Bench,
) -> None:
    asking(bench)
    dropped(bench)
    (copy,) = bench.slack.messages("esc")
    (original,) = bench.replies()
    assert buttons(copy) == []
    assert "no longer asked here" in said(copy)
    assert "payments/db-2" not in said(copy) + copy["text"]
    assert buttons(original)  # the question itself is open


def test_owners_who_come_back_are_asked_again_in_the_same_message(bench: Bench) -> None:
    asking(bench)
    dropped(bench)
    bench.owners = (PAY,)
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.ticks(8)
    (copy,) = bench.slack.messages("esc")
    assert buttons(copy) == buttons(bench.replies()[0])


def test_what_became_of_it_meanwhile_is_told_to_owners_who_were_dropped(bench: Bench) -> None:
    asking(bench)
    settled = samples.question(
        state=QuestionState.SETTLED,
        settled=Settlement(choice="skip", by=(samples.BO,), at=samples.T0),
    )
    bench.client.put(view(version=20, questions=(settled,)))
    dropped(bench)
    (copy,) = bench.slack.messages("esc")
    assert buttons(copy) == []
    assert "<@U02BOB>" in said(copy)


def test_no_copy_is_posted_where_none_was(bench: Bench) -> None:
    asking(bench, OwnersPlace("C01OPS", ("U03CY",), ("payments",)))
    dropped(bench)
    assert bench.slack.messages("esc") == []
