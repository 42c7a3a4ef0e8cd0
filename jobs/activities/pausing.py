"""Wait for a person who has paused or frozen, before something new begins."""

from jobs.durable import Activity
from jobs.resources import Resources


def wait_while_paused(act: Activity[Resources]) -> None:
    """Return when nothing is paused or frozen; holds no slot meanwhile. An abort ends it.

    It is an activity so that a replay does not wait again where it has gone on already.
    """
    act.tick()
    if act.flags.held:
        act.rest(until=0)
