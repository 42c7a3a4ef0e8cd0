"""Looks at workloads that have no room by their count: in threads of their own, a few at a time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Self

from jobs.activities.listening import Ears
from jobs.drain import events as e
from jobs.drain.facts import Controller
from jobs.drain.pacing import DrainState
from jobs.durable import Activity
from jobs.kubernetes import Temporary
from jobs.kubernetes.workloads import look_at
from jobs.resources import Resources

AT_ONCE = 4  # looks at the same time
TIMEOUT = 5.0  # seconds that one request of a look may take


class Looks:
    """Takes the looks that the state wants; what they find goes into the inbox.

    Used as a context. Its methods belong to the deciding thread.
    """

    def __init__(self, act: Activity[Resources], ears: Ears, node: str) -> None:
        self._act = act
        self._ears = ears
        self._node = node
        self._under_way: set[str] = set()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="evict-look")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more looks, and wait for those under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, state: DrainState, now: int) -> None:
        """Begin the looks that are wanted now and not under way."""
        for namespace, controller in state.wanting(now):
            if controller.uid not in self._under_way:
                self._under_way.add(controller.uid)
                self._pool.submit(self._look, namespace, controller, now)

    def note(self, event: e.Looked | e.LookFailed) -> None:
        """Note that a look is over."""
        self._under_way.discard(event.controller)

    def _look(self, namespace: str, controller: Controller, at: int) -> None:
        """Take one look; in a thread of the pool."""
        timeout = min(TIMEOUT, self._act.time_left())
        try:
            cluster = self._act.resources.cluster
            look = look_at(cluster, namespace, controller, node=self._node, timeout=timeout)
            self._ears.tell(e.Looked(controller.uid, look, at))
        except Temporary:
            self._ears.tell(e.LookFailed(controller.uid))
        except BaseException as error:  # noqa: BLE001  handed to the deciding thread, which raises
            self._ears.tell(error)
