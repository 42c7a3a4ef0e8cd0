"""The drain of a node that runs what drainbot itself needs: said in the plan, and asked about."""

import pytest

from jobs.drain.own import BOT, COMPONENT, DRAINBOT, NAME, REDIS
from jobs.models import (
    DrainOptions,
    NodeStatus,
    OperationEnd,
    OperationState,
    QuestionKind,
    QuestionView,
)
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, block, web
from tests.jobs.workflows.moments import Moments

LONG = 3_600_000  # ms


def alive(story: Story, *nodes: str) -> None:
    """Have workers be alive on these nodes, and on no other."""
    store = story.worker.store
    key = f"{store.prefix}workers"
    store.redis.delete(key)
    if nodes:
        found = {f"{node}|keeper-{node}": store.now() + LONG for node in nodes}
        store.redis.zadd(key, {name: float(until) for name, until in found.items()})


def asked(story: Story, operation: str) -> QuestionView:
    question = story.question(operation)
    assert question.kind is QuestionKind.OWN, question
    return question


def test_a_node_with_the_only_worker_is_not_touched_before_people_have_said_so(play: Play) -> None:
    story = play()
    web(story, 3)
    alive(story, "node-1")
    operation = story.submit("node-1")
    question = asked(story, operation)
    assert question.choices == choices.OWN
    assert question.node == "node-1"
    assert question.detail == (
        "The only worker of test that would be left runs on node-1: when its pod is evicted nobody "
        "finishes this drain until a worker starts elsewhere."
    )
    assert (story.node(operation).status, story.cordoned()) == (NodeStatus.BLOCKED, False)
    assert story.requests("nodes") == []

    story.decide(question, choices.GO_ON)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert len(view.questions) == 1  # it is asked once, not before each eviction
    assert [e.fields["own"] for e in view.log if e.what == "own_anyway"] == ["worker"]


@pytest.mark.parametrize(
    ("others", "asks"),
    [(["node-2"], False), ([""], False), ([], True)],
    ids=["one on another node", "one that nobody knows where", "none"],
)
def test_it_is_asked_only_where_no_other_worker_is_left(
    play: Play, others: list[str], *, asks: bool
) -> None:
    story = play()
    web(story, 1)
    alive(story, "node-1", *others)
    operation = story.submit("node-1")
    if asks:
        story.decide(asked(story, operation), choices.GO_ON)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert bool(view.questions) is asks


def test_a_worker_on_a_node_that_drains_itself_is_not_counted_on(play: Play) -> None:
    story = play()
    story.cluster.add_workload("Deployment", "shop", "web", replicas=1, on=["node-1"])
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-2"])
    alive(story, "node-1", "node-2")
    first = story.submit("node-2")
    held = story.question(first)  # it is about a pod that nothing starts again
    assert held.kind is QuestionKind.REFUSAL
    second = story.submit("node-1")
    question = asked(story, second)
    story.decide(held, choices.EVICT_ANYWAY)
    assert story.finish(first).end is OperationEnd.DRAINED
    story.give_back("node-2")
    assert story.finish(second).end is OperationEnd.DRAINED  # node-2 is back, with its worker
    closed = next(q for q in story.view(second).questions if q.id == question.id)
    assert closed.closed_because == "no_longer_needed"


def test_a_worker_that_starts_elsewhere_closes_the_question(play: Play) -> None:
    story = play()
    web(story, 2)
    alive(story, "node-1")
    operation = story.submit("node-1")
    question = asked(story, operation)
    alive(story, "node-1", "node-3")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    (closed,) = view.questions
    assert (closed.id, closed.closed_because) == (question.id, "no_longer_needed")
    assert [e.node for e in view.log if e.what == "freed"] == ["node-1"]


def test_retry_looks_again_and_asks_again_where_nobody_has_come(play: Play) -> None:
    story = play(policy=policy_with({"auto_resume_after_free": "1h"}))
    web(story, 1)
    alive(story, "node-1")
    operation = story.submit("node-1")
    first = asked(story, operation)
    story.decide(first, choices.RETRY)
    second = story.question(operation, after=[first])
    assert (second.kind, second.thread_key) == (QuestionKind.OWN, first.thread_key)
    alive(story, "node-1", "node-2")
    story.decide(second, choices.RETRY)
    assert story.finish(operation).end is OperationEnd.DRAINED


@pytest.mark.parametrize(
    ("choice", "end", "status"),
    [
        (choices.SKIP, OperationEnd.PARTLY, NodeStatus.SKIPPED),
        (choices.ABORT, OperationEnd.ABORTED, NodeStatus.ABORTED),
    ],
)
def test_a_node_that_is_let_be_stays_as_it_was(
    play: Play, choice: str, end: OperationEnd, status: NodeStatus
) -> None:
    story = play()
    web(story, 1)
    alive(story, "node-1")
    operation = story.submit("node-1", "node-2", options=DrainOptions())
    until(lambda: story.node(operation, "node-2").status is NodeStatus.DRAINED)
    story.decide(asked(story, operation), choice)
    view = story.finish(operation)
    assert (view.end, story.node(operation).status) == (end, status)
    assert not story.cordoned()
    assert story.evictions() == []
    assert story.worker.resources.nodes.owned() == ("node-2",)


