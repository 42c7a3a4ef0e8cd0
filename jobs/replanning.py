"""Looks, while people are asked whether a plan may begin, whether it is still that plan.

Material facts only, as :func:`jobs.drain.plan.digest` has them, and a difference counts when two
looks in a row have found it: a workload that is just being replaced is not another plan. A look
reads the pods of the operation's nodes with their budgets and owners; it changes nothing.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.activities.survey import survey
from jobs.durable import PermanentError, TemporaryError
from jobs.durable.guard import uptime
from jobs.resources import Resources

log = structlog.get_logger(__name__)
SURE_AFTER = 1.0  # seconds between the look that finds a difference and the one that confirms it
STEP = 0.2  # seconds between two looks for what is due


class _Unwanted(Exception):  # noqa: N818  it names what happened
    """Nobody waits for this plan any more."""


@dataclass
class _Plan:
    asked: Mapping[str, Any]
    due: float
    differs: bool = False
    changed: bool = False


@dataclass(frozen=True)
class _Look:
    """What a survey looks with, see :class:`jobs.activities.survey.Looker`."""

    resources: Resources
    looks: "PlanLooks"
    workflow: str

    def now(self) -> int:
        return self.resources.store.now()

    def tick(self) -> None:
        if not self.looks.wants(self.workflow):
            raise _Unwanted


class PlanLooks:
    """A thread that looks while any plan is asked about, each as often as its policy says."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._lock = threading.Lock()
        self._plans: dict[str, _Plan] = {}
        self._thread: threading.Thread | None = None

    def want(self, plans: Mapping[str, Mapping[str, Any]]) -> None:
        """Look at these from now on, by workflow: as it registered them; forget the others."""
        with self._lock:
            known = self._plans
            self._plans = {
                workflow: known[workflow]
                if workflow in known and known[workflow].asked == asked
                else _Plan(asked, uptime() + asked["every"])
                for workflow, asked in plans.items()
            }
            if self._plans and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="replanning", daemon=True)
                self._thread.start()

    def wants(self, workflow: str) -> bool:
        """Whether somebody still waits for this plan."""
        with self._lock:
            return workflow in self._plans

    def changed(self) -> list[str]:
        """Return the workflows whose plan is another one by now."""
        with self._lock:
            return [workflow for workflow, plan in self._plans.items() if plan.changed]

    def close(self) -> None:
        """Look at nothing more; the thread ends soon."""
        self.want({})

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._plans:
                    self._thread = None
                    return
                due = [(name, plan) for name, plan in self._plans.items() if plan.due <= uptime()]
            self._look_at(due)
            pause.wait(STEP)

    def _look_at(self, due: Iterable[tuple[str, _Plan]]) -> None:
        for workflow, plan in due:
            try:
                differs = self._differs(workflow, plan.asked)
            except _Unwanted:
                continue
            except (TemporaryError, PermanentError, RedisError) as error:
                # Nothing is known then; whatever was said is looked at once more before it counts.
                log.info("plan_not_looked_at", workflow=workflow, error=str(error))
                differs = False
            plan.changed = plan.changed or (differs and plan.differs)
            plan.differs = differs
            plan.due = uptime() + (SURE_AFTER if differs else plan.asked["every"])

    def _differs(self, workflow: str, asked: Mapping[str, Any]) -> bool:
        look = _Look(self._resources, self, workflow)
        fields = {key: value for key, value in asked.items() if key not in {"digest", "every"}}
        found = survey(look, **fields)
        if "plan" in found:
            return bool(found["plan"]["digest"] != asked["digest"])
        # What else would refuse it may pass, and is said when it comes to begin.
        return "gone" in found
