"""Who is in which Slack user group, and which people are guests: stored with its time.

Slack is asked by one thread of one bot, seldom; listeners and the command line only read. What is
older than ten minutes counts only while Slack is away, for a day, and is marked as stale in what
it grants. Where Slack answers and does not tell, it is as good as unknown: that grants nothing.

In Redis: `drainbot:bot:people:<team>`, a JSON document that is replaced as a whole by each pass
that succeeded, see :class:`People`; and `drainbot:bot:people:<team>:away`, when Slack was last
asked and found away, in seconds since the epoch (0: it answered since).
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

import structlog
from pydantic import Field, ValidationError
from redis import Redis
from redis.exceptions import RedisError
from slack_sdk import WebClient

from bot.web_client import SlackAway, SlackRefused, asked
from jobs.errors import StateUnavailable
from jobs.models import Frozen, Memberships, Principal
from jobs.models.people import Via
from jobs.policy import Policy, members
from jobs.policy.fields import is_slack_group

__all__ = [
    "FRESH_SECONDS",
    "USABLE_SECONDS",
    "Directory",
    "GroupStore",
    "NotTold",
    "People",
    "Person",
    "Refresher",
    "SlackPeople",
]

FRESH_SECONDS = 600.0
"""How long a stored membership counts, whatever became of Slack since."""

USABLE_SECONDS = 86_400.0
"""How long it counts, marked as stale, while Slack is away."""

_AWAY_COUNTS = 600.0  # that Slack was found away says nothing of now when it is older than this
_NOTE_EVERY = 30.0  # seconds between two notes that it still is

_SKEW_SECONDS = 60.0  # by how much the clocks of two copies of the bot may differ
_AGAIN_SECONDS = 1.5  # until Slack is asked again while it is away: its return is seen within two
_REREAD_SECONDS = 1.0  # listeners look at Redis at most this often, not on every click

_REFUSED_SECONDS = 60.0  # until Slack is asked again after it refused, say for want of a scope
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found", "user_group_not_found"})
_STRANGERS = "people who are not of this workspace"
_NO_USER = frozenset({"user_not_found", "user_not_visible"})

log = structlog.get_logger(__name__)


class Person(Frozen):
    """What Slack says of a person: `outsider` in words (guest, bot, …), or empty for a member."""

    outsider: str = ""


class People(Frozen):
    """One complete pass over the user groups that the policy names.

    `at` is when it was complete, in seconds since the epoch; 0: never. `away_at` is when Slack
    was last asked and found away; it is stored apart.
    """

    at: float = 0
    away_at: float = Field(default=0, exclude=True)
    groups: dict[str, frozenset[str]] = Field(default_factory=dict)
    persons: dict[str, Person] = Field(default_factory=dict)

    def standing(self, wanted: Iterable[str], now: float) -> Literal["fresh", "stale", "unknown"]:
        """Say whether the members of all `wanted` groups are known at `now`."""
        needed = set(wanted)
        if not needed:
            return "fresh"
        age = now - self.at
        if not needed <= self.groups.keys() or age < -_SKEW_SECONDS:
            return "unknown"
        if age <= FRESH_SECONDS:
            return "fresh"
        away = self.away_at > self.at and abs(now - self.away_at) <= _AWAY_COUNTS
        return "stale" if away and age <= USABLE_SECONDS else "unknown"

    def memberships(self, wanted: Iterable[str], now: float) -> Memberships:
        """Return who is in the `wanted` groups, but for guests and bots: nobody obeys those."""
        standing, named = self.standing(wanted, now), frozenset(wanted)
        if standing == "unknown":
            return Memberships()
        outside = {user for user, person in self.persons.items() if person.outsider}
        groups = {name: users - outside for name, users in self.groups.items() if name in named}
        at = int(self.at * 1000)
        return Memberships(groups=groups, known=True, at=at, stale=standing == "stale")


class Loads(Protocol):
    """What a directory reads from: :class:`GroupStore`."""

    def load(self) -> People:
        """Return the stored pass."""
        ...


class GroupStore:
    """The stored pass of one workspace."""

    def __init__(self, redis: "Redis", team: str) -> None:
        self._redis = redis
        self._key = f"drainbot:bot:people:{team}"
        self._away_key = f"{self._key}:away"

    def load(self) -> People:
        """Return the stored pass; an empty one if there is none, or one that can't be read.

        Raises :class:`StateUnavailable`.
        """
        try:
            pipe = self._redis.pipeline(transaction=False)
            pipe.get(self._key)
            pipe.get(self._away_key)
            stored, away = pipe.execute()
        except RedisError as error:
            raise StateUnavailable("Redis is away.") from error
        if not isinstance(stored, str | bytes):
            return People()
        try:
            people = People.model_validate_json(stored)
            return people.model_copy(update={"away_at": float(away or 0)})
        except (ValidationError, ValueError):
            log.warning("people_unreadable", key=self._key)
            return People()

    def note_away(self, at: float) -> None:
        """Note when Slack was asked and found away (0: it answers). :class:`StateUnavailable`."""
        try:
            self._redis.set(self._away_key, str(at))
        except RedisError as error:
            raise StateUnavailable("Redis is away.") from error

    def save(self, people: People) -> None:
        """Replace the stored pass. Raises :class:`StateUnavailable`."""
        try:
            self._redis.set(self._key, people.model_dump_json())
        except RedisError as error:
            raise StateUnavailable("Redis is away.") from error


class Directory:
    """Makes principals of people, from what is stored; safe to use from several threads.

    `wanted` are the user groups that the policy names.
    """

    def __init__(
        self,
        store: Loads,
        wanted: Iterable[str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._wanted = frozenset(wanted)
        self._clock = clock
        self._people = People()
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def principal(
        self, team: str, user: str, *, via: Via = "slack", scopes: frozenset[str] | None = None
    ) -> Principal:
        """Return the person with their groups; `groups_known` is False where nobody can say.

        Raises :class:`StateUnavailable` where there is nothing to go by.
        """
        return self.memberships().principal(team, user, via=via, scopes=scopes)

    def memberships(self) -> Memberships:
        """Return who is in which group of the policy. Raises :class:`StateUnavailable`."""
        return self._current().memberships(self._wanted, self._clock())

    def outsider(self, user: str) -> str:
        """Say what `user` is if not a full member of the workspace (guest, bot, …), else ""."""
        person = self._current().persons.get(user)
        return person.outsider if person else ""

    def knows(self, user: str) -> bool:
        """Whether Slack was asked about somebody: those whom the policy names."""
        return user in self._current().persons

    def _current(self) -> People:
        now = self._clock()
        with self._lock:
            if not 0 <= now - self._read_at < _REREAD_SECONDS:
                self._people = self._store.load()
                self._read_at = now
            return self._people


def named_in(policy: Policy) -> tuple[frozenset[str], frozenset[str]]:
    """Return the users and the user groups that a policy names anywhere."""
    lists = [
        rule.request
        + rule.decide
        + (rule.approve.by if rule.approve else ())
        + (rule.force.by if rule.force else ())
        for rule in policy.rules
    ]
    who = {*policy.groups, *(name for names in lists for name in names)}
    who |= {owner.group for owner in policy.owners.values()}
    ids = members(policy, who) | {*policy.break_glass, *(token.user for token in policy.tokens)}
    groups = frozenset(id for id in ids if is_slack_group(id))
    return frozenset(ids - groups), groups


class AsksSlack(Protocol):
    """What a pass asks Slack; both raise :class:`bot.web_client.SlackAway` where it can't be."""

    def members(self, group: str) -> frozenset[str]:
        """Return the users of a user group; none for one that does not exist."""
        ...

    def outsider(self, user: str) -> str:
        """Say what the user is if not a full member of the workspace, else ""."""
        ...


