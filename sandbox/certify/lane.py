"""A lane: a Redis, a nursery, and on them one performance after the other."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from redis import Redis

import sandbox.slack
from jobs.policy import Policy, load_policy
from jobs.service import Service
from sandbox import redis as redis_server
from sandbox.certify.boundaries import Boundary
from sandbox.certify.deaths import Death
from sandbox.certify.evidence import Evidence, gather
from sandbox.certify.invariants import broken
from sandbox.certify.nursery import Nursery
from sandbox.certify.scene import NODE, POLICY, scene
from sandbox.certify.theatre import StuckError, Theatre, Troupe, play, read_lines
from sandbox.cluster import running
from sandbox.processes import free_port

__all__ = ["Lane", "Performance", "lane"]

LAG = 30.0  # seconds that telling may lag behind
CALM = 0.3  # seconds in which nothing more may happen
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Performance:
    """How one went: `wrong` is empty where all held, `died` whether it came to the death.

    `reached` are the boundaries that were seen, `seconds` is how long it took, `evidence` what was
    judged last (None where it did not come to that), `said` what the programs said last.
    """

    wrong: tuple[str, ...]
    died: bool
    reached: frozenset[Boundary]
    seconds: float
    evidence: Evidence | None = field(default=None, repr=False)
    said: tuple[str, ...] = field(default=(), repr=False)


class Lane:
    """Plays; one at a time."""

    def __init__(
        self, server: redis_server.RedisServer, nursery: Nursery, home: Path, policy: Path
    ) -> None:
        self._redis = Redis.from_url(server.url, decode_responses=True)
        self._url = server.url
        self._nursery = nursery
        self._home = home
        self._policy_path = policy
        self._policy: Policy = load_policy(policy)
        self._played = 0

    def play(self, death: Death | None = None) -> Performance:
        """Play the story once, with a death or without, and check all that must hold."""
        began = time.monotonic()
        self._played += 1
        self._redis.flushall()
        with tempfile.TemporaryDirectory(dir=self._home, prefix=f"{self._played}-") as name:
            directory = Path(name)
            evidence, wrong = self._perform(directory, death)
            reached = frozenset(map(Boundary.read, read_lines(directory / "boundaries")))
            return Performance(
                wrong, _died(directory, death), reached, time.monotonic() - began,
                evidence, _last_words(directory) if wrong else (),
            )  # fmt: skip

    def _perform(
        self, directory: Path, death: Death | None
    ) -> tuple[Evidence | None, tuple[str, ...]]:
        with (
            running(scene()) as cluster,
            sandbox.slack.running(sandbox.slack.demo_workspace(), rate_limits=False) as slack,
        ):
            kubeconfig = cluster.kubeconfig(directory / "kubeconfig")
            port = free_port()
            slack.configure(request_url=f"http://127.0.0.1:{port}/slack/events")
            app = slack.workspace().apps[0]
            environments = {
                "worker": self._environment(KUBECONFIG=str(kubeconfig), DRAINBOT_LEASE_SECONDS="2"),
                "bot": self._environment(
                    SLACK_API_URL=slack.api_url,
                    SLACK_BOT_TOKEN=app.bot_token,
                    SLACK_SIGNING_SECRET=app.signing_secret,
                    DRAINBOT_SLACK_LISTEN=f"127.0.0.1:{port}",
                    DRAINBOT_PROGRESS_SECONDS="0.3",
                    DRAINBOT_NOTIFIER_LEASE_SECONDS="1",
                ),
            }
            service = Service(self._redis, self._policy)
            troupe = Troupe(self._nursery, _watch(directory, death), environments, directory)
            theatre = Theatre(troupe, slack, cluster, service)
            before = {
                pod["metadata"]["name"]: pod["metadata"]["uid"]
                for pod in cluster.list("Pod", node=NODE)
            }
            try:
                play(theatre)
                return _settled(theatre, self._redis, before, directory)
            except StuckError as stuck:
                return None, (str(stuck), *_stand_of(theatre))
            finally:
                troupe.stop()

    def _environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "DRAINBOT_REDIS_URL": self._url,
            "DRAINBOT_CLUSTER": "demo",
            "DRAINBOT_POLICY": str(self._policy_path),
            "DRAINBOT_LOG_FORMAT": "console",
            **more,
        }


def _settled(
    theatre: Theatre, redis: Redis, before: dict[str, str], directory: Path
) -> tuple[Evidence, tuple[str, ...]]:
    """Return what was seen and what does not hold of it.

    Telling may lag behind, so it is looked at until all holds; and once more when whoever was
    started last has had the time to spoil it.
    """

    def look() -> tuple[Evidence, tuple[str, ...]]:
        seen = gather(theatre, redis, before, read_lines(directory / "commits"))
        return seen, broken(seen)

    with suppress(StuckError):
        theatre.until("all holds", lambda: not look()[1], within=LAG)
    theatre.until("the bot is at work", theatre.troupe.at_work)
    if _grave(directory, 0).exists():
        theatre.may_happen(lambda: None, within=CALM)
    return look()


def _stand_of(theatre: Theatre) -> Iterator[str]:
    """Say how far it came, for whoever wants to know why it came no further."""
    for view in theatre.operations():
        node = next(iter(view.nodes), None)
        yield f"{view.id} is {view.state}, its node {node.status if node else 'not known'}"
    for told in theatre.slack.deliveries()[-3:]:
        yield f"{told.kind} was answered {told.status} {told.failure or ''} {told.shown or ''}"


def _watch(directory: Path, death: Death | None) -> dict[str, object]:
    deaths = death.in_order if death else ()
    return {
        "notes": str(directory / "boundaries"),
        "commits": str(directory / "commits"),
        "deaths": [(asdict(one.boundary), one.whole) for one in deaths],
        "graves": [str(_grave(directory, number)) for number in range(len(deaths))],
    }


def _died(directory: Path, death: Death | None) -> bool:
    graves = [_grave(directory, number) for number in range(len(death.in_order if death else ()))]
    return bool(graves) and all(grave.exists() for grave in graves)


def _grave(directory: Path, number: int) -> Path:
    return directory / f"grave-{number}"


def _last_words(directory: Path) -> tuple[str, ...]:
    words: list[str] = []
    for log in sorted(directory.glob("*.log"), key=lambda log: log.name):
        lines = log.read_text(errors="replace").splitlines()
        words += [f"{log.stem}: {line}" for line in lines[-60:]]
    return tuple(words)


@contextmanager
def lane() -> Iterator[Lane]:
    """Yield a lane with a Redis and a nursery of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="drainbot-certify-") as name,
        redis_server.running() as server,
        Nursery({**os.environ, "PYTHONUNBUFFERED": "1"}) as nursery,
    ):
        policy = Path(name) / "policy.yaml"
        policy.write_text(POLICY)
        yield Lane(server, nursery, Path(name), policy)
