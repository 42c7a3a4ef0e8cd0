"""Whatever names, reasons and numbers a view holds: Slack takes the messages, nobody is pinged."""

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.messages import Audience, Message, thread_of
from bot.messages.details import details_modal
from bot.messages.log import summary
from bot.messages.modals import abort_modal, force_modal
from bot.messages.plain import list_line, progress_line, status_lines
from jobs.models import (
    Block,
    BudgetFacts,
    DrainOptions,
    Holder,
    LogEntry,
    NodePlan,
    NodeStatus,
    NodeView,
    NotReady,
    OperationEnd,
    OperationPlan,
    OperationState,
    OperationView,
    OwnerRef,
    PlannedBlock,
    PodRef,
    QuestionKind,
    QuestionState,
    QuestionView,
    Refusal,
    RefusalReason,
    Requirements,
    Room,
    Settlement,
    Verdict,
    Vote,
    WontStop,
)
from tests.bot.messages.breaches import wrong_with, wrong_with_view

NASTY = (
    "<!here>",
    "@channel now",
    "<!channel|x>",
    "<@U999EVIL>",
    "<!subteam^S999EVIL>",
    "&lt;!here&gt;",
    "*bold* _it_ ~no~ `code` ```block",
    "a" * 253,
    "שלום עולם",
    "\u202egnp.exe",
    "line\nbreak\x1b[31mred\x00",
    "😀" * 200,
    "\ud800 alone",
    "<https://evil.example|click>",
    "-" * 3_100,
    "",
)
ALLOWED = {"U01ANA", "U02BOB", "U03CY", "S0SRE", "S0ONCALL", "C01OPS", "C03ESC"}

words = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
names = words.map(lambda text: text or "n")
people = st.sampled_from(["T01DEMO:U01ANA", "T01DEMO:U02BOB", "U03CY"]) | words
numbers = st.integers(-1, 10**6)
moments = st.integers(0, 2 * 10**12)
pods = st.builds(PodRef, namespace=names, name=names, uid=st.uuids().map(str))
owners = st.none() | st.builds(
    OwnerRef, kind=names, namespace=names, name=names, uid=names, replicas=numbers, ready=numbers
)
budgets = st.builds(
    BudgetFacts,
    namespace=names,
    name=names,
    spec=words,
    current_healthy=numbers,
    desired_healthy=numbers,
)
kinds = st.sampled_from(
    ["budget", "two_budgets", "rbac", "webhook", "budget_broken", "namespace", "busy"]
)
blocks = st.builds(
    Block,
    pod=pods,
    kind=kinds,
    verdict=st.sampled_from(Verdict),
    message=words,
    budgets=st.lists(budgets, max_size=2).map(tuple),
    owner=owners,
    not_ready=st.lists(st.builds(NotReady, pod=names, since=moments, why=words), max_size=12).map(
        tuple
    ),
    held_by=st.lists(st.builds(Holder, operation=names, at=moments), max_size=5).map(tuple),
    help=words,
)
refusals = st.builds(
    Refusal,
    pod=pods,
    reasons=st.lists(st.sampled_from(RefusalReason), min_size=1, max_size=3, unique=True).map(
        tuple
    ),
    owner=owners,
)
wont_stops = st.builds(
    WontStop,
    pod=pods,
    due=moments,
    finalizers=st.lists(names, max_size=3).map(tuple),
    node_ready=st.booleans(),
)
choices = st.lists(
    st.sampled_from(
        [
            "start",
            "approve",
            "deny",
            "retry",
            "wait",
            "skip",
            "force",
            "abort",
            "evict_anyway",
            "keep_waiting",
            "node_is_dead",
            "go-on",
            "something else",
        ]
    ),
    max_size=8,
    unique=True,
).map(tuple)
votes = st.builds(Vote, choice=st.sampled_from(["force", "approve"]), by=people, at=moments)
settlements = st.none() | st.builds(
    Settlement,
    choice=st.sampled_from(["force", "skip", "approve", "new word"]),
    by=st.lists(people, min_size=1, max_size=3).map(tuple),
    at=moments,
    note=words,
)
identity = st.integers(0, 5).map(lambda n: f"prod-eu-q-{n:012d}")
questions = st.builds(
    QuestionView,
    id=identity,
    cluster=names,
    operation=st.just("prod-eu-7f3k9q"),
    node=words,
    kind=st.sampled_from(QuestionKind),
    state=st.sampled_from(QuestionState),
    choices=choices,
    votes_needed=st.dictionaries(st.sampled_from(["force", "approve"]), st.integers(1, 3)),
    votes=st.lists(votes, max_size=3).map(tuple),
    refusals=st.lists(refusals, max_size=3).map(tuple),
    blocks=st.lists(blocks, max_size=3).map(tuple),
    wont_stop=st.lists(wont_stops, max_size=3).map(tuple),
    detail=words,
    pods_left=numbers,
    pods_total=numbers,
    opened_at=moments,
    stop_at=moments,
    reminded=st.lists(st.sampled_from(["remind", "escalate"]), max_size=2).map(tuple),
    waits=st.lists(votes, max_size=2).map(tuple),
    thread_key=st.sampled_from(["", "a", "b"]) | words,
    settled=settlements,
    closed_because=st.sampled_from(
        ["", "no_longer_needed", "nobody_answered", "aborted", "superseded", "other"]
    ),
    closed_at=moments,
    superseded_by=st.just("") | identity,
)
node_views = st.builds(
    NodeView,
    name=names,
    status=st.sampled_from(NodeStatus),
    detail=words,
    pods_total=numbers,
    pods_gone=numbers,
    terminating=numbers,
    cordoned_before=st.booleans(),
    cordon_kept=st.booleans(),
    waiting_for=st.lists(names, max_size=3).map(tuple),
    forced=st.lists(names, max_size=3).map(tuple),
    started_at=st.just(0) | moments,
    safe_to_power_off=st.booleans(),
)
node_plans = st.builds(
    NodePlan,
    name=names,
    uid=names,
    evict=numbers,
    daemonset=numbers,
    refusals=st.lists(refusals, max_size=2).map(tuple),
    blocks=st.lists(
        st.builds(PlannedBlock, pod=pods, budget=budgets, never=st.booleans()), max_size=2
    ).map(tuple),
    data_lost=st.lists(names, max_size=3).map(tuple),
    single_replicas=st.lists(names, max_size=3).map(tuple),
    taken_by=words,
    refused=words,
    static=numbers,
    terminating=numbers,
    not_selected=numbers,
)
rooms = st.builds(
    Room, fits=st.sampled_from([True, False, None]), short_cpu=numbers, short_memory=numbers,
    short_pods=numbers, too_large=st.lists(names, max_size=4).map(tuple), unchecked=numbers,
    why=words,
)  # fmt: skip
log_words = st.sampled_from(
    [
        "cordoned",
        "drained",
        "evicted",
        "taken_over",
        "worker_lost",
        "uncordoned",
        "skipped",
        "aborted",
        "stopped",
        "failed",
        "forced",
        "paused",
        "resumed",
        "freed",
        "braked",
        "unbraked",
        "restarted",
    ]
)
entries = st.builds(
    LogEntry,
    key=st.uuids().map(str),
    what=log_words | words,
    at=moments,
    node=words,
    fields=st.dictionaries(
        st.sampled_from(["by", "reason", "pods", "pod", "budget", "was_cordoned"]) | words,
        words | st.integers(),
        max_size=4,
    ),
)
plans = st.none() | st.builds(
    OperationPlan,
    nodes=st.lists(node_plans, max_size=3).map(tuple),
    digest=st.just("d"),
    as_of=moments,
    seconds=st.integers(-1, 10**7),
    room=st.none() | rooms,
    too_many_away=st.booleans(),
    over=st.lists(words, max_size=3).map(tuple),
)
views = st.builds(
    OperationView,
    id=st.just("prod-eu-7f3k9q") | words.map(lambda text: text[:60]),
    cluster=names,
    state=st.sampled_from(OperationState),
    end=st.none() | st.sampled_from(OperationEnd),
    detail=words,
    requester=people,
    reason=words,
    channel=st.just("C01OPS"),
    options=st.builds(DrainOptions, force=st.booleans(), pod_selector=words),
    requirements=st.builds(Requirements, escalate_to=st.sampled_from(["", "C03ESC", "S0SRE"])),
    nodes=st.lists(node_views, max_size=15).map(tuple),
    plan=plans,
    plan_only=st.booleans(),
    questions=st.lists(questions, max_size=4).map(tuple),
    log=st.lists(entries, max_size=4, unique_by=lambda entry: entry.key).map(tuple),
    created_at=moments,
    ended_at=moments,
    waited_for_people=numbers,
    soaking_until=moments,
    paused_by=st.just("") | people,
    aborted_by=st.just("") | people,
    aborted_reason=words,
    version=st.integers(0, 10**6),
)
AUDIENCE = Audience(
    mentions=lambda _: ("S0SRE", "U02BOB", "S0ONCALL"),
    links={"q:a": "https://demo.slack.example/p1", "q:b": "https://x|<!here>"},
)
unhurried = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"value", "private_metadata", "block_id"}:  # carried, never shown
                yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _pings(text: str) -> list[str]:
    """Every token that would notify somebody beyond those whom the view itself names."""
    found = re.findall(r"<!(?:here|channel|everyone)[^>]*>|@(?:here|channel|everyone)\b", text)
    ids = re.findall(r"<(?:@|#|!subteam\^)([^>|]*)", text)
    return found + [one for one in ids if one not in ALLOWED]


