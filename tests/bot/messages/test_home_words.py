"""The home tab, block by block beside its golden file, and for whatever names there are."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.home import (
    Ask,
    HomeState,
    KeptNode,
    closed_home,
    home_tab,
)
from jobs.models import Freeze, OperationState, OperationView
from sandbox.slack.blockkit import problems
from sandbox.slack.house_rules import of_view
from tests.bot.messages import samples
from tests.bot.messages.breaches import wrong_with_view
from tests.bot.messages.test_any_input import (
    _pings,
    _strings,
    moments,
    names,
    people,
    unhurried,
    views,
)
from tests.bot.messages.test_message_golden import NOW, compare

RUNNING = samples.operation(log=())
APPROVING = samples.operation(
    id="prod-eu-9xk2aa",
    state=OperationState.APPROVING,
    questions=(samples.approval(),),
    log=(),
)
LINKS = {
    RUNNING.id: "https://demo.slack.example/archives/C01OPS/p1",
    samples.question().id: "https://demo.slack.example/archives/C01OPS/p2",
}


def _state() -> HomeState:
    (block,) = RUNNING.open_questions
    (approval,) = APPROVING.open_questions
    return HomeState(
        clusters=("prod-eu", "lab"),
        asks=(Ask(RUNNING, block, block.choices), Ask(APPROVING, approval, approval.choices)),
        running=(RUNNING, APPROVING, samples.operation(id="prod-eu-555555", questions=())),
        ended=(samples.ended(id="prod-eu-111111"),),
        kept=(KeptNode("prod-eu", "node-3", "drained", "prod-eu-111111", samples.T0),),
        freezes=(Freeze(cluster="lab", by=samples.CY, at=samples.T0, reason="network trouble"),),
        silent=("lab",),
        links=LINKS,
        told="Already settled: Skip by @ana, 12 s ago. Yours was not applied.",
    )


def test_the_home_tab_reads_as_its_golden_file_says() -> None:
    tab = home_tab(_state(), NOW)
    assert problems(tab.view) + of_view(tab.view) == []
    compare("home.json", json.dumps(tab.view, indent=1, ensure_ascii=False) + "\n")


def test_an_empty_one_and_a_closed_one_say_so() -> None:
    empty = home_tab(HomeState(clusters=("prod-eu",)), NOW).view
    closed = closed_home("drainbot takes no orders from guests.", NOW).view
    assert problems(empty) == problems(closed) == []
    compare("home_empty.json", json.dumps([empty, closed], indent=1, ensure_ascii=False) + "\n")


def test_only_its_as_of_is_no_reason_to_publish_it_again() -> None:
    state = _state()
    assert home_tab(state, NOW).digest == home_tab(state, NOW + 1_000).digest
    assert home_tab(state, NOW).digest != home_tab(state, NOW + 600_000).digest


def test_it_names_no_pod_however_many_there_are() -> None:
    text = json.dumps(home_tab(_state(), NOW).view)
    assert "db-2" not in text
    assert "Force 1 pod" in text


def test_a_hundred_of_everything_fits_and_what_is_left_out_is_counted() -> None:
    many = HomeState(
        clusters=("prod-eu",),
        asks=tuple(Ask(RUNNING, q, q.choices) for q in RUNNING.open_questions * 100),
        running=(RUNNING,) * 100,
        ended=(samples.ended(),) * 100,
        kept=(KeptNode("prod-eu", "n" * 253, "drained", "x", 1),) * 100,
        freezes=(Freeze(cluster="c" * 40, by=samples.BO, at=1, reason="r" * 900),) * 100,
        links=LINKS,
    )
    tab = home_tab(many, NOW)
    assert problems(tab.view) + of_view(tab.view) == []
    text = json.dumps(tab.view, ensure_ascii=False)
    for left_out in ("88 more questions", "85 more operations", "90 more cordoned nodes"):
        assert left_out in text


@unhurried
@given(st.lists(views, max_size=3), st.lists(names, min_size=3, max_size=3), people, moments)
def test_no_state_breaks_a_limit_or_pings_anybody(
    all_views: list[OperationView], nasty: list[str], who: str, now: int
) -> None:
    first, second, third = nasty
    state = HomeState(
        clusters=(first,),
        asks=tuple(Ask(v, q, q.choices) for v in all_views for q in v.questions),
        running=all_views,
        ended=all_views,
        kept=(KeptNode(first, second, third, first, now),),
        freezes=(Freeze(cluster=first, by=who, at=now, reason=second),),
        silent=(third,),
    )
    tab = home_tab(state, now)
    assert wrong_with_view(tab.view) == []
    for text in _strings(tab.view):
        assert _pings(text) == []
        assert not set(text) & set("\u202e\x1b\x00")
