"""Cordons of drainbot's without an operation, as they are shown."""

from pydantic import Field

from jobs.models.base import Frozen


class OrphanView(Frozen):
    """A node with a mark of drainbot's that no operation stands behind.

    `since` as the node says it; `stays_cordoned`: an undo takes only the marks away, because the
    cordon was there before. `foreign`: the mark is another drainbot's, and is left alone. `what`
    says what became of it.
    """

    node: str
    uid: str
    operation: str
    since: str = ""
    requested_by: str = ""
    reason: str = ""
    cordoned: bool = True
    stays_cordoned: bool = False
    foreign: bool = False
    undone: bool = False
    what: str = ""


class OrphansView(Frozen):
    """What a look for orphans found; `refused` says, by node, why one that was named stays."""

    cluster: str
    orphans: tuple[OrphanView, ...] = ()
    refused: dict[str, str] = Field(default_factory=dict)
    failed: str = ""


class LostState(Frozen):
    """What a state that was lost with Redis left behind in the cluster.

    `at`: when that was noticed, in ms since the epoch; `orphans`: its cordons, by their marks.
    """

    cluster: str
    at: int
    orphans: tuple[OrphanView, ...]
