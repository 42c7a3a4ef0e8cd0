"""`drainbot api`: the HTTP API, in a process of its own, also where the bot starts it.

Programs may ask for more than people do, and both would wait for the same interpreter: under fifty
requests a second an acknowledgement of Slack's took ten times as long. It also keeps Slack's tokens
out of the process that strangers may reach.
"""

import os
import signal
import sys
import threading
from contextlib import ExitStack
from types import FrameType

import structlog

from bot.api import Feed, Parts, running
from bot.commands import Desk, NodeBook
from bot.groups import Directory, GroupStore, named_in
from bot.metrics import Metrics
from bot.probes import Probes
from bot.settings import ApiSettings
from bot.startup import redis_away, redis_client
from jobs.authorization import no_policy_refusal
from jobs.errors import ConfigError
from jobs.policy import load_policy
from jobs.service import open_client

__all__ = ["run_api"]

_REDIS_SECONDS = 3.0  # for one answer to a program
_PROBE_SECONDS = 1.0

log = structlog.get_logger(__name__)


def run_api(settings: ApiSettings, *, under_bot: bool = False) -> int:
    """Serve the API until SIGTERM or SIGINT; `under_bot`: also until standard input ends.

    Raises :class:`ConfigError` for a policy that can't be used, or none, and for an address that
    can't be listened on.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    if settings.policy is None:
        raise ConfigError(no_policy_refusal())
    if under_bot:
        threading.Thread(target=_until_the_bot_ends, args=(stop,), daemon=True).start()
    policy = load_policy(settings.policy)
    redis = redis_client(settings, timeout=_REDIS_SECONDS)
    _, groups = named_in(policy)
    directory = Directory(GroupStore(redis, policy.team), groups)
    client = open_client(
        settings.redis_url.get_secret_value(), policy, timeout=_REDIS_SECONDS,
        people=directory.memberships,
    )  # fmt: skip
    desk = Desk(client, policy, directory, NodeBook(client))
    feed = Feed(client, progress=settings.progress_seconds)
    metrics = Metrics(client)
    with ExitStack() as stack:
        stack.callback(redis.close)
        if settings.probe_listen is not None:
            checks = {"redis": lambda: redis_away(redis)}
            probes = Probes(settings.probe_listen, checks, metrics.page)
            stack.enter_context(probes)
        parts = Parts(desk, client, feed)
        listening = stack.enter_context(running(parts, settings.http_listen, metrics.answered))
        log.info("api_listening", address=str(listening))
        stop.wait()
    return 0


def _until_the_bot_ends(stop: threading.Event) -> None:
    """Stop when the bot is gone, also where it was killed: nothing else closes this pipe."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()
