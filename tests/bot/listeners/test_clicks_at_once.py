"""Clicks of several people through several bots on one stored question, in a real Redis."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis
from slack_bolt import App, BoltRequest

from bot.app import Identity, make_app
from bot.commands import Desk, NodeBook
from bot.groups import Directory, People
from bot.listeners import Deps
from bot.listeners.within import Aside, Within
from bot.messages.message import BlockDict
from bot.outbox import Note
from jobs.durable import Question, Store, connect
from jobs.durable.records import Token
from jobs.durable.store import nonce
from jobs.models import DrainRequest, QuestionState, QuestionView
from jobs.service import Service
from jobs.workflows.inputs import OperationInput
from tests.bot.api.calling import publish
from tests.bot.listeners.deliveries import click_payload, headers, signed, submission_payload
from tests.bot.listeners.listening import FixedStore
from tests.bot.listeners.looks import FakeLooks
from tests.jobs.harness import NAME, policy_with

TEAM, OPERATION = "T01", "test-7f3k9q"
ANA, BO, CY, DI = "U01ANA", "U02BO", "U04CY", "U05DI"
CHOICES = ("retry", "wait", "skip", "abort")
POLICY = policy_with(
    rule={"decide": ["S0SRE"], "approve": {"by": ["S0SRE"], "votes": 1}},
    groups={"sre": [ANA, BO, CY, DI]},
)
MEMBERS = {"S0SRE": frozenset({ANA, BO, CY, DI})}
_CLICKS = itertools.count()


@dataclass
class Bot:
    """One bot's process, as far as clicks are concerned."""

    app: App
    groups: FixedStore
    notes: list[Note]
    seconds: list[float]  # the bot's clock
    modals: list[BlockDict] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)

    def send(self, payload: dict[str, Any], **more: str) -> None:
        request = signed({"payload": json.dumps(payload)})
        again = {**headers(request.raw_body), **more}
        reply = self.app.dispatch(BoltRequest(body=request.raw_body, headers=again))  # type: ignore[arg-type]
        assert reply.status == 200, reply.body


@contextmanager
def bot(redis_url: str, leads: str = "") -> Iterator[Bot]:
    with ExitStack() as stack:
        redis = connect(redis_url, name="bot-of-a-test")
        stack.callback(redis.close)
        service: Any = Service(redis, POLICY)
        groups, notes = FixedStore(People(at=time.time(), groups=MEMBERS)), list[Note]()
        seconds = [time.time()]
        directory = Directory(groups, ["S0SRE"], clock=lambda: seconds[0])
        desk = Desk(service, POLICY, directory, NodeBook(service))
        within, aside = Within(20), Aside()
        stack.callback(within.close)
        stack.callback(aside.close)

        class Notes:
            def queue_note(self, note: Note) -> None:
                notes.append(note)

        def open_view(_trigger: str, view: BlockDict) -> str:
            made.modals.append(view)
            made.opened.set()
            return ""

        deps = Deps(
            desk, "", Notes(), within, aside, open_view, lambda _url, _message: None,
            FakeLooks(service), leads_to=lambda _question: leads,
        )  # fmt: skip
        identity = Identity(TEAM, "U0BOT")
        made = Bot(make_app(identity, deps, signing_secret=_SECRET), groups, notes, seconds)
        yield made


_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def asked(redis: "Redis", kind: str = "block", choices: tuple[str, ...] = CHOICES) -> str:
    """Have an operation of Ana's wait for an answer."""
    publish(redis, "node-1")
    request = DrainRequest(cluster=NAME, nodes=("node-1",), channel="C01")
    input = OperationInput(request=request, requester=f"{TEAM}:{ANA}")
    store = Store(redis, NAME)
    store.start(OPERATION, "operation", input.model_dump(mode="json"), dedup="before")
    return ask(store, Question(kind, {"node": "node-1"}, choices, stop_after=600), "ask")


def ask(store: Store, question: Question, key: str) -> str:
    record = store.workflow(OPERATION)
    assert record is not None
    token = Token(store.group, OPERATION, record.epoch, nonce())
    store.acquire(OPERATION, record.epoch, owner="slot", lease=600, token=token.nonce)
    made = store.ask(question)
    parts = [
        {"name": "answer", "kind": "question", "question": made["id"]},
        {"name": "changed", "kind": "signal", "signal": "changed", "closes_as": "superseded"},
    ]
    wait = {"key": key, "fp": "f", "interruptible": True, "parts": parts}
    store.fenced_call("suspend", token, wait=wait, questions=[made])
    return str(made["id"])


def click(question: str, choice: str, by: str, **fields: Any) -> dict[str, Any]:
    value = json.dumps({"q": question, "c": choice})
    named = {"trigger_id": f"1.{next(_CLICKS)}.click", **fields}
    return click_payload(
        f"decide:{choice}", value, user=by, user_team=TEAM, team={"id": TEAM, "domain": "demo"},
        channel={"id": "C01", "name": "ops"}, **named,
    )  # fmt: skip


def stored(redis: "Redis", question: str) -> QuestionView:
    view = Service(redis, POLICY).question(question)
    assert view is not None
    return view


