"""The policy file as frozen values: who may do what, where. See `policy.example.yaml` in the tests.

Durations are in seconds. What a file leaves out grants nothing; times and rates have the defaults
of the design. The values are strict: no number is read out of text, and no text out of a number.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from jobs.policy.fields import (
    ChannelId,
    ClusterName,
    Destructive,
    Duration,
    GroupName,
    Labels,
    LongDuration,
    MemberId,
    Namespace,
    PagerUrl,
    Percent,
    Place,
    Scope,
    SecretEnv,
    Sha256,
    TeamId,
    UserId,
    Who,
    WhoGroup,
    WholeDuration,
)

__all__ = [
    "Approve",
    "Channel",
    "ClusterSettings",
    "Defaults",
    "Escalate",
    "Force",
    "Match",
    "Owner",
    "Pager",
    "Policy",
    "Questions",
    "Rule",
    "Token",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ClusterSettings(_Part):
    """A cluster that the bot serves. It has no settings of its own yet."""


class Channel(_Part):
    """A channel that commands are taken from, and the cluster that a bare node name means."""

    cluster: ClusterName


class Token(_Part):
    """A random token of the command line or HTTP, by its hash: whose it is, what it may."""

    sha256: Sha256
    user: UserId
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]


class Match(_Part):
    """What a rule is for. An empty `cluster` is every cluster; all `labels` must be there."""

    cluster: ClusterName | None = None
    labels: Labels = Field(default_factory=dict)


class Approve(_Part):
    """Votes that an operation needs before it starts."""

    by: Annotated[tuple[Who, ...], Field(min_length=1)]
    votes: Annotated[int, Field(ge=1, le=20)] = 1
    requester_counts: bool = False
    lapses: WholeDuration = 3600.0


class Force(_Part):
    """Who may go past a budget, how many of them it takes, and whether they must say why."""

    by: Annotated[tuple[Who, ...], Field(min_length=1)]
    votes: Annotated[int, Field(ge=1, le=20)] = 1
    reason: Literal["required", "optional"] = "optional"


class Rule(_Part):
    """What may be done to the nodes that it matches, and by whom."""

    match: Match
    request: tuple[Who, ...] = ()
    start: Literal["confirm", "at_once", "when_noteworthy"] = "when_noteworthy"
    approve: Approve | None = None
    decide: tuple[Who, ...] = ()
    force: Force | None = None
    max_nodes: Annotated[int, Field(ge=1)] | None = None
    max_share_of_pool: Percent | None = None
    control_plane: bool = False
    options: tuple[Destructive, ...] = ()


class Owner(_Part):
    """The people of a namespace, who are asked too when its pods block."""

    group: WhoGroup
    channel: ChannelId | None = None
    force_needs_vote: bool = True


class Escalate(_Part):
    """Where a question goes when nobody answers."""

    after: LongDuration = 1800.0
    to: Place


class Questions(_Part):
    """What happens to a question that waits."""

    remind: LongDuration = 900.0
    escalate: Escalate | None = None
    stop_after: LongDuration = 3600.0


class Defaults(_Part):
    """How a drain goes where nothing else is said."""

    nodes_away: Annotated[int, Field(ge=1)] = 1
    evictions_per_second: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 20.0
    evictions_in_flight: Annotated[int, Field(ge=1, le=1000)] = 32
    ask_after: Duration = 300.0
    terminating_slack: Duration = 60.0
    node_timeout: LongDuration = 3600.0
    long_work: Duration = 600.0
    plan_again: LongDuration = 60.0
    auto_resume_within: Duration = 1800.0
    auto_resume_after_free: Duration = 2.0
    owners_well_within: LongDuration = 600.0
    keep_finished: LongDuration = 2592000.0


class Pager(_Part):
    """An address that is told of questions; what is sent is signed with the named secret."""

    url: PagerUrl
    secret_env: SecretEnv


def _nothing_is_empty(value: Any) -> Any:
    """`prod-eu:` with nothing after it means the same as `prod-eu: {}`."""
    return {} if value is None else value


class Policy(_Part):
    """The whole policy. Nothing that is not granted here is allowed."""

    team: TeamId
    clusters: Annotated[
        dict[ClusterName, Annotated[ClusterSettings, BeforeValidator(_nothing_is_empty)]],
        Field(min_length=1),
    ]
    channels: dict[ChannelId, Channel] = Field(default_factory=dict)
    groups: dict[GroupName, tuple[MemberId, ...]] = Field(default_factory=dict)
    tokens: tuple[Token, ...] = ()
    rules: tuple[Rule, ...] = ()
    owners: dict[Namespace, Owner] = Field(default_factory=dict)
    questions: Questions = Questions()
    defaults: Defaults = Defaults()
    fallback_channel: ChannelId | None = None
    break_glass: tuple[UserId, ...] = ()
    pagers: tuple[Pager, ...] = ()
