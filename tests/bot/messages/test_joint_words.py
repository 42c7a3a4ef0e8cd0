"""One question of several nodes, in words: what each node has to do with it, and within limits."""

import pytest

from bot.messages.modals import force_modal
from bot.messages.plain import question_lines
from bot.messages.thread import thread_of
from jobs.models import OnNode, OperationView, PodRef
from tests.bot.messages import samples
from tests.bot.messages.breaches import wrong_with, wrong_with_view
from tests.bot.messages.samples_joint import BLOCKS, DB_0, FIRST, JOINT, joint


def test_a_shell_is_told_of_each_node_too() -> None:
    view = JOINT["block_of_two_nodes"]
    lines = question_lines(view, view.open_questions[0])
    assert "node-17: payments/db-2 · 1 of 21 pods left" in lines
    assert "node-18: payments/db-0 · 1 of 20 pods left" in lines
    assert "Skip leaves them running and ends the operation without these nodes." in lines


def test_a_node_that_left_the_question_is_not_named_any_more() -> None:
    left = joint(by_node=(), node="node-18", blocks=BLOCKS[1:], pods_left=1, pods_total=20)
    view = samples.operation(questions=(FIRST, left), log=())
    said = str(
        [message for message in thread_of(view, samples.T0) if message.key.startswith("q:all")]
    )
    assert "Skip node-18" in said
    assert "Force db-0…" in said
    assert "payments/db-2" not in said
    assert "1 pod of node-18" in str(force_modal(left))


@pytest.mark.parametrize(("nodes", "each"), [(2, 250), (400, 1)])
def test_five_hundred_pods_on_hundreds_of_nodes_with_the_longest_names_fit(
    nodes: int, each: int
) -> None:
    by_node = tuple(
        OnNode(
            node=f"{number}-{'n' * 248}",
            pods=tuple(
                PodRef(namespace="s" * 63, name=f"{pod}-{'p' * 240}", uid=f"{number}-{pod}")
                for pod in range(each)
            ),
            pods_left=each,
            pods_total=999,
        )
        for number in range(nodes)
    )
    pods = [pod for node in by_node for pod in node.pods]
    blocks = tuple(samples.BLOCK.model_copy(update={"pod": pod}) for pod in pods)
    asked = joint(by_node=by_node, blocks=blocks)
    view: OperationView = samples.operation(questions=(asked,), log=())
    for message in thread_of(view, 0):
        assert wrong_with(message) == []
    said = str([message.blocks for message in thread_of(view, 0)])
    assert f"Skip {nodes} nodes" in said
    assert f"Force {len(pods)} pods…" in said
    modal = force_modal(asked, reason_required=True)
    assert wrong_with_view(modal) == []
    assert f"{len(pods)} pods of prod-eu" in str(modal)


def test_pods_of_several_workloads_are_counted_in_the_title() -> None:
    other = samples.OWNER.model_copy(update={"name": "cache", "uid": "u2"})
    mixed = (BLOCKS[0], BLOCKS[1].model_copy(update={"owner": other, "pod": DB_0}))
    view = samples.operation(questions=(joint(blocks=mixed),), log=())
    assert "Decide: 2 pods can't move" in str(thread_of(view, 0))
