"""Refusals of the API, in its own words.

The sentences and their `details` are those of k8s.io/apimachinery/pkg/api/errors, as the recordings
show them.

    ApiError            an answer with a Status object
    ClusterFailedError  the stand-in itself broke: never an answer of a cluster
"""

from typing import Any

from sandbox.cluster.objects import Json
from sandbox.cluster.resources import Resource

__all__ = [
    "ApiError",
    "ClusterFailedError",
    "already_exists",
    "bad_request",
    "conflict",
    "expired",
    "forbidden",
    "invalid",
    "method_not_allowed",
    "modified",
    "namespace_ending",
    "no_such_resource",
    "not_found",
    "success",
    "too_large_version",
    "unauthorized",
    "unsupported_media_type",
]


class ClusterFailedError(RuntimeError):
    """The simulated cluster itself failed: a mistake in it, or a port that can't be had."""


class ApiError(Exception):
    """A refusal, with the Status object that says so."""

    def __init__(
        self, code: int, reason: str | None, message: str, details: Json | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details or {}

    @property
    def retry_after_s(self) -> int | None:
        """The seconds that the answer asks to wait, if it does."""
        seconds: int | None = self.details.get("retryAfterSeconds")
        return seconds

    def status(self) -> Json:
        """Return the Status object."""
        status = _status("Failure", message=str(self))
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        return {**status, "code": self.code}


def _status(status: str, **fields: Any) -> Json:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status, **fields}


def success(*, code: int | None = None, details: Json | None = None) -> Json:
    """Return a Status object that reports success."""
    return _status(
        "Success",
        **({"details": details} if details else {}),
        **({"code": code} if code else {}),
    )


def _details(resource: Resource, name: str, **more: Any) -> Json:
    details: Json = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    return {**details, "kind": resource.plural, **more}


def bad_request(message: str) -> ApiError:
    """400: the request can't be understood."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: the token is unknown."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(
    resource: Resource, name: str, why: str, *, causes: list[Json] | None = None
) -> ApiError:
    """403: a missing right, or a rule of the cluster."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    more = {"causes": causes} if causes else {}
    return ApiError(
        403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name, **more)
    )


def namespace_ending(resource: Resource, name: str, namespace: str) -> ApiError:
    """403: nothing new may be made in a namespace that goes away."""
    return forbidden(
        resource,
        name,
        f"unable to create new content in namespace {namespace} because it is being terminated",
        causes=[
            {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
        ],
    )


def not_found(resource: Resource, name: str) -> ApiError:
    """404: no object of that name."""
    return ApiError(
        404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name)
    )


def no_such_resource() -> ApiError:
    """404: nothing is served at that path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> ApiError:
    """405: the resource is there but can't do that."""
    return ApiError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )


def already_exists(resource: Resource, name: str) -> ApiError:
    """409: the name is taken."""
    return ApiError(
        409, "AlreadyExists", f'{resource.qualified} "{name}" already exists',
        _details(resource, name),
    )  # fmt: skip


def modified(resource: Resource, name: str) -> ApiError:
    """409: the resourceVersion that the request carries is not the present one."""
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been '
        "modified; please apply your changes to the latest version and try again",
        _details(resource, name),
    )


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 on a precondition. Here the API names the kind, not the resource."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details: Json = {"name": name}
    if resource.group:
        details["group"] = resource.group
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {kind} "{name}": {why}',
        {**details, "kind": resource.kind},
    )


def expired(message: str) -> ApiError:
    """410: the version asked for is no longer kept; list again."""
    return ApiError(410, "Expired", message)


def unsupported_media_type(content_type: str, accepted: tuple[str, ...]) -> ApiError:
    """415: a body, or a kind of patch, that is not understood."""
    return ApiError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)}; got {content_type!r}",
    )


def invalid(resource: Resource, name: str, field: str, why: str) -> ApiError:
    """422: understood, and not allowed to be so."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details: Json = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    return ApiError(
        422,
        "Invalid",
        f'{kind} "{name}" is invalid: {field}: {why}',
        {
            **details,
            "kind": resource.kind,
            "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
        },
    )


def too_large_version(asked: int, present: int) -> ApiError:
    """504: a resourceVersion of the future."""
    return ApiError(
        504,
        "Timeout",
        f"Too large resource version: {asked}, current: {present}",
        {
            "causes": [
                {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            ],
            "retryAfterSeconds": 1,
        },
    )
