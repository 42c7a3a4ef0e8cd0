"""A drain that evicts under a budget lets other drains know."""

from jobs.models import OperationEnd
from tests.jobs.conftest import Play
from tests.jobs.story import counted, web


def test_whoever_evicts_under_a_budget_is_remembered_with_it(play: Play) -> None:
    story = play()
    web(story, 4)
    story.cluster.add_workload("Deployment", "shop", "api", replicas=2, on=["node-1", "node-2"])
    story.cluster.add_budget("shop", "web", max_unavailable=2, match_labels={"app": "web"})
    counted(story, "shop", "web", 4)
    operation = story.submit("node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED
    budgets = story.worker.resources.nodes.budgets
    ((who, at),) = budgets.holders("shop", "web")
    assert who == operation
    first = min(entry.time for entry in story.evictions())
    assert 0 < at - first * 1000 < 60_000
    assert budgets.holders("shop", "api") == ()
