"""Watches one node through drainbot's Redis: its stream of events, and the node's record.

Both are read at one moment (MULTI), so that what the stream has lost (it is capped) shows at once:
the record counts every change. Nothing is written; docs/workloads.md has the rights it needs.

Keys: events       stream  kind=node_mode: node, uid, from, to, seq
      node:<name>  hash    uid, mode, mode_seq
      inventory    hash    node -> {uid, …} (JSON)
      born         string  when this state of Redis began
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from redis import Redis

from jobs.modes import GONE, Action, Mode
from jobs.workload.life import Forgotten, Life, Moved, Stands, Step, begin, observe
from jobs.workload.state import halt

PAGE = 1000  # events a look
_BEGINNING = "0-0"
LOST = "state_was_lost"


class StreamObserver:
    """Watches one node of a cluster; each node has an observer of its own, used in one thread.

    `redis` answers in text (`decode_responses=True`). Its errors come through: a Redis that is
    away is no gap, look again later.
    """

    def __init__(self, redis: Redis, cluster: str, node: str) -> None:
        if not redis.connection_pool.connection_kwargs.get("decode_responses"):
            raise ValueError("The client of Redis must answer in text: decode_responses=True.")
        self._redis = redis
        self._node = node
        self._prefix = f"drainbot:{cluster}:"
        self._from = self._at = ""  # the cursor of the life that was given, and how far was read

    def begin(self, uid: str = "") -> Step:
        """Begin a life with the node as it stands; `uid` is the Node's own, where it is known.

        Only for a workload that has stored none: with a stored life what was missed is told.
        """
        pipe = self._redis.pipeline(transaction=True)
        pipe.hget(f"{self._prefix}inventory", self._node)
        self._ask(pipe)
        listed, record, born, newest = pipe.execute()
        ours = uid or (str(json.loads(listed)["uid"]) if listed else "")
        where = {"source": born or "", "cursor": newest[0][0] if newest else _BEGINNING}
        found = _stands(record)
        if found is None:
            return begin(self._node, ours, Mode.ACCEPTING, 0, **where)
        if found.uid != (ours or found.uid) or (not ours and found.mode == GONE):
            return begin(self._node, ours, Mode.ACCEPTING, 0, predecessor=found.uid, **where)
        return begin(self._node, found.uid, found.mode, found.seq, **where)

    def next(self, life: Life, *, wait: float = 0) -> Step | None:
        """Return the next thing to do for a life, None if nothing comes within `wait` seconds.

        One at a time: store the step's life, then ask with that. Asked again with the one before,
        it says the same again.
        """
        end = time.monotonic() + wait
        while True:
            step = self._look(life)
            left = end - time.monotonic()
            if step is not None or left <= 0:
                return step
            self._wait(left)

    def _look(self, life: Life) -> Step | None:
        if life.cursor != self._from:
            self._from = self._at = life.cursor
        while True:
            pipe = self._redis.pipeline(transaction=True)
            pipe.xrange(f"{self._prefix}events", min=f"({self._at or _BEGINNING}", count=PAGE)
            self._ask(pipe)
            events, record, born, newest = pipe.execute()
            if life.source and born != life.source:
                fresh = {"source": born or "", "cursor": newest[0][0] if newest else _BEGINNING}
                return _in_another_state(life, _stands(record), **fresh)
            stands = _stands(record)
            current = _adopt(life, stands, born or "")
            for id, fields in events:
                self._at = id
                step = _moved(replace(current, cursor=id), fields)
                if step is not None:
                    return step
            if len(events) < PAGE:
                return _compared(replace(current, cursor=self._at), stands)

    def _ask(self, pipe: Any) -> None:
        pipe.hmget(f"{self._prefix}node:{self._node}", ["uid", "mode", "mode_seq"])
        pipe.get(f"{self._prefix}born")
        pipe.xrevrange(f"{self._prefix}events", count=1)

    def _wait(self, seconds: float) -> None:
        """Return at the next event of any kind, or after so long."""
        # A call that blocks for longer than its socket does looks like a Redis that is away.
        patience = self._redis.connection_pool.connection_kwargs.get("socket_timeout")
        longest = seconds if patience is None else min(seconds, patience / 2)
        self._redis.xread(
            {f"{self._prefix}events": self._at or _BEGINNING},
            count=1,
            block=max(1, int(longest * 1000)),
        )


def _in_another_state(life: Life, stands: Stands | None, *, source: str, cursor: str) -> Step:
    """Halt: Redis has not the state any more that was followed, so anything may have been missed.

    The life goes on with the state that is there now.
    """
    why = f"Redis has lost its state: what became of {life.node} since is not known."
    at = stands or Stands(life.uid, Mode.ACCEPTING, 0)
    begun = begin(life.node, at.uid, at.mode, at.seq, source=source, cursor=cursor).life
    halted = replace(begun, state=halt(life.state, why, mode=begun.state.mode))
    return Step(halted, Action.HALT, LOST, why)


def _stands(record: list[str | None]) -> Stands | None:
    uid, mode, seq = record
    return None if uid is None or mode is None else Stands(uid, mode, int(seq or 0))


def _adopt(life: Life, stands: Stands | None, born: str) -> Life:
    """Fill in what a life that began before anybody had used the node could not know."""
    uid = life.uid
    if not uid and stands is not None and stands.uid != life.predecessor:
        uid = stands.uid
    return replace(life, uid=uid, source=life.source or born)


def _moved(life: Life, fields: Mapping[str, str]) -> Step | None:
    if fields.get("kind") != "node_mode" or fields.get("node") != life.node:
        return None
    event = cast("dict[str, str]", fields)
    return observe(life, Moved(event["uid"], event["from"], event["to"], int(event["seq"])))


def _compared(life: Life, stands: Stands | None) -> Step | None:
    """Hold what was followed against the record, which counts every change."""
    if stands is not None:
        return observe(life, stands)
    return observe(life, Forgotten())
