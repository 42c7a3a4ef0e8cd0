"""One budget as a gate: how many evictions may be tried under it now.

The server alone decides; a gate only spares it requests that it would refuse. It opens for as many
pods as the budget's status allows, less those on their way; while it allows none, or nothing is
known, for one pod at a time: at once, then 100 ms to 10 s after a refusal, and every 10 s where
the counts say no as well. So nothing depends on the watch alone: without it, a freed budget is
found by the next try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jobs.drain.answers import Blocked, BudgetBroken
from jobs.drain.facts import Budget

Key = tuple[str, str]


def backoff(attempts: int, first: int, most: int) -> int:
    """Return how long to wait after that many refusals in a row, in milliseconds."""
    doublings: int = 1 << min(attempts - 1, 30)
    return min(most, first * doublings)


@dataclass(frozen=True, slots=True)
class Gate:
    """What is known of one budget and of our own evictions under it.

    `flights` maps the uid of an eviction on its way to (pod name, resourceVersion of the facts
    when it was sent). `unaccounted` holds names of accepted pods that the budget's counts do not
    show yet; `accounted` those that they have shown already.
    """

    facts: Budget | None = None
    attempts: int = 0
    not_before: int = 0
    refused: Blocked | BudgetBroken | None = None
    refused_since: int = 0
    flights: tuple[tuple[str, str, str], ...] = ()
    unaccounted: frozenset[str] = frozenset()
    accounted: frozenset[str] = frozenset()
    shut: bool = False  # the server refused on the facts that we have: believe it, not them

    def tokens(self) -> int:
        """How many more evictions the known counts would let pass."""
        if self.facts is None or not self.facts.fresh or self.facts.sync_failed or self.shut:
            return 0
        flying = sum(1 for _, name, _ in self.flights if name not in self.accounted)
        return self.facts.disruptions_allowed - flying - len(self.unaccounted)

    def room(self, now: int) -> int:
        """How many evictions may be sent under it now."""
        tokens = self.tokens()
        if tokens > 0:
            return tokens
        return 1 if not self.flights and now >= self.not_before else 0

    @property
    def closed(self) -> bool:
        """Whether its last word was no, and nothing has spoken against it since."""
        return self.refused is not None and self.tokens() <= 0

    def sent(self, uid: str, name: str) -> "Gate":
        """Note an eviction on its way."""
        version = self.facts.resource_version if self.facts else ""
        return replace(self, flights=(*self.flights, (uid, name, version)))

    def back(self, uid: str) -> "Gate":
        """Note that it is no longer on its way, whatever came of it."""
        return replace(self, flights=tuple(each for each in self.flights if each[0] != uid))

    def accepted(self, uid: str, now: int, most: int) -> "Gate":
        """Note that it was let pass.

        Unless the known counts have room, the next one waits for news, at most `most` ms.
        """
        name = next((name for known, name, _ in self.flights if known == uid), "")
        unaccounted = self.unaccounted
        if name and self.facts is not None and name not in self.accounted:
            unaccounted |= {name}
        return replace(
            self.back(uid),
            attempts=0,
            not_before=now if self.facts is None else now + most,
            refused=None,
            refused_since=0,
            unaccounted=unaccounted,
        )

    def was_refused(
        self, uid: str, answer: Blocked | BudgetBroken, now: int, first: int, most: int
    ) -> "Gate":
        """Note a refusal. `first` and `most` bound the wait, in milliseconds."""
        sent_on = next((version for known, _, version in self.flights if known == uid), None)
        asked = answer.retry_after if isinstance(answer, Blocked) else 0
        attempts = self.attempts + 1
        # Where our counts say no as well, their watch will say when: only look in now and then.
        agreed = self.facts is not None and self.facts.fresh and self.facts.disruptions_allowed <= 0
        wait = max(most if agreed else backoff(attempts, first, most), int(asked * 1000))
        # Freed between the server's decision and now: that news must not be lost.
        newer = (
            self.facts is not None
            and sent_on is not None
            and self.facts.resource_version != sent_on
        )
        return replace(
            self.back(uid),
            attempts=attempts,
            not_before=max(self.not_before, now + wait),
            refused=answer,
            refused_since=self.refused_since or now,
            shut=not newer,
        )

    def changed(self, facts: Budget) -> "Gate":
        """Take over new counts."""
        names = {name for _, name, _ in self.flights} | self.unaccounted
        return replace(
            self,
            facts=facts,
            shut=False,
            accounted=self.accounted | (facts.disrupted & names),
            unaccounted=self.unaccounted - facts.disrupted,
        )

    def left(self, name: str) -> "Gate":
        """Note that a pod is gone: the counts that come after it show that."""
        if name not in self.unaccounted and name not in self.accounted:
            return self
        return replace(
            self, unaccounted=self.unaccounted - {name}, accounted=self.accounted - {name}
        )


def gate_of(gates: Mapping[Key, Gate], namespace: str, name: str) -> Gate:
    """Return the gate of a budget, a new one if it is not known yet."""
    return gates.get((namespace, name)) or Gate()
