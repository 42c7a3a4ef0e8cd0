"""Webhooks in words: how each stands, and what became of one that was to be taken back."""

from bot.messages.buttons import choice_label
from bot.messages.style import Style
from jobs.models import Webhook

__all__ = ["hook_line", "revoked_words"]


def hook_line(webhook: Webhook, now_ms: int, style: Style) -> str:
    """Return a webhook as a line: what it answers, whose it is, and until when."""
    answer = choice_label(webhook.choice).rstrip("…")
    made = f"made by {style.person(webhook.by)} {style.time(webhook.made_at, day=True)}"
    return (
        f"{style.text(webhook.id)} {style.text(answer, 60)} to {style.text(webhook.question)}, "
        f"{made}: {_stands(webhook, now_ms, style)}."
    )


def revoked_words(webhook: Webhook, now_ms: int, style: Style) -> str:
    """Tell somebody what became of a webhook that they wanted to take back."""
    name = f"The webhook {style.text(webhook.id)}"
    if webhook.state(now_ms) == "revoked":
        return f"{name} is revoked: it settles nothing any more."
    return f"{name} was {_stands(webhook, now_ms, style)} already. Nothing changed."


def _stands(webhook: Webhook, now_ms: int, style: Style) -> str:
    match webhook.state(now_ms):
        case "used":
            return f"used {style.time(webhook.used_at, day=True)}"
        case "revoked":
            by = style.person(webhook.revoked_by)
            return f"revoked by {by} {style.time(webhook.revoked_at, day=True)}"
        case "expired":
            return f"expired {style.time(webhook.expires_at, day=True)}"
    return f"open until {style.time(webhook.expires_at, day=True)}"
