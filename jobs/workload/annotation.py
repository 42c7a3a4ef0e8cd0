"""Watches one node through annotations on the Node (:mod:`jobs.drain.mode_marks`).

For workloads that may read the Node and have no way to drainbot's Redis. It needs drainbot's
package for Kubernetes, and the rights to get, list and watch that node.
"""

from collections.abc import Iterator

from jobs.drain.facts import Node
from jobs.drain.mode_marks import mode_shown
from jobs.kubernetes import Cluster, NotFound
from jobs.kubernetes.nodes import NODES, find_node
from jobs.kubernetes.watching import Changed, Collection, Listed, Removed, Watch
from jobs.kubernetes.watching import Event as Watched
from jobs.workload.life import Gone, Life, Seen, Stands, Step, begin, observe


class AnnotationObserver:
    """Watches one node of a cluster.

    An API server that is away is no gap: :meth:`next` raises :class:`jobs.kubernetes.Temporary`,
    look again later; :meth:`changes` waits for it. What a person must mend (a missing right) comes
    through from both.
    """

    def __init__(self, cluster: Cluster, node: str) -> None:
        self._cluster = cluster
        self._node = node
        only = ("fieldSelector", f"metadata.name={node}")
        self._watch = Watch(cluster, Collection(NODES.path, NODES.read, (only,)))

    def begin(self) -> Step:
        """Begin a life with the node as it stands. Raises :class:`jobs.kubernetes.NotFound`.

        Only for a workload that has stored none: with a stored life what was missed is told.
        """
        node = find_node(self._cluster, self._node)
        if node is None:
            raise NotFound(f"There is no node {self._node}.")
        mode, seq = mode_shown(node.annotations)
        return begin(self._node, node.uid, mode, seq)

    def next(self, life: Life) -> Step | None:
        """Look at the node once; return what to do, None if nothing has changed."""
        return observe(life, self._seen(find_node(self._cluster, self._node)))

    def changes(self, life: Life) -> Iterator[Step]:
        """Yield what to do as the node changes, until :meth:`stop`. Store each step's life.

        A watch may leave out states that followed each other fast; that is a gap like any other.
        """
        for event in self._watch:
            step = observe(life, self._read(event))
            if step is not None:
                life = step.life
                yield step

    def stop(self) -> None:
        """End :meth:`changes`, from any thread."""
        self._watch.stop()

    def _read(self, event: Watched[Node]) -> Seen:
        match event:
            case Listed(items):
                return self._seen(next(iter(items), None))
            case Changed(item):
                return self._seen(item)
            case Removed():
                return self._seen(None)

    def _seen(self, node: Node | None) -> Seen:
        if node is None:
            return Gone(f"Node {self._node} is gone.")
        return Stands(node.uid, *mode_shown(node.annotations))
