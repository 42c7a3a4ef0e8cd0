"""What a workflow shows and tells, until it is stored together with whatever happens next."""

from collections.abc import Mapping
from typing import Any

from jobs.durable.records import WorkflowRecord
from jobs.durable.store import dump


class Staged:
    """A view (the latest wins) and new lines of the story (each once, also after a replay).

    `lines` is how long the stored story is. A workflow tells the same lines on each replay, so
    those that are stored already are known by their number.
    """

    def __init__(self, record: WorkflowRecord, *, lines: int) -> None:
        self._id = record.id
        self._base = record.log_base
        self._known = lines - record.log_base
        self._told = 0
        self._shown = dump(record.view)
        self._view = self._shown
        self._lines: list[str] = []

    def show(self, view: Mapping[str, Any]) -> None:
        """Set what readers see of the workflow."""
        self._view = dump(view)

    def log(self, what: str, fields: Mapping[str, Any], *, at: int) -> None:
        """Add a line to the story, unless an earlier run has stored it."""
        self._told += 1
        if self._told > self._known:
            key = f"{self._id}.{self._base + self._told}"
            self._lines.append(dump({"key": key, "what": what, "at": at, "fields": fields}))

    def __bool__(self) -> bool:
        return bool(self.arguments())

    def arguments(self) -> dict[str, Any]:
        """Return it as the scripts want it: only what is new."""
        staged: dict[str, Any] = {}
        if self._view != self._shown:
            staged["view"] = self._view
        if self._lines:
            staged["log"] = list(self._lines)
        return staged

    def stored(self) -> None:
        """Say that a script has stored it."""
        self._shown = self._view
        self._lines.clear()
