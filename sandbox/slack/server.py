"""The stand-in's HTTP server: Web API, answers, Socket Mode and the sandbox's own controls."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from sandbox.slack.arguments import Arguments, parse
from sandbox.slack.calls import logged
from sandbox.slack.clock import Clock
from sandbox.slack.control import Control
from sandbox.slack.deliveries import ACK_LIMIT_S, Courier, Delivery
from sandbox.slack.errors import ApiError
from sandbox.slack.faults import Faults
from sandbox.slack.modals import Modals
from sandbox.slack.people import People
from sandbox.slack.ratelimits import RateLimits
from sandbox.slack.response_urls import answer, post_answer
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import Message, State
from sandbox.slack.webapi import WebApi
from sandbox.slack.workspace import Workspace

__all__ = ["Server"]


class Server:
    """A whole Slack with one workspace, as an ASGI application for one event loop."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        clock: Clock,
        base_url: str,
        rate_limits: bool = True,
        ack_limit_s: float = ACK_LIMIT_S,
    ) -> None:
        self._state = State(workspace, clock)
        self._faults = Faults()
        limits = RateLimits(enabled=rate_limits)
        sockets = SocketMode(self._state, base_url.replace("http", "ws", 1))
        self._courier = Courier(self._state, sockets, self._show, ack_limit_s)
        people = People(self._state, self._courier, base_url)
        modals = Modals(self._state, self._courier, people)
        web_api = WebApi(self._state, self._faults, limits, sockets.open)
        control = Control(self._state, people, modals, self._courier, self._faults, limits, sockets)
        self.application = Starlette(
            routes=[
                Route("/api/{method}", web_api.endpoint, methods=["GET", "POST"]),
                Route("/_sandbox/{action:path}", control.endpoint, methods=["GET", "POST"]),
                Route("/{kind}/{team}/{secret}", self._answer, methods=["POST"]),
                WebSocketRoute("/link/", sockets.endpoint),
            ]
        )

    @property
    def breaches(self) -> tuple[str, ...]:
        """What the house rules have against messages and views so far, each once."""
        return tuple(dict.fromkeys(self._state.breaches))

    def close(self) -> None:
        """Let deliveries under way end."""
        self._courier.close()

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        key = "{kind}/{team}/{secret}".format(**request.path_params)

        def carry_out(entry: dict[str, Any]) -> Response:
            try:
                values = parse(request.headers.get("content-type", ""), body, {})
                entry["arguments"] = values
                answer(self._state, key, values)
            except ApiError as error:
                entry["answer"] = error.answer()
                gone = error.code in {"no_such_url", "used_url", "expired_url"}
                return JSONResponse(error.answer(), status_code=404 if gone else 400)
            entry["answer"] = {"ok": True}
            return PlainTextResponse("ok")

        return await logged(self._state, self._faults, "response_url", request, carry_out)

    def _show(self, delivery: Delivery) -> Delivery:
        """Show the person what came of it: an answer, or Slack's own complaint."""
        if delivery.kind == "interactive" and delivery.failure is not None:
            return delivery.model_copy(update={"shown": "a warning sign"})
        if delivery.kind != "slash_commands":
            return delivery
        fields = delivery.payload
        if delivery.failure is not None:
            text = f'{fields["command"]} failed with the error "{delivery.failure}"'
            return self._complain(delivery, text)
        values = _as_message(delivery.body)
        if values is None:
            return delivery
        key = fields["response_url"].split("/", 3)[3]
        try:
            message = post_answer(self._state, self._state.response_urls[key], Arguments(values))
        except ApiError as error:
            wrong = "; ".join([error.code, *error.messages])
            text = f"{fields['command']} failed: its answer is no message ({wrong})"
            return self._complain(delivery, text)
        return delivery.model_copy(update={"shown": message.text})

    def _complain(self, delivery: Delivery, text: str) -> Delivery:
        fields = delivery.payload
        notice = Message(
            channel=fields["channel_id"],
            ts=self._state.new_ts(),
            author="USLACKBOT",
            app=None,
            text=text,
            blocks=[],
            only_for=fields["user_id"],
        )
        self._state.ephemerals[notice.channel, notice.ts] = notice
        return delivery.model_copy(update={"shown": text})


def _as_message(body: Any) -> dict[str, Any] | None:
    """Return the message that answers a slash command, if the answer is one."""
    if not body:
        return None
    if isinstance(body, dict):
        return body
    return {"text": body if isinstance(body, str) else json.dumps(body)}
