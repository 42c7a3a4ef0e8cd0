"""Abort an operation from within, because a person answered a question with that."""

from collections.abc import Mapping
from typing import Any

from jobs.durable import Context
from jobs.resources import Resources


def abort_operation(
    ctx: Context[Resources], key: str, operation: str, settled: Mapping[str, Any]
) -> None:
    """Abort the operation, as the step `key`, in the name of whoever settled the question."""

    def abort(by: str, reason: str) -> str:
        store = ctx.resources.store
        return store.control(operation, "abort", by=by, reason=reason, call=f"{ctx.id}:abort")

    ctx.step(key, abort, settled["by"][0], settled["note"])
