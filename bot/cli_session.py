"""Who is at the command line: the person of the token, with the policy of today."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from bot import logs
from bot.cli_exit import REFUSED, USAGE, fail
from bot.commands import Desk, NodeBook, Place
from bot.commands.webhook import hook, hooks, revoke_hook
from bot.groups import Directory, GroupStore, People, named_in
from bot.remote import RemoteClient, UnrecognizedError
from bot.settings import ClientSettings, RemoteSettings, load
from bot.startup import redis_client
from jobs.authorization import no_policy_refusal, principal_for_token
from jobs.client import OrphansClient, WebhooksClient
from jobs.models import Decided, Principal, Refused, Webhook
from jobs.policy import Policy, load_policy
from jobs.service import open_client

__all__ = ["Hooks", "Session", "opened", "session_at", "session_of"]

_REDIS_SECONDS = 3.0


class Hooks(Protocol):
    """The webhooks as the person of the session."""

    def make(self, question: str, choice: str, seconds: int) -> tuple[str, int] | Decided | Refused:
        """Make one: its path, and when it expires (ms)."""
        ...

    def all(self, cluster: str) -> tuple[Webhook, ...] | Refused:
        """Return those that are open or ended in the last week."""
        ...

    def revoke(self, cluster: str, id: str) -> Webhook | Refused:
        """Take one back; returns how it stands then."""
        ...


@dataclass(frozen=True)
class Session:
    """One run of a command: what it works with, and for whom."""

    desk: Desk
    principal: Principal
    cluster: str
    orphans: OrphansClient
    hooks: Hooks
    behind: str = "Redis"  # what it can't do without

    def place(self, cluster: str = "") -> Place:
        """Return where an act is told: the first channel that the policy gives to the cluster."""
        named = cluster or self.cluster
        channels = self.desk.policy.channels.items()
        told = next((id for id, channel in channels if channel.cluster == named), "")
        return Place(named, told)

    @staticmethod
    def once() -> str:
        """Return a word that marks one act: each run of a command is one."""
        return f"cli-{os.urandom(12).hex()}"


def opened() -> Session:
    """Begin a session from the environment, or end the process: with 2 or 3 and one line.

    With DRAINBOT_SERVER, or `--server`, it is over HTTP, and else over Redis. Raises
    :class:`jobs.errors.ConfigError` and :class:`jobs.errors.StateUnavailable`.
    """
    remote = load(RemoteSettings)
    if remote.server is not None:
        logs.configure("console", level=logs.SILENT)
        return session_at(remote.server, _token(remote.token, remote.token_file), remote.cluster)
    settings = load(ClientSettings)
    # What a library has to say is not for a person who asked for a status.
    logs.configure("console", level=logs.SILENT)
    if settings.policy is None:
        fail(no_policy_refusal(), REFUSED)
    policy = load_policy(settings.policy)
    return session_of(settings, policy, _token(settings.token, settings.token_file))


def session_at(url: str, token: str, cluster: str) -> Session:
    """Begin a session over HTTP; ends the process if the policy there doesn't know the token."""
    client = RemoteClient(url, token)
    try:
        principal, policy = client.me(), client.policy()
    except UnrecognizedError as error:
        fail(f"{error} Nothing changed.", REFUSED)
    desk = Desk(client, policy, Directory(_Nobody(), ()), NodeBook(client))
    named = _meant(cluster, client.clusters())
    return Session(desk, principal, named, client.orphans, client.hooks, "the server")


class _Nobody:
    """Who is in which group is the server's to know."""

    def load(self) -> People:
        """Return nobody."""
        return People()


def _token(token: SecretStr | None, file: str | None) -> str:
    if token is not None:
        return token.get_secret_value()
    if file is None:
        fail(
            "DRAINBOT_TOKEN is not set: it says who you are (for example a long random word)", USAGE
        )
    try:
        found = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        fail(f"DRAINBOT_TOKEN_FILE: {file} can't be read ({why})", USAGE)
    if not found:
        fail(f"DRAINBOT_TOKEN_FILE: {file} is empty", USAGE)
    return found


def _meant(cluster: str, clusters: tuple[str, ...]) -> str:
    # With one cluster in the policy nobody has to name it; `default` is nobody's choice then.
    return clusters[0] if len(clusters) == 1 and cluster not in clusters else cluster


def session_of(settings: ClientSettings, policy: Policy, token: str) -> Session:
    """Begin the session of a token's person; ends the process if the policy doesn't know it."""
    person = principal_for_token(token, policy, via="cli")
    if person is None:
        fail("The policy does not know this token (DRAINBOT_TOKEN). Nothing changed.", REFUSED)
    _, groups = named_in(policy)
    redis = redis_client(settings, timeout=_REDIS_SECONDS)
    store = GroupStore(redis, policy.team)
    directory = Directory(store, groups)
    client = open_client(
        settings.redis_url.get_secret_value(), policy, timeout=_REDIS_SECONDS,
        people=directory.memberships,
    )  # fmt: skip
    outsider = directory.outsider(person.user)
    if outsider:
        fail(f"drainbot takes no orders from {outsider}. Nothing changed.", REFUSED)
    principal = directory.principal(person.team, person.user, via="cli", scopes=person.scopes)
    desk = Desk(client, policy, directory, NodeBook(client))
    named = _meant(settings.cluster, client.clusters())
    own = _OwnHooks(desk, client.webhooks, principal)
    return Session(desk, principal, named, client.orphans, own)


@dataclass(frozen=True)
class _OwnHooks:
    """Webhooks over Redis."""

    desk: Desk
    webhooks: WebhooksClient
    principal: Principal

    def make(self, question: str, choice: str, seconds: int) -> tuple[str, int] | Decided | Refused:
        made = hook(self.desk, self.webhooks, self.principal, question, choice, seconds=seconds)
        if isinstance(made, Decided | Refused):
            return made
        return f"/webhooks/{made[0]}", made[1].expires_at

    def all(self, cluster: str) -> tuple[Webhook, ...] | Refused:
        return hooks(self.desk, self.webhooks, self.principal, cluster)

    def revoke(self, cluster: str, id: str) -> Webhook | Refused:
        return revoke_hook(self.desk, self.webhooks, self.principal, cluster, id)
