"""What may befall a run, as frozen values that say in words what they are."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ApiErrors",
    "Ask",
    "Budget",
    "ByHand",
    "Clash",
    "Cut",
    "Event",
    "Forget",
    "GiveBack",
    "Happening",
    "Kill",
    "Late",
    "LostReplies",
    "NewPod",
    "NodeSilent",
    "RedisDies",
    "RedisStalls",
    "Role",
    "Silent",
    "SlackErrors",
    "Slow",
    "Steer",
    "Still",
    "Term",
    "Watches",
]

Role = Literal["slot", "keeper", "watcher", "worker", "bot"]
Verb = Literal["pause", "resume", "abort"]
Care = Literal["uncordon", "maintenance", "return"]


@dataclass(frozen=True)
class Kill:
    """SIGKILL of one process, or of a whole worker or bot with all its children."""

    role: Role
    host: int

    def __str__(self) -> str:
        return f"kill {self.role} {self.host}"


@dataclass(frozen=True)
class Term:
    """SIGTERM of a worker or a bot, as when it is rolled out anew."""

    role: Literal["worker", "bot"]
    host: int

    def __str__(self) -> str:
        return f"{self.role} {self.host} is told to end"


@dataclass(frozen=True)
class Still:
    """SIGSTOP, past the lease, then SIGCONT: of one process, or of all of a host."""

    role: Role
    host: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.role} {self.host} stands still for {self.seconds:g} s"


@dataclass(frozen=True)
class RedisDies:
    """SIGKILL of Redis, and its start on the same files."""

    seconds: float

    def __str__(self) -> str:
        return f"Redis is killed, and away for {self.seconds:g} s"


@dataclass(frozen=True)
class RedisStalls:
    """SIGSTOP of Redis: connections stay open, and get no answer."""

    seconds: float

    def __str__(self) -> str:
        return f"Redis stalls for {self.seconds:g} s"


@dataclass(frozen=True)
class Forget:
    """SCRIPT FLUSH: Redis knows none of the scripts any more."""

    def __str__(self) -> str:
        return "Redis forgets all scripts"


@dataclass(frozen=True)
class Cut:
    """All connections of a wire break off, and none comes up for a while."""

    wire: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.wire}: cut for {self.seconds:g} s"


@dataclass(frozen=True)
class Slow:
    """Everything on a wire is late, each connection by its own share of `delay` seconds."""

    wire: str
    delay: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.wire}: up to {self.delay:g} s late for {self.seconds:g} s"


@dataclass(frozen=True)
class Silent:
    """Nothing gets through, and no connection is cut; later all of it arrives."""

    wire: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.wire}: silent for {self.seconds:g} s"


@dataclass(frozen=True)
class LostReplies:
    """The next changes are carried out, their replies are swallowed and the connections cut."""

    wire: str
    times: int

    def __str__(self) -> str:
        return f"{self.wire}: the next {self.times} replies are lost"


@dataclass(frozen=True)
class ApiErrors:
    """The API server answers the next requests with a status, before or after it did them."""

    status: int
    times: int
    when: Literal["before", "after"]

    def __str__(self) -> str:
        return f"API server: {self.times} times {self.status} {self.when} the act"


@dataclass(frozen=True)
class Watches:
    """The API server ends all watches; with `forget`, it knows no older version any more (410)."""

    forget: bool

    def __str__(self) -> str:
        return f"API server: ends all watches{', and forgets the past' * self.forget}"


@dataclass(frozen=True)
class SlackErrors:
    """Slack lets the next calls of a method go wrong."""

    method: str
    kind: Literal["ratelimited", "status", "reset"]
    times: int
    when: Literal["before", "after"]

    def __str__(self) -> str:
        return f"Slack: {self.method} {self.times} times {self.kind} {self.when} the act"


@dataclass(frozen=True)
class Budget:
    """A budget closes for good, or opens as it was."""

    name: str
    open: bool

    def __str__(self) -> str:
        return f"budget {self.name} {'opens' if self.open else 'closes'}"


@dataclass(frozen=True)
class NewPod:
    """Somebody starts a pod without an owner on a node: a refusal for whoever drains it."""

    name: str
    pick: float

    def __str__(self) -> str:
        return f"a bare pod {self.name} on a node"


@dataclass(frozen=True)
class NodeSilent:
    """A node is not ready for a while: its pods neither start nor stop."""

    pick: float
    seconds: float

    def __str__(self) -> str:
        return f"a node is silent for {self.seconds:g} s"


@dataclass(frozen=True)
class ByHand:
    """Somebody uncordons a node of ours with kubectl."""

    pick: float

    def __str__(self) -> str:
        return "kubectl uncordon of a node of ours"


@dataclass(frozen=True)
class Ask:
    """`/drain` for some nodes, with flags. `doubled`: the delivery comes twice."""

    who: str
    picks: tuple[float, ...]
    plan_only: bool
    flags: str
    doubled: bool

    def __str__(self) -> str:
        what = "plans" if self.plan_only else "drains"
        nodes = f"{len(self.picks)} node{'s' * (len(self.picks) > 1)}"
        return f"{self.who} {what} {nodes} {self.flags}".rstrip() + ", twice" * self.doubled


@dataclass(frozen=True)
class Clash:
    """People answer one open question at once. `choices` says who takes which of its buttons."""

    pick: float
    choices: tuple[tuple[str, float], ...]
    doubled: bool

    def __str__(self) -> str:
        names = ", ".join(name for name, _ in self.choices)
        return f"{names} answer a question{', each twice' * self.doubled}"


@dataclass(frozen=True)
class Steer:
    """`/drain pause|resume|abort` of an operation under way."""

    who: str
    verb: Verb
    pick: float

    def __str__(self) -> str:
        return f"{self.who}: {self.verb}"


@dataclass(frozen=True)
class GiveBack:
    """`/drain uncordon|maintenance|return` of a node that an operation left cordoned."""

    who: str
    verb: Care
    pick: float

    def __str__(self) -> str:
        return f"{self.who}: {self.verb} of a node"


@dataclass(frozen=True)
class Late:
    """A delivery of long ago comes once more."""

    pick: float

    def __str__(self) -> str:
        return "an old delivery comes again"


Fault = (
    Kill | Term | Still | RedisDies | RedisStalls | Forget | Cut | Slow | Silent | LostReplies
    | ApiErrors | Watches | SlackErrors
)  # fmt: skip
World = Budget | NewPod | NodeSilent | ByHand
Act = Ask | Clash | Steer | GiveBack | Late
Happening = Fault | World | Act


@dataclass(frozen=True, order=True)
class Event:
    """A happening and when, in seconds from the beginning."""

    at: float
    number: int
    what: Happening

    def __str__(self) -> str:
        return f"{self.at:8.2f} s  {self.what}"
