"""Finds the boundaries and has somebody die at each, on several lanes at once."""

import multiprocessing
import queue
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sandbox.certify.boundaries import Boundary
from sandbox.certify.deaths import Death, Verdict, first_deaths
from sandbox.certify.lane import Lane, lane

__all__ = ["CertificateError", "boundaries", "certify", "recoveries", "verdict"]

UNDISTURBED = 3  # plays in which boundaries are looked for, after one that warms up
LOADING = "SCRIPT LOAD"  # happens once in the life of a Redis
RECOVERIES = 2  # plays with each of the first deaths
TRIES = 3  # until a boundary that some play came to counts as one that is not reached again
_LIMIT = 300.0  # seconds for one death with all its tries


class CertificateError(RuntimeError):
    """The story does not even come to its end undisturbed, or a lane is gone."""


def boundaries(stage: Lane, *, plays: int = UNDISTURBED) -> frozenset[Boundary]:
    """Play undisturbed, so often, and return every boundary that was seen.

    Raises :class:`CertificateError` where the story does not hold by itself.
    """
    found: set[Boundary] = set()
    for number in range(plays + 1):
        played = stage.play()
        if played.wrong:
            said = "\n".join((*played.wrong, *played.said))
            raise CertificateError(f"undisturbed, the story does not hold: {said}")
        if number:  # the first one loads the scripts into Redis
            found |= played.reached
    return frozenset(found)


def recoveries(stage: Lane, known: frozenset[Boundary]) -> tuple[Death, ...]:
    """Return the deaths of those who recover from one, at boundaries that are seen only then."""
    found: list[Death] = []
    for first in first_deaths(known):
        reached = frozenset().union(*(stage.play(first).reached for _ in range(RECOVERIES)))
        found += [
            Death(boundary, first=first)
            for boundary in sorted(reached - known)
            if boundary.shape != LOADING
        ]
        known |= reached
    return tuple(found)


def verdict(stage: Lane, death: Death) -> Verdict:
    """Play until somebody has died there, and say what came of it."""
    for _ in range(TRIES):
        played = stage.play(death)
        if played.died or played.wrong:
            return Verdict(death, played.died, played.wrong, played.said)
    return Verdict(death, reached=False)


def certify(deaths: Sequence[Death], *, lanes: int) -> Iterator[Verdict]:
    """Yield a verdict on each death as it comes, from `lanes` processes at once."""
    context = multiprocessing.get_context("spawn")
    orders: Any = context.Queue()
    verdicts: Any = context.Queue()
    for death in deaths:
        orders.put(death)
    for _ in range(lanes):
        orders.put(None)
    with _working(context, lanes, orders, verdicts) as workers:
        for _ in deaths:
            try:
                found: Verdict = verdicts.get(timeout=_LIMIT)
            except queue.Empty:
                alive = sum(worker.is_alive() for worker in workers)
                raise CertificateError(f"no verdict for {_LIMIT:g} s; {alive} lanes run") from None
            yield found


@contextmanager
def _working(context: Any, lanes: int, orders: Any, verdicts: Any) -> Iterator[list[Any]]:
    workers = [
        context.Process(target=_work, args=(orders, verdicts), daemon=True) for _ in range(lanes)
    ]
    for worker in workers:
        worker.start()
    finished = False
    try:
        yield workers
        finished = True
    finally:
        orders.cancel_join_thread()
        for worker in workers:
            worker.join(10 if finished else 0)
            worker.terminate()
            worker.join(10)


def _work(orders: Any, verdicts: Any) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what a lane has started ends with it
    with lane() as stage:
        stage.play()  # warms up
        while (death := orders.get()) is not None:
            verdicts.put(verdict(stage, death))