class NotTold(SlackAway):
    """Slack is there and does not tell, say for want of a scope: what was known counts no more."""


class SlackPeople:
    """Asks Slack's Web API for the workspace `team`. Scopes: usergroups:read, users:read."""

    def __init__(self, client: WebClient, team: str) -> None:
        self._client = client
        self._team = team

    def members(self, group: str) -> frozenset[str]:
        """Return the users of a user group; none for one that does not exist or is disabled."""
        try:
            answer = asked(lambda: self._client.usergroups_users_list(usergroup=group))
        except SlackRefused as refused:
            if refused.code in _NO_GROUP:
                log.warning("group_unknown", group=group, error=refused.code)
                return frozenset()
            raise NotTold(f"usergroups.users.list: {refused.code}", _REFUSED_SECONDS) from refused
        return frozenset(str(user) for user in answer.get("users") or ())

    def outsider(self, user: str) -> str:
        """Say what the user is if not a full member of the workspace, else ""."""
        try:
            answer = asked(lambda: self._client.users_info(user=user))
        except SlackRefused as refused:
            if refused.code in _NO_USER:
                return _STRANGERS
            raise NotTold(f"users.info: {refused.code}", _REFUSED_SECONDS) from refused
        return _outsider(answer.get("user") or {}, self._team)


