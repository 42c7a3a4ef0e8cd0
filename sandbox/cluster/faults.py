"""Things that go wrong by script: odd answers, cut connections, stalls."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["Fault", "Faults"]


class Fault(BaseModel):
    """What happens to the next requests that match.

    ``answer``: they get this status, body and headers. ``cut``: the connection breaks off.
    ``stall``: nothing for ``seconds``, then the ordinary answer. ``when`` says whether that is
    before the request is carried out (an answer or a cut then replaces it) or after. ``path`` is a
    regular expression that is searched for in path and query; ``times`` None: until cleared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["answer", "cut", "stall"]
    method: str = ".*"
    path: str = ""
    times: int | None = Field(default=1, ge=1)
    when: Literal["before", "after"] = "before"
    status: int = Field(default=500, ge=200, le=599)
    body: Any = None
    """A JSON value, or text that goes out as it is."""
    headers: Mapping[str, str] = {}
    seconds: float = Field(default=0.0, ge=0)

    @field_validator("method", "path")
    @classmethod
    def _is_expression(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"{text!r} is not a regular expression: {error}") from error
        return text

    @cached_property
    def _expressions(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return re.compile(self.method, re.IGNORECASE), re.compile(self.path)

    def matches(self, method: str, target: str) -> bool:
        """Whether it is meant for such a request."""
        wanted_method, wanted_path = self._expressions
        return bool(wanted_method.fullmatch(method) and wanted_path.search(target))


class Faults:
    """The faults that are set, the oldest first; one request meets at most one."""

    def __init__(self) -> None:
        self._set: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Set a fault."""
        self._set.append((fault, fault.times))

    def clear(self) -> None:
        """Take all faults away."""
        self._set.clear()

    @property
    def left(self) -> tuple[tuple[Fault, int | None], ...]:
        """The faults that are set, and how often each will still happen (None: until cleared)."""
        return tuple(self._set)

    def take(self, method: str, target: str) -> Fault | None:
        """Return the fault that the request meets, and count it off."""
        for place, (fault, left) in enumerate(self._set):
            if fault.matches(method, target):
                if left == 1:
                    del self._set[place]
                elif left is not None:
                    self._set[place] = fault, left - 1
                return fault
        return None
