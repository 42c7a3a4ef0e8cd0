"""Tell in the cluster what happens to a node: Events, conditions, and where people talk about it.

None of it may fail a drain or hold it up: a thread aside does it, what goes wrong is logged, and a
right that is missing is said once a process. What the node itself says is brought up to date at
each look at it, so that a message that was lost with its process is not lost for good.
"""

import socket
import threading
from collections.abc import Callable
from functools import partial

import structlog

from jobs.aside import Aside
from jobs.drain.conditions import Stage, Told, as_told
from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION, thread_patch
from jobs.durable import Activity
from jobs.kubernetes import Forbidden, KubernetesError
from jobs.kubernetes.events import tell_event
from jobs.kubernetes.nodes import tell_conditions, tell_thread
from jobs.resources import Resources

log = structlog.get_logger(__name__)
PATIENCE = 3.0  # seconds that the end of a node's drain waits at most for its last words


def announce(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    stage: str,
    detail: str,
    told_as: str,
    requested_by: str,
    reason: str,
    wait: bool,
) -> None:
    """Tell of a stage of a node's drain; `wait` waits a moment, so that an end is not lost.

    `told_as` tells one Event of a stage from the next.
    """
    told = Told(
        node=node, uid=uid, operation=operation, stage=Stage(stage), at=act.now(), detail=detail,
        key=told_as, requested_by=requested_by, reason=reason,
        thread=act.resources.threads.of(operation),
    )  # fmt: skip
    done = tell(act.resources, told)
    if wait:
        wait_a_moment(act, done)


def wait_a_moment(act: Activity[Resources], done: threading.Event) -> None:
    """Wait for what is told last: it should not die with its process. If in vain, not again."""
    if act.resources.aside.keeps_up:
        act.wait(done, PATIENCE)
        if not done.is_set():
            act.resources.aside.fell_behind()


def tell(resources: Resources, told: Told, *, event: bool = True) -> threading.Event:
    """Write the conditions and, but for `event`, the Event of a stage, aside.

    The returned event is set when that was tried.
    """
    cluster, last = resources.cluster, resources.last_seen
    done = aside(resources, told.node, partial(tell_conditions, cluster, told, last=last))
    if not event:
        return done
    acts = partial(tell_event, cluster, told, instance=socket.gethostname())
    return aside(resources, told.node, acts)


def look_after(act: Activity[Resources], node: Node, operation: str) -> None:
    """Bring up to date what a node that is being drained says of that, where it is not."""
    if node.annotations.get(OPERATION) != operation:
        return
    if not act.resources.aside.idle:
        return  # what is missing may just be on its way: the next look at the node tells
    cluster = act.resources.cluster
    thread = act.resources.threads.of(operation)
    if thread_patch(node, operation, thread) is not None:
        acts = partial(tell_thread, cluster, node.name, operation, thread)
        aside(act.resources, node.name, acts)
    told = Told(
        node=node.name, uid=node.uid, operation=operation, stage=Stage.STARTED, at=act.now()
    )
    if not as_told(node, told):
        aside(act.resources, node.name, partial(tell_conditions, cluster, told))


def aside(resources: Resources, node: str, act: Callable[[], object]) -> threading.Event:
    """Let something be told of a node, aside; the event is set when it was tried."""
    return resources.aside.do(partial(_try, resources.aside, node, act))


def _try(aside: Aside, node: str, act: Callable[[], object]) -> None:
    try:
        act()
    except Forbidden as error:
        if aside.first_time(error.right or str(error)):
            log.warning("node_is_not_told", node=node, missing_right=error.right or str(error))
    except KubernetesError as error:
        log.warning("node_is_not_told", node=node, error=str(error))
