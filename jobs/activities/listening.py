"""The ears of a drain: threads that watch, and one inbox that the deciding thread empties."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import structlog

from jobs.drain import events as e
from jobs.drain.facts import Budget, Pod
from jobs.durable.guard import uptime
from jobs.kubernetes import Cluster, KubernetesError
from jobs.kubernetes.budgets import watch_budgets
from jobs.kubernetes.pods import watch_pods_on
from jobs.kubernetes.watching import Changed, Event, Listed, Removed, Watch

log = structlog.get_logger(__name__)
GATHER = 0.003  # seconds of news that are decided on together: each decision looks at every pod
LAST_WORDS = 2.0  # seconds that all watches together have to end


class Failed:
    """A watch that can't go on: what a person must mend."""

    def __init__(self, error: KubernetesError) -> None:
        self.error = error


class Ears:
    """Watches, each in a thread of its own; what they hear waits in one inbox.

    Used as a context: at its end every watch is stopped, and no thread stays behind.
    """

    def __init__(self) -> None:
        self.heard = threading.Event()
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._watches: list[Watch[Any]] = []
        self._threads: list[threading.Thread] = []
        self._namespaces: set[str] = set()
        self._taken = 0.0

    def __enter__(self) -> Self:
        """Begin to listen."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all watches."""
        for watch in self._watches:
            watch.stop()
        # One that waits for an API server that does not answer ends by itself, some time later.
        deadline = uptime() + LAST_WORDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - uptime()))

    def tell(self, event: Any) -> None:
        """Put something into the inbox, from any thread."""
        self._inbox.put(event)
        self.heard.set()

    def take(self) -> Iterator[Any]:
        """Yield what waits; raises the error of a watch that can't go on.

        Of the first news it tells at once; while more come, of all those of some milliseconds.
        """
        time.sleep(max(0.0, self._taken + GATHER - uptime()))
        self.heard.clear()
        while True:
            try:
                event = self._inbox.get_nowait()
            except queue.Empty:
                self._taken = uptime()
                return
            if isinstance(event, Failed):
                raise event.error
            yield event

    def hear_pods(self, cluster: Cluster, node: str, version: str) -> None:
        """Watch the pods of a node."""
        self._start(watch_pods_on(cluster, node, version=version), _pod_event, f"pods-{node}")

    def hear_budgets(self, cluster: Cluster, namespace: str, version: str = "") -> None:
        """Watch the budgets of a namespace, once."""
        if namespace in self._namespaces:
            return
        self._namespaces.add(namespace)

        def read(event: Event[Budget]) -> e.BudgetEvent:
            match event:
                case Listed(items):
                    return e.BudgetsListed(namespace, items)
                case Changed(item):
                    return e.BudgetChanged(item)
                case Removed(item):
                    return e.BudgetGone(item.namespace, item.name)

        self._start(
            watch_budgets(cluster, namespace, version=version), read, f"budgets-{namespace}"
        )

    def _start(self, watch: Watch[Any], read: Callable[[Any], Any], name: str) -> None:
        def listen() -> None:
            try:
                for event in watch:
                    self.tell(read(event))
            except KubernetesError as error:
                self.tell(Failed(error))

        thread = threading.Thread(target=listen, name=name, daemon=True)
        self._watches.append(watch)
        self._threads.append(thread)
        thread.start()


def _pod_event(event: Event[Pod]) -> e.PodEvent:
    match event:
        case Listed(items):
            return e.PodsListed(items)
        case Changed(item):
            return e.PodSeen(item)
        case Removed(item):
            return e.PodGone(item.uid)
