"""What people do in stories of operations that wait for each node's maintenance."""

from typing import Any

from jobs.models import (
    DrainOptions,
    NodeStatus,
    NodeView,
    QuestionKind,
    QuestionView,
    Refused,
    Submitted,
)
from jobs.nodes import NodeRecord
from jobs.workflows import choices
from tests.jobs.harness import ANA, NAME, until
from tests.jobs.story import Story, web

WAIT = DrainOptions(then="wait")
ALL = ("node-1", "node-2", "node-3")


def ask(story: Story, *names: str, **options: Any) -> str:
    wanted = WAIT.model_copy(update=options)
    return story.submit(*(names or ("node-1", "node-2")), options=wanted, reason="new disks")


def record(story: Story, node: str = "node-1") -> NodeRecord:
    found = story.worker.resources.nodes.record(node)
    assert found is not None
    return found


def statuses(story: Story, operation: str) -> list[NodeStatus]:
    return [node.status for node in story.view(operation).nodes]


def owned(story: Story) -> list[str]:
    return sorted(story.worker.resources.nodes.owned())


def question(
    story: Story, operation: str, kind: QuestionKind, node: str = "node-1"
) -> QuestionView:
    """Wait for the open question of a kind about a node."""

    def look() -> QuestionView | None:
        asked = story.view(operation).open_questions
        return next((q for q in asked if (q.kind, q.node) == (kind, node)), None)

    return until(look, what=f"the question {kind} about {node}")


def maintained(story: Story, operation: str, node: str = "node-1") -> QuestionView:
    return question(story, operation, QuestionKind.MAINTENANCE, node)


def done(story: Story, operation: str, *names: str) -> None:
    """Say of nodes, one after the other, that their maintenance is done."""
    for name in names:
        story.decide(maintained(story, operation, name), choices.RETURN)


def status(story: Story, operation: str, wanted: NodeStatus, node: str = "node-1") -> NodeView:
    until(lambda: story.node(operation, node).status is wanted, what=f"{node} {wanted}")
    return story.node(operation, node)


def words(story: Story, operation: str) -> list[str]:
    return [entry.what for entry in story.view(operation).log]


def tend(story: Story, verb: str, node: str = "node-1") -> Submitted | Refused:
    act = story.service.maintain if verb == "maintenance" else story.service.return_node
    return act(ANA, NAME, node, channel="C01", dedup=f"d{next(story.calls)}")


def uncordon(story: Story, node: str = "node-1") -> None:
    story.cluster.patch("Node", "", node, {"spec": {"unschedulable": None}})


IMPATIENT = {"owners_well_within": "1s"}  # of the policy's defaults


def unwell(story: Story) -> tuple[str, str]:
    """A node that is drained, and whose workloads are not well: its maintenance has not begun."""
    web(story, 1, elsewhere=1)
    pod = story.pods_on("node-2")[0]
    operation = ask(story, "node-1", "node-3")
    until(story.evictions, what="an eviction")
    story.cluster.set_ready("shop", pod, ready=False)
    question(story, operation, QuestionKind.UNWELL)
    return operation, pod
