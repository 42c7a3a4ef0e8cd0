"""The gate of the Web API: token, scope, rate and arguments.

In Slack's order as far as it shows: who calls is told before what they lack, and that before what
they got wrong.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.slack.arguments import Arguments, parse
from sandbox.slack.calls import logged
from sandbox.slack.errors import ApiError
from sandbox.slack.faults import Faults
from sandbox.slack.methods import TABLE, Method
from sandbox.slack.methods.directory import api_test
from sandbox.slack.ratelimits import RateLimits
from sandbox.slack.state import State
from sandbox.slack.workspace import App

__all__ = ["WebApi"]

OpenConnection = Callable[[App], str]


class WebApi:
    """Answers `/api/<method>`; every call is in the state's log, refused ones too."""

    def __init__(
        self,
        state: State,
        faults: Faults,
        limits: RateLimits,
        open_connection: OpenConnection,
    ) -> None:
        self._state = state
        self._faults = faults
        self._limits = limits
        self._open_connection = open_connection

    async def endpoint(self, request: Request) -> Response:
        """Answer one HTTP request."""
        method = request.path_params["method"]
        body = await request.body()

        def carry_out(entry: dict[str, Any]) -> Response:
            return self._carry_out(method, request, body, entry)

        return await logged(self._state, self._faults, method, request, carry_out)

    def _carry_out(
        self, method: str, request: Request, body: bytes, entry: dict[str, Any]
    ) -> Response:
        headers: dict[str, str] = {}
        status = 200
        try:
            values = parse(request.headers.get("content-type", ""), body, request.query_params)
            entry["arguments"] = {k: v for k, v in values.items() if k != "token"}
            app = self._caller(method, request, values)
            entry["app"] = app.name if app else None
            if app is not None:
                headers["x-oauth-scopes"] = ",".join(sorted(app.scopes))
            answer = {"ok": True, **self._run(method, app, Arguments(values))}
        except ApiError as error:
            answer = error.answer()
            if error.code == "ratelimited":
                status = 429
                headers["retry-after"] = str(error.more["retry_after"])
                answer = {"ok": False, "error": "ratelimited"}
        entry["answer"] = answer
        return JSONResponse(answer, status_code=status, headers=headers)

    def _caller(self, method: str, request: Request, values: dict[str, Any]) -> App | None:
        if method == "api.test":
            return None
        if method not in TABLE and method != "apps.connections.open":
            raise ApiError("unknown_method", req_method=method)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = str(values.get("token", ""))
        if not token:
            raise ApiError("not_authed")
        for app in self._state.apps.values():
            if token not in {app.bot_token, app.app_token}:
                continue
            if (token == app.app_token) != (method == "apps.connections.open"):
                raise ApiError("not_allowed_token_type")
            return app
        raise ApiError("invalid_auth")

    def _run(self, method: str, app: App | None, arguments: Arguments) -> dict[str, Any]:
        if app is None:
            return api_test(self._state, None, arguments)
        if method == "apps.connections.open":
            return {"url": self._open_connection(app)}
        entry = TABLE[method]
        if entry.scopes and not app.scopes.intersection(entry.scopes):
            raise ApiError(
                "missing_scope",
                needed=",".join(entry.scopes),
                provided=",".join(sorted(app.scopes)),
            )
        self._limit(method, entry, app, arguments)
        return entry.run(self._state, app, arguments)

    def _limit(self, method: str, entry: Method, app: App, arguments: Arguments) -> None:
        now = self._state.clock.now()
        if entry.per_channel:
            channel = str(arguments.values.get("channel", ""))
            wait = self._limits.per_second((app.id, method, channel), now)
        else:
            wait = self._limits.per_minute((app.id, method), entry.per_minute, now)
        if wait is not None:
            raise ApiError("ratelimited", retry_after=wait)
