"""Publishes the home tab to those who look at it: one of many bots does, as the notifier.

Whoever looked in the last 15 minutes gets their page anew when it would say something else, and
once a minute anyway, so that its "as of" is to be believed; one person never more than once in ten
seconds. It shares the notifier's budget of calls. Nothing here would be missed after a kill: the
next notifier publishes once to everybody who looks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from bot.beside import Told
from bot.commands import Desk, choices_of
from bot.groups import SlackPeople
from bot.home_store import HomeStore, Looker
from bot.messages.home import Ask, HomeState, HomeTab, KeptNode, closed_home, home_tab
from bot.sender import Sender
from bot.slack_api import Away, Failed, Outcome, RateLimited, Sent, SlackApi
from bot.web_client import SlackAway
from jobs.authorization import Action, Denied, Target, may
from jobs.models import Freeze, OperationState, OperationView, Principal

__all__ = ["AT_MOST_EVERY", "HomePages", "Links"]

AT_MOST_EVERY = 10.0  # s between two publications to one person
_ANYWAY_EVERY = 60.0  # s: an "as of" that is older would look like a bot that is gone
_LOOK_EVERY = 0.5  # s between two looks for who looks
_STATE_FOR = 5.0  # s that what all pages share is used again
_KNOWN_FOR = 600.0  # s until Slack is asked again what somebody is
_REFUSED_FOR = 300.0  # s until a page that Slack refused is tried again
_A_TICK = 3  # publications between two looks at what is more urgent
_ENDED = 15

Links = Callable[[OperationView], Mapping[str, str]]
"""Addresses of an operation and its questions in Slack, by their ids, as far as they are known."""

log = structlog.get_logger()


@dataclass
class _Page:
    """What one person's page showed last."""

    digest: str = ""
    published: float = float("-inf")
    not_before: float = float("-inf")
    asked_for: int = 0  # the look (ms) that it answered


@dataclass(frozen=True)
class _Known:
    outsider: str
    until: float


@dataclass(frozen=True)
class _Shared:
    """What all pages are made from."""

    live: tuple[OperationView, ...]
    ended: tuple[OperationView, ...]
    kept: tuple[KeptNode, ...]
    freezes: tuple[Freeze, ...]
    silent: tuple[str, ...]
    links: Mapping[str, str] = field(default_factory=dict)


