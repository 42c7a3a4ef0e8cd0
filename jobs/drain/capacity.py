"""Do the pods that move fit on the other nodes? Said only where it can be shown, by requests.

The dangerous answer is a wrong "fits". So it is given only where a place was found for every pod,
one after the other, on nodes that take pods: Ready, not cordoned, without taints that keep pods
off. Then, for each resource, the free sum suffices and the largest pod has a node. What is short
is said in numbers; where neither can be shown (room that is scattered, pods that want devices or
tolerate taints, others that wait for room already) the answer is that it is not known. What a pod
wishes beyond that and its nodeSelector is not looked at, but counted: `Room.unchecked`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.drain.facts import Node, Pod
from jobs.drain.filters import Fate
from jobs.models import Room

_NAMED = 3  # pods that are too large, which an answer names
_KEEPS_OFF = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, slots=True)
class Amount:
    """Thousandths of a core, bytes, and places for pods."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Return both together."""
        return Amount(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)

    def less(self, other: "Amount") -> "Amount":
        """Return what is left; below 0 where a node is overcommitted."""
        return Amount(self.cpu - other.cpu, self.memory - other.memory, self.pods - other.pods)

    def holds(self, other: "Amount") -> bool:
        """Whether it suffices; what isn't wanted may be short, as the scheduler has it."""
        return (
            (not other.cpu or self.cpu >= other.cpu)
            and (not other.memory or self.memory >= other.memory)
            and self.pods >= other.pods
        )

    @property
    def usable(self) -> "Amount":
        """What can be given away: nothing of a resource that is overcommitted."""
        return Amount(max(0, self.cpu), max(0, self.memory), max(0, self.pods))


@dataclass(frozen=True, slots=True)
class Want:
    """What one pod that moves asks of its next node.

    `selector` is its nodeSelector. `tolerant`: it tolerates taints that others don't, so it may
    have nodes that were not counted. `devices`: it wants resources that few nodes have, such as a
    GPU. `picky`: it wishes more than is looked at here.
    """

    pod: str
    amount: Amount
    selector: Mapping[str, str] = field(default_factory=dict)
    tolerant: bool = False
    devices: bool = False
    picky: bool = False


@dataclass(frozen=True, slots=True)
class Free:
    """What is free on a node, and those of its labels that some pod asks for."""

    amount: Amount
    labels: Mapping[str, str] = field(default_factory=dict)

    def suits(self, want: Want) -> bool:
        """Whether the pod may run on the node, room or not."""
        return all(self.labels.get(key) == value for key, value in want.selector.items())


@dataclass(frozen=True, slots=True)
class Load:
    """What one pod of the cluster takes; `node` is empty for one that waits for a node."""

    node: str
    amount: Amount


def takes_pods(node: Node) -> bool:
    """Whether the scheduler puts pods on a node that tolerate nothing."""
    return (
        node.ready
        and not node.unschedulable
        and not node.deletion
        and not any(taint.effect in _KEEPS_OFF for taint in node.taints)
    )


def comes_back(pod: Pod, fate: Fate) -> bool:
    """Whether a pod of a drained node will want a place on another one.

    One without an owner never comes back, a finished one has no need to, and a DaemonSet's is for
    its node alone. Of those that terminate already only a StatefulSet's has no replacement yet.
    """
    owner = pod.controller
    if owner is None or owner.kind == "DaemonSet" or pod.finished:
        return False
    if fate is Fate.WAIT:
        return owner.kind == "StatefulSet"
    return fate in {Fate.EVICT, Fate.REFUSE}


def room(wants: Sequence[Want], free: Iterable[Free], waiting: Amount | None = None) -> Room:
    """Say whether the pods fit into what is free.

    `waiting` is what all pods ask for that wait for a node already: they may be first.
    """
    nodes = [Free(node.amount.usable, node.labels) for node in free]
    unchecked = sum(want.picky for want in wants)
    total = _sum(node.amount for node in nodes)
    wanted = _sum(want.amount for want in wants)
    if _placed(wants, nodes):
        if devices := sum(want.devices for want in wants):
            said = "1 pod wants" if devices == 1 else f"{devices} pods want"
            return Room(unchecked=unchecked, why=f"{said} devices, which were not counted")
        if not wants or waiting is None or total.holds(wanted.plus(waiting)):
            return Room(fits=True, unchecked=unchecked)
        few = "1 other pod waits" if waiting.pods == 1 else f"{waiting.pods} other pods wait"
        return Room(unchecked=unchecked, why=f"{few} for room already")
    tolerant = sum(want.tolerant for want in wants)
    if tolerant and _placed([want for want in wants if not want.tolerant], nodes):
        said = "1 pod tolerates" if tolerant == 1 else f"{tolerant} pods tolerate"
        return Room(unchecked=unchecked, why=f"{said} taints of nodes that were not counted")
    short = wanted.less(total).usable
    homeless = tuple(_homeless(wants, nodes))
    if short == Amount() and not homeless:
        return Room(unchecked=unchecked, why="the free room is in pieces")
    return Room(
        fits=False,
        short_cpu=short.cpu,
        short_memory=short.memory,
        short_pods=short.pods,
        too_large=homeless,
        unchecked=unchecked,
    )


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = Amount()
    for amount in amounts:
        total = total.plus(amount)
    return total


def _homeless(wants: Iterable[Want], nodes: Sequence[Free]) -> Iterator[str]:
    """Name pods that no node has room for, were they to come alone: the largest first."""
    left = _NAMED
    emptiest = sorted(nodes, key=lambda n: (n.amount.cpu, n.amount.memory), reverse=True)
    for want in sorted(wants, key=_size, reverse=True):
        if left and not any(n.suits(want) and n.amount.holds(want.amount) for n in emptiest):
            left -= 1
            yield want.pod


def _placed(wants: Sequence[Want], nodes: Sequence[Free]) -> bool:
    """Whether a place is found for every pod: the largest first, the emptiest node first.

    Pods that may not run everywhere choose before the others.
    """
    left = [node.amount for node in nodes]
    order = sorted(range(len(nodes)), key=lambda n: (left[n].cpu, left[n].memory), reverse=True)
    for want in sorted(wants, key=lambda w: (bool(w.selector), *_size(w)), reverse=True):
        for number in order:
            if left[number].holds(want.amount) and nodes[number].suits(want):
                left[number] = left[number].less(want.amount)
                break
        else:
            return False
    return True


def _size(want: Want) -> tuple[int, int]:
    # A core usually comes with 4 GiB: that makes the two comparable.
    return max(want.amount.cpu, want.amount.memory * 1000 // 2**32), want.amount.memory
