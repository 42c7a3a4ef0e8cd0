"""RQ jobs as doorbells: the one place that knows RQ's inside.

A job says "look at workflow W, epoch E" and nothing else. Whether there is anything to do is
decided by the state in Redis, so a doorbell that is lost, doubled or late does no harm.

RQ imports any function and callback that a job names, also with the JSON serializer: whoever can
write to the queue could run code. :class:`DoorbellJob` refuses every job but ours.

Contract with RQ (held by tests/jobs/durable/test_doorbell.py on the pinned version): the layout of
a job's hash (`Job.to_dict`), `rq:job:` and `rq:queue:` as prefixes, and the intermediate list.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

FUNCTION = "jobs.durable.doorbell.ring"
_NEVER = frozenset(
    {
        "success_callback_name",
        "failure_callback_name",
        "stopped_callback_name",
        "webhooks",
        "dependency_id",
        "dependency_ids",
        "repeats_left",
        "retries_left",
    }
)
_LUA_SETS = frozenset({"data", "origin", "description", "created_at", "enqueued_at"})


class UntrustedJob(Exception):  # noqa: N818  (says what the job is)
    """A job on our queue that is not a doorbell; it is dropped, never run."""


@dataclass(frozen=True)
class Doorbell:
    """What a job of ours says: look at this workflow, if it is ready in this epoch."""

    group: str
    workflow: str
    epoch: int


def ring(group: str, workflow: str, epoch: int) -> None:
    """Be the name that doorbells carry. Never runs: a slot reads the doorbell instead."""
    raise UntrustedJob(f"{group}/{workflow}/{epoch}: only a drainbot worker can answer this job")


def queue_name(group: str) -> str:
    """Return the name of a worker group's one queue."""
    return f"drainbot-{group}"


class DoorbellJob(Job):
    """An RQ job that can't run anything, read without trusting what it holds."""

    _refusal: str = ""
    gone = False  # another slot has answered: the keeper rings anew what it can't see queued

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Self:
        """Read a job from Redis. Whatever is there, or is not, never raises.

        An error here would end the worker, and a job that RQ takes for none would stay in the
        intermediate list: a slot drops it instead, by what :meth:`doorbell` says.
        """
        job = cls(connection=connection, serializer=serializer)
        job._id = id  # as it is: RQ refuses to build a job under a name that it would not give
        try:
            job.refresh()  # type: ignore[no-untyped-call]  # RQ has no types there
        except NoSuchJobError:
            job._refusal, job.gone = "is gone", True
        except ResponseError:
            job._refusal = "is no hash"
        return job

    def restore(self, raw_data: Any) -> None:
        """Take the data, and note what a doorbell never has; nothing else is read.

        RQ would unpack, parse and build what it finds, and fail on what it can't.
        """
        extras = sorted(name for name in _NEVER if raw_data.get(name.encode()))
        if extras:
            self._refusal = f"wants {', '.join(extras)}"
        self._data = raw_data.get(b"data", b"")

    def doorbell(self) -> Doorbell:
        """Return what the job says.

        Raises :class:`UntrustedJob` for any other function, a callback, a webhook or dependents.
        """
        if self._refusal:
            raise UntrustedJob(f"job {self.id} {self._refusal}")
        return parse(self.data, self.id)

    def perform(self) -> Any:
        """Refuse: no path of RQ runs a function that a job names."""
        raise UntrustedJob(f"job {self.id}: drainbot's workers run no functions from jobs")


def parse(data: bytes | str, job_id: str) -> Doorbell:
    """Read a job's data, strictly. Raises :class:`UntrustedJob`."""
    try:
        function, instance, args, kwargs = json.loads(data)
        group, workflow, epoch = args
    except (ValueError, TypeError, RecursionError) as error:
        raise UntrustedJob(f"job {job_id} is not a doorbell") from error
    if function != FUNCTION or instance is not None or kwargs != {}:
        raise UntrustedJob(f"job {job_id} names {str(function)[:100]!r}")
    if not (isinstance(group, str) and isinstance(workflow, str) and type(epoch) is int):
        raise UntrustedJob(f"job {job_id} names no workflow and epoch")
    return Doorbell(group, workflow, epoch)


def template(connection: Redis) -> dict[str, Any]:
    """Return what the Lua scripts need to build a doorbell as RQ itself would build it."""
    queue = Queue(queue_name("template"), connection=connection, serializer=JSONSerializer)
    job = Job.create(
        FUNCTION,
        args=("group", "workflow", 0),
        connection=connection,
        serializer=JSONSerializer,
        timeout=-1,
        result_ttl=0,
        failure_ttl=3600,
        description="",
    )
    job.origin = queue.name
    fields = {key: _text(value) for key, value in job.to_dict().items() if key not in _LUA_SETS}
    fields["status"] = "queued"
    return {"func": FUNCTION, "fields": fields}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
