"""`drainbot webhook` and `drainbot token`: words that let a program act in somebody's name."""

import hashlib
import re
from base64 import urlsafe_b64encode
from os import urandom

from bot.cli_exit import NOT_AS_ASKED, REFUSED, USAGE, fail
from bot.cli_session import opened
from bot.cli_show import say, say_json
from bot.commands.ask import known_cluster
from bot.commands.webhook import LONGEST, SHORTEST
from bot.messages.buttons import word
from bot.messages.ephemeral import decided_words, refused_words
from bot.messages.style import PLAIN
from bot.messages.webhooks import hook_line, revoked_words
from jobs.models import Decided, Outcome, Refused
from jobs.options import UsageError

__all__ = ["SCOPES", "revoke", "show", "token", "webhook"]

SCOPES = ("read", "request", "decide", "force")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHORT_QUESTION = re.compile(r"[0-9a-z]{12}")
_CODES = {Outcome.REFUSED: REFUSED, Outcome.NOT_A_CHOICE: USAGE}
_ID = re.compile(r"[0-9a-f]{12}")
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")


def webhook(question: str, choice: str, expires: str, cluster: str, *, as_json: bool) -> None:
    """Make a webhook and print its path, which nobody is told again.

    Ends the process with 3 where the person may not answer so, with 1 where nobody can any more.
    """
    seconds = _seconds(expires)
    session = opened()
    typed, chosen = question.strip().lower(), word(choice)
    if _SHORT_QUESTION.fullmatch(typed):
        typed = f"{cluster or session.cluster}-q-{typed}"
    made = session.hooks.make(typed, chosen, seconds)
    if isinstance(made, Refused):
        fail(refused_words(made, PLAIN), REFUSED)
    if isinstance(made, Decided):
        words = decided_words(made, chosen, now_ms=session.desk.client.now(), style=PLAIN)
        fail(words, _CODES.get(made.outcome, NOT_AS_ASKED))
    path, expires_at = made
    if as_json:
        say_json({"path": path, "question": typed, "choice": chosen, "expires_at": expires_at})
        return
    say(
        path, f"POST to it, behind the address of the API, once and until {PLAIN.time(expires_at)}."
    )


def show(cluster: str, *, as_json: bool) -> None:
    """Print the webhooks that are open or ended in the last week, the newest first."""
    session = opened()
    named = cluster or session.cluster
    known_cluster(session.desk, named)
    found = session.hooks.all(named)
    if isinstance(found, Refused):
        fail(refused_words(found, PLAIN), REFUSED)
    now = session.desk.client.now()
    for each in found:
        if as_json:
            say_json({**each.model_dump(mode="json"), "state": each.state(now)})
        else:
            say(hook_line(each, now, PLAIN))
    if not found and not as_json:
        say(f"No webhook was made in {named} in the last week.")


def revoke(id: str, cluster: str, *, as_json: bool) -> None:
    """Take a webhook back; ends the process with 3 where the person may not, or there is none."""
    session = opened()
    named = cluster or session.cluster
    known_cluster(session.desk, named)
    if not _ID.fullmatch(id.strip().lower()):
        raise UsageError("Say which webhook: by its 12 letters and digits, as hooks list shows it.")
    found = session.hooks.revoke(named, id.strip().lower())
    if isinstance(found, Refused):
        fail(refused_words(found, PLAIN), REFUSED)
    now = session.desk.client.now()
    if as_json:
        say_json({**found.model_dump(mode="json"), "state": found.state(now)})
        return
    words = revoked_words(found, now, PLAIN)
    if found.state(now) != "revoked":
        fail(words, NOT_AS_ASKED)
    say(words)


def token(user: str, scopes: tuple[str, ...], *, as_json: bool) -> None:
    """Make a token and print it with the lines for the policy; it is stored nowhere."""
    if not _USER.fullmatch(user):
        raise UsageError("--user takes the id of a Slack user, such as U01ANA.")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise UsageError(f"--scope takes one of {', '.join(SCOPES)}; it may stand several times.")
    made = urlsafe_b64encode(urandom(32)).rstrip(b"=").decode()
    digest = hashlib.sha256(made.encode()).hexdigest()
    kept = [scope for scope in SCOPES if scope in scopes]
    if as_json:
        say_json({"token": made, "sha256": digest, "user": user, "scopes": kept})
        return
    say(
        made,
        "",
        "Keep it: it is shown this once. Into the policy, and start the bot anew:",
        "tokens:",
        f"  - {{sha256: {digest}, user: {user}, scopes: [{', '.join(kept)}]}}",
    )


def _seconds(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not SHORTEST <= seconds <= LONGEST:
        raise UsageError("--expires takes a time from 1m to 7d, such as 2h.")
    return seconds
