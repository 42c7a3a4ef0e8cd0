"""Look at what of drainbot itself runs on nodes that are to be drained."""

from collections.abc import Callable, Iterable

from jobs.drain.facts import Pod
from jobs.drain.own import SELECTS_BOTS, bots_in, own_parts
from jobs.hosts import hosts_of
from jobs.kubernetes.pods import list_pods_of
from jobs.resources import Resources
from jobs.selectors import parse


def look_at_own(
    resources: Resources,
    tick: Callable[[], None],
    node: str,
    pods: Iterable[Pod],
    *,
    leaving: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return what of drainbot would be missed without a node's `pods`, see :mod:`jobs.drain.own`.

    `leaving` are nodes that are drained with it.
    """
    here, gone = tuple(pods), {node, *leaving}
    bots: list[Pod] = []
    for namespace in sorted(bots_in(here)):
        tick()
        bots += list_pods_of(resources.cluster, namespace, parse(SELECTS_BOTS))
    last = hosts_of(resources.store).last_on(gone)
    return own_parts(here, only_worker=node in last, bots=bots, leaving=gone)
