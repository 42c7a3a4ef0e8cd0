"""A slot: one process that answers doorbells, one at a time.

It is an RQ worker in all that concerns its queue and its registration. What RQ would do with a
job (import a function, run it, keep its result, call its callbacks) never happens: a slot reads
the doorbell and runs an activation. One queue a slot, so that RQ takes jobs with BLMOVE.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

import structlog
from redis import Redis
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.utils import now
from rq.worker_registration import clean_worker_registry

from jobs.durable.activation import Runner
from jobs.durable.doorbell import DoorbellJob, UntrustedJob, queue_name
from jobs.durable.store import nonce

log = structlog.get_logger(__name__)
REGISTRATION = 30  # seconds that RQ's registration of a silent worker stays; it polls at half
LOOK_AGAIN = 0.05  # seconds between two looks whether a shut intake is open again


def owner_prefix(role: str, pid: int) -> str:
    """Return how the names of a process of this host begin."""
    return f"drainbot-{role}-{socket.gethostname()}-{pid}-"


def owner_name(role: str) -> str:
    """Return a name for this process, as leases and connections carry it."""
    return owner_prefix(role, os.getpid()) + nonce()[:6]


def _always_open() -> bool:
    return False


class Slot(SimpleWorker):
    """An RQ worker that answers doorbells. `redis` must give bytes.

    While `shut` says so it takes none, and gives back one that reached it all the same.
    """

    max_connection_wait_time = 2

    def __init__(
        self,
        redis: Redis,
        runner: Callable[["Slot"], Runner[Any]],
        group: str,
        *,
        name: str,
        shut: Callable[[], bool] = _always_open,
    ) -> None:
        super().__init__(
            [queue_name(group)], name=name, connection=redis, job_class=DoorbellJob,
            serializer=JSONSerializer, worker_ttl=REGISTRATION, log_job_description=False,
        )  # fmt: skip
        self.stopping = False
        self.answering = False
        self._shut = shut
        self._runner = runner(self)

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001  (RQ's)
        """Wait while the intake is shut; RQ asks before it looks for each job."""
        beat_at = 0.0
        while self._shut() and not self._stop_requested:
            if time.monotonic() >= beat_at:
                self.heartbeat()
                beat_at = time.monotonic() + REGISTRATION / 2
            time.sleep(LOOK_AGAIN)
        super().check_for_suspension(burst)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Answer a doorbell; a job that is none is dropped, and said."""
        if self._shut():
            self._give_back(job, queue)
            return
        try:
            doorbell = cast("DoorbellJob", job).doorbell()
        except UntrustedJob as error:
            if cast("DoorbellJob", job).gone:
                log.info("doorbell_was_answered", job=job.id)
            else:
                log.error("job_refused", job=job.id, error=str(error))  # noqa: TRY400  (no surprise)
            self.connection.lrem(queue.intermediate_queue_key, 1, job.id)
            self.connection.delete(job.key)
            return
        self.answering = True
        try:
            self._runner.answer(doorbell, job=job.id)
        finally:
            self.answering = False

    def _give_back(self, job: Job, queue: Queue) -> None:
        """Put back what came while this slot was waiting for it already: for another worker."""
        with self.connection.pipeline(transaction=True) as pipe:
            pipe.lrem(queue.intermediate_queue_key, 1, job.id)
            pipe.rpush(queue.key, job.id)
            pipe.execute()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """End: at once when idle, else when the activation has handed over (its next tick)."""
        del signum, frame
        self.stopping = True
        self._stop_requested = True
        if not self.answering:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business
        signal.signal(signal.SIGTERM, self.request_stop)

    def subscribe(self) -> None:
        """Take no commands over Redis: RQ's remote control is none of ours."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    def run_maintenance_tasks(self) -> None:
        """Forget workers that died without a word; doorbells never enter RQ's other registries."""
        for queue in self.queues:
            clean_worker_registry(queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # typed by RQ as None
