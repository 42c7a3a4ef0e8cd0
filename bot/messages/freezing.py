"""A freeze in words: what is told to whoever froze a cluster, or thawed it."""

from bot.messages.style import MRKDWN, Style
from jobs.models import Freeze, Froze

__all__ = ["froze_words", "frozen_since"]


def froze_words(froze: Froze, verb: str, style: Style = MRKDWN) -> str:
    """Tell what became of `freeze` or `thaw`."""
    cluster = style.text(froze.cluster)
    if verb == "thaw":
        if froze.changed:
            return f"{cluster} is thawed: what waited goes on."
        return f"{cluster} was not frozen. Nothing changed."
    if froze.changed:
        return (
            f"{cluster} is frozen: no new eviction anywhere in it, beyond requests on their way. "
            "Operations wait until somebody thaws it."
        )
    since = f" {frozen_since(froze.freeze, style)}" if froze.freeze else ""
    return f"{cluster} was frozen already{since}. Nothing changed."


def frozen_since(freeze: Freeze, style: Style) -> str:
    """Say who froze it, when and why: `by @ana at 14:12: storage is degraded`."""
    why = f": {style.text(freeze.reason, 500)}" if freeze.reason else ""
    return f"by {style.person(freeze.by)} at {style.time(freeze.at)}{why}"
