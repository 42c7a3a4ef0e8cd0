"""Drains side by side: drainbot, the simulated cluster's own floor, and `kubectl drain`.

All three drain the same scene, begun anew for each of them. What is timed is the same for all: from
before the first thing is asked of anybody until the nodes are cordoned and empty, and whoever
drains knows it. For drainbot that is from the submission until its view shows all nodes as drained
(:meth:`sandbox.bench.ours.Ours.drain`); for the floor from before its first request until its watch
told of the last pod's end (:mod:`sandbox.bench.floors`); for kubectl from its start to its end. A
pod that is still there after that ends the bench.

Runs of the floor and of drainbot take turns, so that what else the machine does hits both; a figure
is the median, and `..._over_floor` the median of each pair's own ratio. kubectl, which takes tens
of seconds, runs once. drainbot has a cluster of its own, and idles while the others drain theirs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from sandbox.bench.arena import Arena, arena
from sandbox.bench.budgets import freed_times
from sandbox.bench.figures import report, say
from sandbox.bench.floors import Floor, floor
from sandbox.bench.kubectl import kubectl, kubectl_drain
from sandbox.bench.ours import Ours, Took, ours
from sandbox.cluster import Scenario


@dataclass
class Race:
    """Who drains which nodes: drainbot in one arena, all others in another that is like it.

    `namespace` is where a budget covers all pods, which the floor has to keep.
    """

    ours: Ours
    floor: Floor
    theirs: Arena
    nodes: Sequence[str]
    at_once: int
    namespace: str = ""
    took: list[Took] = field(default_factory=list)
    floors: list[float] = field(default_factory=list)
    freed_to_eviction: list[float] = field(default_factory=list)  # ms

    @property
    def seconds(self) -> list[float]:
        """What drainbot took, each time."""
        return [took.seconds for took in self.took]

    def pairs(self, count: int, *, warm_up: bool = True) -> None:
        """Let the floor and drainbot drain in turn, so often; one pair before to warm up."""
        say(f"{count} pairs of the floor and drainbot")
        for _ in range(count + warm_up):
            self.run_floor()
            self.run_ours()
        self.floors, self.took = self.floors[-count:], self.took[-count:]

    def run_ours(self) -> None:
        """Let drainbot drain; under a budget, note how soon it evicts once that is free."""
        arena = self.ours.arena
        arena.reset()
        if self.namespace:
            with freed_times(arena, self.namespace) as freed:
                self.took.append(self.ours.drain(self.nodes))
            self.freed_to_eviction += freed.to_eviction(arena.evictions())
        else:
            self.took.append(self.ours.drain(self.nodes))
        self._check(arena)

    def run_floor(self) -> None:
        """Let the floor drain."""
        self.theirs.reset()
        self.floors.append(
            self.floor.drain(
                self.theirs.port, list(self.nodes), at_once=self.at_once, namespace=self.namespace
            )
        )
        self._check(self.theirs)

    def run_kubectl(self) -> Took | None:
        """Let kubectl drain, one process a node; None where there is no kubectl."""
        program = kubectl()
        if program is None:
            return None
        say("kubectl drain, once")
        self.theirs.reset()
        took = kubectl_drain(program, self.theirs, self.nodes)
        self._check(self.theirs)
        return took

    def report(self, figure: str) -> None:
        """Print drainbot's and the floor's seconds, and how many times the floor ours are."""
        report(f"{figure}_s", median(self.seconds), "s", len(self.seconds))
        report(f"{figure}_floor_s", median(self.floors), "s", len(self.floors))
        self.report_ratio(figure)

    def report_ratio(self, figure: str) -> None:
        """Print how many times the floor's seconds drainbot's are."""
        ratios = [ours / floor for ours, floor in zip(self.seconds, self.floors, strict=True)]
        report(f"{figure}_over_floor", median(ratios), "times", len(ratios))

    def _check(self, arena: Arena) -> None:
        left = sum(arena.pods_on(node) for node in self.nodes)
        if left:
            raise RuntimeError(f"{left} pods are left on nodes that count as drained")


@contextmanager
def race(
    scene: Scenario, nodes: Sequence[str], *, at_once: int, namespace: str = ""
) -> Iterator[Race]:
    """Set the scene twice, with a worker that has a slot for each node at once."""
    with (
        arena(scene) as own,
        arena(scene) as theirs,
        floor() as bare,
        ours(own, slots=at_once, nodes_away=at_once) as drainbot,
    ):
        yield Race(drainbot, bare, theirs, nodes, at_once, namespace)
