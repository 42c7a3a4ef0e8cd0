"""Stored histories, run against the code at hand without acting: each that no longer fits is told.

What a deployment needs to know before it happens: a workflow whose code asks for something else
than its history holds stops for a person (:class:`jobs.durable.errors.Diverged`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from jobs.durable.context import Context
from jobs.durable.errors import Aborted, Diverged, StepFailed, Unwind
from jobs.durable.guard import LeaseGuard, uptime
from jobs.durable.records import StepRecord, Token, WorkflowRecord
from jobs.durable.store import Store
from jobs.durable.workflow import Registry


@dataclass(frozen=True)
class Replayed:
    """One live workflow and how its history fared: `problem` is empty where it still fits."""

    workflow: str
    name: str
    steps: int
    problem: str = ""


class _Reached(Unwind):
    """The end of what is stored: a real run would act from here on."""


class _Rehearsal(Context[Any]):
    """A context that ends where a real one would begin to act. It writes nothing."""

    def _replay(self, key: str, print_: str) -> StepRecord | None:
        known = super()._replay(key, print_)
        if known is None:
            raise _Reached
        return known

    def publish(self) -> None:
        """Keep what was shown to itself."""

    def _call(self, script: str, **arguments: Any) -> NoReturn:
        raise _Reached(script, arguments)


def replay_live(store: Store, registry: Registry) -> tuple[Replayed, ...]:
    """Replay the history of every workflow that has not ended, and say which would diverge.

    Only reads. Workflows of other groups are skipped: their own workers have their code.
    """
    return tuple(replay(store, registry, record, store.steps(record.id)) for record in _live(store))


def replay(
    store: Store, registry: Registry, record: WorkflowRecord, steps: Mapping[str, StepRecord]
) -> Replayed:
    """Replay one history against the code at hand."""
    token = Token(record.group, record.id, record.epoch, "")
    guard = LeaseGuard(store, token, lease=3600, acquired=uptime(), flags=record.flags)
    context = _Rehearsal(
        store, token, guard, record, steps, lines=0, acquired_at=record.created,
        resources=None, stopping=lambda: False,
    )  # fmt: skip
    problem = ""
    try:
        registry.body(record.name)(context, record.input)
        problem = _left(context)
    except Diverged as diverged:
        problem = str(diverged)
    except _Reached:
        pass
    except (Aborted, StepFailed):
        problem = _left(context)
    except Exception as error:  # noqa: BLE001  whatever it is, a real run would crash on it
        problem = f"it crashes: {type(error).__name__}: {error}"
    return Replayed(record.id, record.name, len(steps), problem)


def _left(context: Context[Any]) -> str:
    left = context.unused
    return f"the code ends without the step {min(left)!r}, which is stored" if left else ""


def _live(store: Store) -> Iterable[WorkflowRecord]:
    waiting = store.live()
    while waiting:
        id = waiting.pop(0)
        record = store.workflow(id)
        if record is None:
            continue
        waiting += [child.id for child in store.children(id) if child.group == store.group]
        if not record.final:
            yield record
