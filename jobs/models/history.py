"""What the audit log says, as it is shown: entries, and the history of a node or an operation."""

from pydantic import Field

from jobs.models.base import Frozen


class Grounds(Frozen):
    """What somebody's right rested on when they acted.

    `rests_on` are `user:U…`, `group:S…`, `requester` or `break_glass`; `rules` the numbers of the
    policy's rules that the nodes fell under, from 1; `policy` tells one policy from another.
    `groups` are theirs of those that the policy names, as known at `groups_at` (ms; 0: not known),
    and `groups_stale` says that Slack could not be asked for longer than memberships are fresh.
    """

    via: str = ""
    rests_on: tuple[str, ...] = ()
    rules: tuple[int, ...] = ()
    policy: str = ""
    groups: tuple[str, ...] = ()
    groups_at: int = 0
    groups_stale: bool = False


class Shown(Frozen):
    """What people saw when they decided: the digest of a plan, and the material facts.

    `refusals` counts pods by reason, `data_lost` pods whose emptyDir is lost; `never` are budgets
    that can't be met as things stood, `single_replicas` workloads that are down while they move.
    `pods` are those that the decision was about, at most fifty by name; `pods_total` counts all of
    them, and `pods_digest` is the SHA-256 of all their uids.
    """

    digest: str = ""
    evict: int = 0
    refusals: dict[str, int] = Field(default_factory=dict)
    data_lost: int = 0
    never: tuple[str, ...] = ()
    single_replicas: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    pods_total: int = 0
    pods_digest: str = ""


class AuditEntry(Frozen):
    """One entry of a cluster's audit log; times in ms since the epoch, Redis' time.

    `what` is one of started, asked, vote, closed, abort, pause, resume, freeze, thaw, reserved,
    node_mode, told (a line of the story, whose word is `word`), ended; or unreadable.
    `hash` is its link of the chain, empty while nobody has linked it.
    """

    seq: int
    at: int = 0
    what: str
    word: str = ""
    operation: str = ""
    workflow: str = ""
    nodes: tuple[str, ...] = ()
    by: str = ""
    note: str = ""
    channel: str = ""
    question: str = ""
    kind: str = ""
    choice: str = ""
    result: str = ""
    asked_at: int = 0
    grounds: Grounds | None = None
    shown: Shown | None = None
    fields: dict[str, str | int | bool] = Field(default_factory=dict)
    hash: str = ""


class History(Frozen):
    """The history of a node or an operation, the oldest entry first.

    `about` is the node's name or the operation's id; `earlier` counts entries that were left out.
    """

    cluster: str
    about: str
    entries: tuple[AuditEntry, ...] = ()
    earlier: int = 0
