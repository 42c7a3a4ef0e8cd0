"""The contract with the pinned RQ, and what a slot refuses to do for whoever can write to Redis."""

import json
import pickle
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.durable.doorbell import FUNCTION, Doorbell, DoorbellJob, UntrustedJob, parse, queue_name
from sandbox.processes import Process
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group
from tests.jobs.durable.processes import ROOT, until

DOORBELL: list[Any] = [FUNCTION, None, ["prod-eu", "op-1", 1], {}]


@pytest.fixture
def raw(redis_url: str) -> Iterator["Redis"]:
    """A client that gives bytes, which is what RQ wants."""
    with Redis.from_url(redis_url) as client:
        yield client


def enqueue(raw: "Redis", **changes: Any) -> Job:
    """Have RQ itself enqueue what Lua rings."""
    queue = Queue(queue_name("prod-eu"), connection=raw, serializer=JSONSerializer)
    given: dict[str, Any] = {
        "func": FUNCTION, "args": ("prod-eu", "op-1", 1), "timeout": -1, "result_ttl": 0,
        "failure_ttl": 3600, "description": "drainbot op-1",
    }  # fmt: skip
    return queue.enqueue_call(**(given | changes))


def fields(raw: "Redis", job_id: str) -> dict[bytes, Any]:
    stored = cast("dict[bytes, Any]", raw.hgetall(f"rq:job:{job_id}"))
    data = stored[b"data"]
    stored[b"data"] = json.loads(data if data.startswith(b"[") else zlib.decompress(data))
    return stored


# -- the contract with RQ ----------------------------------------------------------------------


def test_a_rung_doorbell_is_field_by_field_what_rq_would_enqueue(
    group: Group, raw: "Redis"
) -> None:
    calls.start(group)
    theirs = enqueue(raw).id
    [ours] = set(group.doorbells()) - {theirs}
    times = {b"created_at", b"enqueued_at"}
    ours_stored, theirs_stored = fields(raw, ours), fields(raw, theirs)
    assert ours_stored.keys() == theirs_stored.keys()
    for name in ours_stored.keys() - times:
        assert ours_stored[name] == theirs_stored[name], name
    for name in times:
        assert len(ours_stored[name]) == len(theirs_stored[name]), name


def test_rq_reads_a_rung_doorbell_as_a_queued_job(group: Group, raw: "Redis") -> None:
    calls.start(group)
    [job_id] = group.doorbells()
    job = Job.fetch(job_id, connection=raw, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs) == (FUNCTION, ["prod-eu", "op-1", 1], {})
    assert (job.origin, job.get_status()) == (queue_name("prod-eu"), "queued")
    assert (job.timeout, job.result_ttl) == (-1, 0)
    assert job.created_at is not None
    assert job.enqueued_at is not None


def test_a_doorbell_that_is_never_answered_goes_by_itself(group: Group) -> None:
    calls.start(group)
    [job_id] = group.doorbells()
    assert 0 < group.redis.pttl(f"rq:job:{job_id}") <= 3_600_000


def test_rq_finds_the_queue_and_takes_from_it_by_way_of_the_intermediate_list(
    group: Group, raw: "Redis"
) -> None:
    calls.start(group)
    queue = Queue(queue_name("prod-eu"), connection=raw, serializer=JSONSerializer)
    assert queue in Queue.all(connection=raw)
    assert queue.key == group.queue
    [job_id] = queue.job_ids
    taken = Queue.dequeue_any(
        [queue], None, connection=raw, job_class=DoorbellJob, serializer=JSONSerializer
    )
    assert taken is not None
    assert taken[0].id == job_id
    assert queue.intermediate_queue_key == f"{group.queue}:intermediate"
    assert IntermediateQueue(queue.key, raw).get_job_ids() == [job_id]


def test_a_doorbell_says_which_workflow_and_which_epoch(group: Group, raw: "Redis") -> None:
    calls.start(group)
    [job_id] = group.doorbells()
    job = DoorbellJob.fetch(job_id, connection=raw, serializer=JSONSerializer)
    assert job.doorbell() == Doorbell("prod-eu", "op-1", 1)


# -- what is refused ---------------------------------------------------------------------------

