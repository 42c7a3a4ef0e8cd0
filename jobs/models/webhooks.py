"""A webhook: a word with which an outside system settles one question, once, until it expires."""

from typing import Literal

from jobs.models.base import Frozen


class Webhook(Frozen):
    """What a webhook is for, and what became of it; never the word itself.

    `id` is the beginning of the word's hash. Times in ms since the epoch, 0 for what has not
    happened. `scopes` are those of the token that it was made with; None: made without one.
    """

    id: str
    cluster: str
    question: str
    operation: str = ""
    choice: str
    team: str
    user: str
    scopes: tuple[str, ...] | None = None
    made_at: int
    expires_at: int
    used_at: int = 0
    revoked_at: int = 0
    revoked_by: str = ""

    @property
    def by(self) -> str:
        """Who made it, as `team:user`."""
        return f"{self.team}:{self.user}"

    def state(self, now: int) -> Literal["open", "used", "revoked", "expired"]:
        """Return how it stands `now` (ms)."""
        if self.used_at:
            return "used"
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= now else "open"
