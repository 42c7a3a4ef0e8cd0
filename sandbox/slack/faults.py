"""Faults by script: the next calls of a method go wrong in a given way."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Fault", "Faults"]


class Fault(BaseModel):
    """What happens to the next ``times`` calls of ``method`` (`response_url` is one, too).

    ``when`` says whether the call was carried out before it went wrong. ``error`` is an answer with
    ``ok: false``; ``ratelimited`` a 429 with ``retry_after`` seconds; ``status`` a bare HTTP
    status; ``reset`` a cut connection; ``stall`` a wait of ``seconds`` and then the true answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    kind: Literal["error", "ratelimited", "status", "reset", "stall"]
    times: int = Field(default=1, ge=1)
    when: Literal["before", "after"] = "before"
    error: str = "internal_error"
    retry_after: int = Field(default=1, ge=0)
    status: int = Field(default=500, ge=400, le=599)
    seconds: float = Field(default=1.0, gt=0)


class Faults:
    """The faults that are still to happen, first scripted first."""

    def __init__(self) -> None:
        self._coming: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Script one more."""
        self._coming.append((fault, fault.times))

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._coming.clear()

    def take(self, method: str) -> Fault | None:
        """Return what befalls this call, if anything, and count it."""
        for index, (fault, left) in enumerate(self._coming):
            if fault.method == method:
                if left > 1:
                    self._coming[index] = (fault, left - 1)
                else:
                    del self._coming[index]
                return fault
        return None
