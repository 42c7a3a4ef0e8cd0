"""Durable workflows on RQ and Redis: straight-line code that survives its process.

A workflow is an ordinary function that gets a :class:`Context`. It knows nothing of drains, Slack
or Kubernetes, and could be a library of its own. Its rules are in docs/architecture.md.
"""

from jobs.durable.activation import Runner
from jobs.durable.activity import Activity, Permit, Quota
from jobs.durable.connection import connect
from jobs.durable.context import Context
from jobs.durable.errors import (
    Aborted,
    Diverged,
    PermanentError,
    StepFailed,
    TemporaryError,
)
from jobs.durable.records import (
    Flag,
    Flags,
    FreezeRecord,
    QuestionRecord,
    Token,
    WorkflowRecord,
)
from jobs.durable.store import Store
from jobs.durable.waits import Children, Ended, Fired, Handle, Question, Signal, Timer
from jobs.durable.workflow import Registry

__all__ = [
    "Aborted",
    "Activity",
    "Children",
    "Context",
    "Diverged",
    "Ended",
    "Fired",
    "Flag",
    "Flags",
    "FreezeRecord",
    "Handle",
    "PermanentError",
    "Permit",
    "Question",
    "QuestionRecord",
    "Quota",
    "Registry",
    "Runner",
    "Signal",
    "StepFailed",
    "Store",
    "TemporaryError",
    "Timer",
    "Token",
    "WorkflowRecord",
    "connect",
]
