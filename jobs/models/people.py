"""Who acts, and what it takes for their word to count."""

from typing import Literal

from pydantic import Field

from jobs.models.base import Frozen

Via = Literal["slack", "cli", "http"]


class Principal(Frozen):
    """A person who acts, as `team:user`, with what is known of their user groups.

    `groups` holds the ids of Slack user groups (S…) that they are a member of, as stored;
    `groups_known` is False while Slack could not be asked, and then no group grants anything.
    `groups_at` is when Slack said so (ms since the epoch; 0: not known). `groups_stale`: that is
    longer ago than it should be, because Slack is away.
    `scopes` narrows what a token may do (read, request, decide, force); None is unrestricted.
    """

    team: str
    user: str
    via: Via = "slack"
    groups: frozenset[str] = frozenset()
    groups_known: bool = True
    groups_at: int = 0
    groups_stale: bool = False
    scopes: frozenset[str] | None = None

    @property
    def id(self) -> str:
        """The name under which votes and decisions are stored: `T01DEMO:U02BOB`."""
        return f"{self.team}:{self.user}"


class Memberships(Frozen):
    """Who is in which Slack user group (S…), as it is known now.

    `known` is False where nobody can say: then no group grants anything. `at` is when Slack said
    so (ms since the epoch); `stale` says that this is longer ago than it should be.
    """

    groups: dict[str, frozenset[str]] = Field(default_factory=dict)
    known: bool = False
    at: int = 0
    stale: bool = False

    def principal(
        self, team: str, user: str, *, via: Via = "slack", scopes: frozenset[str] | None = None
    ) -> Principal:
        """Return a person with their groups."""
        groups = frozenset(group for group, users in self.groups.items() if user in users)
        return Principal(
            team=team, user=user, via=via, groups=groups if self.known else frozenset(),
            groups_known=self.known, groups_at=self.at if self.known else 0,
            groups_stale=self.known and self.stale, scopes=scopes,
        )  # fmt: skip


class Vote(Frozen):
    """One person's vote on a question; `at` is in milliseconds since the epoch, Redis' time.

    `rests_on` is what their right rested on then (`user:U…`, `group:S…`, `requester` or
    `break_glass`), `stale` that a group granted it by what was known before Slack went away, and
    `groups_at` as of when. `roles` are those that the vote may fill, where a choice needs several.
    """

    choice: str
    by: str
    at: int
    note: str = ""
    via: str = ""
    rests_on: tuple[str, ...] = ()
    stale: bool = False
    groups_at: int = 0
    roles: tuple[str, ...] = ()


class Requirements(Frozen):
    """What an operation needs of people, taken from the policy of the day it was asked for.

    *Who may* is judged by today's policy at each click; *how many* stays as it was.
    `owners` are the groups whose vote it takes to force pods of a namespace, by namespace.
    Durations are in seconds.
    """

    start: Literal["confirm", "at_once", "when_noteworthy"] = "when_noteworthy"
    approve_votes: int = 0
    approve_lapses: int = 3600
    requester_counts: bool = False
    force_votes: int = 1
    force_reason: bool = False
    owners: dict[str, str] = Field(default_factory=dict)
    nodes_away: int = 1
    ask_after: float = 300
    terminating_slack: float = 60
    node_timeout: float = 3600
    long_work: float = 600
    remind_after: float = 900
    escalate_after: float = 1800
    escalate_to: str = ""
    stop_after: float = 3600
    plan_again: float = 60
    auto_resume_within: float = 1800
    auto_resume_after_free: float = 2
    owners_well_within: float = 600
    keep_finished: float = 2592000
    evictions_per_second: float = 20
    evictions_in_flight: int = 32