def test_of_100_clicks_at_once_by_4_people_over_2_bots_one_counts_and_99_are_told(
    redis: "Redis", redis_url: str
) -> None:
    question = asked(redis)
    people, kinds = itertools.cycle([ANA, BO, CY, DI]), itertools.cycle(["retry", "skip"])
    with bot(redis_url) as one, bot(redis_url) as two:
        bots = itertools.cycle([one, two])
        clicks = [
            (next(bots), click(question, choice, who))
            for who, choice, _ in zip(people, kinds, range(100), strict=False)
        ]
        gate = threading.Barrier(20)

        def press(part: list[tuple[Bot, dict[str, Any]]]) -> None:
            gate.wait()
            for through, payload in part:
                through.send(payload)

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(press, [clicks[at::20] for at in range(20)]))
        view = stored(redis, question)
        assert view.state is QuestionState.SETTLED
        assert view.settled is not None
        assert len(view.votes) == len(view.settled.by) == 1
        told = [note.text for note in (*one.notes, *two.notes)]
    (winner,) = view.settled.by
    assert len(told) == 99
    assert all("Already settled" in text for text in told)
    assert all(f"<@{winner.partition(':')[2]}>" in text for text in told)


@pytest.mark.parametrize("turn", range(3))
def test_of_a_retry_and_an_abort_at_once_one_counts_and_the_other_is_told(
    redis: "Redis", redis_url: str, turn: int
) -> None:
    question = asked(redis)
    with bot(redis_url) as one, bot(redis_url) as two:
        two.send(click(question, "abort", BO))
        assert two.opened.wait(60)
        submitted = submission_payload(
            two.modals[0], {"reason": "enough"}, user=BO, team={"id": TEAM, "domain": "demo"},
            trigger_id=f"1.{next(_CLICKS)}.submit",
        )  # fmt: skip
        submitted["user"]["team_id"] = TEAM
        gate = threading.Barrier(2)

        def send(through: Bot, payload: dict[str, Any]) -> None:
            gate.wait()
            through.send(payload)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(send, (one, two), (click(question, "retry", ANA), submitted)))
        settled = stored(redis, question).settled
        assert settled is not None
        loser = two if settled.choice == "retry" else one
        assert settled.choice in {"retry", "abort"}
        (note,) = (*one.notes, *two.notes)
        assert [note] == loser.notes
        assert "Already settled" in note.text


@pytest.mark.parametrize("retry", ["1", "2", "3"])
@pytest.mark.parametrize("first", [True, False], ids=["first handled", "first lost"])
def test_a_repeat_of_a_delivery_counts_once_and_also_where_it_is_the_only_one(
    redis: "Redis", redis_url: str, retry: str, *, first: bool
) -> None:
    question = asked(redis)
    payload = click(question, "skip", BO)
    with bot(redis_url) as one, bot(redis_url) as two:
        if first:
            one.send(payload)
        two.send(payload, **{"x-slack-retry-num": retry, "x-slack-retry-reason": "http_timeout"})
        view = stored(redis, question)
        assert [vote.by for vote in view.votes] == [f"{TEAM}:{BO}"]
        assert view.settled is not None
        assert (*one.notes, *two.notes) == ()  # nobody is told that they were late to themselves


def test_the_first_click_after_a_restart_of_the_bot_counts(redis: "Redis", redis_url: str) -> None:
    with bot(redis_url):
        question = asked(redis)
    with bot(redis_url) as again:
        again.send(click(question, "skip", BO))
        assert again.notes == []
    settled = stored(redis, question).settled
    assert settled is not None
    assert settled.by == (f"{TEAM}:{BO}",)


def test_whoever_has_left_the_group_between_two_clicks_is_refused_the_second(
    redis: "Redis", redis_url: str
) -> None:
    question = asked(redis)
    with bot(redis_url) as one:
        one.send(click(question, "wait", BO))
        assert one.notes == []
        one.groups.people = People(at=time.time(), groups={"S0SRE": frozenset({CY})})
        one.seconds[0] += 60  # by then it has read anew who is in which group
        one.send(click(question, "skip", BO))
        assert len(one.notes) == 1
        assert stored(redis, question).state is QuestionState.OPEN
        one.send(click(question, "skip", CY))
        assert stored(redis, question).state is QuestionState.SETTLED


def test_a_click_on_a_replaced_question_is_told_why_and_led_to_the_new_one(
    redis: "Redis", redis_url: str
) -> None:
    question = asked(redis, "approval", ("approve", "deny"))
    store = Store(redis, NAME)
    assert store.signal(OPERATION, "changed") == "woken"
    new = Question(
        "approval", {}, ("approve", "deny"), supersedes=question, because="node-1 is another node"
    )
    latest = ask(store, new, "ask:2")
    with bot(redis_url, leads="https://demo.slack.example/p2") as one:
        one.send(click(question, "approve", BO))
        (note,) = one.notes
    assert "replaced because node-1 is another node" in note.text
    assert "<https://demo.slack.example/p2|here is the new one>" in note.text
    assert "Yours was not applied" in note.text
    assert stored(redis, latest).votes == ()
    assert stored(redis, question).superseded_by == latest


def test_a_requester_who_approves_is_told_that_somebody_else_has_to(
    redis: "Redis", redis_url: str
) -> None:
    question = asked(redis, "approval", ("approve", "deny"))
    with bot(redis_url) as one:
        one.send(click(question, "approve", ANA))
        (note,) = one.notes
        assert "somebody else" in note.text
        assert stored(redis, question).votes == ()
        one.send(click(question, "approve", BO))
    assert stored(redis, question).state is QuestionState.SETTLED
