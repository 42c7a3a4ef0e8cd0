"""Puts the notifier together: the operations' messages, and what is told beside them."""

import time
from collections.abc import Callable, Mapping

from redis import Redis

from bot.anchors import Anchors
from bot.app import Identity
from bot.beside import Beside
from bot.commands import Desk, NodeBook
from bot.courtesy import Courtesy
from bot.groups import Directory, GroupStore, SlackPeople, named_in
from bot.home import HomePages
from bot.home_store import HomeStore
from bot.mentions import mentions_by, owners_by
from bot.message_store import MessageStore
from bot.notifier import Notifier, NotifierSettings
from bot.outages import OutageNotes, Sources
from bot.outbox import Outbox
from bot.page_store import PageStore
from bot.pages import PageNotes
from bot.sender import Sender
from bot.settings import BotSettings
from bot.slack_api import SlackApi
from bot.telling import leads_to, links_of
from bot.web_client import web_client
from jobs.models import OperationView, QuestionView
from jobs.policy import Policy
from jobs.service import Service

__all__ = ["leading", "make_notifier"]

_SLACK_SECONDS = 5


def make_notifier(
    settings: BotSettings,
    policy: Policy,
    identity: Identity,
    *,
    client: Service,
    redis: Redis,
    courtesy: Courtesy,
) -> Notifier:
    """Return the notifier of a workspace; `client` and `redis` are its own, and patient."""
    nodes = NodeBook(client)
    token, api_url = settings.slack_bot_token.get_secret_value(), settings.slack_api_url
    slack, store = SlackApi(token, base_url=api_url), MessageStore(redis)

    def links(view: OperationView) -> Mapping[str, str]:
        return links_of(view, store.read(view.id), identity.url)

    def beside(sender: Sender) -> tuple[Beside, ...]:
        home = HomePages(
            Desk(client, policy, _directory(redis, policy), nodes),
            HomeStore(redis),
            slack,
            SlackPeople(web_client(token, api_url, timeout=_SLACK_SECONDS), policy.team),
            sender,
            clock=time.monotonic,
            links=links,
        )
        anchors = Anchors(
            client.histories.heads, sender, store,
            clock=time.monotonic, channel=policy.fallback_channel or "",
        )  # fmt: skip
        told = (home, anchors, _outage_notes(client, sender, store, policy))
        if not policy.pagers:
            return told
        urls = tuple(pager.url for pager in policy.pagers)
        return (*told, PageNotes(PageStore(redis, urls), workspace=identity.url))

    return Notifier(
        client,
        slack,
        store,
        Outbox(redis),
        _settings(settings, policy, identity),
        mentions=mentions_by(policy, nodes),
        owners=owners_by(policy),
        courtesy=courtesy,
        note_thread=client.note_thread,
        lost=client.orphans.lost,
        beside=beside,
    )


def _outage_notes(
    client: Service, sender: Sender, store: MessageStore, policy: Policy
) -> OutageNotes:
    sources = Sources(client.outages, client.operation)
    channel = policy.fallback_channel or ""
    return OutageNotes(sources, sender, store, clock=time.monotonic, channel=channel)


def leading(desk: Desk | None, redis: Redis, workspace: str) -> Callable[[QuestionView], str]:
    """Return what finds the message of the question that took another one's place."""
    messages = MessageStore(redis)

    def lead(question: QuestionView) -> str:
        view = desk.client.operation(question.operation) if desk else None
        return leads_to(view, question, messages.read(view.id), workspace) if view else ""

    return lead


def _directory(redis: Redis, policy: Policy) -> Directory:
    _, groups = named_in(policy)
    return Directory(GroupStore(redis, policy.team), groups)


def _settings(settings: BotSettings, policy: Policy, identity: Identity) -> NotifierSettings:
    return NotifierSettings(
        fallback_channel=policy.fallback_channel or "",
        workspace=identity.url,
        lease=settings.notifier_lease_seconds,
        progress=settings.progress_seconds,
    )
