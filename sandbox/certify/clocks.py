"""A process whose clock is wrong: what tells it the date is replaced before its program begins.

Clocks that only count (monotonic, boottime) stay as they are, as they would on a host whose date
is wrong.
"""

import datetime as dt
import sys
import time
from typing import Any

__all__ = ["put_off"]


def put_off(seconds: float) -> None:
    """Have this process, and all that it forks, believe that it is so much later."""
    now, now_ns, real = time.time, time.time_ns, dt.datetime
    shift = dt.timedelta(seconds=seconds)

    class Same(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, real)  # a date is one, whoever made it

    class Shifted(real, metaclass=Same):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real.now(tz) + shift

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(dt.UTC).replace(tzinfo=None) + shift

    def late() -> float:
        return now() + seconds

    def late_ns() -> int:
        return now_ns() + int(seconds * 1e9)

    instead = {id(now): late, id(now_ns): late_ns, id(real): Shifted}
    for module in list(sys.modules.values()):
        if module is None or module.__name__ == __name__:
            continue
        for name, value in list(vars(module).items()):
            if id(value) in instead:  # by identity: some values can't be compared
                setattr(module, name, instead[id(value)])
