"""The brake of a cluster, shared by all workers: told of calls, asked whether evictions may go on.

The rules are in :mod:`jobs.drain.brake`. A process adds what its calls came to, and learns of all
others', at most once a second; whoever sees a reason puts the hold on that `permit` obeys.
"""

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from jobs.activities.listening import Ears
from jobs.drain.brake import WINDOW, Brake, decide
from jobs.durable import Activity
from jobs.durable.errors import Fenced
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.nodes import find_node
from jobs.resources import Resources

EVICTIONS = "evictions"  # the acts that are held back
EVERY = 1_000  # ms between two looks at all calls, and between two probes
KEPT = 2 * WINDOW  # seconds: a hold that nobody renews lapses
PROBE = 3.0  # seconds that a probe may take


class Braking:
    """One drain's hand on the brake, in a thread of its own: neither Redis nor a probe holds it up.

    `brake` is what is known: at first what people were told last. Its methods belong to the
    deciding thread.
    """

    def __init__(self, act: Activity[Resources], ears: Ears, node: str, *, told: bool) -> None:
        self._act = act
        self._ears = ears
        self._node = node
        self._due = 0
        self._source = secrets.token_hex(8)
        self._under_way: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evict-brake")
        self.brake = Brake(on=told)

    def look(self, now: int) -> Brake:
        """Return what is known; begin to learn more once a second."""
        if now >= self._due and (self._under_way is None or self._under_way.done()):
            self._due = now + EVERY
            self._under_way = self._pool.submit(self._learn)
        return self.brake

    def close(self) -> None:
        """Tell of the last calls, when nothing else is under way any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._share()

    def _learn(self) -> None:
        """Tell of this process' calls, learn of all, and decide.

        While it is on, it also asks the API server for the node, so that its recovery is found.
        """
        try:
            if self.brake.on:
                with suppress(KubernetesError):  # only what it comes to counts
                    find_node(self._act.resources.cluster, self._node, timeout=PROBE)
            before = self.brake.on
            self._share()
            if self.brake.on != before:
                self._ears.heard.set()
        except BaseException as error:  # noqa: BLE001  handed to the deciding thread, which raises
            self._ears.tell(error)

    def _share(self) -> None:
        tally = self._act.resources.cluster.tally
        counts, totals = tally.take(), tally.take_totals()
        known = self._call(
            "tally", name="calls", source=self._source, keep=KEPT,
            bucket=EVICTIONS, counts=counts, totals=totals,
        )  # fmt: skip
        now = int(known["at"])
        held = Brake(
            on=known["on"], since=int(known["since"]), calls=self.brake.calls,
            failed=self.brake.failed,
        )  # fmt: skip
        decided = decide(held, [(s, c, f) for s, c, f in known.get("counts", ())], now)
        if decided.on or held.on:
            self._call(
                "hold", bucket=EVICTIONS, on=decided.on, at=now, why=decided.why,
                keep=KEPT * 1000,
            )  # fmt: skip
        self.brake = decided

    def _call(self, script: str, **arguments: Any) -> dict[str, Any]:
        reply = self._act.resources.store.fenced_call(script, self._act.token, **arguments)
        if reply["result"] == "fenced":
            raise Fenced
        return reply
