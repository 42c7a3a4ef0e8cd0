"""How a node that a person declared dead is marked, and how the mark goes again."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.drain.dead import OUT_OF_SERVICE, Declared, Refused, taint_patch, undoing
from jobs.drain.facts import Node, Taint
from jobs.drain.fence import OPERATION, OUR_TAINT, TOKEN, Claim, Patch, uncordon_patch

CLAIM = Claim(node="node-1", uid="n1", operation="op-1", token=4)
DEAD = Node(
    name="node-1", uid="n1", resource_version="12", unschedulable=True, ready=False,
    annotations={OPERATION: "op-1", TOKEN: "3", "drainbot.dev/was-cordoned": "false"},
)  # fmt: skip
TAINTED = Taint(key=OUT_OF_SERVICE, value="nodeshutdown", effect="NoExecute")


def test_the_patch_is_guarded_and_says_that_the_taint_is_ours() -> None:
    assert taint_patch(DEAD, CLAIM) == {
        "metadata": {
            "resourceVersion": "12",
            "annotations": {OUR_TAINT: "true", TOKEN: "4"},
        },
        "spec": {
            "taints": [{"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}]
        },
    }


def test_somebody_elses_taint_is_not_made_ours() -> None:
    assert taint_patch(replace(DEAD, taints=(TAINTED,)), CLAIM) == Declared()


@pytest.mark.parametrize(
    ("node", "why"),
    [
        ({"ready": True}, "Ready again"),
        ({"unschedulable": False}, "uncordoned"),
        ({"annotations": {}}, "lost drainbot's marks"),
        ({"annotations": {OPERATION: "op-2"}}, "another operation"),
        ({"annotations": {OPERATION: "op-1", TOKEN: "9"}}, "later claim"),
        ({"uid": "n2"}, "another node"),
    ],
)
def test_a_node_that_is_alive_or_not_ours_is_never_marked(node: dict[str, Any], why: str) -> None:
    decided = taint_patch(replace(DEAD, **node), CLAIM)
    assert isinstance(decided, Refused)
    assert why in decided.why


def given_back(node: Node) -> dict[str, Any]:
    decided = uncordon_patch(node, CLAIM)
    assert isinstance(decided, tuple)
    assert isinstance(decided[0], Patch)
    return undoing(node, decided[0])


def test_our_taint_goes_with_the_cordon_and_only_ours() -> None:
    other = Taint(key="example.com/gpu", effect="NoSchedule")
    ours = {**DEAD.annotations, OUR_TAINT: "true"}
    body = given_back(replace(DEAD, taints=(other, TAINTED), annotations=ours))
    assert body["spec"] == {
        "unschedulable": None,
        "taints": [{"$patch": "delete", "key": OUT_OF_SERVICE}],
    }
    assert body["metadata"]["annotations"][OUR_TAINT] is None
    theirs = given_back(replace(DEAD, taints=(other, TAINTED)))
    assert theirs["spec"] == {"unschedulable": None}
    gone = given_back(replace(DEAD, annotations=ours))
    assert "taints" not in gone["spec"]
