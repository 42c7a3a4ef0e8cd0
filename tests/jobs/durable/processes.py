"""Real workers for tests: started, waited for, looked at."""

import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds: far more than anything here takes, also on a busy machine


def until(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Return when the condition holds; fail when it still does not after `within` seconds."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "what the test waits for did not happen"
        time.sleep(0.01)
