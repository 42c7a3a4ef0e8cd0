"""One run of a workflow: take it, run it from its top, and store how far it came."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import structlog

from jobs.durable.context import Context
from jobs.durable.doorbell import Doorbell
from jobs.durable.errors import Aborted, Diverged, Fenced, HandedOver, StepFailed, Suspended
from jobs.durable.guard import LeaseGuard, kill_self, uptime
from jobs.durable.records import Flag, StepRecord, Token, WorkflowRecord
from jobs.durable.store import Store, nonce
from jobs.durable.workflow import Registry

R = TypeVar("R")
log = structlog.get_logger(__name__)
LONGEST_BACKOFF = 30.0  # seconds between tries of a workflow that fails


@dataclass(frozen=True)
class Runner(Generic[R]):
    """What activations of one worker have in common. `lease` is in seconds."""

    store: Store
    registry: Registry
    resources: R
    owner: str
    lease: float = 3.0
    stopping: Callable[[], bool] = lambda: False
    on_lapse: Callable[[], None] = kill_self

    def answer(self, doorbell: Doorbell, *, job: str = "") -> str:
        """Answer a doorbell, and return what became of it, for logs and tests.

        One of stale, stuck, suspended, handed_over, fenced, crashed, or the workflow's final state.
        """
        token = Token(self.store.group, doorbell.workflow, doorbell.epoch, nonce())
        acquired = uptime()
        reply = self.store.acquire(
            doorbell.workflow, doorbell.epoch, owner=self.owner, lease=self.lease,
            token=token.nonce, job=job,
        )  # fmt: skip
        if reply["result"] != "acquired":
            return str(reply["result"])
        record = WorkflowRecord.read(token.group, token.id, _pairs(reply["wf"]))
        steps = {key: StepRecord.read(raw) for key, raw in _pairs(reply["steps"]).items()}
        flags = replace(record.flags, freeze=Flag.read(reply.get("freeze")))
        guard = LeaseGuard(
            self.store, token, lease=self.lease, acquired=acquired, flags=flags,
            on_lapse=self.on_lapse,
        )  # fmt: skip
        context = Context(
            self.store, token, guard, record, steps, lines=int(reply["lines"]),
            acquired_at=int(reply["at"]), resources=self.resources, stopping=self.stopping,
        )  # fmt: skip
        guard.start()
        try:
            outcome = self._run(context, record)
        finally:
            guard.stop()
        log.info("activation_ended", workflow=token.id, epoch=token.epoch, outcome=outcome)
        return outcome

    def _run(self, context: Context[R], record: WorkflowRecord) -> str:
        try:
            try:
                return self._body(context, record)
            except Diverged as diverged:
                return self._diverged(context, record, str(diverged))
        except Suspended:
            return "suspended"
        except Fenced:
            return "fenced"

    def _body(self, context: Context[R], record: WorkflowRecord) -> str:
        try:
            result = self.registry.body(record.name)(context, record.input)
        except HandedOver:
            context.release()
            return "handed_over"
        except Aborted as aborted:
            context.finish("aborted", {"by": aborted.by, "reason": aborted.reason})
            return "aborted"
        except StepFailed as failed:
            context.finish("failed", {"step": failed.step, "error": str(failed)})
            return "failed"
        except Diverged:
            raise
        except Exception as error:
            # A bug or a library's surprise: try again later, and for people after a few times.
            log.exception("workflow_crashed", workflow=record.id)
            words = "".join(traceback.format_exception_only(error)).strip()
            context.release(crash=words[:500], after=self._backoff(context))
            return "crashed"
        context.finish("done", result)
        return "done"

    def _diverged(self, context: Context[R], record: WorkflowRecord, words: str) -> str:
        """Stop for a person, who may abort: then it ends, as its own clean-up can't be reached."""
        log.warning("workflow_diverged", workflow=record.id, error=words)
        abort = record.flags.abort
        if record.given_up and abort:
            outcome = {"by": abort.by, "reason": abort.reason, "error": words}
            context.give_up("aborted", outcome)
            return "aborted"
        context.release(crash=words, stuck=words)
        return "stuck"

    def _backoff(self, context: Context[R]) -> float:
        barren = self.store.redis.hget(f"{self.store.prefix}wf:{context.id}", "barren")
        return float(min(LONGEST_BACKOFF, 0.5 * 2 ** int(str(barren or 0))))


def _pairs(flat: list[Any]) -> dict[str, str]:
    pairs = list(flat)  # an empty one comes as an object: Lua can not tell
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
