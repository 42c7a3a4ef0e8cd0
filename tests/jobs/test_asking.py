"""When a drain asks, and when it only has to wait."""

from typing import Any

import pytest

from jobs.drain import events as e
from jobs.drain.answers import Accepted, Blocked, EvictionAnswer, Passing, TwoBudgets, Webhook
from jobs.drain.asking import Ask, Patience, next_end, when_to_ask
from jobs.drain.facts import Controller, Pod
from jobs.drain.filters import Rules
from jobs.drain.pacing import DrainState, Pace
from tests.jobs.drain.making import NAMED

OWNER = Controller(kind="ReplicaSet", name="web-5d9", uid="uid-web-5d9")  # as NAMED knows it
NOW = 1_800_000_000_000
PATIENCE = Patience(deadline=1_000_000, ask_after=5_000)


def pod(name: str = "web", **fields: Any) -> Pod:
    known: dict[str, Any] = {"namespace": "shop", "uid": f"uid-{name}", "controller": OWNER}
    return Pod(name=name, **(known | fields))


def after(*answers: EvictionAnswer, now: int = 0) -> DrainState:
    """A drain whose pods had these answers."""
    pods = tuple(pod(f"web-{n}") for n in range(len(answers)))
    state = DrainState(rules=Rules(), pace=Pace(slack=1_000), workloads=NAMED).apply(
        e.PodsListed(pods), now
    )
    for each, answer in zip(pods, answers, strict=True):
        state = state.apply(e.Sent(each.uid), now)
        state = state.apply(e.Answer(each.uid, answer), now)
    return state


def ask(state: DrainState, *, never: str = "", moved_at: int = 0, now: int = 0) -> Ask | None:
    hopeless = frozenset({never} - {""})
    return when_to_ask(state, hopeless, PATIENCE, moved_at=moved_at, now=now)[0]


@pytest.mark.parametrize(
    "answer",
    [Blocked("web", "no"), Webhook("ask again", again=True)],
)
def test_what_may_pass_is_asked_about_after_a_while(answer: EvictionAnswer) -> None:
    state = after(answer)
    assert when_to_ask(state, frozenset(), PATIENCE, moved_at=10, now=20) == (None, 5_010)
    assert ask(state, moved_at=10, now=5_010) is Ask.OBSTACLES


def test_what_can_never_pass_is_asked_about_at_once() -> None:
    assert ask(after(TwoBudgets("two")), never="uid-web-0") is Ask.OBSTACLES
    both = after(Blocked("a", "no"), TwoBudgets("two"))
    assert ask(both, never="uid-web-1") is Ask.OBSTACLES


def test_nothing_is_asked_while_a_pod_still_goes() -> None:
    state = after(Accepted(), TwoBudgets("two"))
    assert ask(state, never="uid-web-1") is None
    state = state.apply(e.PodGone("uid-web-0"), 5)
    assert ask(state, never="uid-web-1") is Ask.OBSTACLES


def test_past_its_time_it_is_overdue_whatever_else_is_true_but_never_when_it_is_empty() -> None:
    late = PATIENCE.deadline
    assert ask(after(Accepted()), now=late) is Ask.OVERDUE
    assert ask(after(TwoBudgets("two")), never="uid-web-0", now=late) is Ask.OVERDUE
    empty = DrainState(rules=Rules(), workloads=NAMED).apply(e.PodsListed(()), 0)
    assert ask(empty, now=late) is None


def test_a_drain_that_only_waits_says_when_to_look_again() -> None:
    assert next_end(after(Blocked("web", "no"), now=NOW), NOW) == 0
    due = NOW + 30_000 + 1_000 + 1
    assert next_end(after(Accepted(), now=NOW), NOW) == due
    assert next_end(after(Accepted(), TwoBudgets("two"), now=NOW), NOW) == due
    assert next_end(after(Accepted(), now=NOW), due) == 0  # overdue: nothing more to wait for


def test_a_drain_that_still_has_something_to_send_does_not_only_wait() -> None:
    untried = DrainState(rules=Rules(), workloads=NAMED).apply(e.PodsListed((pod(),)), 0)
    assert next_end(untried, 0) is None
    assert next_end(untried.apply(e.Sent("uid-web"), 0), 0) is None
    assert next_end(after(Passing("broken")), 0) is None
