"""From a freed budget to the next eviction, while the drain is at work."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from sandbox.bench.arena import Arena
from sandbox.bench.wire import Connection, watch


class FreedTimes:
    """When the one budget of a namespace became free, as a watch beside drainbot's hears it.

    In seconds since the epoch. What the cluster needs to tell anybody of it is not in it: about a
    millisecond, here on loopback.
    """

    def __init__(self) -> None:
        self.at: list[float] = []

    def to_eviction(self, evictions: Sequence[float]) -> list[float]:
        """Return the ms from each time until the eviction that it let pass, 0 if heard too late.

        Pods that go one at a time take turns with their budget: the first eviction found it free,
        each other one waited for it to be free once more. Raises RuntimeError where they did not.
        """
        followed = sorted(evictions)[1:]
        if not len(followed) <= len(self.at) <= len(followed) + 1:
            raise RuntimeError(
                f"the budget was freed {len(self.at)} times for {len(followed) + 1} evictions"
            )
        pairs = zip(self.at, followed, strict=False)  # the last one frees it for nobody
        return [max(0.0, (at - freed) * 1000) for freed, at in pairs]


@contextmanager
def freed_times(arena: Arena, namespace: str) -> Iterator[FreedTimes]:
    """Note when the namespace's one budget becomes free, for as long as the context lasts."""
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    times = FreedTimes()
    with closing(Connection(arena.port)) as asking, closing(Connection(arena.port)) as watching:
        listed = json.loads(asking.ask("GET", path))
        events = watch(watching, path, listed["metadata"]["resourceVersion"])

        def note() -> None:
            allowed = listed["items"][0]["status"]["disruptionsAllowed"]
            for line in events:
                now = time.time()
                before, allowed = (
                    allowed,
                    json.loads(line)["object"]["status"]["disruptionsAllowed"],
                )
                if allowed and not before:
                    times.at.append(now)

        thread = threading.Thread(target=note, name="budget", daemon=True)
        thread.start()
        yield times
        watching.shut()
        thread.join()
