"""Who the policy does not name is asked about: a guest or a bot may not even read."""

import threading
import time
from collections.abc import Callable

import structlog

from bot.groups import AsksSlack
from bot.web_client import SlackAway

__all__ = ["Strangers"]

log = structlog.get_logger(__name__)
_KNOWN_FOR = 600.0  # s that an answer counts, as that of a group's pass does
_MOST = 2_000  # people that are remembered
_ONE_AT_A_TIME = 1.0  # s that somebody waits for the question about another


class Strangers:
    """Asks Slack about one person at a time, and remembers what it said; for several threads.

    `clock` is in seconds and never goes back.
    """

    def __init__(self, slack: AsksSlack, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def outsider(self, user: str) -> str | None:
        """Say what somebody is if no full member of the workspace, else ""; None: nobody knows."""
        known = self._lately(user)
        if known is not None or not self._lock.acquire(timeout=_ONE_AT_A_TIME):
            return known
        try:
            known = self._lately(user)  # somebody else's press may have asked meanwhile
            said = self._slack.outsider(user) if known is None else known
        except SlackAway as away:
            log.warning("stranger_not_told", user=user, error=str(away))
            return None
        else:
            self._remember(user, said)
            return said
        finally:
            self._lock.release()

    def _lately(self, user: str) -> str | None:
        until, said = self._known.get(user, (0.0, ""))
        return said if until > self._clock() else None

    def _remember(self, user: str, said: str) -> None:
        now = self._clock()
        if len(self._known) >= _MOST:
            self._known = {name: each for name, each in self._known.items() if each[0] > now}
        if len(self._known) < _MOST:
            self._known[user] = (now + _KNOWN_FOR, said)
