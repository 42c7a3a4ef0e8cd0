"""The mark of a node that is dead: what to write, decided without I/O.

Nobody but a person can tell a node that is off from one that only can't be reached. Where it still
runs, its pods would run twice and its volumes be written to from two sides: so this is only done
to a node that is NotReady, under our claim, and where a person said so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.drain.facts import Node
from jobs.drain.fence import OUR_TAINT, TOKEN, Claim, Fence, Patch, fence, token_of

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
# What people read of this taint everywhere; its value means nothing to Kubernetes.
TAINT: Mapping[str, str] = {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}


@dataclass(frozen=True, slots=True)
class Declared:
    """The node carries the taint already."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It must not be marked; `why` goes on from the node's name."""

    why: str


_BROKEN = {
    Fence.UNCORDONED: "was uncordoned by somebody",
    Fence.UNMARKED: "lost drainbot's marks",
    Fence.TAKEN: "carries another operation's marks",
    Fence.OUTDATED: "was taken over by a later claim",
    Fence.REPLACED: "is another node now",
}


def taint_patch(node: Node, claim: Claim) -> dict[str, Any] | Declared | Refused:
    """Return the strategic merge patch that marks a node as out of service.

    It carries the resourceVersion that it was decided on, and an annotation that says that the
    taint is ours: one that somebody else has set stays when the node is given back.
    """
    broken = _BROKEN.get(fence(node, claim))
    if broken is not None:
        return Refused(broken)
    if node.ready:
        return Refused("is Ready again: it was not marked as dead")
    if any(taint.key == OUT_OF_SERVICE for taint in node.taints):
        return Declared()
    return {
        "metadata": {
            "resourceVersion": node.resource_version,
            "annotations": {OUR_TAINT: "true", TOKEN: str(claim.token)},
        },
        "spec": {"taints": [dict(TAINT)]},
    }


def undoing(node: Node, patch: Patch) -> dict[str, Any]:
    """Return the patch that gives a node back, as a strategic one that takes our taint off too.

    Null removes an annotation or the cordon there as well; only a list needs this kind of patch,
    which names the entry that goes: the others keep what we don't read of them.
    """
    body = patch.body()
    ours = node.annotations.get(OUR_TAINT) == "true"
    if ours and any(taint.key == OUT_OF_SERVICE for taint in node.taints):
        gone = [{"$patch": "delete", "key": OUT_OF_SERVICE}]
        body["spec"] = {**body.get("spec", {}), "taints": gone}
    return body


def untaint_patch(node: Node, token: int) -> dict[str, Any] | None:
    """Return the patch that takes our own taint off a node that stays cordoned; None: no taint."""
    if node.annotations.get(OUR_TAINT) != "true" or token_of(node) > token:
        return None
    return undoing(node, Patch(node.resource_version, {OUR_TAINT: None, TOKEN: str(token)}))
