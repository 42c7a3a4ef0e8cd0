"""Wait for a person who has paused or frozen, before something new begins."""

from collections.abc import Sequence

from jobs.durable import Activity
from jobs.resources import Resources

LOOK_AGAIN = 5_000  # ms between two looks at workflows whose end wakes nobody that rests


def wait_while_paused(act: Activity[Resources]) -> None:
    """Return when nothing is paused or frozen; holds no slot meanwhile. An abort ends it.

    It is an activity so that a replay does not wait again where it has gone on already.
    """
    act.tick()
    if act.flags.held:
        act.rest(until=0)


def wait_for_turn(act: Activity[Resources], *, running: Sequence[str]) -> bool:
    """Return True when nothing is paused or frozen; False if before that a workflow has ended.

    `running` are those whose end whoever waits has to see to, also while it may begin nothing new.
    """
    act.tick()
    if not act.flags.held:
        return True
    records = map(act.resources.store.workflow, running)
    if any(record is None or record.final for record in records):
        return False
    act.rest(until=act.now() + LOOK_AGAIN)
    raise AssertionError  # a rest never returns
