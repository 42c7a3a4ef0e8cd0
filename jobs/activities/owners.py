"""Look, once before the first eviction, at what runs the pods of a node: how ready it is then.

The answer is stored, because it is what the end of a drain is held against: its workloads are well
again when they are as ready as they were.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from typing import Any

from jobs.activities.trouble import asking_cluster
from jobs.drain import events as e
from jobs.drain.facts import Controller, Owner, Pod
from jobs.drain.filters import daemonsets_of
from jobs.drain.workloads import REPLICATED, UNCOUNTED
from jobs.durable import Activity
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import list_pods_on
from jobs.resources import Resources

AT_ONCE = 8  # owners that are read at the same time
_PATIENCE = 0.5  # seconds between two ticks while they are read

_STORED = ("uid", "kind", "namespace", "name", "replicas", "ready")

Wanted = tuple[str, Controller]  # the namespace that it is in


def look_at_owners(act: Activity[Resources], *, node: str) -> dict[str, Any]:
    """Read each replicated owner of a node's pods, and each DaemonSet, once; nothing is changed.

    Returns `{as_of, owners, daemonsets_gone}`: when it looked (ms); of each owner of a replicated
    kind that exists `{uid, kind, namespace, name, replicas, ready, controller:
    {kind, name, uid, api_version}}`, with the kind and name that people know it by (a
    Deployment's); and the uids of DaemonSets that do not exist.
    """
    act.tick()
    as_of = act.now()
    with asking_cluster():
        pods, _ = list_pods_on(act.resources.cluster, node)
        found = list(read_owners(act, sorted(_wanted(pods), key=str)))
    owners, gone = [], []
    for (_, controller), owner in found:
        if controller.kind == "DaemonSet":
            gone += [controller.uid] if owner is None else []
        elif owner is not None:
            stored = {name: getattr(owner, name) for name in _STORED}
            owners.append({**stored, "controller": asdict(controller)})
    return {"as_of": as_of, "owners": owners, "daemonsets_gone": gone}


def counted(found: dict[str, Any]) -> e.OwnersCounted:
    """Read what :func:`look_at_owners` stored as an event of a drain."""
    owners = {
        owner["uid"]: Owner(**{name: owner[name] for name in _STORED})
        for owner in found["owners"]
        if owner["controller"]["kind"] not in UNCOUNTED
    }
    return e.OwnersCounted(owners, found["as_of"])


def _wanted(pods: tuple[Pod, ...]) -> frozenset[Wanted]:
    replicated = {
        (pod.namespace, pod.controller)
        for pod in pods
        if pod.controller is not None and pod.controller.kind in REPLICATED and not pod.finished
    }
    return daemonsets_of(pods) | replicated


def read_owners(
    act: Activity[Resources], wanted: Iterable[Wanted]
) -> Iterator[tuple[Wanted, Owner | None]]:
    """Read owners in parallel, None for one that is gone; this thread ticks meanwhile.

    Raises what :func:`find_owner` raises.
    """
    cluster = act.resources.cluster
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="owners") as pool:
        asked = [(each, pool.submit(find_owner, cluster, *each)) for each in wanted]
        try:
            for each, answer in asked:
                while answer not in wait([answer], timeout=_PATIENCE).done:
                    act.tick()
                yield each, answer.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
