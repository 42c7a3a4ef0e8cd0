"""What the audit log says, as it is shown: entries, and the history of a node or an operation."""

from pydantic import Field

from jobs.models.base import Frozen


class Grounds(Frozen):
    """What somebody's right rested on when they acted.

    `rests_on` are `user:U…`, `group:S…`, `requester` or `break_glass`; `rules` the numbers of the
    policy's rules that the nodes fell under, from 1; `policy` tells one policy from another.
    `groups` are theirs of those that the policy names, as known at `groups_at` (ms; 0: not known),
    and `groups_stale` says that Slack could not be asked for longer than memberships are fresh.
    `roles` are those that a vote may fill.
    """

    via: str = ""
    rests_on: tuple[str, ...] = ()
    rules: tuple[int, ...] = ()
    policy: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
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
    node_mode, webhook_made, webhook_used, webhook_revoked, told (a line of the story, whose word is
    `word`), ended; or unreadable.
    `counted` are those whose votes settled a question, where this one did.
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
    counted: tuple[str, ...] = ()
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


class AuditFinding(Frozen):
    """What was done to entry number `seq`; `place` is where it stands now, 0 where nowhere.

    `kind` is changed, missing, moved, added (an entry that was never linked), hash (the entry is
    right, its stored hash is not), cut_off (it and all after it are gone), or anchor (the chain
    fits itself, and not what was noted outside of Redis).
    """

    kind: str
    seq: int
    place: int = 0


class AuditReport(Frozen):
    """What an examination of a cluster's audit log found; `head` is `SEQ:HASH`, or empty.

    `linked` and `written` count hashes and entries. `waiting` entries are not linked yet, the
    oldest of them since `waiting_since` (ms). `more`: there is more to find. `good` is the number
    of the last anchor that fits, 0 for none.
    """

    cluster: str
    linked: int = 0
    written: int = 0
    head: str = ""
    waiting: int = 0
    waiting_since: int = 0
    findings: tuple[AuditFinding, ...] = ()
    more: bool = False
    good: int = 0
    examined_at: int = 0


class AuditHead(Frozen):
    """The end of a cluster's audit log: the number and the hash of its last entry.

    `began` is when the first entry was written (ms since the epoch).
    """

    cluster: str
    seq: int
    hash: str
    began: int = 0

    @property
    def anchor(self) -> str:
        """As it is noted outside Redis: `SEQ:HASH`."""
        return f"{self.seq}:{self.hash}"
