"""docs/workloads.md is true: its tables are the code's, and what it shows works."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from jobs.drain import mode_marks
from jobs.modes import ASKS, REPEATED, TABLE, Action, Mode
from jobs.workload import Life, clear
from jobs.workload.stream import StreamObserver
from sandbox.examples import queue_worker
from tests.jobs.durable.harness import Group
from tests.jobs.workload.test_stream import NODE, Drainbot

TEXT = (Path(__file__).parents[3] / "docs" / "workloads.md").read_text(encoding="utf-8")


def rows(columns: int) -> list[list[str]]:
    """The rows of tables whose first cell is code."""
    found = [line.strip("|").split("|") for line in TEXT.splitlines() if line.startswith("| `")]
    return [[cell.strip(" `") for cell in row] for row in found if len(row) == columns]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_its_tables_are_those_of_the_code() -> None:
    written = [(row[0], row[1], row[2], row[4]) for row in rows(5)]
    assert written == [(row.came_from, row.to, row.event, row.action) for row in TABLE]
    assert [row[0] for row in rows(2)] == list(Action)


def test_what_a_repeat_asks_is_what_the_code_says() -> None:
    words = " ".join(TEXT.split())
    assert f"(`{REPEATED}`)" in words
    said = re.search(r"asks already: (.*?)\. Any other", words)
    assert said is not None
    assert re.findall(r"`(\w+)`", said[1]) == [
        ASKS[mode]
        for mode in (Mode.ACCEPTING, Mode.DRAINING, Mode.DRAINED, Mode.RETURNING, Mode.FENCE_LOST)
    ]
    assert ASKS[Mode.MAINTENANCE] is ASKS[Mode.RETURNING]


def test_the_annotations_are_those_of_the_code() -> None:
    names = {value for name, value in vars(mode_marks).items() if re.fullmatch("MODE[A-Z_]*", name)}
    assert set(re.findall(r"drainbot\.dev/[\w-]+", TEXT)) == names


class Checkpoints:
    """Keeps the life and what was done with it, and lets things happen while the worker works."""

    def __init__(self, happenings: list[Callable[[], None]]) -> None:
        self.stored: list[str] = []
        self.done_so_far: list[str] = []
        self._happenings = happenings

    def life(self) -> Life | None:
        return Life.from_json(self.stored[-1]) if self.stored else None

    def store(self, life: Life, *, hand_over: bool = False, resume: bool = False) -> None:
        self.stored.append(life.to_json())
        self.done_so_far.append("hands over" if hand_over else "resumes" if resume else life.asks)

    def work_a_little(self) -> None:
        self.done_so_far.append("works")

    def done(self) -> bool:
        if self._happenings:
            self._happenings.pop(0)()
            return False
        return True


def test_the_worker_that_it_shows_works(redis: "Redis") -> None:
    group = Group(redis)
    drainbot = Drainbot(group)
    moves = ["draining", "drained", "returning", "accepting"]
    checkpoints = Checkpoints([lambda mode=mode: drainbot.move(mode) for mode in moves])  # type: ignore[misc]
    (code,) = blocks("python")
    shown: dict[str, Any] = {}
    exec(code, shown)  # noqa: S102  (the document's own)
    shown["work"](redis, group.store.group, NODE, checkpoints)
    assert checkpoints.done_so_far == [
        "accept", "checkpoint_and_drain", "hands over", "quiesce", "resumes",
    ]  # fmt: skip


@contextmanager
def user(redis: "Redis", url: str, line: str) -> Iterator["Redis"]:
    _, name, *rules = line.split()
    admin: Any = redis  # redis-py gives this call no types
    admin.execute_command("ACL", "SETUSER", name, "reset", *rules)
    with Redis.from_url(url, username=name, password="PASSWORD", decode_responses=True) as client:
        try:
            yield client
        finally:
            admin.execute_command("ACL", "DELUSER", name)


def test_the_user_of_redis_that_it_shows_may_follow_and_nothing_more(
    redis: "Redis", redis_url: str
) -> None:
    group = Group(redis)
    drainbot = Drainbot(group)
    (line,) = blocks("text")
    line = line.strip().replace("CLUSTER", group.store.group)
    with user(redis, redis_url, line) as client:
        watching = StreamObserver(client, group.store.group, NODE)
        life = watching.begin().life
        assert watching.next(life, wait=0.01) is None
        drainbot.move("draining")
        step = watching.next(life)
        assert step is not None
        assert step.event == "drain_started"
        for key in ("wf:op-1", "ready"):
            with pytest.raises(NoPermissionError):
                client.hget(f"{group.store.prefix}{key}", "state")
        with pytest.raises(NoPermissionError):
            client.hset(f"{group.store.prefix}node:{NODE}", "mode", "accepting")
    granted = [word for word in line.split() if word.startswith("+")]
    for word in set(granted) - {"+ping", "+select"}:
        with user(redis, redis_url, line.replace(f" {word}", "", 1)) as less:
            blind = StreamObserver(less, group.store.group, NODE)
            with pytest.raises(ResponseError, match=r"(?i)permission|without MULTI"):
                blind.next(blind.begin().life, wait=0.01)


def test_the_commands_that_it_shows_are_those_of_the_example(
    monkeypatch: pytest.MonkeyPatch, redis: "Redis", redis_url: str
) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    ours = [line for line in lines if line.startswith("python -m sandbox.examples.queue_worker")]
    assert [shlex.split(line)[3] for line in ours] == ["work", "work", "clear"]
    life = StreamObserver(redis, "demo", "node-1").begin().life
    halted = Life.from_plain({**life.to_plain(), "accepts_new_work": False, "halted": True})
    redis.hset(queue_worker.LIVES, "node-1", halted.to_json())
    asked = shlex.split(ours[-1])[3:]
    monkeypatch.setattr("sys.argv", ["queue_worker", *asked, "--redis", redis_url])
    queue_worker.main()
    cleared = Life.from_json(str(redis.hget(queue_worker.LIVES, "node-1")))
    assert cleared == clear(halted, by="ana", why="looked at it").life
