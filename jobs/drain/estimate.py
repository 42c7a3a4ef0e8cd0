"""How long a drain may take, before it begins: an estimate, and meant to be read as one.

It rests on what is known beforehand. Each pod is taken to need the whole grace that it is given,
which most don't; each replacement :data:`REPLACEMENT` until it is ready, which some exceed. The
time that people take to answer questions is not in it, nor is a budget that can never be met.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.drain.facts import Budget, Pod
from jobs.models import DrainOptions

REPLACEMENT = 15.0  # seconds until a replacement has been scheduled, started and become ready
REQUEST = 0.1  # seconds that one eviction is in flight


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast pods may be evicted: so many a second (0: no limit), so many requests in flight."""

    evictions_per_second: float = 20.0
    in_flight: int = 32

    @property
    def per_second(self) -> float:
        """Evictions a second that both limits let through."""
        at_most = max(1, self.in_flight) / REQUEST
        return min(self.evictions_per_second or at_most, at_most)


def node_seconds(
    evict: Sequence[Pod],
    waited_for: Iterable[Pod],
    *,
    budgets: Sequence[Budget],
    speed: Speed,
    options: DrainOptions,
    now: int,
) -> int:
    """Estimate the drain of one node, in seconds; `now` in milliseconds.

    `evict` are the pods that move, `waited_for` those that terminate already. Pods under one
    budget go in turns of as many as it allows now, and each turn but the last waits for its
    replacements; a budget that allows none waits for one first. After the last pod the owners
    have to be well again.
    """
    ending = max((max(0, pod.deletion - now) / 1000 for pod in waited_for), default=0.0)
    if not evict:
        return math.ceil(ending)
    paced = 0.0
    if not options.disable_eviction:
        for budget in budgets:
            covered = [pod for pod in evict if budget.covers(pod) and not budget.bypassed_by(pod)]
            if covered:
                paced = max(paced, _in_turns(covered, budget, options))
    sent = len(evict) / speed.per_second
    longest = max(_grace(pod, options) for pod in evict)
    return math.ceil(max(sent + longest, sent + paced, ending) + REPLACEMENT)


def operation_seconds(
    nodes: Sequence[tuple[int, int]], *, away: int, speed: Speed, options: DrainOptions
) -> int:
    """Estimate a whole operation from each node's (seconds, pods that move), in their order.

    At most `away` nodes are away at once, each beginning as soon as another one is done; canaries
    go first, alone, and the rest after them and their soaking. All nodes share one eviction rate.
    """
    first = nodes[: options.canary] if 0 < options.canary < len(nodes) else ()
    rest = nodes[len(first) :]
    total = _lanes([seconds for seconds, _ in rest], away)
    if first:
        total += _lanes([seconds for seconds, _ in first], away) + options.soak
    pods = sum(moving for _, moving in nodes)
    return max(total, math.ceil(pods / speed.per_second))


def _grace(pod: Pod, options: DrainOptions) -> int:
    if pod.finished:
        return 0
    return pod.grace if options.grace_period < 0 else options.grace_period


def _in_turns(pods: Sequence[Pod], budget: Budget, options: DrainOptions) -> float:
    turn = max(_grace(pod, options) for pod in pods)
    turns = math.ceil(len(pods) / max(1, budget.disruptions_allowed))
    first = 0.0 if budget.disruptions_allowed > 0 else REPLACEMENT
    return first + turns * turn + (turns - 1) * REPLACEMENT


def _lanes(seconds: Sequence[int], away: int) -> int:
    """Return when the last of several is done, of which `away` go on at once."""
    lanes = [0] * max(1, min(away, len(seconds)))
    for each in seconds:
        first = lanes.index(min(lanes))
        lanes[first] += each
    return max(lanes)
