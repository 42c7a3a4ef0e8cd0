"""The watcher: the eyes of a cluster while nobody is at work. One at a time, by lease.

It publishes the inventory of nodes, and wakes workflows whose budget freed itself, whose pods left,
whose workloads are well again or whose volumes are detached. What a workflow waits for it registers
first; then the watcher lists, then watches: nothing falls in between.

It also notices a Redis that came back empty, or without its last writes: then it lists anew.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.amending import Amending
from jobs.beginnings import Beginnings
from jobs.drain.facts import Budget, Node, Pod
from jobs.durable.guard import uptime
from jobs.fences import Fences
from jobs.freed import Freed, Seen, Watched, another_question, may_have_to_move
from jobs.hosts import hosts_of
from jobs.inventory import InventoryStore
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.budgets import watch_budgets
from jobs.kubernetes.nodes import watch_nodes
from jobs.kubernetes.pods import watch_pods_on
from jobs.kubernetes.watching import Changed, Event, Listed, Removed, Watch
from jobs.lost import look_for_loss
from jobs.models import ClusterNode
from jobs.outages import Sight
from jobs.polling import Place, Poller
from jobs.replanning import PlanLooks
from jobs.resources import Resources
from jobs.sight import ApiSight
from jobs.sight import Seen as SeenAgain
from jobs.tidying import Present, let_go_of_unneeded

log = structlog.get_logger(__name__)
LEASE = 5.0  # seconds
INTERVAL = 0.1  # seconds between two looks at what is free
CONFIRM_EVERY = 2.0  # seconds between two words that the inventory is right
INTACT_EVERY = 0.5  # seconds between two looks whether Redis has kept what was published
SIGHT_EVERY = 1.0  # seconds between two looks whether the API server is heard
TIDY_EVERY = 5.0  # seconds between two looks at nodes that ended operations own
_LAST_WORDS = 5.0  # seconds: far more than one call of Redis takes
RETRY = 2.0  # seconds until a watch that a missing right ended is tried again


class _Eye:
    """One watch in a thread of its own, begun again until it is closed."""

    def __init__(
        self, name: str, open: Callable[[], Watch[Any]], see: Callable[[Any], None]
    ) -> None:
        self._name = name
        self._open = open
        self._see = see
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._watch: Watch[Any] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def sees(self) -> bool:
        """Whether it would see a change now: its watch is open, and not broken."""
        return self._watch is not None and self._watch.current

    def sight(self, now: int) -> Sight:
        """Return what is heard of the API server through it, `now` (ms)."""
        if self._watch is None:
            return Sight(now, hears=False)
        silent, hears = int(self._watch.silent * 1000), self._watch.current
        return Sight(now, silent, self._watch.trouble, hears)

    def close(self) -> None:
        """End it; its thread ends soon."""
        self._closed.set()
        self.again()

    def join(self) -> None:
        """Wait for its thread, which may be telling Redis what it saw last."""
        self._thread.join(_LAST_WORDS)

    def again(self) -> None:
        """Begin anew with a list, in the same thread: no late word of the old watch follows it."""
        self._wake.set()
        if self._watch is not None:
            self._watch.stop()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.clear()
            self._watch = self._open()
            if self._closed.is_set():  # it was closed between the two
                return
            try:
                for event in self._watch:
                    self._see(event)
            except KubernetesError as error:
                log.warning("watch_failed", watch=self._name, error=str(error))
            except RedisError as error:
                log.warning("watch_waits_for_redis", watch=self._name, error=str(error))
            self._wake.wait(RETRY)


class Watcher:
    """Watches one cluster for as long as it holds the lease."""

    def __init__(self, resources: Resources, *, owner: str) -> None:
        self._resources = resources
        self._cluster = resources.cluster
        self._store = resources.store
        self._inventory = InventoryStore(resources.store)
        self._beginnings = Beginnings(resources.store)
        self._owner = owner
        self._freed = Freed()
        self._poller = Poller(resources.cluster)
        self._fences = Fences(resources, os.urandom)
        self._sight = ApiSight(resources, self._fences.kept)
        self._plans = PlanLooks(resources)
        self._amending = Amending(resources)
        self._eyes: dict[str, _Eye] = {}
        self._lock = threading.Lock()
        self._budgets: dict[str, dict[str, Budget]] = {}
        self._pods: dict[str, frozenset[str]] = {}
        self._movable: dict[str, dict[str, str]] = {}  # of those, by uid: their names
        self._nodes: dict[str, Present] = {}  # all of them, by name
        self._nodes_listed = False
        self._confirm_at = 0.0
        self._intact_at = 0.0
        self._tidy_at = 0.0
        self._sight_at = 0.0
        self._lease_at = 0.0
        self._held = False

    def run(self, stopping: threading.Event) -> None:
        """Watch until `stopping` is set."""
        while not stopping.wait(INTERVAL):
            try:
                if self._hold():
                    self.look()
                else:
                    self._close_all()
            except RedisError as error:
                log.warning("watcher_waits_for_redis", error=str(error))
        eyes = list(self._eyes.values())
        self._close_all()
        try:
            self._store.lease("watcher", self._owner, 0)
        except RedisError as error:  # then it lapses
            log.warning("watcher_lease_not_given_up", error=str(error))
        for eye in eyes:
            eye.join()

    def look(self) -> None:
        """Look once at what is waited for, and wake who is free."""
        self._open("nodes", lambda: watch_nodes(self._cluster), self._see_node)
        self._see_to_the_state()
        self._confirm()
        self._tidy()
        self._keep_fences()
        self._see_to_the_api()
        registered = self._store.watching()
        self._plans.want({id: raw["plan"] for id, raw in registered.items() if "plan" in raw})
        watched = [Watched.read(id, raw) for id, raw in registered.items() if "plan" not in raw]
        self._attend(watched)
        seen = self._seen(watched)
        for workflow in self._freed.look(watched, seen, seconds=uptime()):
            result = self._store.signal(workflow, "freed")
            log.info("freed", workflow=workflow, result=result)
        changed = dict.fromkeys(self._plans.changed(), "")
        changed |= {w.workflow: why for w in watched if (why := another_question(w, seen))}
        for workflow, why in changed.items():
            result = self._store.signal(workflow, "changed", why)
            log.info("question_changed", workflow=workflow, why=why, result=result)
        self._amending.want(watched, seen.budgets)

    def _seen(self, watched: Iterable[Watched]) -> Seen:
        owners, attached = self._poller.seen()
        hosts = hosts_of(self._store) if any(w.worker_elsewhere for w in watched) else None
        with self._lock:
            uids = {name: node.uid for name, node in self._nodes.items()}
            return Seen(
                nodes=uids if self._nodes_listed else None,
                budgets={name: dict(found) for name, found in self._budgets.items()},
                pods=dict(self._pods),
                movable={name: dict(found) for name, found in self._movable.items()},
                owners=owners,
                attached=attached,
                hosts=hosts,
            )

    def _hold(self) -> bool:
        if uptime() >= self._lease_at:
            self._held = self._store.lease("watcher", self._owner, LEASE) > 0
            self._lease_at = uptime() + LEASE / 5
        return self._held

    def _confirm(self) -> None:
        if self._nodes_listed and self._eyes["nodes"].sees and uptime() >= self._confirm_at:
            self._inventory.confirm(now=self._store.now())
            self._confirm_at = uptime() + CONFIRM_EVERY

    def _tidy(self) -> None:
        if self._nodes_listed and self._eyes["nodes"].sees and uptime() >= self._tidy_at:
            self._tidy_at = uptime() + TIDY_EVERY
            let_go_of_unneeded(self._resources, self._present())

    def _keep_fences(self) -> None:
        if self._nodes_listed and self._fences.due:
            self._fences.look(self._present())

    def _see_to_the_api(self) -> None:
        """Follow whether the API server is there: for nodes, and for the pods of fenced ones."""
        if uptime() < self._sight_at:
            return
        self._sight_at = uptime() + SIGHT_EVERY
        sight = self._eyes["nodes"].sight(self._store.now())
        if sight.hears and not self._nodes_listed:
            return
        if sight.hears and self._fences.failing:
            sight = Sight(sight.now, why=self._fences.failing, hears=False)
        self._sight.look(sight, self._seen_again, self._look_again)

    def _look_again(self) -> None:
        """List and look anew: a watch that goes on tells late what happened while it was cut."""
        self._nodes_listed = False
        self._eyes["nodes"].again()
        self._fences.again()

    def _seen_again(self) -> SeenAgain:
        with self._lock:
            unready = tuple(sorted(name for name, node in self._nodes.items() if not node.ready))
            found = self._fences.found()
            if found is not None:  # of a node that was deleted meanwhile there is nothing to say
                found = {name: evidence for name, evidence in found.items() if name in self._nodes}
            return SeenAgain(found, unready, len(self._nodes))

    def _present(self) -> dict[str, Present]:
        with self._lock:
            return dict(self._nodes)

    def _see_to_the_state(self) -> None:
        """List anew where Redis has lost what was published, or all that it held."""
        if not self._nodes_listed or uptime() < self._intact_at:
            return
        self._intact_at = uptime() + INTACT_EVERY
        if not (self._beginnings.known() and self._inventory.intact()):
            log.warning("inventory_was_lost", cluster=self._store.group)
            self._nodes_listed = False
            self._eyes["nodes"].again()

    def _attend(self, watched: list[Watched]) -> None:
        """Open the eyes that are needed, close the others."""
        namespaces = {namespace for w in watched for namespace in w.namespaces}
        nodes = {w.node for w in watched if w.pods}
        owners = {o.uid: Place(o.namespace, o.controller) for w in watched for o in w.owners}
        self._poller.want(owners, frozenset(name for w in watched for name in w.volumes))
        wanted = {f"budgets:{name}" for name in namespaces} | {f"pods:{name}" for name in nodes}
        for name in sorted(namespaces):
            self._open(f"budgets:{name}", _budgets(self._cluster, name), self._budgets_seer(name))
        for name in sorted(nodes):
            self._open(f"pods:{name}", _pods(self._cluster, name), self._pods_seer(name))
        for key in [key for key in self._eyes if key != "nodes" and key not in wanted]:
            self._eyes.pop(key).close()
            kind, _, name = key.partition(":")
            with self._lock:
                (self._budgets if kind == "budgets" else self._pods).pop(name, None)
                if kind == "pods":
                    self._movable.pop(name, None)

    def _open(self, key: str, open: Callable[[], Watch[Any]], see: Callable[[Any], None]) -> None:
        if key not in self._eyes:
            self._eyes[key] = _Eye(key, open, see)

    def _close_all(self) -> None:
        for eye in self._eyes.values():
            eye.close()
        self._eyes.clear()
        self._poller.close()
        self._fences.close()
        self._sight.close()
        self._plans.close()
        self._amending.close()
        self._nodes_listed = False
        with self._lock:
            self._budgets.clear()
            self._pods.clear()
            self._movable.clear()

    def _see_node(self, event: Event[Node]) -> None:
        now = self._store.now()
        match event:
            case Listed(items):
                self._inventory.replace([_shown(node) for node in items], now=now)
                look_for_loss(self._resources, items, now=now)
                with self._lock:
                    self._nodes = {node.name: Present.of(node) for node in items}
                self._nodes_listed = True
            case Changed(item):
                self._inventory.put(_shown(item), now=now)
                with self._lock:
                    self._nodes[item.name] = Present.of(item)
            case Removed(item):
                self._inventory.remove(item.name, now=now)
                with self._lock:
                    self._nodes.pop(item.name, None)

    def _budgets_seer(self, namespace: str) -> Callable[[Event[Budget]], None]:
        def see(event: Event[Budget]) -> None:
            with self._lock:
                match event:
                    case Listed(items):
                        self._budgets[namespace] = {item.name: item for item in items}
                    case Changed(item) if namespace in self._budgets:
                        self._budgets[namespace][item.name] = item
                    case Removed(item) if namespace in self._budgets:
                        self._budgets[namespace].pop(item.name, None)
                    case _:
                        pass  # a late word of a watch that was closed: nothing may rest on it

        return see

    def _pods_seer(self, node: str) -> Callable[[Event[Pod]], None]:
        def see(event: Event[Pod]) -> None:
            with self._lock:
                match event:
                    case Listed(items):
                        self._pods[node] = frozenset(item.uid for item in items)
                        self._movable[node] = _movable(items)
                    case Changed(item) if node in self._pods:
                        self._pods[node] |= {item.uid}
                        self._movable[node].pop(item.uid, None)
                        self._movable[node] |= _movable([item])
                    case Removed(item) if node in self._pods:
                        self._pods[node] -= {item.uid}
                        self._movable[node].pop(item.uid, None)
                    case _:
                        pass  # a late word of a watch that was closed: nothing may rest on it

        return see


def _movable(pods: Iterable[Pod]) -> dict[str, str]:
    return {pod.uid: str(pod) for pod in pods if may_have_to_move(pod)}


def _budgets(cluster: Any, namespace: str) -> Callable[[], Watch[Budget]]:
    return lambda: watch_budgets(cluster, namespace)


def _pods(cluster: Any, node: str) -> Callable[[], Watch[Pod]]:
    return lambda: watch_pods_on(cluster, node)


def _shown(node: Node) -> ClusterNode:
    return ClusterNode(
        name=node.name,
        uid=node.uid,
        labels=dict(node.labels),
        ready=node.ready,
        cordoned=node.unschedulable,
    )
