"""Fixtures for the manifests: their files, and a Redis that runs with the ones meant for it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from jobs.durable import connect
from sandbox.processes import Process, free_port
from sandbox.redis import executable

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
BASE = MANIFESTS / "base"
ADMIN = "user test-admin on >test-admin allkeys allchannels +@all"
PASSWORDS = {"bot": "of-the-bot", "worker": "of-the-worker"}


def objects_of(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of manifests."""
    with path.open(encoding="utf-8") as file:
        return [found for found in yaml.safe_load_all(file) if found]


def all_objects() -> list[dict[str, Any]]:
    """The objects in all files that the base names."""
    kustomization = objects_of(BASE / "kustomization.yaml")[0]
    return [found for name in kustomization["resources"] for found in objects_of(BASE / name)]


def the(kind: str, name: str) -> dict[str, Any]:
    """The one object of the base with this kind and name."""
    found = [o for o in all_objects() if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{len(found)} {kind} are called {name}"
    return found[0]


def users_acl() -> str:
    """The users as the init container of Redis writes them, with the passwords of these tests."""
    text = (BASE / "redis" / "users.acl").read_text(encoding="utf-8")
    for role, password in PASSWORDS.items():
        digest = hashlib.sha256(password.encode()).hexdigest()
        text = text.replace(f"{role.upper()}_PASSWORD_SHA256", digest)
    return text


@dataclass(frozen=True)
class GuardedRedis:
    """A Redis with the manifests' settings and users, and one more user who may look at all."""

    port: int

    def url(self, role: str) -> str:
        password = PASSWORDS[role]
        return f"redis://drainbot-{role}:{password}@127.0.0.1:{self.port}/0"

    def of(self, role: str, *, text: bool = True) -> "Redis":
        """A client of a role, made as the product makes it."""
        return connect(self.url(role), name=f"drainbot-{role}-test", patience=1, text=text)

    def admin(self) -> "Redis":
        url = f"redis://test-admin:test-admin@127.0.0.1:{self.port}/0"
        return Redis.from_url(url, decode_responses=True)

    def denied(self) -> list[str]:
        """What was refused since the last look, as `user: command or key`.

        Without `client`: redis-py tells each server its own version (CLIENT SETINFO) and minds no
        refusal. It can't be granted, since a Redis before 7.2 refuses a file that names it. What
        drainbot itself wants of CLIENT fails loudly where it is refused.
        """
        with self.admin() as admin:
            entries = admin.acl_log()
            admin.acl_log_reset()
        return [
            f"{entry['username']}: {entry['object']}"
            for entry in entries
            if entry["object"].split("|")[0] != "client"
        ]


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedRedis]:
    home = tmp_path_factory.mktemp("redis")
    users = home / "users.acl"
    users.write_text(f"{users_acl()}{ADMIN}\n", encoding="utf-8")
    port = free_port()
    config = BASE / "redis" / "redis.conf"
    here = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(home)]
    command = [executable(), str(config), *here, "--aclfile", str(users)]
    process = Process(command, name="redis-server")
    try:
        process.wait_for_line("Ready to accept connections")
        yield GuardedRedis(port)
    finally:
        process.stop()


@pytest.fixture
def guarded(guarded_server: GuardedRedis) -> GuardedRedis:
    """The same server, empty, with no refusal remembered."""
    with guarded_server.admin() as admin:
        admin.flushall()
        admin.script_flush()
    guarded_server.denied()
    return guarded_server