def _check(message: Message) -> None:
    assert wrong_with(message) == []
    assert 0 < len(message.text) <= 4_000
    for text in (message.text, *_strings(list(message.blocks))):
        assert _pings(text) == []
        assert not set(text) & set("\u202e\x1b\x00")
        text.encode()


@unhurried
@given(views, moments)
def test_no_view_breaks_a_limit_or_pings_anybody(view: OperationView, now: int) -> None:
    messages = thread_of(view, now, AUDIENCE)

    for message in messages:
        _check(message)
    keys = [m.key for m in messages]
    assert keys.count("parent") == 1
    if view.log:
        _check(summary(view, view.log))


@unhurried
@given(views, moments)
def test_no_view_breaks_a_modal(view: OperationView, now: int) -> None:
    modals = [details_modal(view, now), abort_modal(view)]
    modals += [force_modal(q, reason_required=True) for q in view.questions]

    for modal in modals:
        assert wrong_with_view(modal) == []
        for text in _strings(modal):
            assert _pings(text) == []


@unhurried
@given(views, moments)
def test_no_view_sends_a_terminal_anything_but_words(view: OperationView, now: int) -> None:
    lines = [*status_lines(view, now), list_line(view, now), progress_line(view, now)]

    for line in lines:
        assert "\x1b" not in line
        assert "\n" not in line
        line.encode()


def test_five_hundred_pods_and_the_longest_names_fit() -> None:
    refused = tuple(
        Block(
            pod=PodRef(namespace="n" * 63, name=f"{number}-{'p' * 249}", uid=str(number)),
            kind="budget",
            verdict=Verdict.MAY_PASS,
            message="<!here>" * 100,
            budgets=(BudgetFacts(namespace="n" * 63, name=f"{number % 9}-{'b' * 251}"),),
        )
        for number in range(500)
    )
    asked = QuestionView(
        id="prod-eu-q-abcdef123456",
        cluster="c" * 40,
        operation="prod-eu-7f3k9q",
        node="n" * 253,
        kind=QuestionKind.BLOCK,
        choices=("retry", "wait", "skip", "force", "abort"),
        blocks=refused,
    )
    nodes = tuple(NodeView(name=f"{n}{'x' * 250}", status=NodeStatus.BLOCKED) for n in range(400))
    view = OperationView(
        id="prod-eu-7f3k9q",
        cluster="c" * 40,
        state=OperationState.RUNNING,
        requester="T01DEMO:U01ANA",
        nodes=nodes,
        questions=(asked,),
    )

    messages = thread_of(view, 0)

    for message in messages:
        _check(message)
    said = "\n".join(text for m in messages for text in _strings(list(m.blocks)))
    assert "500 pods" in said
    assert "Waiting may help." in said
    assert "Skip leaves them running" in said
    modal = force_modal(asked, reason_required=True)
    assert wrong_with_view(modal) == []
    assert "500 pods" in str(modal)
