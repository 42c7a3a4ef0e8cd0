"""Where an operation is talked about: the bot writes it down, the worker reads it.

Key: thread:<operation>   string   the address of its thread; kept longer than operations are

The worker has no token of Slack's, so what it shows on a node has to come from who posted.
"""

from typing import cast

from jobs.durable import Store

_KEPT = 40 * 86_400  # s: longer than finished operations are kept
_LONGEST = 500


class ThreadStore:
    """The threads of one cluster's operations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, operation: str, url: str) -> None:
        """Write down where an operation is talked about; what is no web address is left out."""
        if url.startswith(("https://", "http://")) and len(url) <= _LONGEST and url.isprintable():
            self._store.redis.set(self._key(operation), url, ex=_KEPT)

    def of(self, operation: str) -> str:
        """Return where an operation is talked about, "" while that is not known."""
        return cast("str | None", self._store.redis.get(self._key(operation))) or ""

    def _key(self, operation: str) -> str:
        return f"{self._store.prefix}thread:{operation}"
