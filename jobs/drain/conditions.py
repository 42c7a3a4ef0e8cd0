"""What a node says of its drain in its status, and in the Events about it; pure.

The two conditions have the names of KEP-5683 (https://kep.k8s.io/5683). They are written by
**strategic** merge patches of the status, which merge the list by type: a JSON merge patch would
replace it and delete Ready. What they say of who and why stands in the node's annotations.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.drain.facts import Node, NodeCondition
from jobs.drain.fence import OPERATION, REASON, REQUESTED_BY, THREAD, readable

IN_PROGRESS = "DrainInProgress"
DRAINED = "Drained"
CONDITIONS = frozenset({IN_PROGRESS, DRAINED})
COMPONENT = "drainbot"
NAMESPACE = "default"  # where Events about objects without a namespace are, by custom
LONGEST = 1_000  # characters: an Event's note may have 1024 (k8s.io/api/events/v1)
_NAME = 200  # characters of the node's name in that of an Event: 253 is the most in all


class Stage(StrEnum):
    """What happened to a node; each is one Event."""

    STARTED = "started"
    BLOCKED = "blocked"
    DRAINED = "drained"
    ABORTED = "aborted"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    FAILED = "failed"
    RETURNED = "returned"  # its cordon is undone
    RELEASED = "released"  # it stays cordoned, as it was before us


@dataclass(frozen=True)
class _Says:
    """What a stage is in words: the Event's reason and the conditions'."""

    event: str
    condition: str
    words: str
    warning: bool = False


_SAYS = {
    Stage.STARTED: _Says("DrainStarted", "Draining", "drainbot drains this node"),
    Stage.BLOCKED: _Says("DrainBlocked", "Blocked", "the drain waits for a decision", warning=True),
    Stage.DRAINED: _Says("Drained", "Drained", "the node is drained"),
    Stage.ABORTED: _Says("DrainAborted", "Aborted", "the drain was aborted", warning=True),
    Stage.STOPPED: _Says("DrainStopped", "Stopped", "nobody decided in time", warning=True),
    Stage.SKIPPED: _Says("DrainSkipped", "Skipped", "the node was skipped", warning=True),
    Stage.FAILED: _Says("DrainFailed", "Failed", "the drain failed", warning=True),
    Stage.RETURNED: _Says("Uncordoned", "Uncordoned", "drainbot gave the node back"),
    Stage.RELEASED: _Says("DrainReleased", "Released", "drainbot has let go of the node"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is to be told of a node; `at` in ms since the epoch.

    `key` tells one Event from another of the same stage, so that a repeat is not a second one.
    """

    node: str
    uid: str
    operation: str
    stage: Stage
    at: int
    detail: str = ""
    key: str = ""
    requested_by: str = ""
    reason: str = ""
    thread: str = ""


def concerns(node: Node, told: Told) -> bool:
    """Whether the node still is as it was when this was to be told of it.

    A slow process must not tell of a drain that somebody has ended since: while the drain lasts
    the node carries its operation, and after its return none.
    """
    owner = node.annotations.get(OPERATION, "")
    wanted = "" if told.stage in {Stage.RETURNED, Stage.RELEASED} else told.operation
    return node.uid == told.uid and owner == wanted


def with_marks(told: Told, node: Node) -> Told:
    """Return it with what the node's own marks say of who, why and where."""
    marks = node.annotations
    return Told(
        node=told.node, uid=told.uid, operation=told.operation, stage=told.stage, at=told.at,
        detail=told.detail, key=told.key,
        requested_by=told.requested_by or marks.get(REQUESTED_BY, ""),
        reason=told.reason or marks.get(REASON, ""), thread=told.thread or marks.get(THREAD, ""),
    )  # fmt: skip


def words(told: Told) -> str:
    """Return the sentence that stands in the Event and in the conditions."""
    by = f", requested by {told.requested_by}" if told.requested_by else ""
    parts = [_SAYS[told.stage].words, told.detail, f"operation {told.operation}{by}"]
    said = "; ".join(part for part in parts if part)
    reason = f"; reason: {told.reason}" if told.reason else ""
    thread = f"; thread: {told.thread}" if told.thread else ""
    room = max(0, LONGEST - len(thread))
    whole = f"{said}{reason}"
    short = whole if len(whole) <= room else f"{whole[: max(0, room - 1)]}…"
    return f"{short}{thread}"[:LONGEST]


def conditions_of(told: Told) -> tuple[NodeCondition, ...]:
    """Return what the node's conditions should be at a stage."""
    says, message = _SAYS[told.stage], words(told)
    running = told.stage in {Stage.STARTED, Stage.BLOCKED}
    states = ((IN_PROGRESS, running), (DRAINED, told.stage is Stage.DRAINED))
    return tuple(
        NodeCondition(
            kind=kind, status=str(on), reason=says.condition, message=message, since=told.at
        )
        for kind, on in states
    )


def as_told(node: Node, told: Told) -> bool:
    """Whether the node's conditions are those of the stage already, whatever their words."""
    has = {c.kind: (c.status, c.reason) for c in node.conditions}
    return all(has.get(c.kind) == (c.status, c.reason) for c in conditions_of(told))


def conditions_patch(node: Node, told: Told) -> dict[str, Any] | None:
    """Return a strategic merge patch for the node's status; None if there is nothing to change.

    It carries the resourceVersion that it was decided on. A condition that stays what it is keeps
    the time of its last transition; where nothing was said, nothing is taken back.
    """
    returned = told.stage in {Stage.RETURNED, Stage.RELEASED}
    if not concerns(node, told) or (returned and not node.conditions):
        return None
    before = {condition.kind: condition for condition in node.conditions}
    wanted = conditions_of(with_marks(told, node))
    if all(_same(before.get(condition.kind), condition) for condition in wanted):
        return None
    return {
        "metadata": {"resourceVersion": node.resource_version},
        "status": {
            "conditions": [_body(before.get(condition.kind), condition) for condition in wanted]
        },
    }


def _same(before: NodeCondition | None, after: NodeCondition) -> bool:
    return before is not None and (before.status, before.reason, before.message) == (
        after.status, after.reason, after.message,
    )  # fmt: skip


def _body(before: NodeCondition | None, after: NodeCondition) -> dict[str, Any]:
    stays = before is not None and before.status == after.status and before.since
    since = before.since if before is not None and stays else after.since
    return {
        "type": after.kind, "status": after.status, "reason": after.reason,
        "message": after.message, "lastTransitionTime": readable(since),
        "lastHeartbeatTime": readable(after.since),
    }  # fmt: skip


def event_body(told: Told, *, instance: str) -> Mapping[str, Any]:
    """Return the Event of a stage, as the core API takes it.

    `involvedObject.uid` is the node's *name*, as in the kubelet's Events: every `kubectl describe
    node` looks for these, and only newer ones for the uid as well (kubectl, describe.go). Its own
    name follows from what it tells, so that the same one is never there twice.
    """
    says, at = _SAYS[told.stage], readable(told.at)
    identity = f"{told.uid}\n{told.operation}\n{told.stage}\n{told.key}"
    ending = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{told.node[:_NAME].rstrip('.-')}.{ending}",
            "namespace": NAMESPACE,
        },
        "type": "Warning" if says.warning else "Normal",
        "reason": says.event,
        "message": words(told),
        "involvedObject": {
            "apiVersion": "v1", "kind": "Node", "name": told.node, "uid": told.node,
        },
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": instance[:128],
        "action": "Drain",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }  # fmt: skip
