"""The two Redis users of the manifests: what drainbot does works, and hardly anything else."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
import redis as redis_client
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from jobs.durable.slot import Slot
from tests.manifests import acts
from tests.manifests.conftest import BASE, ROOT, GuardedRedis, users_acl

Act = Callable[[GuardedRedis], None]
REFUSED = r"(?i)acl|permission|can't (access|run)"  # Redis 7 and 6.2
LUA = ("jobs/durable/lua", "jobs/nodes/lua", "jobs/audit/lua", "jobs/hosts/lua")
OF_CLIENTS = {"start", "settle", "postpone", "control", "freeze", "lease", "_common", "_questions"}
ONLY_OF_CLIENTS = {"settle", "postpone", "freeze"}
AS_CONNECTIONS_DO = {"ping", "select", "script"}  # after an outage, for a database, for a new Redis


@pytest.fixture(autouse=True)
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot in the tests' own process leaves the tests' signals alone."""
    monkeypatch.setattr(Slot, "_install_signal_handlers", lambda _slot: None)


def granted(role: str) -> set[str]:
    """The commands that a user may run, without their sub-commands."""
    line = next(li for li in users_acl().splitlines() if li.startswith(f"user drainbot-{role} "))
    return {word[1:].split("|")[0] for word in line.split() if word.startswith("+")}


def run(guarded: GuardedRedis, role: str, command: str) -> None:
    client: Any = guarded.of(role)  # redis-py gives this call no types
    client.execute_command(*command.split(" "))


@pytest.mark.parametrize("act", [*acts.OF_A_WORKER, *acts.OF_A_BOT])
def test_what_drainbot_does_is_allowed(guarded: GuardedRedis, act: Act) -> None:
    act(guarded)
    assert guarded.denied() == []


@pytest.mark.parametrize(
    ("role", "all_acts"), [("worker", acts.OF_A_WORKER), ("bot", acts.OF_A_BOT)]
)
def test_no_command_is_granted_that_drainbot_does_not_use(
    guarded: GuardedRedis, role: str, all_acts: tuple[Act, ...]
) -> None:
    used: set[str] = set()
    for act in all_acts:
        with guarded.admin() as admin:
            admin.flushall()
            admin.config_resetstat()
            act(guarded)
            stats = cast("dict[str, object]", admin.info("commandstats"))
        used |= {name.removeprefix("cmdstat_").split("|")[0] for name in stats}
    assert granted(role) - used - AS_CONNECTIONS_DO == set()


@pytest.mark.parametrize("role", ["bot", "worker"])
def test_every_branch_of_the_scripts_is_allowed(role: str) -> None:
    wanted: set[str] = set()
    for script in (path for folder in LUA for path in (ROOT / folder).glob("*.lua")):
        ours = script.stem not in ONLY_OF_CLIENTS
        if role == "bot":  # no client runs a script of node records
            ours = script.stem in OF_CLIENTS and script.parent == ROOT / LUA[0]
        if ours:
            text = script.read_text(encoding="utf-8")
            wanted |= {name.lower() for name in re.findall(r"redis\.call\('(\w+)'", text)}
    assert wanted
    assert wanted - granted(role) == set()


@pytest.mark.parametrize("role", ["bot", "worker"])
@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET appendfsync no", "CONFIG GET requirepass", "FLUSHALL", "FLUSHDB", "KEYS *",
        "SCAN 0", "SHUTDOWN NOSAVE", "DEBUG SLEEP 0", "ACL LIST", "ACL SETUSER eve on nopass",
        "SCRIPT FLUSH", "CLIENT KILL ID 1", "MONITOR", "SAVE", "REPLICAOF NO ONE", "SWAPDB 0 1",
        "PUBLISH rq:pubsub:slot stop", "SUBSCRIBE rq:pubsub:slot", "RENAME drainbot:a drainbot:b",
        "EVAL return 0", "MODULE LIST",
        "GET other", "SET other 1", "HSET drainbo:x a b", "DEL other",
    ],
)  # fmt: skip
def test_neither_user_may_do_anything_else(guarded: GuardedRedis, role: str, command: str) -> None:
    with pytest.raises(NoPermissionError):
        run(guarded, role, command)


@pytest.mark.parametrize("role", ["bot", "worker"])
def test_a_script_reaches_no_key_of_somebody_else(guarded: GuardedRedis, role: str) -> None:
    guarded.admin().set("other", "untouched")
    redis = guarded.of(role)
    for body, allowed in (
        ("return redis.call('SET', 'drainbot:x', '1')", True),
        ("return redis.call('SET', 'other', '1')", False),
        ("return redis.call('GET', 'other')", False),
        ("return redis.call('FLUSHALL')", False),
    ):
        script = redis.register_script(body)
        if allowed:
            assert script()
        else:
            with pytest.raises(redis_client.ResponseError, match=REFUSED):
                script()
    assert guarded.admin().get("other") == "untouched"


def test_a_bot_may_not_delete_and_may_not_list_who_is_connected(guarded: GuardedRedis) -> None:
    for command in ("DEL drainbot:prod-eu:x", "CLIENT LIST", "INFO", "LPOP rq:queue:drainbot-a"):
        with pytest.raises(NoPermissionError):
            run(guarded, "bot", command)


def test_nobody_gets_in_without_a_password(guarded: GuardedRedis) -> None:
    for url in (
        f"redis://127.0.0.1:{guarded.port}/0",
        f"redis://drainbot-bot:wrong@127.0.0.1:{guarded.port}/0",
        f"redis://:of-the-bot@127.0.0.1:{guarded.port}/0",
    ):
        with pytest.raises(AuthenticationError):
            Redis.from_url(url).get("drainbot:x")


def test_redis_keeps_what_it_acknowledged_and_forgets_nothing(guarded: GuardedRedis) -> None:
    config = guarded.admin().config_get("*")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"
    assert config["save"] == ""


def test_the_users_are_two_and_the_default_one_is_off() -> None:
    lines = [line for line in users_acl().splitlines() if line.strip()]
    assert [line.split()[1] for line in lines] == ["default", "drainbot-bot", "drainbot-worker"]
    assert lines[0].split()[2] == "off"
    for line in lines[1:]:
        words = line.split()
        assert {word for word in words if word[0] in "~%&"} == {"~drainbot:*", "~rq:*"}
        assert "-@all" in words
        assert not [word for word in words if word.startswith(("+@", "nopass", ">", "allkeys"))]


def test_the_file_of_users_holds_no_password() -> None:
    text = (BASE / "redis" / "users.acl").read_text(encoding="utf-8")
    assert re.findall(r"#(\w+)", text) == ["BOT_PASSWORD_SHA256", "WORKER_PASSWORD_SHA256"]
