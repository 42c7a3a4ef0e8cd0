"""Slack's deliveries over signed HTTP: `POST /slack/events`.

A request is judged by its signature before anything of it is parsed. Bolt then runs in a few
threads, so that the event loop never waits for Redis. The threads are few on purpose: deliveries
that come at once are answered one after the other, which is sooner for most of them than all being
answered together at the end; and each carries its time of arrival, so that what waited too long
is told so instead of being tried (see :mod:`bot.listeners.within`).
"""

import asyncio
import time
from concurrent.futures import Executor, ThreadPoolExecutor

import structlog
from slack_bolt import App, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.courtesy import Courtesy
from bot.listeners.within import ARRIVED

__all__ = ["PATH", "THREADS", "slack_asgi"]

PATH = "/slack/events"
THREADS = 3
"""How many deliveries are worked on at once. Few: with many, they and the event loop take turns at
the interpreter, and everybody is answered at the end instead of one after the other."""

_LARGEST_BODY = 1024 * 1024  # bytes; a click on a message of 50 full blocks has about 200,000
_SLOWEST_BODY = 3.0  # seconds to send it: Slack itself gives up then

log = structlog.get_logger(__name__)


class _TooLargeError(Exception):
    """The body is larger than any delivery of Slack's."""


def slack_asgi(
    app: App,
    signing_secret: str,
    *,
    pool: Executor | None = None,
    courtesy: Courtesy | None = None,
) -> Starlette:
    """Return the ASGI application that hands Slack's deliveries to `app`.

    Answers 401 to what isn't signed with `signing_secret` within the last five minutes, 413 to
    what is too large, 408 to what comes too slowly. `courtesy` counts those who wait.
    """
    verifier = SignatureVerifier(signing_secret)
    waiting = courtesy or Courtesy()
    threads = pool or ThreadPoolExecutor(THREADS, thread_name_prefix="delivery")

    async def events(request: Request) -> Response:
        with waiting:
            return await answered(request)

    async def answered(request: Request) -> Response:
        arrived = time.monotonic()
        try:
            async with asyncio.timeout(_SLOWEST_BODY):
                body = await _body(request)
        except TimeoutError:
            return PlainTextResponse("The request took too long to arrive.", 408)
        except _TooLargeError:
            return PlainTextResponse("The request is too large.", 413)
        except ClientDisconnect:
            return PlainTextResponse("", 400)  # nobody is there to read it
        if not _signed(verifier, request, body):
            log.warning("signature_refused", client=request.client.host if request.client else "")
            return PlainTextResponse("The signature is missing, wrong or too old.", 401)
        loop = asyncio.get_running_loop()
        return to_starlette_response(
            await loop.run_in_executor(threads, _dispatch, app, request, body, arrived)
        )

    return Starlette(routes=[Route(PATH, events, methods=["POST"])])


def _dispatch(app: App, request: Request, body: bytes, arrived: float) -> BoltResponse:
    try:
        return app.dispatch(to_bolt_request(request, body, {ARRIVED: arrived}))
    except Exception:
        # Signed by Slack, and yet no form, no JSON, or a click without any action in it: what
        # Bolt can't read, it raises in many ways.
        log.exception("delivery_unreadable", size=len(body))
        return BoltResponse(status=400, body="The request can't be read.")


async def _body(request: Request) -> bytes:
    kept = bytearray()
    async for chunk in request.stream():
        kept += chunk
        if len(kept) > _LARGEST_BODY:
            raise _TooLargeError
    return bytes(kept)


def _signed(verifier: SignatureVerifier, request: Request, body: bytes) -> bool:
    """Whether Slack signed it, and lately.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    # The SDK converts the timestamp and decodes the body without care, and compares ASCII only.
    if not (timestamp.isascii() and timestamp.isdigit() and signature.isascii()):
        return False
    try:
        return verifier.is_valid(body, timestamp, signature)
    except (ValueError, OverflowError):  # a number of 400 digits; a body that is no UTF-8
        return False
