"""An API server that nobody could ask for a while: since when, and what was seen afterwards."""

from pydantic import Field

from jobs.models.base import Frozen


class Outage(Frozen):
    """A time in which a cluster's API server was away; all times in ms since the epoch.

    `since`: when it was last heard; `why` is what a try brought. `said_at` is when it had been
    away for long enough to be said, 0 before. `operations` are those that ran then, or whose nodes
    are kept out of service; `nodes` the latter's nodes, which nobody could see to.

    `back_at`: when it answered again, 0 before. What was seen then, once all was looked at
    (`over`): `held` are nodes whose fence held, `lost` those whose fence was lost, with the
    evidence; of the cluster's `total` nodes `unready` were not Ready, the first of them
    `not_ready`.
    """

    cluster: str
    since: int
    why: str = ""
    said_at: int = 0
    operations: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    back_at: int = 0
    over: bool = False
    held: tuple[str, ...] = ()
    lost: dict[str, str] = Field(default_factory=dict)
    not_ready: tuple[str, ...] = ()
    unready: int = 0
    total: int = 0

    @property
    def away(self) -> bool:
        """Whether the API server is away now, and long enough for that to have been said."""
        return bool(self.said_at) and not self.back_at
