"""Puts the API together, and its OpenAPI document."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from bot.api import (
    audit,
    clusters,
    events,
    nodes,
    operations,
    orphans,
    people,
    questions,
    webhooks,
)
from bot.api.callers import Parts
from bot.api.door import Door
from bot.api.problems import MEDIA_TYPE, Code, Problem, install, problems

__all__ = ["VERSION", "make_api"]

VERSION = "1"
_ABOUT = (
    "drains Kubernetes nodes, with people deciding where a machine must not. Each call acts as the "
    "person of its token, with the rights that the policy gives them, as in Slack."
)
# What any route may answer: who calls and how is judged before the route is reached.
_ALWAYS: tuple[Code, ...] = (
    "unauthenticated", "too_slow", "too_large", "headers_too_large", "invalid",
    "too_many_requests", "failed", "redis_away", "malformed", "busy",
)  # fmt: skip


def make_api(parts: Parts, seen: Callable[[str, int, float], None] | None = None) -> ASGIApp:
    """Return the API as an ASGI application.

    `seen` is told of each answer: the method, the status and the seconds that it took.
    """
    app = FastAPI(
        title="drainbot",
        version=VERSION,
        description=_ABOUT,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=problems(*_ALWAYS),
    )
    app.state.parts = parts
    # The literal addresses below a question come before those that take any choice.
    resources = (
        operations, events, webhooks, questions, nodes, clusters, audit, orphans, people,
    )  # fmt: skip
    routers = [resource.router for resource in resources]
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    install(app)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return Door(app, parts.limits, seen or (lambda _method, _status, _seconds: None))


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document["components"]["schemas"]
        schemas |= _definitions()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for address in document["paths"].values():
            for operation in address.values():
                _only_problems(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _definitions() -> dict[str, Any]:
    schema = Problem.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    found: dict[str, Any] = schema.pop("$defs", {})
    schema["required"] = ["type", "title", "status", "code", "detail"]
    return found | {"Problem": schema}


def _only_problems(operation: dict[str, Any]) -> None:
    """Leave one kind of answer for errors: FastAPI documents its own shape of them beside it."""
    for status, answer in operation["responses"].items():
        if int(status) >= 400:  # noqa: PLR2004  where errors begin
            content = answer.get("content", {})
            answer["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}
