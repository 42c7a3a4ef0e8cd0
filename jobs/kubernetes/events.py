"""Events about nodes: what `kubectl describe node` shows of a drain."""

from jobs.drain.conditions import NAMESPACE, Told, event_body
from jobs.kubernetes.connection import Cluster
from jobs.kubernetes.errors import Conflict
from jobs.kubernetes.nodes import TELL_TIMEOUT


def tell_event(cluster: Cluster, told: Told, *, instance: str) -> None:
    """Write an Event; one that is there already stays the only one. Raises as requests do."""
    path = f"/api/v1/namespaces/{NAMESPACE}/events"
    body = event_body(told, instance=instance)
    try:
        cluster.ask("POST", path, body=body, timeout=TELL_TIMEOUT)
    except Conflict:  # AlreadyExists: it was told before somebody died
        return
