"""`drainbot bot`: puts the parts together, waits for Redis and Slack, and stops within 2 s.

| thread | does |
|---|---|
| main | waits for SIGTERM |
| http and delivery, or Socket Mode's | take what Slack delivers, settle it in Redis, acknowledge |
| api | keeps the process that answers programs |
| aside | opens modals, answers past Redis: whatever must not hold up an acknowledgement |
| notifier | does all the telling, if this copy has the lease |
| groups | asks Slack for user groups, if this copy has the lease |
| pager, one each | delivers pages, if this copy has its lease |
| probes | answers the kubelet |
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

import structlog
from redis import Redis
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.api_child import ApiChild
from bot.app import Identity, make_app
from bot.asgi import slack_asgi
from bot.commands import Desk, NodeBook
from bot.courtesy import Courtesy
from bot.groups import Directory, GroupStore, Refresher, SlackPeople, named_in
from bot.home_store import HomeStore
from bot.http import serving
from bot.listeners import Deps
from bot.listeners.slack_calls import respond, view_opener
from bot.listeners.within import Aside, Within
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.page_store import PageStore, pager_key
from bot.pager_secrets import pager_secrets
from bot.pagers import Pager, PagerSettings
from bot.probes import Probes
from bot.settings import BotSettings
from bot.startup import identify, ping, redis_away, redis_client
from bot.strangers import Strangers
from bot.teller import leading, make_notifier
from bot.waiting import NotYet, wait_for
from bot.web_client import SlackAway, SlackRefused, asked, past_proxy, web_client
from jobs.authorization import no_policy_refusal
from jobs.errors import ConfigError, StateUnavailable
from jobs.policy import Policy, load_policy
from jobs.service import Service, open_client

__all__ = ["run_bot"]

_REDIS_SECONDS = 1.0  # for one answer: what a person waits for has 1.5 s in all
_PATIENT_SECONDS = 5.0  # for the threads that nobody waits for
_SLACK_SECONDS = 5
_STRANGER_SECONDS = 1  # that one answer of Slack's may take before somebody is answered
_STOP_SECONDS = 0.6  # for all threads together: a rolling restart gives 2 s for everything
_GROUPS_LEASE_SECONDS = 30.0
_RECONNECT_SECONDS = 1.5  # between two looks whether Socket Mode is still connected

log = structlog.get_logger(__name__)


class _Readiness:
    """What keeps the bot from being ready, by part; an empty text is ready."""

    def __init__(self, redis: Redis) -> None:
        self.redis: Callable[[], str] = partial(redis_away, redis)
        self.slack: Callable[[], str] = lambda: "not connected yet"
        self.notifier: Callable[[], str] = lambda: "not started yet"

    def checks(self) -> dict[str, Callable[[], str]]:
        """Return the checks, each of which looks for its part when it is asked."""
        return {name: partial(self._ask, name) for name in ("redis", "slack", "notifier")}

    def _ask(self, name: str) -> str:
        found: str = getattr(self, name)()
        return found


@dataclass(frozen=True)
class _Bot:
    """What everything here is made from."""

    settings: BotSettings
    policy: Policy | None
    redis: Redis
    ready: _Readiness
    stop: threading.Event
    failed: threading.Event
    stack: ExitStack
    pagers: dict[str, str]  # their secrets, by address
    metrics: Metrics
    courtesy: Courtesy = field(default_factory=Courtesy)

    @property
    def redis_url(self) -> str:
        return self.settings.redis_url.get_secret_value()

    @property
    def token(self) -> str:
        return self.settings.slack_bot_token.get_secret_value()


def run_bot(settings: BotSettings) -> int:
    """Run the bot until SIGTERM or SIGINT; return its exit code.

    Raises :class:`ConfigError` for a policy that can't be used, a token that Slack refuses, a
    workspace that is not the policy's, a pager without its secret, or an address that can't be
    listened on.
    """
    stop = _stop_on_signals()
    policy = load_policy(settings.policy) if settings.policy else None
    pagers = pager_secrets(policy) if policy else {}
    redis = redis_client(settings, timeout=_REDIS_SECONDS)
    with ExitStack() as stack:
        stack.callback(redis.close)
        meter = (
            open_client(settings.redis_url.get_secret_value(), policy, timeout=_REDIS_SECONDS)
            if policy
            else None
        )
        bot = _Bot(
            settings, policy, redis, _Readiness(redis), stop, threading.Event(), stack, pagers,
            Metrics(meter),
        )  # fmt: skip
        _answer_probes(bot)
        if wait_for("Redis", lambda: ping(redis), stop) is None:
            return 0
        identity = wait_for("Slack", lambda: _identify(bot), stop)
        if identity is None:
            return 0
        _start_threads(bot, identity)
        _answer_programs(bot)
        _listen(bot, _app(bot, identity))
        if not stop.is_set():
            log.info("bot_started", team=identity.team, socket_mode=settings.socket_mode)
        stop.wait()
        log.info("bot_stopping")
    return 1 if bot.failed.is_set() else 0


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def _answer_probes(bot: _Bot) -> None:
    address = bot.settings.probe_listen
    if address is None:
        return
    try:
        probes = Probes(address, bot.ready.checks(), bot.metrics.page)
    except OSError as error:
        raise ConfigError(f"DRAINBOT_PROBE_LISTEN: can't listen on {address}: {error}") from error
    bot.stack.enter_context(probes)
    log.info("probes_listening", address=str(probes.address))


def _identify(bot: _Bot) -> Identity:
    """Ask Slack once who we are; that it is away is noted, for what user groups grant by then."""
    try:
        return identify(bot.token, bot.settings.slack_api_url, bot.policy)
    except NotYet:
        if bot.policy is not None:
            with suppress(StateUnavailable):  # Redis is away too: then nothing is granted anyway
                GroupStore(bot.redis, bot.policy.team).note_away(time.time())
        raise


def _app(bot: _Bot, identity: Identity) -> App:
    desk = None
    if bot.policy is not None:
        _, groups = named_in(bot.policy)
        directory = Directory(GroupStore(bot.redis, bot.policy.team), groups)
        client = open_client(
            bot.redis_url, bot.policy, timeout=_REDIS_SECONDS, people=directory.memberships
        )
        desk = Desk(client, bot.policy, directory, NodeBook(client))
    within, aside = Within(courtesy=bot.courtesy), Aside()
    bot.stack.callback(within.close)
    bot.stack.callback(aside.close)
    deps = Deps(
        desk=desk,
        no_policy=no_policy_refusal(),
        notes=Outbox(bot.redis),
        within=within,
        aside=aside,
        open_view=view_opener(bot.token, bot.settings.slack_api_url),
        respond=respond,
        looks=HomeStore(bot.redis),
        leads_to=leading(desk, bot.redis, identity.url),
        outsider=_strangers(bot),
        named=named_in(bot.policy)[0] if bot.policy else frozenset(),
    )
    return make_app(identity, deps, signing_secret=_signing_secret(bot))


def _strangers(bot: _Bot) -> Callable[[str], str | None]:
    if bot.policy is None:
        return lambda _user: None
    web = web_client(bot.token, bot.settings.slack_api_url, timeout=_STRANGER_SECONDS)
    return Strangers(SlackPeople(web, bot.policy.team)).outsider


def _signing_secret(bot: _Bot) -> str:
    secret = bot.settings.slack_signing_secret
    return secret.get_secret_value() if secret else ""


def _start_threads(bot: _Bot, identity: Identity) -> None:
    """Start what works behind the listeners; without a policy there is nothing for it to do."""
    policy, settings = bot.policy, bot.settings
    if policy is None:
        log.warning("no_policy", message=no_policy_refusal())
        bot.ready.notifier = lambda: ""
        return
    client = open_client(bot.redis_url, policy, timeout=_PATIENT_SECONDS)
    redis = redis_client(settings, timeout=_PATIENT_SECONDS)
    bot.stack.callback(redis.close)
    notifier = make_notifier(
        settings, policy, identity, client=client, redis=redis, courtesy=bot.courtesy
    )
    users, groups = named_in(policy)
    refresher = Refresher(
        SlackPeople(
            web_client(bot.token, settings.slack_api_url, timeout=_SLACK_SECONDS), policy.team
        ),
        GroupStore(redis, policy.team),
        client.lease("groups", seconds=_GROUPS_LEASE_SECONDS),
        wanted=groups,
        users=users,
        every=settings.groups_seconds,
    )
    telling = _thread(bot, "notifier", notifier.run)
    bot.metrics.lagging(lambda: notifier.lag)
    bot.ready.notifier = lambda: "" if telling.is_alive() else "not running"
    _thread(bot, "groups", refresher.run)
    _start_pagers(bot, client, redis)


def _start_pagers(bot: _Bot, client: Service, redis: Redis) -> None:
    store = PageStore(redis, tuple(bot.pagers))
    for url, secret in bot.pagers.items():
        settings = PagerSettings()
        lease = client.lease(f"pager-{pager_key(url)}", seconds=settings.lease)
        _thread(bot, "pager", Pager(url, secret, store, lease, settings=settings).run)


def _answer_programs(bot: _Bot) -> None:
    """Serve the HTTP API, where it is wanted; without a policy nobody could call."""
    address = bot.settings.http_listen
    if address is None or bot.policy is None:
        return
    _thread(bot, "api", ApiChild(address).run)


def _thread(bot: _Bot, name: str, run: Callable[[threading.Event], None]) -> threading.Thread:
    """Run something until the stop; if it ends otherwise, the whole bot does and is restarted."""

    def guarded() -> None:
        try:
            run(bot.stop)
        except Exception:
            log.exception("thread_failed", thread=name)
            bot.failed.set()
        bot.stop.set()

    def stop() -> None:
        bot.stop.set()
        thread.join(_STOP_SECONDS / 2)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    bot.stack.callback(stop)
    return thread


def _listen(bot: _Bot, app: App) -> None:
    if bot.settings.socket_mode:
        _connect(bot, app)
        return
    asgi = slack_asgi(app, _signing_secret(bot), courtesy=bot.courtesy)
    address = bot.stack.enter_context(serving(asgi, bot.settings.slack_listen))
    log.info("slack_listening", address=str(address))
    bot.ready.slack = lambda: ""


def _connect(bot: _Bot, app: App) -> None:
    """Connect by Socket Mode; later the SDK connects anew by itself, as often as it takes.

    It looks for that as often as it pings, every ten seconds: too seldom to be back within two.
    """
    token = bot.settings.slack_app_token
    api_url = bot.settings.slack_api_url
    handler = SocketModeHandler(
        app,
        token.get_secret_value() if token else "",
        web_client=web_client(bot.token, api_url, timeout=_SLACK_SECONDS),
    )
    handler.client.current_app_monitor.interval_seconds = _RECONNECT_SECONDS
    if past_proxy(api_url):
        handler.client.proxy = None

    def connect() -> bool:
        try:
            asked(handler.connect)
        except SlackAway as away:
            raise NotYet(str(away), away.retry_after) from away
        except SlackRefused as refused:
            raise ConfigError(
                f"SLACK_APP_TOKEN is refused by Slack ({refused.code}): use an app-level token "
                "with the scope connections:write (xapp-…)"
            ) from refused
        return True

    bot.stack.callback(_close, handler)
    if wait_for("Slack's Socket Mode", connect, bot.stop):
        bot.ready.slack = lambda: "" if handler.client.is_connected() else "not connected"


def _close(handler: SocketModeHandler) -> None:
    # It joins its threads, one of which may be in a call to Slack.
    closing = threading.Thread(target=handler.close, name="closing", daemon=True)
    closing.start()
    closing.join(_STOP_SECONDS / 2)