def _outsider(user: Mapping[str, Any], team: str) -> str:
    """Judge a user object: https://docs.slack.dev/reference/objects/user-object."""
    if user.get("deleted"):
        return "deactivated people"
    if user.get("is_bot"):
        return "bots"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "guests"
    # In an enterprise organization a member's own workspace may be another one.
    elsewhere = user.get("team_id") not in {None, team} and not user.get("enterprise_user")
    if user.get("is_stranger") or elsewhere:
        return _STRANGERS
    return ""


class Lease(Protocol):
    """As :class:`jobs.client.Lease`: one copy of the bot asks Slack, not all of them."""

    def hold(self) -> bool:
        """Take or renew it."""
        ...

    def release(self) -> None:
        """Give it up."""
        ...


class Refresher:
    """Asks Slack for the groups again and again, in a thread, and stores each complete pass.

    `users` are those that the policy names by themselves; `wanted` are its user groups. A pass
    that could not be completed stores nothing: the older one goes on to count while it is fresh.
    `pauses` lie between two questions about groups and about people, in seconds, to stay within
    Slack's limits (usergroups.users.list: 20 a minute, users.info: 100).
    """

    def __init__(
        self,
        slack: AsksSlack,
        store: GroupStore,
        lease: Lease,
        *,
        wanted: Iterable[str],
        users: Iterable[str],
        every: float,
        pauses: tuple[float, float] = (4.0, 0.8),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._slack = slack
        self._store = store
        self._lease = lease
        self._wanted = tuple(sorted(set(wanted)))
        self._users = frozenset(users)
        self._every = every
        self._pauses = pauses
        self._clock = clock
        self._away = False
        self._noted = 0.0

    def run(self, stop: threading.Event) -> None:
        """Refresh until `stop` is set."""
        while not stop.is_set():
            stop.wait(self.turn(stop))
        try:
            self._lease.release()
        except StateUnavailable:
            log.info("groups_lease_not_released")  # it lapses by itself

    def turn(self, stop: threading.Event) -> float:
        """Do one pass if it is ours to do and due; return the seconds until the next turn."""
        try:
            if not self._lease.hold():
                return min(self._every, FRESH_SECONDS) / 10
            due = self._store.load().at + self._every - self._clock()
            if due > 0:
                return min(due, self._every)
            people = self._pass(stop)
            self._away = False
            if people is not None:
                self._store.save(people)
                log.info("groups_refreshed", groups=len(people.groups), people=len(people.persons))
        except SlackAway as away:
            self._note(away)
            if not self._away or away.retry_after:  # an hour of it fills no log
                log.warning("groups_not_refreshed", error=str(away), retry_after=away.retry_after)
            self._away = True
            return away.retry_after or min(self._every, _AGAIN_SECONDS)
        except StateUnavailable as error:
            log.warning("groups_not_refreshed", error=str(error))
            return min(self._every, 5.0)
        return self._every

    def _note(self, away: SlackAway) -> None:
        """Let every copy know that Slack was asked, and whether it was away or did not tell."""
        now = self._clock()
        told = not isinstance(away, NotTold)
        if told and 0 <= now - self._noted < _NOTE_EVERY:
            return
        try:
            self._store.note_away(now if told else 0)
            self._noted = now if told else 0
        except StateUnavailable as error:
            log.warning("away_not_noted", error=str(error))

    def _pass(self, stop: threading.Event) -> People | None:
        groups: dict[str, frozenset[str]] = {}
        for group in self._wanted:
            if groups and self._rest(stop, self._pauses[0]):
                return None
            groups[group] = self._slack.members(group)
        persons: dict[str, Person] = {}
        for user in sorted(self._users.union(*groups.values())):
            if persons and self._rest(stop, self._pauses[1]):
                return None
            persons[user] = Person(outsider=self._slack.outsider(user))
        if stop.is_set() or not self._lease.hold():
            return None
        return People(at=self._clock(), groups=groups, persons=persons)

    def _rest(self, stop: threading.Event, seconds: float) -> bool:
        """Keep to the rate limits, keep the lease; True if there is no point in going on."""
        return stop.wait(seconds) or not self._lease.hold()
