"""What may be set of the notifier."""

from dataclasses import dataclass, field

from bot.sender import SenderSettings

__all__ = ["NotifierSettings"]


@dataclass(frozen=True)
class NotifierSettings:
    """What may be set; times in seconds.

    `progress`: how often running operations are looked at, and one message is updated at most.
    `wait`: how long one look for changes blocks. `sweep`: how often the recent operations are
    compared anyway, ended `recent` ago at most, or `missed` ago if they were told of and their end
    was not, as while Slack was away. More than `summary_above` lines of a story that
    wait together become one message. `workspace` is its address at Slack.
    """

    fallback_channel: str = ""
    workspace: str = ""
    lease: float = 12
    progress: float = 1.5
    wait: float = 0.25
    sweep: float = 30
    recent: float = 3600
    missed: float = 86_400
    note_expires: float = 600
    summary_above: int = 3
    batch: int = 10
    doubt: float = 3
    sender: SenderSettings = field(default_factory=SenderSettings)
