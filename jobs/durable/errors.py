"""What can go wrong around a workflow, and what each error makes the core do.

Exception
├── TemporaryError(delay)  a step may try again after `delay` seconds
├── PermanentError         a step has failed for good: the failure is stored
├── StepFailed             what a stored failure looks like to the workflow, now and on each replay
├── Aborted                a person aborted; raised at each boundary that is not shielded
└── Diverged               the code asks for something else than what its history holds
BaseException (unwinds an activation; workflow code never sees it as an `Exception`)
└── Unwind
    ├── Suspended          it waits for something; the slot is free
    ├── HandedOver         another slot goes on with it (SIGTERM)
    └── Fenced             another activation has taken over; nothing more may be written
"""


class TemporaryError(Exception):
    """Raised by a step or an activity: try again after `delay` seconds."""

    def __init__(self, message: str, *, delay: float = 1.0) -> None:
        super().__init__(message)
        self.delay = delay


class PermanentError(Exception):
    """Raised by a step: trying again can't help. Its words are stored."""


class StepFailed(Exception):  # noqa: N818  (what happened to the step, not an error of ours)
    """A step's stored failure."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


class Aborted(Exception):  # noqa: N818  (a person's act, not an error)
    """A person aborted the workflow. `by`, `at` (ms) and `reason` say who, when and why."""

    def __init__(self, by: str, at: int, reason: str) -> None:
        super().__init__(f"aborted by {by}")
        self.by = by
        self.at = at
        self.reason = reason


class Diverged(Exception):  # noqa: N818  (a state of the code against its history)
    """The workflow's code no longer fits the history it already has: a person must look."""


class Unwind(BaseException):
    """The base of what ends an activation without ending the workflow."""


class Suspended(Unwind):
    """The workflow waits; something will wake it."""


class HandedOver(Unwind):
    """Another slot goes on, because this process ends."""


class Fenced(Unwind):
    """Another activation owns the workflow now."""
