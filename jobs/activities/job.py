"""What the emptying of one node is told: which node, what people decided, and how patiently."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from jobs.drain.filters import Rules
from jobs.drain.pacing import DrainState, Pace
from jobs.drain.workloads import Workloads
from jobs.models import DrainOptions, Requirements


@dataclass(frozen=True)
class Job:
    """What is to be done, on which node, and how patiently. Times in ms since the epoch.

    `round` is when this round began, `gone` how many pods left before it; `owners` is what was
    found before the first eviction; `braked`: people were told that evictions wait.
    """

    operation: str
    node: str
    uid: str
    options: DrainOptions
    needs: Requirements
    round: int
    deadline: int
    gone: int
    owners: dict[str, Any]
    braked: bool

    @classmethod
    def read(
        cls,
        operation: str,
        node: str,
        uid: str,
        options: Mapping[str, Any],
        requirements: Mapping[str, Any],
        owners: dict[str, Any],
        so_far: Mapping[str, Any],
    ) -> Self:
        """Read it as the workflow passes it; see :func:`jobs.activities.empty.empty_node`."""
        wanted = DrainOptions.model_validate(options)
        needs = Requirements.model_validate(requirements)
        timeout = (wanted.timeout or needs.node_timeout) + so_far["postponed"]
        return cls(
            operation=operation,
            node=node,
            uid=uid,
            options=wanted,
            needs=needs,
            round=so_far["since"],
            deadline=so_far["started"] + int(timeout * 1000),
            gone=so_far["gone"],
            owners=owners,
            braked=so_far["braked"],
        )

    def begin(self, decided: Mapping[str, list[str]]) -> DrainState:
        """Return the state of a drain that has seen nothing yet."""
        anyway = frozenset(decided["evict_anyway"])
        return DrainState(
            rules=Rules.of(self.options, evict_anyway=anyway, long_work=self.needs.long_work),
            workloads=Workloads(
                named=frozenset(decided["named"]), down_anyway=frozenset(decided["down_anyway"])
            ),
            pace=Pace(
                in_flight=self.needs.evictions_in_flight,
                slack=int(self.needs.terminating_slack * 1000),
                grace=self.options.grace_period,
            ),
        )
