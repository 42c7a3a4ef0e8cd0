"""Small words that read wrong in the demo once, and should not again."""

from bot.messages.nodes import node_line
from bot.messages.question import effects
from bot.messages.style import PLAIN
from jobs.models import NodeStatus, NodeView
from tests.bot.messages.samples import BLOCK, OWNER, operation, question


def _force_words(replicas: int) -> str:
    owner = OWNER.model_copy(update={"replicas": replicas, "ready": replicas})
    asked = question(blocks=(BLOCK.model_copy(update={"owner": owner}),))
    return effects(operation(), asked, PLAIN)[0]


def test_one_pod_stays_and_several_stay() -> None:
    assert _force_words(3) == "Force deletes db-2 past its budget: 2 of 3 stay."
    assert _force_words(2) == "Force deletes db-2 past its budget: 1 of 2 stays."


def test_pods_that_nobody_has_counted_yet_are_not_told_as_none() -> None:
    waiting = node_line(NodeView(name="node-3"), PLAIN)
    assert waiting == "node-3 ░░░░░░░░░░ waiting its turn"
    counted = NodeView(name="node-3", status=NodeStatus.DRAINING, pods_total=4, pods_gone=2)
    assert node_line(counted, PLAIN) == "node-3 █████░░░░░ 2/4 draining"
    empty = NodeView(name="node-3", status=NodeStatus.DRAINED)
    assert node_line(empty, PLAIN) == "node-3 ██████████ 0/0 drained"
