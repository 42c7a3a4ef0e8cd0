"""Force: exactly the named pods, by uid, with their own grace, one at a time.

A pod that is past its time already (a dead kubelet, or one that hangs) is deleted without any
grace, as `kubectl delete --force --grace-period=0` does: nobody confirms its end then. One that a
finalizer holds stays until whoever set that removes it.

The next one goes when the replacement of the last is ready, or after a minute: a person decided to
go past a budget, not to take a workload down at once. That holds for the pods of several nodes too,
where one decision was about all of them: they share a turn, which a pod has until its replacement
is ready. Whoever had it and died has it for that minute.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from jobs.drain.wellness import SETTLED

NEXT_AFTER = 60_000  # ms that a replacement has to become ready
LOOK_EVERY = 500  # ms between two looks at the owner


class Turn(StrEnum):
    """What to do next."""

    DELETE = "delete"
    LOOK = "look"  # at the owner of the one that was deleted last
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forcing:
    """The pods that are still to be forced, and the one that is under way. Times in ms.

    `ready_before` is how many of its owner's pods were ready before (-1: not known), and `fell`:
    they were fewer since. `turn_of` is what pods of other nodes take turns for as well; "" where
    there are none.
    """

    todo: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    current: str = ""
    ready_before: int = -1
    sent_at: int = 0
    looked_at: int = 0
    first_look: int = 0
    fell: bool = False
    turn_of: str = ""

    @property
    def busy(self) -> bool:
        """Whether a pod is still to be forced, or its replacement is waited for."""
        return bool(self.todo or self.current)

    def turn(self, present: frozenset[str], now: int) -> Turn:
        """Say what comes next; `present` are the uids that are on the node."""
        if self.current:
            nobody_waits = not self.todo and not self.turn_of
            last = self.ready_before < 0 or nobody_waits  # for its replacement
            if self.current not in present and last:
                return Turn.DONE
            if now - self.sent_at >= NEXT_AFTER:
                return Turn.DONE
            ripe = self.current not in present and now - self.looked_at >= LOOK_EVERY
            return Turn.LOOK if ripe else Turn.WAIT
        return Turn.DELETE if self.todo else Turn.DONE

    def sent(self, uid: str, name: str, *, ready_before: int, now: int) -> "Forcing":
        """Note that a pod's deletion was accepted."""
        return Forcing(
            todo=tuple(other for other in self.todo if other != uid),
            done=(*self.done, name),
            current=uid,
            ready_before=ready_before,
            sent_at=now,
            turn_of=self.turn_of,
        )

    def gone(self, uid: str) -> "Forcing":
        """Note that a pod that was to be forced is not there any more."""
        todo = tuple(other for other in self.todo if other != uid)
        return Forcing(todo=todo, done=self.done, turn_of=self.turn_of)

    def looked(self, ready: int, now: int) -> "Forcing":
        """Note how many of the owner's pods are ready now.

        Right after a pod is gone its owner may still count it: as many as before are enough once
        they were fewer, or a moment later.
        """
        first, fell = self.first_look or now, self.fell or ready < self.ready_before
        if ready >= self.ready_before and (fell or now - first >= SETTLED):
            return self.over()
        return replace(self, looked_at=now, first_look=first, fell=fell)

    def over(self) -> "Forcing":
        """Go on to the next one."""
        return Forcing(todo=self.todo, done=self.done, turn_of=self.turn_of)