CANARY = """
from pathlib import Path
Path(__file__).with_name("alive").touch()
def sing(*args, **kwargs):
    Path(__file__).with_name("sang").touch()
"""


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that leaves a trace where it is imported, and another where it is called."""
    (tmp_path / "canary.py").write_text(CANARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    assert sorted(path.name for path in tmp_path.glob("*ng")) == []
    assert not (tmp_path / "alive").exists()
    assert "canary" not in sys.modules


EXTRAS: dict[str, Any] = {
    "success_callback_name": "canary.sing",
    "failure_callback_name": "canary.sing",
    "stopped_callback_name": "canary.sing",
    "webhooks": '[{"url":"http://127.0.0.1:1/","job_status":"finished","method":"GET"}]',
    "dependency_id": "another",
    "dependency_ids": '["another"]',
    "repeats_left": "3",
    "retries_left": "3",
}
DATA: dict[str, bytes] = {
    "another function": json.dumps(["canary.sing", *DOORBELL[1:]]).encode(),
    "os.system": json.dumps(["os.system", None, ["touch sang"], {}]).encode(),
    "instance": json.dumps([FUNCTION, "canary", *DOORBELL[2:]]).encode(),
    "kwargs": json.dumps([*DOORBELL[:3], {"epoch": 1}]).encode(),
    "compressed": zlib.compress(json.dumps(DOORBELL).encode()),
    "pickled": pickle.dumps(tuple(DOORBELL)),
    "too few": json.dumps(DOORBELL[:3]).encode(),
    "too many arguments": json.dumps([FUNCTION, None, ["prod-eu", "op-1", 1, 2], {}]).encode(),
    "no list": b'{"func":"canary.sing"}',
    "junk": b"\x00\xff\xfe junk",
    "nothing": b"",
    "number": b"7",
    "nested deeply": b"[" * 100_000,
    "epoch in words": json.dumps([FUNCTION, None, ["prod-eu", "op-1", "one"], {}]).encode(),
    "no epoch": json.dumps([FUNCTION, None, ["prod-eu", "op-1", None], {}]).encode(),
    "epoch without end": b'["%s",null,["prod-eu","op-1",Infinity],{}]' % FUNCTION.encode(),
}
BROKEN: dict[str, Any] = {
    "created_at": "yesterday",
    "timeout": "for ever",
    "result_ttl": "x",
    "status": "unheard-of",
    "enqueue_at_front": "x",
    "origin": b"\xff",
}


def poison(raw: "Redis", job_id: str = "poison", **stored: Any) -> None:
    """Put a job on the queue of which all but some fields are sound."""
    sound = {"data": json.dumps(DOORBELL), "status": "queued", "origin": queue_name("prod-eu")}
    raw.hset(f"rq:job:{job_id}", mapping=sound | stored)
    raw.rpush(f"rq:queue:{queue_name('prod-eu')}", job_id)


def fetch(raw: "Redis", job_id: str = "poison") -> DoorbellJob:
    return DoorbellJob.fetch(job_id, connection=raw, serializer=JSONSerializer)


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_doorbell_that_wants_more_than_to_be_answered_is_refused(
    raw: "Redis", canary: Path, extra: str
) -> None:
    poison(raw, **{extra: EXTRAS[extra]})
    with pytest.raises(UntrustedJob, match=extra):
        fetch(raw).doorbell()


@pytest.mark.parametrize("what", DATA)
def test_a_job_that_is_no_doorbell_is_refused(raw: "Redis", canary: Path, what: str) -> None:
    poison(raw, data=DATA[what])
    with pytest.raises(UntrustedJob, match="poison"):
        fetch(raw).doorbell()


@pytest.mark.parametrize("name", BROKEN)
def test_fields_that_rq_could_not_read_are_not_read(raw: "Redis", canary: Path, name: str) -> None:
    poison(raw, **{name: BROKEN[name]})
    assert fetch(raw).doorbell() == Doorbell("prod-eu", "op-1", 1)


def test_a_job_without_data_or_without_a_hash_is_refused(raw: "Redis") -> None:
    raw.hset("rq:job:empty", "status", "queued")
    raw.set("rq:job:text", "canary.sing")
    for job_id in ("empty", "text", "gone", "../../etc", "a:b"):
        with pytest.raises(UntrustedJob, match=job_id):
            fetch(raw, job_id).doorbell()


def test_a_doorbell_job_never_runs_a_function(raw: "Redis", canary: Path) -> None:
    poison(raw, data=DATA["another function"])
    with pytest.raises(UntrustedJob):
        fetch(raw).perform()


def test_the_name_that_doorbells_carry_does_nothing_for_a_worker_of_rq(raw: "Redis") -> None:
    job = enqueue(raw)
    with pytest.raises(UntrustedJob, match="only a drainbot worker"):
        job.perform()


def test_a_doorbell_is_read_alike_from_text_and_bytes() -> None:
    text = json.dumps(DOORBELL)
    assert parse(text, "j") == parse(text.encode(), "j") == Doorbell("prod-eu", "op-1", 1)


# -- a real slot -------------------------------------------------------------------------------


def test_a_slot_drops_poisoned_jobs_says_so_and_answers_the_next_doorbell(
    group: Group, raw: "Redis", redis_url: str, canary: Path
) -> None:
    for n, (name, value) in enumerate((EXTRAS | BROKEN).items()):
        poison(raw, f"field-{n}", **{name: value})
    for n, data in enumerate(DATA.values()):
        poison(raw, f"data-{n}", data=data)
    raw.set("rq:job:text", "x")
    raw.rpush(group.queue, "text", "gone", "bad:id")
    group.store.start("op-2", "nothing", None, dedup="d")
    arguments = [sys.executable, "-m", "tests.jobs.durable.worker", redis_url, "3", "1", "0"]
    environment = {"PYTHONPATH": f"{canary}:{ROOT}", "PATH": ""}
    with Process(arguments, name="worker", env=environment, cwd=ROOT) as worker:
        until(lambda: group.state("op-2") == "done")
    said = "\n".join(worker.lines())
    assert "canary.sing" in said
    assert said.count("job_refused") == len(EXTRAS) + len(DATA) + 1
    assert said.count("doorbell_was_answered") == 2  # "gone" and "bad:id" are nowhere
    assert said.count("child_started") == 1
    left = {key for key in group.dump() if key.startswith(("rq:job:", group.queue))}
    assert left == set()


def test_rq_takes_a_job_that_is_gone_for_no_job(raw: "Redis") -> None:
    with pytest.raises(NoSuchJobError):
        Job.fetch("gone", connection=raw, serializer=JSONSerializer)
