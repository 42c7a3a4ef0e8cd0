"""The present, as objects of the API carry it."""

import time


def stamp(*, ago: float = 0) -> str:
    """RFC 3339, so many seconds ago."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))
