"""Bad input: too large, too slow, too often, in disguise. Each is told why; nothing changes."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.api import Limits
from bot.api.limits import Rates
from bot.api.problems import ProblemError
from tests.bot.api.calling import Answer, Api, publish, token_of

Serve = Callable[..., Api]


def raw(api: Api, sent: bytes) -> Answer:
    """Send what no client would; read until the server closes the connection."""
    with api.connect() as connection:
        connection.sendall(sent)
        got = b""
        while chunk := connection.recv(65536):
            got += chunk
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), headers, body)


def nothing_changed(api: Api) -> bool:
    return bool(api.get("/operations").json["operations"] == [])


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused(api: Api, *, declared: bool) -> None:
    body = json.dumps({"nodes": ["node-1"], "reason": "x" * 70_000}).encode()
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    head = f"POST /operations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token_of('ana')}\r\n"
    head += "Content-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n" if declared else "Transfer-Encoding: chunked\r\n"
    answer = raw(api, head.encode() + b"\r\n" + (body if declared else chunk))
    assert (answer.status, answer.problem["code"]) == (413, "too_large")
    assert nothing_changed(api)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /operations HTTP/1.1\r\nHost: x\r\n",
        b'POST /operations HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"nodes": [',
    ],
)
def test_a_client_that_is_too_slow_is_told_so(redis: "Redis", serve: Serve, sent: bytes) -> None:
    publish(redis, "node-1")
    api = serve(Limits(headers_within=0.2, body_within=0.2))
    answer = raw(api, sent)
    assert (answer.status, answer.problem["code"]) == (408, "too_slow")
    assert nothing_changed(api)


def test_headers_without_end_are_refused(api: Api) -> None:
    answer = raw(api, b"GET /me HTTP/1.1\r\n" + b"X-Long: " + b"x" * 100_000)
    assert (answer.status, answer.problem["code"]) == (431, "headers_too_large")


def test_what_is_no_http_is_told_so(api: Api) -> None:
    answer = raw(api, b"\x16\x03\x01\x02 hello\r\n\r\n")
    assert (answer.status, answer.problem["code"]) == (400, "malformed")


def test_one_connection_too_many_is_refused(serve: Serve) -> None:
    api = serve(Limits(connections=1))
    with api.connect() as first:
        first.sendall(b"GET /me HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"401" in first.recv(65536)
        assert raw(api, b"GET /me HTTP/1.1\r\nHost: x\r\n\r\n").problem["code"] == "busy"


def test_a_token_has_a_rate_of_its_own(serve: Serve) -> None:
    api = serve(Limits(rate=0.001, burst=3))
    assert [api.get("/me").status for _ in range(4)] == [200, 200, 200, 429]
    answer = api.get("/me")
    assert answer.problem["code"] == "too_many_requests"
    assert int(answer.headers["retry-after"]) >= 1
    assert api.get("/me", by="bo").status == 200


def test_who_guesses_tokens_is_slowed_down(serve: Serve) -> None:
    api = serve(Limits(unknown_rate=0.001, unknown_burst=3))
    codes = [api.get("/me", by=f"guess-{number}").status for number in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    assert api.post(f"/webhooks/{'A' * 43}", by="").status == 429
    assert api.get("/me").status == 200


def test_a_rate_lets_in_as_many_as_it_says() -> None:
    now = 0.0
    rates = Rates(2, 2, clock=lambda: now)

    def taken() -> int:
        count = 0
        while True:
            try:
                rates.take("x")
            except ProblemError:
                return count
            count += 1

    assert taken() == 2
    now = 0.4
    assert taken() == 0
    now = 1.0
    assert taken() == 2
    now = 100.0
    assert taken() == 2


@pytest.mark.parametrize(
    ("authorization", "challenged"),
    [
        ("", True),
        ("Bearer", True),
        ("Bearer ", True),
        ("Basic YW5hOmFuYQ==", True),
        ("Bearer a-long-random-word", True),
        (f"bearer {token_of('ana')}", False),
    ],
)
def test_only_a_token_of_the_policy_is_somebody(
    api: Api, authorization: str, *, challenged: bool
) -> None:
    answer = api.get("/me", Authorization=authorization)
    assert (answer.status == 401) is challenged
    if challenged:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.problem["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "path",
    [
        "/", "//operations", "/operations/", "/operations/../me", "/operations/%2e%2e/me",
        "/operations/..%2f..%2fme", "/nodes/node-1%2f..%2fnode-2/uncordon", "/nodes/node-1%00",
        "/operations/test-7f3k9q%0d%0aX:1", "/nodes/NODE-1", "/nodes/" + "a" * 300, "/webhooks/",
        "/questions/test-q-000000000000/../x", "/healthz", "/metrics", "/docs", "/redoc",
        "/static/../../etc/passwd", "/operations;x=1", "/%F0%9F%98%80",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_path_leads_round_what_stands_in_the_document(api: Api, path: str, method: str) -> None:
    sent = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
    answer = raw(api, f"{sent}Authorization: Bearer {token_of('ana')}\r\n\r\n".encode())
    assert answer.status in {404, 405, 422}
    assert answer.problem["detail"]
    assert nothing_changed(api)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 30_000, "application/json"),
        (b'{"nodes": ["node-1"]}', "text/plain"),
        (b"nodes=node-1", "application/x-www-form-urlencoded"),
        (b'{"nodes": ["node-1"], "reason": NaN}', "application/json"),
        (b'{"nodes": ["node-1\\u0000"]}', "application/json"),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(api: Api, body: bytes, kind: str) -> None:
    answer = api.post("/operations", raw=body, Content_Type=kind)
    assert answer.problem["status"] in {400, 415, 422}
    assert nothing_changed(api)


def test_redis_that_is_away_is_said_to_be(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store = api.parts.desk.client
    redis: Any = store._redis  # type: ignore[attr-defined]

    def refuse(*_: Any, **__: Any) -> None:
        raise RedisConnectionError("Nobody listens there.")

    monkeypatch.setattr(redis.connection_pool, "get_connection", refuse)
    answer = api.post("/operations", {"nodes": ["node-1"]})
    assert (answer.status, answer.problem["code"]) == (503, "redis_away")
    assert answer.headers["retry-after"] == "1"


def test_no_secret_reaches_a_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        api.get("/me")
        api.post(f"/webhooks/{'S3CRET' * 7}A", by="")
        api.get("/me", by="guess")
        raw(api, b"\x00\x01 " + token_of("ana").encode() + b"\r\n\r\n")
    said = " ".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("bot", "uvicorn"))
    )
    assert "S3CRET" not in said
    assert token_of("ana") not in said
    assert token_of("guess") not in said
