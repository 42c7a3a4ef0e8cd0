"""Every call that an app makes: logged, and struck by the faults that are scripted."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.slack.faults import Fault, Faults
from sandbox.slack.protocol import cut
from sandbox.slack.state import State

__all__ = ["logged"]


async def logged(
    state: State,
    faults: Faults,
    method: str,
    request: Request,
    carry_out: Callable[[dict[str, Any]], Response],
) -> Response:
    """Carry a call out, under a fault if one is due; ``carry_out`` completes the log's entry."""
    began = time.perf_counter()
    fault = faults.take(method)
    entry: dict[str, Any] = {
        "number": state.next_number(),
        "method": method,
        "at": state.clock.now(),
        "app": None,
        "arguments": {},
        "fault": None if fault is None else f"{fault.kind} {fault.when}",
        "status": None,
        "answer": None,
    }
    state.calls.append(entry)
    response = await _befall(request, fault, lambda: carry_out(entry))
    entry["status"] = None if response is None else response.status_code
    entry["ms"] = (time.perf_counter() - began) * 1000
    # Nobody hears what is answered into a connection that was cut.
    return response or Response(status_code=500)


async def _befall(
    request: Request, fault: Fault | None, carry_out: Callable[[], Response]
) -> Response | None:
    """Carry a call out under a fault; None where the connection was cut."""
    if fault is None:
        return carry_out()
    if fault.kind == "stall":
        return await _stalled(fault, carry_out)
    if fault.when == "after":
        carry_out()
    if fault.kind == "reset":
        await cut(request)
        return None
    return _false_answer(fault)


async def _stalled(fault: Fault, carry_out: Callable[[], Response]) -> Response:
    if fault.when == "before":
        await asyncio.sleep(fault.seconds)
        return carry_out()
    response = carry_out()
    await asyncio.sleep(fault.seconds)
    return response


def _false_answer(fault: Fault) -> Response:
    if fault.kind == "error":
        return JSONResponse({"ok": False, "error": fault.error})
    if fault.kind == "ratelimited":
        return JSONResponse(
            {"ok": False, "error": "ratelimited"},
            status_code=429,
            headers={"retry-after": str(fault.retry_after)},
        )
    return PlainTextResponse("upstream trouble", status_code=fault.status)
