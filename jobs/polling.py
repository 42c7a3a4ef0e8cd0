"""Looks, again and again, at what somebody waits for and no watch of ours shows.

Owners and VolumeAttachments are read by name, one request each, only while somebody waits for them:
a watch of all of them would grow with the cluster.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from jobs.drain.facts import Controller, Owner
from jobs.durable.guard import uptime
from jobs.kubernetes import Cluster, KubernetesError
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.volumes import is_attached

log = structlog.get_logger(__name__)
FIRST, LONGEST = 2.0, 5.0  # seconds between two looks at the same thing
STEP = 0.2  # seconds between two looks for what is due


@dataclass(frozen=True, slots=True)
class Place:
    """Where an owner is: its pods' reference to it, and the namespace that it is in."""

    namespace: str
    controller: Controller


@dataclass(frozen=True, slots=True)
class _Due:
    at: float
    wait: float


class Poller:
    """A thread that looks while anything is wanted. What was not seen yet is not known."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._wanted: dict[str, Place | None] = {}  # by key; None is an attachment
        self._due: dict[str, _Due] = {}
        self._owners: dict[str, Owner | None] = {}
        self._attached: dict[str, bool] = {}
        self._thread: threading.Thread | None = None

    def want(self, owners: Mapping[str, Place], attachments: frozenset[str]) -> None:
        """Look at these from now on, owners by uid and attachments by name; forget the others."""
        wanted: dict[str, Place | None] = {f"owner:{uid}": at for uid, at in owners.items()}
        wanted |= {f"volume:{name}": None for name in attachments}
        with self._lock:
            self._wanted = wanted
            self._due = {key: self._due.get(key, _Due(0.0, FIRST)) for key in wanted}
            for seen, known in ((self._owners, owners), (self._attached, attachments)):
                for name in seen.keys() - known:
                    del seen[name]
            if wanted and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="polling", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Want nothing more; the thread ends soon."""
        self.want({}, frozenset())

    def seen(self) -> tuple[dict[str, Owner | None], dict[str, bool]]:
        """Return owners by uid (None: gone) and whether attachments are there, as last seen."""
        with self._lock:
            return dict(self._owners), dict(self._attached)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                due = [(key, at) for key, at in self._wanted.items() if self._is_due(key)]
            for key, place in due:
                self._look(key, place)
            pause.wait(STEP)

    def _is_due(self, key: str) -> bool:
        return self._due[key].at <= uptime()

    def _look(self, key: str, place: Place | None) -> None:
        name = key.partition(":")[2]
        try:
            if place is None:
                self._keep(key, self._attached, is_attached(self._cluster, name))
            else:
                owner = find_owner(self._cluster, place.namespace, place.controller)
                self._keep(key, self._owners, owner)
        except KubernetesError as error:  # what was seen before stays: it may be right
            log.info("poll_failed", what=key, error=str(error))
            self._later(key)

    def _keep(self, key: str, seen: dict[str, Any], value: Any) -> None:
        with self._lock:
            if key in self._wanted:  # else nobody waits for it any more
                seen[key.partition(":")[2]] = value
        self._later(key)

    def _later(self, key: str) -> None:
        with self._lock:
            due = self._due.get(key)
            if due is not None:
                self._due[key] = _Due(uptime() + due.wait, min(due.wait * 1.5, LONGEST))
