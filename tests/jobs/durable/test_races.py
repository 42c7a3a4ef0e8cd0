"""Races by name: whoever comes first wins, the other is told, and both see the same story.

Where two are set going at once either may win; what must hold is looked at, not who won.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from jobs.durable import Activity, Question, Signal, Store, Timer, connect
from jobs.durable.errors import Aborted
from jobs.durable.records import Token
from jobs.durable.scripts import compose
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

ROUNDS = 15
Act = Callable[[Store], str]


@pytest.fixture
def two(redis_url: str, group: Group) -> Iterator[list[Store]]:
    """Two who act over connections of their own."""
    clients = [connect(redis_url, name=f"actor-{n}") for n in range(2)]
    yield [Store(client, group.name, clock=group.clock) for client in clients]
    for client in clients:
        client.close()


def at_once(two: list[Store], *acts: Act) -> list[str]:
    """Let two act at the same moment; returns what each was told."""
    start = threading.Barrier(2)

    def go(store: Store, act: Act) -> str:
        start.wait(10)
        return act(store)

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(go, two, acts))


def settle(choice: str, by: str, question: str) -> Act:
    return lambda store: store.settle(question, choice, by=by, call=f"{by}-{question}")


def waiting(group: Group, name: str, **changes: Any) -> tuple[Token, str]:
    """A workflow that waits for an answer, for a budget or for an hour."""
    calls.start(group, name)
    token, question = group.take(name), f"q-{name}"
    parts = (calls.ANSWER | {"question": question}, calls.timer(), calls.signal())
    calls.suspend(group, token, *parts, ask=(calls.question(question, **changes),))
    return token, question


def woken_once(group: Group, name: str) -> dict[str, Any]:
    """The workflow was made ready once, and nothing is left open; returns what it will see."""
    assert group.state(name) == "ready"
    assert group.hash(f"wf:{name}")["epoch"] == "2"
    assert [job for job in group.doorbells() if job.startswith(f"{name}-")] != []
    assert len([job for job in group.doorbells() if job.startswith(f"{name}-")]) == 1
    assert f"q-{name}" not in group.members("open")
    assert not [timer for timer in group.members("timers") if f"|{name}|" in timer]
    return calls.step(group, "ask", name)


# -- a settler ---------------------------------------------------------------------------------


def test_of_two_settlers_one_wins_and_the_other_is_told(group: Group, two: list[Store]) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        _, question = waiting(group, name)
        said = at_once(two, settle("skip", "T:U1", question), settle("force", "T:U2", question))
        assert sorted(said) == ["already_settled", "settled"]
        stored = json.loads(woken_once(group, name)["value"])
        assert stored["by"] == [["T:U1"], ["T:U2"]][said.index("settled")]
        assert len(group.asked(question).votes) == 1


def test_of_a_settler_and_a_deadline_one_wins(group: Group, two: list[Store]) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        _, question = waiting(group, name)
        group.clock.advance(3600)
        said = at_once(
            two, settle("skip", "T:U1", question), lambda store: str(store.sweep()["timers"])
        )
        stored = woken_once(group, name)
        if stored["won"] == "answer":
            assert said == ["settled", "0"]
            assert group.asked(question).state == "settled"
        else:
            assert (stored["won"], said) == ("stop", ["closed", "1"])
            assert group.asked(question).closed_because == "nobody_answered"


def test_of_a_settler_and_a_budget_that_frees_itself_one_wins(
    group: Group, two: list[Store]
) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        _, question = waiting(group, name)

        def freed(store: Store, name: str = name) -> str:
            return store.signal(name, "freed")

        said = at_once(two, settle("force", "T:U1", question), freed)
        won = woken_once(group, name)["won"]
        assert said == (["settled", "ignored"] if won == "answer" else ["closed", "woken"])


def test_of_two_watchers_that_both_see_it_free_one_wakes_the_workflow(
    group: Group, two: list[Store]
) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        waiting(group, name)

        def freed(store: Store, name: str = name) -> str:
            return store.signal(name, "freed")

        assert sorted(at_once(two, freed, freed)) == ["ignored", "woken"]
        assert woken_once(group, name)["won"] == "freed"


def test_of_two_watchers_that_want_the_lease_one_gets_it(group: Group, two: list[Store]) -> None:
    for n in range(ROUNDS):

        def hold(store: Store, n: int = n) -> str:
            return str(store.lease(f"watcher-{n}", f"watcher-{id(store)}", 5) > 0)

        assert sorted(at_once(two, hold, hold)) == ["False", "True"]


def test_of_two_voters_for_the_last_seat_one_takes_it(group: Group, two: list[Store]) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        _, question = waiting(group, name, votes_needed='{"force":2}')
        assert two[0].settle(question, "force", by="T:U0", call="first") == "voted"
        said = at_once(two, settle("force", "T:U1", question), settle("force", "T:U2", question))
        assert sorted(said) == ["already_settled", "settled"]
        winner = json.loads(woken_once(group, name)["value"])
        assert sorted(winner["by"]) == ["T:U0", ["T:U1", "T:U2"][said.index("settled")]]


def test_one_person_who_votes_from_two_places_at_once_has_one_vote(
    group: Group, two: list[Store]
) -> None:
    for n in range(ROUNDS):
        _, question = waiting(group, f"op-{n}", votes_needed='{"force":2}')

        def vote(store: Store, question: str = question) -> str:
            call = f"call-of-{id(store)}"
            return store.settle(question, "force", by="T:U1", call=call)

        assert sorted(at_once(two, vote, vote)) == ["already_voted", "voted"]
        assert group.asked(question).state == "open"


def test_an_answer_before_the_question_is_asked_counts_for_nothing(
    group: Group, token: Token
) -> None:
    assert calls.settle(group, "force") == "unknown"
    reply = calls.suspend(group, token, calls.ANSWER, ask=(calls.question(),))
    assert reply == {"result": "suspended"}
    assert (group.asked().state, group.asked().votes) == ("open", ())


def test_an_answer_while_the_question_is_being_asked_wakes_whoever_asks(
    group: Group, two: list[Store]
) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        calls.start(group, name)
        token, question = group.take(name), f"q-{name}"

        def suspend(store: Store, token: Token = token, question: str = question) -> str:
            wait = calls.wait(calls.ANSWER | {"question": question}, calls.timer())
            asked = [calls.question(question)]
            reply = store.fenced_call("suspend", token, wait=wait, questions=asked)
            return str(reply["result"])

        def answer(store: Store, question: str = question) -> str:
            said = "unknown"
            for call in range(10_000):
                said = store.settle(question, "skip", by="T:U1", call=f"{question}-{call}")
                if said != "unknown":
                    break
            return said

        assert at_once(two, suspend, answer) == ["suspended", "settled"]
        assert woken_once(group, name)["won"] == "answer"


def test_an_answer_before_the_reply_of_the_asking_arrives_is_not_undone_by_its_repeat(
    group: Group, token: Token
) -> None:
    given: dict[str, Any] = {
        "wait": calls.wait(calls.ANSWER), "questions": [calls.question()], "call": "the-same",
    }  # fmt: skip
    sent = token.arguments() | given
    assert group.store.scripts.call("suspend", **sent) == {"result": "suspended"}
    assert calls.settle(group, "skip") == "settled"
    before = group.dump()
    assert group.store.scripts.call("suspend", **sent) == {"result": "suspended"}
    assert group.dump() == before
    assert (group.state(), group.asked().state) == ("ready", "settled")


# -- a stale activation, a keeper --------------------------------------------------------------


def test_of_a_stale_activation_that_wakes_and_its_successor_only_one_writes(
    group: Group, two: list[Store]
) -> None:
    for n in range(ROUNDS):
        name = f"op-{n}"
        calls.start(group, name)
        stale = group.take(name, lease=3)
        group.clock.advance(3)
        group.sweep()
        token = group.take(name)

        def commit(of: Token) -> Act:
            given = {"step": "cordon", "fp": "f", "status": "ok", "value": f'"{of.epoch}"'}
            return lambda store: str(store.fenced_call("commit", of, **given)["result"])

        assert at_once(two, commit(stale), commit(token)) == ["fenced", "ok"]
        assert calls.step(group, "cordon", name)["value"] == '"2"'


def test_what_a_keeper_began_that_was_killed_in_mid_sweep_is_done_once(
    group: Group, redis_url: str
) -> None:
    for n in range(30):
        calls.start(group, f"op-{n}")
        calls.suspend(group, group.take(f"op-{n}"), calls.timer(seconds=3))
    group.clock.advance(3)
    group.store.sweep(limit=10)  # a part, as of a sweep that has no more time
    with connect(redis_url, name="keeper") as client:
        killed = client.connection_pool.get_connection()
        arguments = json.dumps(
            {"group": group.name, "limit": 10, "grace": 500, "now": group.clock.at}
        )
        killed.send_command("EVAL", compose("sweep", group.store.scripts._doorbell), 0, arguments)
        killed.disconnect()  # its reply reaches nobody
    while group.store.sweep(limit=7)["timers"]:
        pass
    assert {group.hash(f"wf:op-{n}")["epoch"] for n in range(30)} == {"2"}
    assert len(group.doorbells()) == 30
    assert group.events().count("timer") == 30


# -- abort and pause at every step of a child --------------------------------------------------

STEPS = ("step", "permitted", "asked", "slept", "called", "last")


def run_family(group: Group, at: str, control: Callable[[], object]) -> list[str]:
    """Run a parent with a child that does all there is to do; act when it comes to `at`."""
    acts: list[str] = []

    def hit(name: str) -> None:
        acts.append(name)
        if name == at and acts.count(at) == 1:
            control()

    def permitted(act: Activity[Any]) -> str:
        hit("permitted")
        leave = act.permit(bucket="evict", rate=0, burst=0).leave
        if leave == "paused":
            acts.remove("permitted")
            act.rest(until=0)
        acts.append(f"leave {leave}")
        return leave

    @group.workflow
    def grandchild(ctx: Any, _: Any) -> str:
        ctx.step("called", hit, "called")
        return "grandchild"

    @group.workflow
    def child(ctx: Any, _: Any) -> str:
        def tidy() -> None:
            with ctx.shield():
                ctx.step("tidy", acts.append, "tidied")

        try:
            ctx.step("step", hit, "step")
            ctx.activity("permitted", permitted)
            ctx.step("asked", hit, "asked")
            ctx.first("ask", answer=Question("block", {}, ("go",)), freed=Signal("freed"))
            ctx.step("slept", hit, "slept")
            ctx.first("sleep", over=Timer(5))
            ctx.wait_for("called:end", [ctx.spawn("called:start", "grandchild", None)], need=1)
            ctx.step("last", hit, "last")
        except Aborted:
            tidy()
            raise
        tidy()
        return "child"

    @group.workflow
    def parent(ctx: Any, _: Any) -> str:
        return str(ctx.wait_for("end", [ctx.spawn("child", "child", None)], need=1)[0].state)

    group.start("parent")
    return acts


def work_on(group: Group) -> None:
    """Answer what is asked, and let time pass, until nothing moves any more."""
    for _ in range(20):
        group.work()
        for question in group.members("open"):
            group.store.settle(question, "go", by="T:U1", call=f"go-{question}")
        group.clock.advance(6)
        group.sweep()
        group.work()


@pytest.mark.parametrize("at", STEPS)
def test_an_abort_at_any_step_of_a_child_ends_all_and_tidies_up_once(group: Group, at: str) -> None:
    acts = run_family(
        group, at, lambda: group.store.control("op-1", "abort", by="T:U9", call="abort")
    )
    work_on(group)
    assert group.state("op-1") == "aborted"
    assert group.state("op-1-1") in {"aborted", "done"}
    assert acts.count("tidied") == 1
    done = [act for act in acts if act in STEPS]
    assert done == list(STEPS[: STEPS.index(at) + 1])  # nothing begins after it
    assert "leave ok" not in acts[acts.index(at) :]
    assert group.members("open") == group.members("timers") == group.members("running") == {}


@pytest.mark.parametrize("at", STEPS)
def test_a_pause_at_any_step_of_a_child_loses_nothing_and_permits_nothing(
    group: Group, at: str
) -> None:
    acts = run_family(
        group, at, lambda: group.store.control("op-1", "pause", by="T:U9", call="pause")
    )
    work_on(group)
    if at in {"step", "permitted"}:  # it was paused before the act outside
        assert "leave ok" not in acts
    group.store.control("op-1", "resume", by="T:U9", call="resume")
    work_on(group)
    assert (group.state("op-1"), group.state("op-1-1")) == ("done", "done")
    assert [act for act in acts if act in STEPS] == list(STEPS)
    assert (acts.count("leave ok"), acts.count("tidied")) == (1, 1)


def test_after_script_flush_in_the_middle_everything_goes_on(group: Group, redis: "Redis") -> None:
    acts = run_family(group, "asked", redis.script_flush)
    work_on(group)
    assert (group.state("op-1"), acts.count("last")) == ("done", 1)
