"""Whether Redis keeps what drainbot puts there: persistence, eviction, version, who may connect."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from jobs.doctor.findings import Finding, ok, unknown, unsafe
from jobs.durable import connect

PART = "redis"
OLDEST = (6, 2)  # LMOVE, GETDEL and SET's GET, which the scripts and RQ use
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SERVER = "In redis.conf"


def examine_redis(url: str, *, timeout: float = 3.0) -> tuple[list[Finding], int | None]:
    """Look at the Redis of that address; returns the findings, and its time (ms) if it answers."""
    redis = connect(url, name="drainbot-doctor", patience=0, timeout=timeout)
    try:
        seconds, micros = redis.time()
        info = redis.info("everything")
        facts = {
            **info,
            "appendfsync": _setting(redis, "appendfsync"),
            "whoami": _whoami(redis),
        }
    except AuthenticationError:
        mend = "Put the user's name and password into DRAINBOT_REDIS_URL."
        return [unsafe(PART, "Redis does not take the name or password", mend)], None
    except NoPermissionError as error:
        mend = "Give the user the commands of manifests/base/redis/users.acl, INFO among them."
        return [unknown(PART, f"this user may not look: {error}", mend)], None
    except RedisError as error:
        mend = "Is it running, and is DRAINBOT_REDIS_URL its address?"
        return [unsafe(PART, f"Redis does not answer: {error}", mend)], None
    finally:
        redis.close()
    return judge_redis(facts, url), seconds * 1000 + micros // 1000


def judge_redis(facts: Mapping[str, Any], url: str) -> list[Finding]:
    """Judge what INFO and CONFIG say; `appendfsync` and `whoami` are None where they are hidden."""
    return [
        _version(str(facts.get("redis_version", ""))),
        _role(str(facts.get("role", ""))),
        *_persistence(facts),
        _memory(facts),
        *_access(facts, url),
    ]


def _version(version: str) -> Finding:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST:
        return ok(PART, f"version {version}")
    return unsafe(PART, f"version {version or 'unknown'}", "Run Redis 6.2 or later.")


def _role(role: str) -> Finding:
    if role == "master":
        return ok(PART, "it is a primary")
    return unsafe(
        PART,
        f"it is a {role or 'server of an unknown role'}",
        "DRAINBOT_REDIS_URL must name the primary: a replica takes no writes, or loses them.",
    )


def _persistence(facts: Mapping[str, Any]) -> list[Finding]:
    if not int(facts.get("aof_enabled", 0)):
        mend = f"{_SERVER}: appendonly yes. Without it a restart forgets every cordon and decision."
        return [unsafe(PART, "the append-only file is off", mend)]
    found = [ok(PART, "the append-only file is on")]
    if str(facts.get("aof_last_write_status", "ok")) != "ok":
        mend = "Look at the disk of Redis: it is full or failing."
        found.append(unsafe(PART, "the last write to the append-only file failed", mend))
    fsync = facts.get("appendfsync")
    if fsync is None:
        mend = f"Ask whoever runs Redis; {_SERVER} it should say: appendfsync always."
        found.append(unknown(PART, "appendfsync can't be read with this user", mend))
    elif fsync == "always":
        found.append(ok(PART, "appendfsync always"))
    else:
        lost = "up to a second" if fsync == "everysec" else "up to half a minute"
        mend = f"{_SERVER}: appendfsync always. Else a power cut loses {lost} of decisions."
        found.append(unsafe(PART, f"appendfsync {fsync}", mend))
    return found


def _memory(facts: Mapping[str, Any]) -> Finding:
    policy, limit = str(facts.get("maxmemory_policy", "")), int(facts.get("maxmemory", 0))
    if policy == "noeviction" or not limit:
        return ok(PART, "nothing is evicted from memory")
    mend = f"{_SERVER}: maxmemory-policy noeviction. Else a full memory deletes work under way."
    return unsafe(PART, f"maxmemory-policy {policy}", mend)


def _access(facts: Mapping[str, Any], url: str) -> list[Finding]:
    parts = urlsplit(url)
    loopback = parts.scheme == "unix" or (parts.hostname or "") in _LOOPBACK
    who = facts.get("whoami") or parts.username or "default"
    found = [ok(PART, "only this machine reaches it")] if loopback else []
    if not loopback and parts.scheme != "rediss":
        mend = (
            "Use rediss:// (manifests/components/redis-tls), or a network that nobody else is on."
        )
        found.append(unsafe(PART, "what is said to it crosses the network in clear", mend))
    if who == "default":
        mend = "Give bot and worker a user each: manifests/base/redis/users.acl."
        say = unsafe if not loopback else unknown
        found.append(say(PART, "it is the default user, who may do everything", mend))
    else:
        found.append(ok(PART, f"user {who}"))
    return found


def _setting(redis: Redis, name: str) -> str | None:
    try:
        return cast("dict[str, str]", redis.config_get(name)).get(name)
    except ResponseError:  # no right, or renamed away: managed services hide it
        return None


def _whoami(redis: Redis) -> str | None:
    try:
        return str(redis.acl_whoami())
    except ResponseError:
        return None
