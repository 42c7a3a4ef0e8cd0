"""Look whether the pods that a drain moves have room elsewhere; nothing is changed.

All pods of the cluster are read, since each takes room. They come in pages, of which only sums are
kept, one for each node: what this needs of memory does not grow with the pods of the cluster. It
is a courtesy of the plan: where it can't be done, or not in time, the plan says so and goes on.
"""

from collections.abc import Iterable
from typing import Any

import structlog

from jobs.drain.capacity import Amount, Free, Want, comes_back, room
from jobs.drain.filters import Rules, judge
from jobs.durable import Activity
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.errors import Expired
from jobs.kubernetes.room import free_nodes, loads, pods_with_wants
from jobs.models import DrainOptions, Room
from jobs.resources import Resources

log = structlog.get_logger(__name__)
WITHIN = 60.0  # seconds after which it is given up
LISTS = 3  # tries, where the lists' pages expire


class _TooSlow(Exception):  # noqa: N818  it names what happened
    """The cluster has more to read than there was time for."""


def look_for_room(
    act: Activity[Resources], *, nodes: list[str], options: dict[str, Any], long_work: float
) -> dict[str, Any]:
    """Say whether the pods of these nodes fit on the others; `{room}`, a :class:`Room`."""
    rules = Rules.of(DrainOptions.model_validate(options), long_work=long_work)
    return {"room": _room(act, nodes, rules).model_dump(mode="json")}


def _room(act: Activity[Resources], nodes: list[str], rules: Rules) -> Room:
    until = act.now() + int(WITHIN * 1000)
    for _ in range(LISTS):
        try:
            wants = _wants(act, nodes, rules)
            return _compare(act, nodes, wants, until) if wants else Room(fits=True)
        except Expired:
            act.tick()
        except _TooSlow:
            return Room(why=f"the cluster's pods could not be counted in {WITHIN:g} s")
        except KubernetesError as error:
            log.info("room_not_known", error=str(error))
            return Room(why="the API server did not tell")
    return Room(why="the cluster's pods change faster than they can be counted")


def _wants(act: Activity[Resources], nodes: Iterable[str], rules: Rules) -> list[Want]:
    found = []
    for name in nodes:
        act.tick()
        for pod, want in pods_with_wants(act.resources.cluster, name):
            if comes_back(pod, judge(pod, rules, act.now()).fate):
                found.append(want)
    return found


def _compare(act: Activity[Resources], nodes: Iterable[str], wants: list[Want], until: int) -> Room:
    cluster = act.resources.cluster
    # A node that another operation has reserved is cordoned soon.
    but = {*nodes, *act.resources.nodes.owned()}
    labels = {key for want in wants for key in want.selector}
    free: dict[str, Free] = {}
    for page in free_nodes(cluster, but=but, labels=labels):
        _go_on(act, until)
        free |= page
    waiting = Amount()
    for part in loads(cluster):
        _go_on(act, until)
        for load in part:
            if not load.node:
                waiting = waiting.plus(load.amount)
            elif (node := free.get(load.node)) is not None:
                free[load.node] = Free(node.amount.less(load.amount), node.labels)
    return room(wants, free.values(), waiting)


def _go_on(act: Activity[Resources], until: int) -> None:
    act.tick()
    if act.now() > until:
        raise _TooSlow
