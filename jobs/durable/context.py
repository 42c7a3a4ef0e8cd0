"""What a workflow's code may do.

It runs again from its top after every suspension or crash; steps that are done return what was
stored.

The code reads no clock, no chance and no I/O of its own: :meth:`Context.now`,
:meth:`Context.uuid` and steps are there instead, so that each run takes the same path.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, NoReturn, TypeVar

from jobs.durable.activity import Activity, Interrupted, Rest
from jobs.durable.errors import (
    Aborted,
    Diverged,
    Fenced,
    HandedOver,
    PermanentError,
    StepFailed,
    Suspended,
    TemporaryError,
)
from jobs.durable.guard import LeaseGuard, uptime
from jobs.durable.records import Flags, StepRecord, Token, WorkflowRecord
from jobs.durable.staging import Staged
from jobs.durable.store import RESERVED, Store, dump
from jobs.durable.waits import Children, Ended, Fired, Handle, Timer, Wait, brought, to_parts

R = TypeVar("R")
T = TypeVar("T")
_ENDING = frozenset({"suspend", "finish", "release", "continue_as"})  # an activation, if done


def fingerprint(kind: str, name: str, arguments: Any) -> str:
    """Return what tells one step from another under the same key."""
    text = dump([kind, name, arguments])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Context(Generic[R]):
    """One activation's view of its workflow. Used by one thread, the one that runs the workflow."""

    def __init__(
        self,
        store: Store,
        token: Token,
        guard: LeaseGuard,
        record: WorkflowRecord,
        steps: Mapping[str, StepRecord],
        *,
        lines: int,
        acquired_at: int,
        resources: R,
        stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._token = token
        self._guard = guard
        self._steps = dict(steps)
        self._latest: str | None = None  # of the steps that this very activation has stored
        self._record = record
        self._stopping = stopping
        self._used: set[str] = set()
        self._ahead = {key for key in steps if not key.startswith(RESERVED)}
        self._shielded = 0
        self._now = record.created
        self._clock_base = (acquired_at, uptime())
        self._count = {"uuid": 0, "spawn": 0}
        self._staged = Staged(record, lines=lines)
        self.resources = resources

    # -- what is known -------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self._record.id

    @property
    def root(self) -> str:
        """The id of the operation that it belongs to."""
        return self._record.root

    @property
    def token(self) -> Token:
        """The fencing token of this activation."""
        return self._token

    @property
    def old_lease(self) -> int:
        """When the lease of whoever ran this workflow before runs out in full (ms; 0: nobody)."""
        return self._record.old_lease

    def now(self) -> int:
        """Return the time (ms) of the latest thing that happened to the workflow.

        It is the same on each replay.
        """
        return self._now

    def uuid(self) -> str:
        """Return a random-looking id that is the same on each replay."""
        self._count["uuid"] += 1
        name = f"{self.id}/{self._record.generation}/{self._count['uuid']}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    # -- telling -------------------------------------------------------------------------------

    def show(self, view: Mapping[str, Any]) -> None:
        """Set what readers see of this workflow; stored together with whatever happens next."""
        self._staged.show(view)

    def log(self, what: str, **fields: Any) -> None:
        """Add a line to the workflow's story; stored, once, with whatever happens next."""
        self._staged.log(what, fields, at=self._clock())

    def publish(self) -> None:
        """Store what was shown and logged now, without waiting for a step."""
        if self._staged and not self._replaying():
            self._absorb(self._call("commit", **self._staged.arguments()))

    # -- doing ---------------------------------------------------------------------------------

    def step(
        self,
        key: str,
        act: Callable[..., T],
        *arguments: Any,
        timeout: float = 30.0,
        give_up_after: float = 600.0,
    ) -> T:
        """Run `act(*arguments)` once and store what it returns (JSON).

        A :class:`TemporaryError` is tried again until `give_up_after` seconds after the workflow
        got here; longer delays hold no slot. Raises :class:`StepFailed` for a failure that is
        final, now and on each replay, and :class:`Aborted`.
        """
        print_ = fingerprint("step", act.__qualname__, arguments)
        known = self._replay(key, print_)
        if known is not None:
            return self._outcome(key, known)  # type: ignore[no-any-return]
        seen = self._guard.flags  # before they are looked at: what comes later was not seen
        self._boundary(key, print_)
        while True:
            self._guard.expect(timeout)
            self._guard.check()
            try:
                value = act(*arguments)
            except TemporaryError as error:
                if self._clock() - self._now > give_up_after * 1000:
                    return self._fail(key, print_, f"gave up after {give_up_after:g} s: {error}")
                self._rest(self._clock() + int(error.delay * 1000), None, seen)
            except PermanentError as error:
                return self._fail(key, print_, str(error))
            return self._outcome(key, self._commit(key, print_, "ok", value))  # type: ignore[no-any-return]

    def activity(self, key: str, act: Callable[..., T], **arguments: Any) -> T:
        """Run `act(activity, **arguments)`; only its outcome is stored (JSON).

        It may be interrupted at any time and starts over. Raises like :meth:`step`.
        """
        print_ = fingerprint("activity", act.__qualname__, arguments)
        known = self._replay(key, print_)
        if known is not None:
            return self._outcome(key, known)  # type: ignore[no-any-return]
        seen = self._guard.flags
        self._boundary(key, print_)
        self.publish()
        handle = Activity(
            self._store, self._token, self._guard, self.resources,
            stopping=self._stopping, shielded=self._shielded > 0,
            old_lease=self.old_lease, before=self._record.progress, clock=self._clock,
            flags=seen,
        )  # fmt: skip
        try:
            value = act(handle, **arguments)
        except Interrupted:
            self._observe_abort(key, print_)
        except Rest as rest:
            self._guard.flush()
            self._rest(rest.until, rest.watching, handle.flags)
        except TemporaryError as error:
            self._rest(self._clock() + int(error.delay * 1000), None, handle.flags)
        except PermanentError as error:
            return self._fail(key, print_, str(error))
        return self._outcome(key, self._commit(key, print_, "ok", value))  # type: ignore[no-any-return]

    # -- waiting -------------------------------------------------------------------------------

    def first(self, key: str, *, watching: Mapping[str, Any] | None = None, **waits: Wait) -> Fired:
        """Wait, without holding a slot, for the first of several things.

        The same script closes the others and stores which it was. `watching` tells the watcher
        what to look for.
        """
        print_ = fingerprint("wait", key, [[n, type(w).__name__] for n, w in sorted(waits.items())])
        known = self._replay(key, print_)
        if known is None:
            if self._stopping():
                raise HandedOver
            parts, questions = to_parts(waits, self._store.ask)
            wait = {
                "key": key, "fp": print_, "parts": parts, "interruptible": self._shielded == 0,
            }  # fmt: skip
            reply = self._call(
                "suspend", wait=wait, questions=questions or None,
                watching=None if watching is None else dump(watching), **self._staged.arguments(),
            )  # fmt: skip
            if reply["result"] != "decided":
                raise Suspended
            known = StepRecord.read(reply["step"])
            self._remember(key, known)
        if known.status == "aborted":
            self._raise_aborted(key)
        value = brought(waits[known.won], known.value)
        return Fired(known.won, value, known.at, known.questions)

    def sleep(self, key: str, seconds: float) -> None:
        """Wait for some seconds without holding a slot."""
        self.first(key, over=Timer(seconds))

    # -- children ------------------------------------------------------------------------------

    def spawn(
        self, key: str, workflow: str, input: Any, *, group: str | None = None, view: Any = None
    ) -> Handle:
        """Start a child workflow, of this or another worker group, and store that it was."""
        self._count["spawn"] += 1
        suffix = f"{self._count['spawn']}"
        if self._record.generation:
            suffix = f"{self._record.generation}x{suffix}"
        handle = Handle(group or self._token.group, f"{self.id}-{suffix}")
        print_ = fingerprint("spawn", workflow, [handle.ref, input])
        known = self._replay(key, print_)
        if known is not None:
            self._outcome(key, known)
            return handle
        self._boundary(key, print_)
        child = {"group": handle.group, "id": handle.id, "name": workflow, "input": dump(input)}
        if view is not None:
            child["view"] = dump(view)
        reply = self._call("spawn", step=key, fp=print_, child=child, **self._staged.arguments())
        self._absorb(reply)
        self._remember(key, StepRecord(print_, "ok", dump(None), reply["at"]))
        return handle

    def call(self, key: str, workflow: str, input: Any, *, group: str) -> Ended:
        """Run a workflow of another worker group and wait for its end."""
        handle = self.spawn(f"{key}:start", workflow, input, group=group)
        return self.wait_for(f"{key}:end", [handle], need=1)[0]

    def wait_for(self, key: str, handles: Sequence[Handle], *, need: int) -> tuple[Ended, ...]:
        """Wait until `need` of the children have ended; returns those that have."""
        fired = self.first(key, children=Children(tuple(handles), need))
        ended: tuple[Ended, ...] = fired.value
        return ended

    def continue_as(self, input: Any) -> NoReturn:
        """Begin again with a fresh history and this input, under the same id."""
        self._call("continue_as", input=dump(input), **self._staged.arguments())
        raise Suspended

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Run clean-up that an abort or a pause does not interrupt."""
        self._shielded += 1
        try:
            yield
        finally:
            self._shielded -= 1

    def finish(self, state: str, result: Any) -> None:
        """Store the workflow's end; called by the activation, not by workflows.

        Raises :class:`Diverged` if the code ends before what its history holds.
        """
        if left := self.unused:
            raise Diverged(f"the code ends without the step {min(left)!r}, which is stored")
        self.give_up(state, result)

    def give_up(self, state: str, result: Any) -> None:
        """Store an end, whatever the history holds: a person wants it of what fits no more."""
        self._call("finish", state=state, outcome=dump(result), **self._staged.arguments())

    def release(self, *, crash: str = "", after: float = 0, stuck: str = "") -> None:
        """Give the workflow back; called by the activation, not by workflows."""
        self._call(
            "release", crash=crash, after=int(after * 1000),
            stuck=self._store.stuck_question(stuck) if stuck else None,
        )  # fmt: skip

    # -- inside --------------------------------------------------------------------------------

    def _clock(self) -> int:
        at, base = self._clock_base
        return at + int((uptime() - base) * 1000)

    def _replay(self, key: str, print_: str) -> StepRecord | None:
        if "|" in key or key.startswith(RESERVED) or key in self._used:
            raise Diverged(f"the step {key!r} is there twice in the workflow's code, or is no name")
        self._used.add(key)
        self._ahead.discard(key)
        known = self._steps.get(key)
        if known is None:
            # A run takes the same path each time: what is stored comes before anything new.
            if left := self._ahead:
                raise Diverged(f"the step {key!r} is new before {min(left)!r}, which is stored")
            return None
        if known.fingerprint != print_:
            raise Diverged(f"the step {key!r} was another one when it was stored")
        self._now = max(self._now, known.at)
        return known

    @property
    def unused(self) -> frozenset[str]:
        """The stored steps that the code has not asked for yet."""
        return frozenset(self._ahead)

    def _replaying(self) -> bool:
        """Whether stored steps are still ahead: what the code shows here has been shown before."""
        return bool(self._ahead)

    def _boundary(self, key: str, print_: str) -> None:
        if self._stopping():
            raise HandedOver
        if self._guard.flags.abort and not self._shielded:
            self._observe_abort(key, print_)

    def _observe_abort(self, key: str, print_: str) -> NoReturn:
        self._commit(key, print_, "aborted", None)
        self._raise_aborted(key)

    def _raise_aborted(self, key: str) -> NoReturn:
        flag = self._guard.flags.abort or Flags.read(self._abort_flag()).abort
        if flag is None:
            raise Diverged(f"the step {key!r} was aborted, but no abort is stored")
        raise Aborted(flag.by, flag.at, flag.reason)

    def _abort_flag(self) -> dict[str, Any]:
        return {"abort": self._store.redis.hget(f"{self._store.prefix}wf:{self.id}", "abort")}

    def _fail(self, key: str, print_: str, words: str) -> NoReturn:
        self._commit(key, print_, "failed", words)
        raise StepFailed(key, words)

    def _outcome(self, key: str, known: StepRecord) -> Any:
        if known.status == "aborted":
            self._raise_aborted(key)
        value = json.loads(known.value or "null")
        if known.status == "failed":
            raise StepFailed(key, value)
        return value

    def _commit(self, key: str, print_: str, status: str, value: Any) -> StepRecord:
        text = dump(value)
        reply = self._call(
            "commit", step=key, fp=print_, status=status, value=text, **self._staged.arguments()
        )
        self._absorb(reply)
        record = StepRecord(print_, status, text, reply["at"])
        self._remember(key, record)
        return record

    def _remember(self, key: str, record: StepRecord) -> None:
        self._steps[key] = record
        self._latest = key
        self._now = max(self._now, record.at)
        self._staged.stored()

    def _rest(self, until: int, watching: Mapping[str, Any] | None, flags: Flags) -> NoReturn:
        # Not the guard's flags: a renewal may have brought news that nobody has looked at.
        seen = {flag: getattr(flags, flag) is not None for flag in ("abort", "pause", "freeze")}
        staged = {} if self._replaying() else self._staged.arguments()
        self._call(
            "suspend", **{"yield": {"until": until}}, seen=seen,
            watching=None if watching is None else dump(watching), **staged,
        )  # fmt: skip
        raise Suspended

    def _absorb(self, reply: Mapping[str, Any]) -> None:
        self._guard.flags = Flags.read(reply)
        self._staged.stored()

    def _call(self, script: str, **arguments: Any) -> dict[str, Any]:
        self._guard.expect(30.0)
        self._guard.ending = script in _ENDING
        reply = self._store.fenced_call(script, self._token, latest=self._latest, **arguments)
        if reply["result"] == "decided":
            self._guard.ending = False
        if reply["result"] == "fenced":
            raise Fenced
        if reply["result"] == "diverged":
            raise Diverged(f"the step {arguments.get('step')!r} is stored already")
        return reply
