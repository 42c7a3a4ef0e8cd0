"""Where every act begins: the client, the policy, who is who, and the nodes that there are."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.groups import Directory
from jobs.client import PeopleClient
from jobs.models import Inventory
from jobs.policy import Policy

__all__ = ["Desk", "NodeBook", "Place"]

_KEPT_SECONDS = 2.0  # the inventory of a large cluster is not read anew for each of 50 commands


class NodeBook:
    """The inventories of clusters, each kept for two seconds; safe to use from several threads."""

    def __init__(
        self, client: PeopleClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[str, tuple[float, Inventory]] = {}
        self._lock = threading.Lock()

    def of(self, cluster: str, *, fresh: bool = False) -> Inventory:
        """Return the nodes of a cluster; with `fresh` as they stand in Redis now.

        Raises :class:`jobs.errors.StateUnavailable`.
        """
        # Held while it reads: of many commands at once, one asks Redis and the others share.
        with self._lock:
            now = self._clock()
            read_at, inventory = self._kept.get(cluster, (float("-inf"), None))
            if inventory is None or fresh or now - read_at >= _KEPT_SECONDS:
                inventory = self._client.inventory(cluster)
                self._kept[cluster] = (now, inventory)
            return inventory


@dataclass(frozen=True)
class Desk:
    """What the acts need; one for the whole process."""

    client: PeopleClient
    policy: Policy
    directory: Directory
    nodes: NodeBook


@dataclass(frozen=True)
class Place:
    """Where somebody speaks from: the cluster that a bare name means, and the channel to tell."""

    cluster: str
    channel: str = ""
