"""What is counted of a cluster, for whoever watches over drainbot."""

from pydantic import Field

from jobs.models.base import Frozen


class Readings(Frozen):
    """Counts of one cluster: of what is live by state, and since its state began of what happened.

    `evictions` are by answer, `ended` by how operations ended. `oldest_question` is the seconds
    that the oldest open question has waited. `reaped` counts workflows that were taken from a
    process that was gone. `api_away` is for how many seconds the API server has not answered, 0
    while it does, and in the first two minutes.
    """

    cluster: str
    live: dict[str, int] = Field(default_factory=dict)
    ended: dict[str, int] = Field(default_factory=dict)
    evictions: dict[str, int] = Field(default_factory=dict)
    open_questions: int = 0
    oldest_question: float = 0
    reaped: int = 0
    api_away: float = 0