def test_a_node_about_which_nobody_answers_is_not_touched_and_free_again(play: Play) -> None:
    story = play(policy=policy_with(questions={"stop_after": "2s", "remind": "1s"}))
    web(story, 1)
    alive(story, "node-1")
    view = story.finish(story.submit("node-1"))
    assert view.end is OperationEnd.STOPPED
    assert view.nodes[0].detail == "nobody answered; it was not touched"
    assert not story.cordoned()
    assert story.worker.resources.nodes.owned() == ()


def test_the_nodes_with_the_last_workers_go_last_and_the_plan_says_so(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "when_noteworthy"}))
    web(story, 1)
    alive(story, "node-1")
    operation = story.submit("node-1", "node-3")
    start = story.question(operation)
    assert start.kind is QuestionKind.START
    plan = story.view(operation).plan
    assert plan is not None
    assert [(node.name, node.own) for node in plan.nodes] == [
        ("node-3", ()), ("node-1", ("worker",)),
    ]  # fmt: skip
    story.decide(start, choices.START)
    question = asked(story, operation)
    assert story.node(operation, "node-3").status is NodeStatus.DRAINED
    story.decide(question, choices.GO_ON)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_one_node_with_the_only_worker_is_noteworthy(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "when_noteworthy"}))
    web(story, 1, elsewhere=1)
    alive(story, "node-1")
    operation = story.submit("node-1")
    assert story.question(operation).kind is QuestionKind.START
    assert story.view(operation).state is OperationState.CONFIRMING
    alive(story, "node-1", "node-2")
    other = story.submit("node-3")  # nothing is noteworthy about that
    assert story.finish(other).end is OperationEnd.DRAINED


def test_a_drain_under_way_asks_where_all_other_workers_have_gone(play: Play) -> None:
    story = play()
    block(story)
    web(story, 2)
    alive(story, "node-1", "node-2")
    operation = story.submit("node-1")
    blocked = story.question(operation)
    assert blocked.kind is QuestionKind.BLOCK
    alive(story, "node-1")
    story.decide(blocked, choices.FORCE)
    question = story.question(operation, after=[blocked])
    assert question.kind is QuestionKind.OWN
    assert story.requests("pods", carried_out=True) == []
    story.decide(question, choices.GO_ON)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[0].forced == ("payments/db-0",)  # what was decided before is kept


@pytest.mark.parametrize("moment", ["cordon", "ask:own:cordon:0", "cordon:own:1", "owners"])
def test_an_abort_at_any_moment_of_the_question_leaves_the_node_as_it_was(
    play: Play, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    story, moments = play(), Moments(monkeypatch)
    web(story, 1)
    alive(story, "node-1")
    operations: list[str] = []

    def abort() -> None:
        until(lambda: operations)
        story.abort(operations[0])

    moments.at(moment, abort)
    operations.append(story.submit("node-1"))
    until(lambda: moments.hit or story.view(operations[0]).open_questions)
    for question in story.view(operations[0]).open_questions:
        story.decide(question, choices.GO_ON)
    view = story.finish(operations[0])
    assert moments.hit
    assert (view.end, view.nodes[0].status) == (OperationEnd.ABORTED, NodeStatus.ABORTED)
    assert not story.cordoned()
    assert story.evictions() == []
    assert story.worker.resources.nodes.owned() == ()


# -- its Redis, its last bot -----------------------------------------------------------------------


def part(story: Story, component: str, *nodes: str) -> None:
    """Run a part of drainbot on these nodes, labelled as the manifests do it."""
    labels = {NAME: DRAINBOT, COMPONENT: component}
    story.cluster.add_workload(
        "Deployment", "drainbot", component, replicas=len(nodes), on=list(nodes), labels=labels
    )


def test_the_node_of_our_redis_goes_last_and_is_asked_about_before_anything_is_evicted(
    play: Play,
) -> None:
    story = play()
    part(story, REDIS, "node-1")
    web(story, 1)
    operation = story.submit("node-1", "node-3")
    question = asked(story, operation)
    assert question.node == "node-1"
    assert question.detail.startswith("The Redis of drainbot runs on node-1: while it moves")
    plan = story.view(operation).plan
    assert plan is not None
    assert [(node.name, node.own) for node in plan.nodes] == [
        ("node-3", ()), ("node-1", ("redis",)),
    ]  # fmt: skip
    assert story.node(operation, "node-3").status is NodeStatus.DRAINED
    assert story.evictions() == []
    story.decide(question, choices.GO_ON)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert [e.fields["own"] for e in view.log if e.what == "own_anyway"] == ["redis"]


def test_the_last_bot_is_asked_about_and_one_of_two_is_not(play: Play) -> None:
    story = play()
    part(story, BOT, "node-1", "node-2")
    first = story.submit("node-2")
    assert story.finish(first).questions == ()
    until(
        lambda: all(
            pod["spec"].get("nodeName") in {"node-1", "node-3"}
            for pod in story.cluster.list("Pod", namespace="drainbot")
        ),
        what="the bot on another node",
    )
    both = story.submit("node-1", "node-3")  # after that none is left but where nobody drains
    question = asked(story, both)
    assert question.detail.startswith("The last bot runs on node-")
    story.decide(question, choices.SKIP)
    until(lambda: story.view(both).end or story.view(both).open_questions)
    assert not story.cordoned(question.node)  # nothing was evicted: it is as it was


def test_pods_of_others_that_share_a_name_with_ours_are_nothing_of_ours(play: Play) -> None:
    story = play()
    story.cluster.add_workload(
        "Deployment", "shop", "cache", replicas=1, on=["node-1"], labels={COMPONENT: REDIS}
    )
    assert story.finish(story.submit("node-1")).questions == ()
