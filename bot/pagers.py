"""Delivers pages: signed JSON to the addresses that the policy lists, until each was taken.

A pager is a thread of its own with a lease of its own: one that is away or slow delays neither
Slack nor another pager. A page has an id, the same for every try, and says how many tries there
were: what was answered is not always known, and then it goes out again under the same id.
docs/pagers.md says what the receiver gets, and how to check the signature.
"""

import hashlib
import hmac
import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from bot.page_store import PageStore, QueuedPage, pager_key
from jobs.client import Lease
from jobs.errors import StateUnavailable

__all__ = ["SIGNATURE", "TIMESTAMP", "Pager", "PagerSettings", "signature"]

TIMESTAMP, SIGNATURE, ID = "X-Drainbot-Timestamp", "X-Drainbot-Signature", "X-Drainbot-Page"

_TOO_MANY = 429
_PASSING = frozenset({408, 425, _TOO_MANY})
_SERVER_ERROR = 500

log = structlog.get_logger()


@dataclass(frozen=True)
class PagerSettings:
    """Times in seconds: `timeout` of a call; pauses after a failure, `first` and at `most`.

    `give_up`: a page that is older is dropped, and the log says so. `look`: how often the queue is
    looked at. `lease`: after how long another copy takes over.
    """

    timeout: float = 10
    first: float = 5
    most: float = 300
    give_up: float = 24 * 3600
    look: float = 1
    lease: float = 30


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a request: HMAC-SHA256 over `TIMESTAMP.BODY`, in hex, as `v1=…`."""
    signed = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is signed for one address goes to no other: a redirect is a failure."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


@dataclass(frozen=True)
class _Answer:
    """What became of one try; `why` is empty where it was taken."""

    why: str = ""
    retry_after: float = 0
    away: bool = False  # nothing to do with this page: the others would fail as well


class Pager:
    """One pager. `now` is the time in seconds since the epoch; `run` blocks, `tick` does not."""

    def __init__(
        self,
        url: str,
        secret: str,
        store: PageStore,
        lease: Lease,
        *,
        settings: PagerSettings | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = pager_key(url)
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._secret = secret
        self._store = store
        self._lease = lease
        self._settings = settings or PagerSettings()
        self._now = now
        self._failures = 0
        self._quiet_until = 0.0

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set, whatever happens to Redis and the pager."""
        while not stop.is_set():
            try:
                self.tick(stop)
            except StateUnavailable as error:
                log.warning("pager_waits_for_redis", pager=self._host, error=str(error))
            except Exception:
                log.exception("pager_failed", pager=self._host)
            stop.wait(self._settings.look)
        try:
            self._lease.release()
        except StateUnavailable:
            log.info("pager_lease_left_to_lapse", pager=self._host)

    def tick(self, stop: threading.Event | None = None) -> None:
        """Deliver what is due now. Raises StateUnavailable while Redis is away."""
        if self._now() < self._quiet_until or not self._lease.hold():
            return
        behind: set[object] = set()  # a thing's later pages never overtake its earlier ones
        for page in self._store.waiting(self.name):
            if stop is not None and stop.is_set():
                return
            about = page.body.get("about")
            if self._too_old(page) or about in behind:
                continue
            if page.next_at > self._now():
                behind.add(about)
                continue
            if not self._lease.hold():
                return
            answer = self._deliver(page)
            if answer.why:
                behind.add(about)
            if answer.away:
                return

    def _too_old(self, page: QueuedPage) -> bool:
        if self._now() - page.queued_at / 1000 <= self._settings.give_up:
            return False
        log.error("page_given_up", pager=self._host, id=page.id, attempts=page.attempts)
        self._store.done(self.name, page.id)
        return True

    def _deliver(self, page: QueuedPage) -> _Answer:
        # Counted before it is sent: a kill in between leaves a try too many, never one too few.
        wait = min(self._settings.most, self._settings.first * 2 ** min(page.attempts, 10))
        tried = page.model_copy(
            update={"attempts": page.attempts + 1, "next_at": self._now() + wait}
        )
        if not self._store.change(self.name, tried):
            return _Answer()  # another copy has delivered it
        answer = self._post(tried)
        if not answer.why:
            self._failures = 0
            self._store.done(self.name, page.id)
            log.info("page_delivered", pager=self._host, id=page.id, attempts=tried.attempts)
            return answer
        if answer.retry_after:
            later = tried.model_copy(update={"next_at": self._now() + answer.retry_after})
            self._store.change(self.name, later)
        if answer.away:
            self._failures += 1
            pause = self._settings.first * 2 ** min(self._failures - 1, 10)
            self._quiet_until = self._now() + max(
                answer.retry_after, min(self._settings.most, pause)
            )
        log.warning(
            "page_not_delivered", pager=self._host, id=page.id, attempts=tried.attempts,
            why=answer.why,
        )  # fmt: skip
        return answer

    def _post(self, page: QueuedPage) -> _Answer:
        sent = {**page.body, "id": page.id, "attempt": page.attempts}
        body = json.dumps(sent, separators=(",", ":")).encode()
        timestamp = str(int(self._now()))
        request = urllib.request.Request(  # noqa: S310  the policy takes https and loopback only
            self._url,
            data=body,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "User-Agent": "drainbot",
                ID: page.id,
                TIMESTAMP: timestamp,
                SIGNATURE: signature(self._secret, timestamp, body),
            },
        )
        try:
            with _opener.open(request, timeout=self._settings.timeout):
                return _Answer()
        except urllib.error.HTTPError as error:
            with error:
                return _refused(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            return _Answer(f"it can't be reached ({type(reason).__name__})", away=True)


def _refused(error: urllib.error.HTTPError) -> _Answer:
    header = error.headers.get("Retry-After", "") if error.headers else ""
    retry_after = float(header) if header.isascii() and header.isdecimal() else 0.0
    passing = error.code in _PASSING or error.code >= _SERVER_ERROR
    return _Answer(f"HTTP {error.code}", min(retry_after, 3600.0), away=passing)
