"""Lets go of nodes that operations which have ended still own, and that nobody will ever give back.

A machine that was drained and then deleted stays drained for good: its record would count among
the nodes that are away, and keep its operation, for ever. So would that of a node which was
reserved and never touched, by an operation that could not even tidy up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION
from jobs.drain.fencing import KEPT_IN
from jobs.drain.mode_marks import mode_shown
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.nodes import find_node
from jobs.nodes import NodeRecord
from jobs.resources import Resources

__all__ = ["Present", "let_go_of_unneeded"]

log = structlog.get_logger(__name__)
TIMEOUT = 2.0  # seconds for a last look at a node: whoever watches has a lease to renew


@dataclass(frozen=True, slots=True)
class Present:
    """A node that is in the cluster, and which operation's mark it carries, if any.

    `mode` is what it shows of its mode, with the count of changes.
    """

    uid: str
    mark: str
    cordoned: bool = True
    mode: tuple[str, int] = ("accepting", 0)
    ready: bool = True

    @classmethod
    def of(cls, node: Node) -> "Present":
        """Return what of a node counts here."""
        mark, mode = node.annotations.get(OPERATION, ""), mode_shown(node.annotations)
        return cls(node.uid, mark, node.unschedulable, mode, node.ready)

    def fenced(self, record: NodeRecord) -> bool:
        """Whether it looks as a node with that record should while it is out of service."""
        ours = self.mark in {record.owner, record.before} - {""}
        return self.cordoned and ours and self.uid == record.uid

    def shows(self, record: NodeRecord) -> bool:
        """Whether it shows the mode, and whose it is, that its record says."""
        return self.mode == (record.mode, record.mode_seq) and self.mark == record.owner


def let_go_of_unneeded(resources: Resources, present: Mapping[str, Present]) -> tuple[str, ...]:
    """Look at all owned nodes, with all nodes of the cluster at hand; returns those let go of."""
    return tuple(
        name for name in resources.nodes.owned() if _let_go(resources, name, present.get(name))
    )


def _let_go(resources: Resources, name: str, seen: Present | None) -> bool:
    record = resources.nodes.record(name)
    if record is None or not _unneeded(record, seen):
        return False
    owner = resources.store.workflow(record.owner)
    if owner is not None and not owner.final:
        return False
    try:  # what was seen may be a moment old: a node that joined since would be taken for gone
        node = find_node(resources.cluster, name, timeout=TIMEOUT)
    except KubernetesError as error:
        log.info("tidying_waits", node=name, error=str(error))
        return False
    now = None if node is None else Present.of(node)
    if not _unneeded(record, now):
        return False
    gone = now is None or now.uid != record.uid
    if not resources.nodes.tidy(name, record.uid, gone=gone):
        return False
    log.info("node_let_go", node=name, operation=record.owner, gone=gone, mode=record.mode)
    return True


def _unneeded(record: NodeRecord, seen: Present | None) -> bool:
    """Whether the node is gone, or was never touched."""
    if seen is not None and seen.uid != record.uid and record.mode in KEPT_IN:
        return False  # another node has its name: a fence that is lost, of which people are told
    if seen is None or seen.uid != record.uid:
        return True
    return record.mode == "accepting" and seen.mark != record.owner
