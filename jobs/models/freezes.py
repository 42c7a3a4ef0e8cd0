"""A freeze of a cluster: no new eviction anywhere in it until somebody thaws it."""

from jobs.models.base import Frozen


class Freeze(Frozen):
    """Who froze a cluster, when (ms since the epoch) and why; and who thawed it, if it is over."""

    cluster: str
    by: str
    at: int
    reason: str = ""
    thawed_by: str = ""
    thawed_at: int = 0
    thawed_reason: str = ""


class Froze(Frozen):
    """What became of a wish to freeze or to thaw.

    `changed` is False where the cluster was frozen, or not frozen, already. `freeze` is the one
    that holds, or that was ended; None: there was none to end.
    """

    cluster: str
    changed: bool
    freeze: Freeze | None = None
