"""Typed calls of the Lua scripts, and reads: durable state as the rest of the core sees it."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from redis import Redis

from jobs.durable.records import (
    FreezeRecord,
    QuestionRecord,
    StepRecord,
    Token,
    WorkflowRecord,
)
from jobs.durable.scripts import Scripts
from jobs.durable.waits import Handle, Question

BARREN_LIMIT = 5  # activations without a stored step, then a person must look
STUCK_CHOICES = ("retry", "restart", "abort")  # restart: from its input, with a fresh history
_TURN_KEPT = 60_000  # ms that a turn which is over is still known
RESERVED = "~"  # begins the keys of steps that the scripts store, and no workflow's code


def nonce() -> str:
    """Return a fresh random name for one call or activation."""
    return secrets.token_hex(8)


def dump(value: Any) -> str:
    """Return the one canonical JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Store:
    """The durable state of one worker group. Safe to share between threads.

    `clock` (ms) is for tests only: the scripts use Redis' own time.
    """

    def __init__(self, redis: Redis, group: str, *, clock: Callable[[], int] | None = None) -> None:
        self.redis = redis
        self.group = group
        self.prefix = f"drainbot:{group}:"
        self.clock = clock
        self.scripts = Scripts(redis, clock)

    def now(self) -> int:
        """Return Redis' time in ms since the epoch (a test's, where one was given)."""
        if self.clock:
            return self.clock()
        seconds, micros = self.redis.time()
        return seconds * 1000 + micros // 1000

    # -- what clients do ---------------------------------------------------------------------

    def start(
        self, id: str, name: str, input: Any, *, dedup: str, view: Any = None, call: str = "",
        audit: Any = None,
    ) -> tuple[str, str]:  # fmt: skip
        """Start a root workflow. Returns what happened (see start.lua) and the id that counts.

        `audit`, here and below: facts (JSON) that are written down for good with the change.
        """
        text = dump(input)
        content = hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()
        reply = self.scripts.call(
            "start", group=self.group, id=id, name=name, input=text, hash=content,
            dedup=dedup, view=_text(view), call=call or nonce(), audit=_text(audit),
        )  # fmt: skip
        return reply["result"], reply["id"]

    def settle(
        self, question: str, choice: str, *, by: str, call: str, note: str = "",
        evidence: str = "", audit: Any = None, roles: Iterable[str] | None = None,
        voters: Mapping[str, Iterable[str]] | None = None,
    ) -> str:  # fmt: skip
        """Answer a question; returns what became of it.

        `roles` are those that this vote may fill (None: any), `voters` gives the same for people
        who voted so before, as it is today; see settle.lua.
        """
        return self._result(
            "settle", question=question, choice=choice, by=by, note=note, evidence=evidence,
            roles=None if roles is None else sorted(roles),
            voters={who: sorted(fills) for who, fills in voters.items()} if voters else None,
            call=call, audit=_text(audit),
        )  # fmt: skip

    def postpone(
        self, question: str, seconds: float, *, by: str, call: str, note: str = "",
        audit: Any = None,
    ) -> str:  # fmt: skip
        """Move a question's stop and reminders by `seconds`; it stays open."""
        return self._result(
            "postpone", question=question, by=by, note=note, ms=int(seconds * 1000), call=call,
            choice="wait", audit=_text(audit),
        )  # fmt: skip

    def amend(self, question: str, payload: Mapping[str, Any], *, id: str = "") -> str:
        """Bring the facts of an open question up to date: those of one workflow that waits for it.

        `id` may be left out where no other one does.
        """
        return self._result("amend", question=question, id=id or None, payload=dump(payload))

    def control(
        self, id: str, action: str, *, by: str, call: str, reason: str = "", audit: Any = None
    ) -> str:
        """Abort, pause or resume a workflow and its children; returns what happened."""
        return self._result(
            "control", id=id, action=action, by=by, reason=reason, call=call, audit=_text(audit)
        )

    def freeze(
        self,
        *,
        on: bool,
        by: str,
        call: str,
        reason: str = "",
        evidence: str = "",
        audit: Any = None,
    ) -> tuple[bool, FreezeRecord | None]:
        """Freeze or thaw the group; whether that changed anything, and the freeze it is about."""
        reply = self.scripts.call(
            "freeze", group=self.group, on=on, by=by, reason=reason, evidence=evidence, call=call,
            audit=_text(audit),
        )  # fmt: skip
        known = reply.get("freeze")
        return reply["result"] == "changed", FreezeRecord.read(known) if known else None

    def signal(self, id: str, name: str, value: Any = None) -> str:
        """Tell a workflow that waits for it that something outside happened."""
        return self._result("signal", id=id, signal=name, value=dump(value), call=nonce())

    # -- what an activation does -------------------------------------------------------------

    def acquire(
        self, id: str, epoch: int, *, owner: str, lease: float, token: str, job: str = ""
    ) -> dict[str, Any]:
        """Take a ready workflow for `lease` seconds; see acquire.lua."""
        return self.scripts.call(
            "acquire", group=self.group, id=id, epoch=epoch, nonce=token, owner=owner,
            lease=int(lease * 1000), job=job, barren_limit=BARREN_LIMIT,
            stuck=self.stuck_question("it failed again and again"),
        )  # fmt: skip

    def fenced_call(self, script: str, token: Token, **arguments: Any) -> dict[str, Any]:
        """Call a script of an activation: it carries epoch and nonce, and a name of its own."""
        return self.scripts.call(script, **token.arguments(), call=nonce(), **arguments)

    def renew(self, token: Token, lease: float, progress: Any = None) -> dict[str, Any]:
        """Renew a lease and learn of flags."""
        return self.scripts.call(
            "renew", **token.arguments(), lease=int(lease * 1000),
            progress=None if progress is None else dump(progress),
        )  # fmt: skip

    def permit(
        self,
        token: Token,
        *,
        bucket: str,
        rate: float,
        burst: float,
        shielded: bool = False,
        quota: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask for leave for one act outside; see permit.lua."""
        return self.scripts.call(
            "permit", **token.arguments(), bucket=bucket, rate=rate, burst=burst,
            shielded=shielded, quota=quota,
        )  # fmt: skip

    def stuck_question(self, detail: str) -> dict[str, Any]:
        """Return the question that is asked where a workflow can't go on by itself."""
        return self.ask(Question("stuck", {"detail": detail}, STUCK_CHOICES))

    def ask(self, question: Question) -> dict[str, Any]:
        """Return a question as the scripts want it, under a random id that never comes again."""
        random = int.from_bytes(os.urandom(8))
        letters = "0123456789abcdefghjkmnpqrstvwxyz"
        name = "".join(letters[(random >> shift) & 31] for shift in range(0, 60, 5))
        asked: dict[str, Any] = {
            "id": f"{self.group}-q-{name}",
            "kind": question.kind,
            "payload": dump(question.payload),
            "choices": dump(list(question.choices)),
            "votes_needed": dump(dict(question.votes_needed)),
            "notices": [
                {"name": notice, "after": int(after * 1000)}
                for notice, after in question.notices.items()
            ],
        }
        if question.roles_needed:
            by_choice = {choice: dict(roles) for choice, roles in question.roles_needed.items()}
            asked["roles_needed"] = dump(by_choice)
        if question.supersedes:
            asked |= {"supersedes": question.supersedes, "because": question.because}
        if question.cause:
            asked |= {"cause": question.cause, "joins": question.joins}
        if question.stop_after:
            asked["stop_after"] = int(question.stop_after * 1000)
        return asked

    # -- what keepers do ---------------------------------------------------------------------

    def reap(self, id: str, epoch: int, token: str) -> str:
        """Take a workflow from an owner that seems to be gone."""
        return self._result("reap", id=id, epoch=epoch, nonce=token, call=nonce())

    def sweep(self, *, limit: int = 100, grace: float = 0.5) -> dict[str, Any]:
        """Fire timers, reap lapsed leases, ring lost doorbells again."""
        return self.scripts.call("sweep", group=self.group, limit=limit, grace=int(grace * 1000))

    def forget(self, before: int, *, limit: int = 20) -> int:
        """Delete operations that ended before a time (ms) and are not to be kept."""
        reply = self.scripts.call("forget", group=self.group, before=before, limit=limit)
        return int(reply["forgotten"])

    def lease(self, name: str, owner: str, seconds: float) -> int:
        """Take, renew or (0 seconds) give up a named lease; returns its token, 0 if not ours."""
        reply = self.scripts.call(
            "lease", group=self.group, name=name, owner=owner, ms=int(seconds * 1000)
        )
        return int(reply["token"])

    def turn(self, name: str, owner: str, seconds: float) -> bool:
        """Take a turn that one at a time has, for some seconds, or (0 seconds) end it.

        Whether it is the owner's: taking it once more makes it longer. Nothing of it is kept.
        """
        reply = self.scripts.call(
            "lease", group=self.group, name=f"turn:{name}", owner=owner, ms=int(seconds * 1000),
            keep=int(seconds * 1000) + _TURN_KEPT,
        )  # fmt: skip
        return bool(reply["token"])

    # -- reads -------------------------------------------------------------------------------

    def workflow(self, id: str) -> WorkflowRecord | None:
        """Return a workflow, or None."""
        raw = self._hash(f"wf:{id}")
        return WorkflowRecord.read(self.group, id, raw) if raw.get("name") else None

    def steps(self, id: str) -> dict[str, StepRecord]:
        """Return the stored steps of a workflow."""
        return {key: StepRecord.read(raw) for key, raw in self._hash(f"wf:{id}:steps").items()}

    def children(self, id: str) -> tuple[Handle, ...]:
        """Return the children of a workflow, in the order of their ids."""
        refs = cast("Iterable[str]", self.redis.smembers(f"{self.prefix}wf:{id}:children"))
        pairs = (ref.split("|", 1) for ref in refs)
        return tuple(sorted((Handle(group, child) for group, child in pairs), key=_natural))

    def question(self, id: str) -> QuestionRecord | None:
        """Return a question, or None."""
        raw = self._hash(f"q:{id}")
        return QuestionRecord.read(self.group, id, raw) if raw.get("wf") else None

    def awaited(self, id: str) -> tuple[str, ...]:
        """Return the ids of the questions whose answer a workflow waits for now."""
        wait = cast("str | None", self.redis.hget(f"{self.prefix}wf:{id}", "wait"))
        parts = json.loads(wait)["parts"] if wait else ()
        return tuple(part["question"] for part in parts if part["kind"] == "question")

    def question_ids(self, id: str) -> list[str]:
        """Return the ids of a workflow's questions, in the order in which they were asked."""
        return cast("list[str]", self.redis.lrange(f"{self.prefix}wf:{id}:questions", 0, -1))

    def log(self, id: str) -> list[str]:
        """Return a workflow's story, one JSON text a line."""
        return cast("list[str]", self.redis.lrange(f"{self.prefix}wf:{id}:log", 0, -1))

    def live(self) -> list[str]:
        """Return the root workflows that have not ended, the oldest first."""
        return cast("list[str]", self.redis.zrange(f"{self.prefix}live", 0, -1))

    def frozen(self) -> FreezeRecord | None:
        """Return the freeze that holds the group, or None."""
        raw = cast("str | None", self.redis.get(f"{self.prefix}freeze"))
        return FreezeRecord.read(raw) if raw else None

    def running(self) -> list[str]:
        """Return the workflows that are running now."""
        return cast("list[str]", self.redis.zrange(f"{self.prefix}running", 0, -1))

    def watching(self) -> dict[str, Any]:
        """Return what suspended workflows wait for outside, by workflow."""
        return {id: json.loads(raw) for id, raw in self._hash("watching").items()}

    def _hash(self, name: str) -> dict[str, str]:
        return cast("dict[str, str]", self.redis.hgetall(self.prefix + name))

    def _result(self, script: str, **arguments: Any) -> str:
        return str(self.scripts.call(script, group=self.group, **arguments)["result"])


def _text(value: Any) -> str | None:
    return None if value is None else dump(value)


def _natural(handle: Handle) -> tuple[int, str]:
    return len(handle.id), handle.id
