"""What passes between HTTP and the API: requests, replies, streams."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError, loads
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.cluster.errors import ApiError, bad_request
from sandbox.cluster.objects import encode

__all__ = ["Cut", "Reply", "Request", "Stream", "failure", "json_reply", "request_of"]

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Request:
    """One request. ``target`` is its path and query as they came; header names are lower case."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """Return the body's JSON, None if there is no body. Raises ApiError 400."""
        if not self.body:
            return None
        try:
            return loads(self.body)
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise bad_request(f"the body is not JSON: {error}") from error

    def flag(self, name: str) -> bool:
        """Whether a query parameter says yes."""
        return self.query.get(name, "") in ("1", "true", "True")

    def number(self, name: str) -> int | None:
        """Return a query parameter as a whole number, None if it is not there. Raises 400."""
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError as error:
            raise bad_request(f"{name}: {text!r} is not a whole number") from error


def request_of(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
    """Take a request's target apart."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) if parts.query else {}
    return Request(method, target, unquote(parts.path), query, headers, body)


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE


@dataclass(frozen=True)
class Stream:
    """An answer of status 200 that goes on; it ends with the chunks, or breaks off if they fail."""

    chunks: AsyncIterator[bytes]
    content_type: str = JSON_TYPE


@dataclass(frozen=True)
class Cut:
    """No answer: the connection is to be cut."""


def json_reply(value: Any, status: int = 200) -> Reply:
    """Answer with JSON."""
    return Reply(status, encode(value))


def failure(error: ApiError) -> Reply:
    """Answer with a refusal."""
    wait_s = error.retry_after_s
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return Reply(error.code, encode(error.status()), headers)