class HomePages:
    """The pages that one notifier publishes. `clock` is in seconds and never goes back.

    `links` returns where an operation is talked about.
    """

    def __init__(
        self,
        desk: Desk,
        store: HomeStore,
        slack: SlackApi,
        people: SlackPeople,
        sender: Sender,
        *,
        clock: Callable[[], float],
        links: Links,
    ) -> None:
        self._desk = desk
        self._store = store
        self._slack = slack
        self._people = people
        self._sender = sender
        self._clock = clock
        self._links = links
        self._lookers: tuple[Looker, ...] = ()
        self._look_at = float("-inf")
        self._shared: tuple[float, _Shared | None] = (float("-inf"), None)
        self._pages: dict[str, _Page] = {}
        self._known: dict[str, _Known] = {}

    def begin(self) -> None:
        """Begin a new term: what the former notifier had published is not known."""
        self._look_at = float("-inf")
        self._pages.clear()

    def note(self, now_ms: int, told: Told) -> None:
        """Note nothing: pages are made from the state of all clusters."""

    def tell(self, now_ms: int) -> None:
        """Publish what is due, a few pages at most. Raises as the client and the store do."""
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._lookers = self._store.lookers()
            users = {looker.user for looker in self._lookers}
            self._pages = {user: page for user, page in self._pages.items() if user in users}
        # Who waited longest goes first, so that a short budget is shared by all.
        waiting = sorted(self._lookers, key=lambda each: self._page(each).published)
        left = _A_TICK
        for looker in waiting:
            if not left or self._sender.call_ready_at("views.publish", "") > self._clock():
                return
            left -= self._publish(looker, now_ms)

    def _page(self, looker: Looker) -> _Page:
        return self._pages.setdefault(looker.user, _Page())

    def _publish(self, looker: Looker, now_ms: int) -> bool:
        """Publish one page if it is due; whether Slack was called for it."""
        page, now = self._page(looker), self._clock()
        if now < max(page.published + AT_MOST_EVERY, page.not_before):
            return False
        outsider = self._outsider(looker.user)
        if outsider is None:
            return False
        tab = self._tab(looker, outsider, now_ms)
        asked_anew = looker.looked_at > page.asked_for
        old = now >= page.published + _ANYWAY_EVERY
        if tab.digest == page.digest and not asked_anew and not old:
            return False
        outcome = self._sender.call(
            "views.publish", "", lambda: self._slack.publish(looker.user, tab.view)
        )
        if isinstance(outcome, Sent):
            self._pages[looker.user] = _Page(tab.digest, now, asked_for=looker.looked_at)
        elif isinstance(outcome, Failed):
            log.warning("home_refused", user=looker.user, error=outcome.error)
            page.not_before = now + _REFUSED_FOR
        else:
            page.published = now  # it may be there: ten seconds count from now on
        return True

    # -- what it shows -----------------------------------------------------------------------

    def _tab(self, looker: Looker, outsider: str, now_ms: int) -> HomeTab:
        desk = self._desk
        if outsider:
            return closed_home(f"drainbot takes no orders from {outsider}.", now_ms)
        principal = desk.directory.principal(desk.policy.team, looker.user)
        seen, refusal = self._clusters(principal)
        if not seen:
            return closed_home(refusal, now_ms)
        shared = self._of_all()
        live = [view for view in shared.live if view.cluster in seen]
        return home_tab(
            HomeState(
                clusters=seen,
                asks=self._asks(principal, live),
                running=live,
                ended=[view for view in shared.ended if view.cluster in seen],
                kept=[node for node in shared.kept if node.cluster in seen],
                freezes=[freeze for freeze in shared.freezes if freeze.cluster in seen],
                silent=tuple(name for name in shared.silent if name in seen),
                links=shared.links,
                told=looker.told,
            ),
            now_ms,
        )

    def _clusters(self, principal: Principal) -> tuple[tuple[str, ...], str]:
        seen, refusal = [], "The policy lists no cluster."
        for cluster in self._desk.client.clusters():
            answer = may(principal, Action.READ, Target(cluster=cluster), self._desk.policy)
            if isinstance(answer, Denied):
                refusal = answer.reason
            else:
                seen.append(cluster)
        return tuple(seen), refusal

    def _asks(self, principal: Principal, live: Iterable[OperationView]) -> tuple[Ask, ...]:
        asks = [
            Ask(view, question, choices)
            for view in live
            for question in view.open_questions
            if (choices := choices_of(self._desk, principal, view, question))
        ]
        return tuple(sorted(asks, key=lambda ask: ask.question.opened_at))

    def _of_all(self) -> _Shared:
        read_at, shared = self._shared
        if shared is None or self._clock() - read_at >= _STATE_FOR:
            shared = self._read()
            self._shared = (self._clock(), shared)
        return shared

    def _read(self) -> _Shared:
        client = self._desk.client
        live: list[OperationView] = []
        ended: list[OperationView] = []
        kept: list[KeptNode] = []
        for cluster in client.clusters():
            live += client.operations(cluster, live_only=True)
            recent = client.operations(cluster, limit=2 * _ENDED)
            ended += [view for view in recent if view.state is OperationState.ENDED]
            kept += self._kept(cluster)
        ended.sort(key=lambda view: view.ended_at, reverse=True)
        links: dict[str, str] = {}
        for view in (*live, *ended[:_ENDED]):
            links |= self._links(view)
        frozen = (client.frozen(cluster) for cluster in client.clusters())
        freezes = tuple(freeze for freeze in frozen if freeze is not None)
        silent = tuple(name for name in client.clusters() if not client.worker_seen(name))
        return _Shared(tuple(live), tuple(ended[:_ENDED]), tuple(kept), freezes, silent, links)

    def _kept(self, cluster: str) -> list[KeptNode]:
        """Return the nodes that belong to operations that have ended."""
        kept = []
        for node in self._desk.nodes.of(cluster).nodes:
            if not node.owner or node.mode == "accepting":
                continue
            owner = self._desk.client.operation(node.owner)
            if owner is None or owner.state is OperationState.ENDED:
                since = owner.ended_at if owner else 0
                kept.append(KeptNode(cluster, node.name, node.mode, node.owner, since))
        return sorted(kept, key=lambda node: (node.since, node.node))

    # -- who looks ---------------------------------------------------------------------------

    def _outsider(self, user: str) -> str | None:
        """Say what somebody is if no member of the workspace, else ""; None: not known yet.

        The policy's people are known; anybody may open a home tab, so Slack is asked about each.
        """
        known = self._known.get(user)
        if known is not None and known.until > self._clock():
            return known.outsider
        if self._sender.call_ready_at("users.info", "") > self._clock():
            return None
        self._sender.call("users.info", "", lambda: self._ask(user))
        known = self._known.get(user)
        return known.outsider if known is not None else None

    def _ask(self, user: str) -> Outcome:
        try:
            outsider = self._people.outsider(user)
        except SlackAway as away:
            return RateLimited(away.retry_after) if away.retry_after else Away(str(away))
        now = self._clock()
        self._known = {name: each for name, each in self._known.items() if each.until > now}
        self._known[user] = _Known(outsider, now + _KNOWN_FOR)
        return Sent()
