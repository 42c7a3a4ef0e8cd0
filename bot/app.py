"""The Bolt app: settles first, acknowledges then, and asks Slack nothing while somebody waits.

Bolt's own ways are kept where they are safe and replaced where they are not:

- `process_before_response`: a listener runs to its end before Slack is answered, so that what was
  acknowledged is in Redis.
- `authorize`: from what Slack said once, at the start. A call of auth.test for each delivery would
  make Slack's bad moments ours. It gives listeners no token: they have no business with the API.
- the listeners' executor is not used; deliveries have threads of their own (:mod:`bot.asgi`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.listeners import Deps, register

__all__ = ["Identity", "make_app"]

log = structlog.get_logger(__name__)

_LAST_RESORT = (
    "Something went wrong in drainbot before it could look at this. Nothing is known to have "
    "changed; try again."
)


@dataclass(frozen=True)
class Identity:
    """Who we are in Slack, as auth.test said at the start."""

    team: str
    bot_user: str
    bot_id: str = ""
    url: str = ""

    @classmethod
    def of(cls, auth_test: Mapping[str, Any]) -> "Identity":
        """Read the answer of auth.test."""
        return cls(
            team=str(auth_test.get("team_id") or ""),
            bot_user=str(auth_test.get("user_id") or ""),
            bot_id=str(auth_test.get("bot_id") or ""),
            url=str(auth_test.get("url") or ""),
        )


def make_app(identity: Identity, deps: Deps, *, signing_secret: str = "") -> App:
    """Return the app with all listeners. `signing_secret` is needed for delivery over HTTP only."""

    def authorize(user_id: str | None = None) -> AuthorizeResult:
        # Who may ask is judged by `admit`, in words of ours; Bolt would ask people to reinstall.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team,
            bot_user_id=identity.bot_user,
            bot_id=identity.bot_id,
            user_id=user_id,
        )

    app = App(
        name="drainbot",
        # Its level is ours (see bot.logs); by itself Bolt takes the root's, and quotes requests.
        logger=logging.getLogger("slack_bolt"),
        client=WebClient(),  # without a token, and never asked anything
        signing_secret=signing_secret,
        authorize=authorize,
        process_before_response=True,
        token_verification_enabled=False,
        ssl_check_enabled=False,  # would answer before the signature is looked at
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    register(app, deps)

    @app.error
    def on_error(error: Exception, body: Mapping[str, Any]) -> BoltResponse:
        log.error("delivery_failed", kind=str(body.get("type", "")), exc_info=error)
        if "command" in body:
            answer = {"response_type": "ephemeral", "text": _LAST_RESORT}
            return BoltResponse(status=200, body=answer)
        return BoltResponse(status=500, body="")  # Slack shows its own warning at the button

    return app
