"""Show on a node in which mode it is: as its record says, whoever changed that."""

import threading
from functools import partial

from jobs.activities.announcing import aside
from jobs.drain.facts import Node
from jobs.drain.fence import Patch
from jobs.drain.mode_marks import ModeShown, mode_patch
from jobs.kubernetes.nodes import tell_mode
from jobs.nodes import NodeRecord
from jobs.resources import Resources


def show_mode(resources: Resources, node: str) -> threading.Event:
    """Bring a node's annotations to the mode that its record says, aside.

    They say what the record says at that moment: who comes late writes what is right then. What is
    lost with a process is written by the watcher. The returned event is set when it was tried.
    """
    return aside(resources, node, partial(write_mode, resources, node))


def write_mode(resources: Resources, node: str) -> bool:
    """Do so now; whether anything was written. Raises :class:`jobs.kubernetes.KubernetesError`."""
    record = resources.nodes.record(node)
    if record is None or record.mode == "gone":
        return False
    return tell_mode(resources.cluster, node, partial(_decide, record), last=resources.last_seen)


def _decide(record: NodeRecord, node: Node) -> Patch | None:
    shown = ModeShown(record.mode, record.mode_seq, record.since, record.by, record.why)
    return mode_patch(
        node, shown, uid=record.uid, token=record.counter, owner=record.owner, before=record.before
    )
