"""Workloads that run several copies of a pod: which of these may leave without taking it down.

A budget says how many copies must stay. Where none covers a pod, at least one ready copy stays
anyway, unless people were told and agreed (kubectl takes down whatever has no budget).

Two kinds of evidence let a pod go. The *count* in its owner's status, read before the first
eviction, is cheap and covers most workloads; it may lag, so it is believed for a short while only,
and every pod that was sent since counts as gone. A *look* at the workload's pods is exact: it is
taken when the count has no room left, again and again while there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from jobs.drain.facts import Owner, Pod
from jobs.drain.gates import backoff

REPLICATED = frozenset({"ReplicaSet", "StatefulSet", "ReplicationController"})
# Whose counts tell nothing here: a StatefulSet's ready pods include those that are being deleted,
# while their grace lasts (pkg/controller/statefulset, computeReplicaStatus). Only a look tells.
UNCOUNTED = frozenset({"StatefulSet"})
FRESH = 10_000  # ms for which a count or a look is believed
ANY = 1_000_000  # room for all: only to let others know who went
SHOWN = 64  # copies that a place names at most: enough that one of them stays
FIRST_LOOK = 100  # ms after the room is used up: replacements of the first may be ready by then
LOOK_AGAIN, LOOK_SELDOM = 500, 5_000  # ms between looks that find no room: the first, the longest
SETTLE = 15_000  # ms after which leave that was given has reached the cluster, or never will


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A workload's pods on other nodes, as they were at one moment.

    `ready` holds uids of pods that are ready and not being deleted: all of them, or enough.
    `coming` counts pods that may still become ready. `replicas` is how many its owner wants.
    """

    kind: str
    namespace: str
    name: str
    replicas: int
    ready: frozenset[str] = frozenset()
    coming: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is known of a workload that has pods on the node. Times in ms.

    `name` is what people know it by, `namespace/name`, empty while it was never read. `ready` is
    its owner's count of ready pods, which holds until a look is there; `taken` are the pods that
    were sent since. `elsewhere` is what the last look found on other nodes, None before the first.
    `looks` counts those in a row that found no room; the next one is due at `look_at`.
    """

    kind: str = ""
    name: str = ""
    replicas: int = -1
    ready: int = 0
    read_at: int = 0
    taken: frozenset[str] = frozenset()
    elsewhere: frozenset[str] | None = None
    coming: int = 0
    looks: int = 0
    look_at: int = 0
    gone: bool = False

    @property
    def single(self) -> bool:
        """Whether it is meant to have one copy at most."""
        return 0 <= self.replicas <= 1

    @property
    def hopeless(self) -> bool:
        """Whether waiting can't help: no other copy is ready, none comes, and none is wanted."""
        return self.single and self.elsewhere is not None and not (self.elsewhere or self.coming)

    def fresh(self, now: int) -> bool:
        """Whether what is known may be believed."""
        return self.read_at > 0 and now - self.read_at <= FRESH

    def room(self, here: int) -> int:
        """How many of its pods may go; `here` are those that are ready on the node and stay yet."""
        if self.elsewhere is None:
            return self.ready - 1 - len(self.taken)
        return here if self.elsewhere else here - 1

    def sent(self, uid: str, now: int) -> "Workload":
        """Note that a pod of it is about to go."""
        if self.elsewhere is not None:
            return self
        found = replace(self, taken=self.taken | {uid})
        if found.room(0) > 0:
            return found
        # Replacements need a moment: a look right now would find nothing new.
        return replace(found, look_at=max(self.look_at, now + FIRST_LOOK))

    def kept(self, uid: str) -> "Workload":
        """Note that a pod was not sent after all."""
        return replace(self, taken=self.taken - {uid})

    def looked(self, look: Look, here: int, at: int, now: int) -> "Workload":
        """Take over what a look found that was taken at `at`."""
        found = replace(
            self,
            kind=look.kind,
            name=f"{look.namespace}/{look.name}",
            replicas=look.replicas,
            read_at=at,
            taken=frozenset(),
            elsewhere=look.ready,
            coming=look.coming,
        )
        return replace(found, looks=0) if found.room(here) > 0 else found.again(now)

    def again(self, now: int) -> "Workload":
        """Look again, after a while that grows."""
        wait = backoff(self.looks + 1, LOOK_AGAIN, LOOK_SELDOM)
        return replace(self, looks=self.looks + 1, look_at=now + wait)

    def crowded(self, now: int) -> "Workload":
        """Note that others have taken the room that it seemed to have: only a new look tells.

        At once where that was a count, which is rough. Of several pods that were sent together the
        first says it for all: each of them must not make the wait longer.
        """
        if not self.read_at:
            return self
        if self.elsewhere is None:
            return replace(self, read_at=0, look_at=now)
        return replace(self.again(now), read_at=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What must hold over all drains for a pod to go: fewer than `room` others went after `since`.

    Of those in `of`, or of all pods of the workload (`name`) where it is None. Times in ms.
    """

    name: str
    member: str
    room: int
    since: int
    of: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workloads:
    """All that have pods on the node, and what people agreed to.

    `known` is by `namespace/kind/name`, or by the uid of a controller that was never read; `keys`
    maps such uids to those names: the ReplicaSets of one Deployment are one workload. `named` are
    those, as `namespace/name`, that the plan said are down while their only pod moves;
    `down_anyway` the uids of pods that were let go later.
    """

    known: Mapping[str, Workload] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    down_anyway: frozenset[str] = frozenset()

    def key(self, pod: Pod) -> str:
        """Return the workload that a pod is a serving copy of, "" if it is of none."""
        if pod.controller is None or pod.controller.kind not in REPLICATED:
            return ""
        if not pod.ready or pod.terminating or pod.finished or pod.phase == "Pending":
            return ""
        return self.keys.get(pod.controller.uid, pod.controller.uid)

    def get(self, key: str) -> Workload:
        """Return a workload, one of which nothing is known where it was never read."""
        return self.known.get(key) or Workload()

    def spares(self, key: str, pod: Pod) -> bool:
        """Whether this pod may go only if another copy of its workload stays."""
        workload = self.get(key)
        agreed = workload.single and workload.name in self.named
        return not (workload.gone or agreed or pod.uid in self.down_anyway)

    def place(self, key: str, pod: Pod, staying: Sequence[str]) -> Place:
        """Return what must hold over all drains for a pod to go.

        `staying` are uids of copies on the node that stay yet, other than this one.
        """
        workload = self.get(key)
        place = Place(name=key, member=pod.uid, room=ANY, since=workload.read_at - SETTLE)
        if not self.spares(key, pod):
            return place
        if workload.elsewhere is None:
            return replace(place, room=workload.ready - 1)
        of = (*sorted(workload.elsewhere), *sorted(staying))[:SHOWN]
        return replace(place, room=len(of), of=of)

    def put(self, key: str, workload: Workload) -> "Workloads":
        """Return it with that workload as given."""
        return replace(self, known={**self.known, key: workload})

    def counted(self, controller: str, owner: Owner, as_of: int) -> "Workloads":
        """Take in an owner's count, by the uid of the controller that it was read for.

        The counts of one Deployment's ReplicaSets add up.
        """
        key = f"{owner.namespace}/{owner.kind}/{owner.name}"
        old = self.known.get(key)
        workload = Workload(
            kind=owner.kind,
            name=f"{owner.namespace}/{owner.name}",
            replicas=owner.replicas + (old.replicas if old else 0),
            ready=owner.ready + (old.ready if old else 0),
            read_at=as_of,
        )
        return replace(self.put(key, workload), keys={**self.keys, controller: key})

    def looked(self, controller: str, look: Look, here: int, at: int, now: int) -> "Workloads":
        """Take in a look that was taken for a controller at `at` (ms)."""
        old = self.keys.get(controller, controller)
        key = f"{look.namespace}/{look.kind}/{look.name}"
        workload = (self.known.get(key) or self.get(old)).looked(look, here, at, now)
        return replace(self.put(key, workload), keys={**self.keys, controller: key})
