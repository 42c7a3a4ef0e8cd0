"""Who is at the command line: the person of the token, with the policy of today."""

import os
from dataclasses import dataclass

from bot import logs
from bot.cli_exit import REFUSED, USAGE, fail
from bot.commands import Desk, NodeBook, Place
from bot.groups import Directory, GroupStore, named_in
from bot.settings import ClientSettings, load
from bot.startup import redis_client
from jobs.authorization import no_policy_refusal, principal_for_token
from jobs.client import OrphansClient
from jobs.models import Principal
from jobs.policy import Policy, load_policy
from jobs.service import open_client

__all__ = ["Session", "opened", "session_of"]

_REDIS_SECONDS = 3.0


@dataclass(frozen=True)
class Session:
    """One run of a command: what it works with, and for whom."""

    desk: Desk
    principal: Principal
    cluster: str
    orphans: OrphansClient

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

    Raises :class:`jobs.errors.ConfigError` and :class:`jobs.errors.StateUnavailable`.
    """
    settings = load(ClientSettings)
    # What a library has to say is not for a person who asked for a status.
    logs.configure("console", level=logs.SILENT)
    if settings.policy is None:
        fail(no_policy_refusal(), REFUSED)
    policy = load_policy(settings.policy)
    if settings.token is None:
        fail(
            "DRAINBOT_TOKEN is not set: it says who you are (for example a long random word)", USAGE
        )
    return session_of(settings, policy, settings.token.get_secret_value())


def session_of(settings: ClientSettings, policy: Policy, token: str) -> Session:
    """Begin the session of a token's person; ends the process if the policy doesn't know it."""
    person = principal_for_token(token, policy, via="cli")
    if person is None:
        fail("The policy does not know this token (DRAINBOT_TOKEN). Nothing changed.", REFUSED)
    _, groups = named_in(policy)
    store = GroupStore(redis_client(settings, timeout=_REDIS_SECONDS), policy.team)
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
    clusters = client.clusters()
    # With one cluster in the policy nobody has to name it; `default` is nobody's choice then.
    only = clusters[0] if len(clusters) == 1 and settings.cluster not in clusters else ""
    return Session(desk, principal, only or settings.cluster, client.orphans)
