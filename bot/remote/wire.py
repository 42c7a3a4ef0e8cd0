"""One request to the API and its answer: what the service could have said, or why not."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel

from jobs.errors import ConfigError, DrainbotError, StateUnavailable
from jobs.models import Decided, Outcome, QuestionView, Refused

__all__ = ["Reply", "ServerAwayError", "UnrecognizedError", "Wire"]

_M = TypeVar("_M", bound=BaseModel)
_SECONDS = 10.0
_GONE = 404
_ERRORS = 400
_OWN = 500
# What the service never says: these are about the request itself.
_BEYOND = {405, 408, 413, 415, 429, 431}
_BECAUSE = {"unknown", "ended", "other_request", "not_known_yet", "taken"}


class ServerAwayError(StateUnavailable):
    """The API can't be reached, or can't reach Redis; the text says which."""


class UnrecognizedError(DrainbotError):
    """The API does not know the token."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, and the JSON object that came with it."""

    status: int
    body: Any

    def read(self, kind: type[_M]) -> _M:
        """Return the value that the answer is; what newer servers say beside it is passed over."""
        known = {name: self.body[name] for name in kind.model_fields if name in self.body}
        return kind.model_validate_json(json.dumps(known))

    @property
    def failed(self) -> bool:
        """Whether it is a problem."""
        return self.status >= _ERRORS

    @property
    def gone(self) -> bool:
        """Whether there is no such thing."""
        return self.status == _GONE

    def found(self) -> "Reply":
        """Return itself; raise :class:`DrainbotError` where it is a problem."""
        if self.failed:
            raise DrainbotError(self.body["detail"])
        return self

    def decided(self) -> Decided:
        """Return what became of an answer to a question."""
        question = self.body.get("question")
        outcome = self.body.get("outcome") or (Outcome.UNKNOWN if self.gone else Outcome.REFUSED)
        return Decided(
            outcome=Outcome(outcome),
            question=None if question is None else Reply(self.status, question).read(QuestionView),
            reason=self.body.get("reason", ""),
            who_may=tuple(self.body.get("who_may", ())),
        )

    def refused(self) -> Refused:
        """Return a problem as the refusal that it is."""
        because = self.body.get("code", "")
        return Refused(
            reason=self.body.get("reason") or self.body["detail"],
            who_may=tuple(self.body.get("who_may", ())),
            because=because if because in _BECAUSE else "not_allowed",
            takers={each["node"]: each["operation"] for each in self.body.get("takers", ())},
        )


class Wire:
    """Sends one request at a time, each on a connection of its own.

    Raises :class:`ConfigError` for what is no address.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = urlsplit(url)
        if self._url.scheme not in {"http", "https"} or not self._url.hostname:
            raise ConfigError("--server takes an address such as http://127.0.0.1:8070.")
        self._token = token

    def send(
        self, method: str, path: str, body: Any = None, *, key: str = "", **query: Any
    ) -> Reply:
        """Send a request; the same `key` names the same act.

        Raises :class:`ServerAwayError` while the API or its Redis is away,
        :class:`UnrecognizedError` for a token that the policy there does not know, and
        :class:`DrainbotError` for a request that it does not take.
        """
        asked = urlencode({name: value for name, value in query.items() if value}, doseq=True)
        target = f"{self._url.path.rstrip('/')}{path}{'?' if asked else ''}{asked}"
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        sent = None if body is None else json.dumps(body)
        if sent is not None:
            headers["Content-Type"] = "application/json"
        return self._judged(*self._exchanged(method, target, sent, headers))

    def _exchanged(
        self, method: str, target: str, sent: str | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=_SECONDS)
        try:
            connection.request(method, target, sent, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServerAwayError(
                f"The server can't be reached: {error or type(error).__name__}"
            ) from error
        finally:
            connection.close()

    def _judged(self, status: int, raw: bytes) -> Reply:
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        if not isinstance(body, dict) or (status >= _ERRORS and "detail" not in body):
            raise ServerAwayError(
                f"What answers there is no drainbot, or no longer one (HTTP {status})."
            )
        code = body.get("code")
        if code == "unauthenticated":
            raise UnrecognizedError("The server does not know this token (DRAINBOT_TOKEN).")
        if status >= _OWN and code != "not_known_yet":
            raise ServerAwayError(f"The server could not do it: {body['detail']}")
        if status in _BEYOND:
            raise DrainbotError(f"The server refuses the request: {body['detail']}")
        return Reply(status, body)
