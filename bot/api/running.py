"""The API while it runs: its listener, and the thread that feeds its event streams."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.api.app import make_api
from bot.api.callers import Parts
from bot.api.wire import guarded
from bot.http import serving
from bot.settings import Address

__all__ = ["running"]

_STOP_SECONDS = 6.0  # a look for changes takes a quarter of one, or as long as Redis keeps silent


@contextmanager
def running(
    parts: Parts,
    address: Address,
    seen: Callable[[str, int, float], None] | None = None,
) -> Iterator[Address]:
    """Serve the API while entered; gives the address in use, also where port 0 was asked for.

    `seen` is as :func:`bot.api.app.make_api` takes it. Raises :class:`jobs.errors.ConfigError`
    where it can't listen there.
    """
    stop = threading.Event()
    feed = threading.Thread(target=parts.feed.run, args=(stop,), name="api feed", daemon=True)
    protocol = guarded(parts.limits)
    with serving(make_api(parts, seen), address, protocol=protocol, what="api") as listening:
        feed.start()
        try:
            yield listening
        finally:
            stop.set()
            parts.feed.close()  # else the listener waits for the streams
    feed.join(_STOP_SECONDS)
