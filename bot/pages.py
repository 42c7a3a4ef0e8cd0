"""Notes what pagers are to be told, from the operations that the notifier tells of.

It only ever writes to Redis: who delivers is :mod:`bot.pagers`, in threads of its own.
"""

from bot.beside import Told
from bot.messages.pages import pages_of
from bot.page_store import PageStore
from bot.telling import links_of

__all__ = ["PageNotes"]


class PageNotes:
    """What one notifier notes. `workspace` is Slack's address of the workspace."""

    def __init__(self, store: PageStore, *, workspace: str) -> None:
        self._store = store
        self._workspace = workspace
        self._noted: dict[str, set[str]] = {}  # so that Redis is asked once a page and term

    def begin(self) -> None:
        """Begin a new term: what a former notifier noted is in Redis."""
        self._noted.clear()

    def note(self, now_ms: int, told: Told) -> None:
        """Queue every page that is due and was not queued yet. Raises as the store does."""
        seen: dict[str, set[str]] = {}
        for view, records in told:
            noted = seen[view.id] = self._noted.get(view.id, set())
            if not view.questions:
                continue
            links = links_of(view, records, self._workspace)
            for page in pages_of(view, links):
                if page.key in noted or page.not_before > now_ms:
                    continue
                # Whatever comes of it is settled in the script, and is the same next time, unless
                # it waits for a page that is not due yet.
                if self._store.note(view.id, page.key, page.body, after=page.after):
                    noted.add(page.key)
        self._noted = seen

    def tell(self, now_ms: int) -> None:
        """Say nothing: it is not the notifier who delivers."""
