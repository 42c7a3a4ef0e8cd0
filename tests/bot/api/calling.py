"""A program that calls the API over real HTTP, as somebody."""

import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3
import yaml
from redis import Redis

from bot.api import Feed, Limits, Parts, running
from bot.commands import Desk, NodeBook
from bot.groups import Directory, GroupStore, named_in
from bot.settings import Address
from jobs.durable import Store
from jobs.inventory import InventoryStore
from jobs.models import ClusterNode
from jobs.policy import Policy, parse_policy
from jobs.service import open_client
from tests.jobs.harness import NAME, POLICY

PEOPLE = {"ana": "U01ANA", "bo": "U02BO", "eve": "U03EVE"}
SCOPES = ("read", "request", "decide", "force")


def token_of(name: str) -> str:
    """The token of somebody; `ana.read` is one of Ana's with that scope only."""
    return f"a-long-random-word-of-{name}"


def policy_with_tokens(**more: Any) -> Policy:
    """The policy of the stories, with a token for each person and each of Ana's scopes."""
    names = dict.fromkeys(PEOPLE, SCOPES) | {f"ana.{scope}": (scope,) for scope in SCOPES}
    tokens = [
        {
            "sha256": hashlib.sha256(token_of(name).encode()).hexdigest(),
            "user": PEOPLE[name.partition(".")[0]],
            "scopes": list(scopes),
        }
        for name, scopes in names.items()
    ]
    return parse_policy(yaml.safe_dump(yaml.safe_load(POLICY) | {"tokens": tokens} | more))


@dataclass
class Answer:
    """What the API said."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def problem(self) -> Any:
        """The problem that it told; every error is one."""
        assert self.headers["content-type"] == "application/problem+json", self
        found = self.json
        assert found["status"] == self.status
        assert set(found) >= {"type", "title", "status", "code", "detail"}
        return found


@dataclass
class Api:
    """An API that runs; calls are Ana's unless said otherwise."""

    address: Address
    parts: Parts
    policy: Policy
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20)
    )

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str = "ana",
        key: str = "",
        raw: bytes | None = None,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if by:
            sent.setdefault("Authorization", f"Bearer {token_of(by)}")
        if key:
            sent["Idempotency-Key"] = key
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            raw = json.dumps(body).encode()
        reply = self._pool.request(method, self.url + path, body=raw, headers=sent)
        found = {name.lower(): value for name, value in reply.headers.items()}
        return Answer(reply.status, found, reply.data)

    def get(self, path: str, **how: Any) -> Answer:
        return self.call("GET", path, **how)

    def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        return self.call("POST", path, body, **how)

    def stream(self, path: str, *, by: str = "ana", last: str = "") -> "Stream":
        headers = {"Authorization": f"Bearer {token_of(by)}", "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        connection.request("GET", path, headers=headers)
        return Stream(connection)

    def connect(self) -> socket.socket:
        """Open a bare connection, to send what no client would."""
        return socket.create_connection(self.address, timeout=20)


class Stream:
    """An event stream, read event by event."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._reply = connection.getresponse()
        self.status = self._reply.status

    def next(self) -> dict[str, str] | None:
        """Return the next event's fields; None where the stream has ended."""
        found: dict[str, str] = {}
        while sent := self._reply.readline():
            line = sent.decode().rstrip("\n")
            if line.startswith(("retry:", ":")):
                continue
            if not line:
                if found:
                    return found
                continue
            name, _, value = line.partition(": ")
            found[name] = value
        self.close()
        return None

    def close(self) -> None:
        self._reply.close()
        self._connection.close()


@contextmanager
def calling(redis_url: str, policy: Policy, limits: Limits | None = None) -> Iterator[Api]:
    """Run an API on a Redis."""
    redis = Redis.from_url(redis_url, decode_responses=True)
    client = open_client(redis_url, policy, timeout=5)
    store = GroupStore(redis, policy.team)
    directory = Directory(store, named_in(policy)[1])
    desk = Desk(client, policy, directory, NodeBook(client))
    feed = Feed(client, progress=0.1)
    parts = Parts(desk, client, feed, limits or Limits(rate=1000))
    with running(parts, Address("127.0.0.1", 0)) as address:
        yield Api(address, parts, policy)


def publish(redis: Any, *names: str, cluster: str = NAME) -> None:
    """Publish nodes, as a watcher would."""
    store = Store(redis, cluster)
    nodes = [ClusterNode(name=n, uid=f"uid-{n}", labels={"pool": "blue"}) for n in names]
    InventoryStore(store).replace(nodes, now=store.now())
