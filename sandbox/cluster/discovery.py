"""What a client asks first: version, groups, resources, health."""

from sandbox.cluster.objects import Json
from sandbox.cluster.resources import documents
from sandbox.cluster.web import Reply, Request, json_reply

__all__ = ["OPEN_PATHS", "discover"]

OPEN_PATHS = frozenset({"/version", "/healthz", "/livez", "/readyz"})
"""Anybody may ask these, as `system:public-info-viewer` grants it."""

_VERSION: Json = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "$Format:%H$",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def _group(group: str, version: str) -> Json:
    entry = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _groups() -> dict[str, Json]:
    return {group: _group(group, version) for group, version in documents() if group}


def _versions(request: Request) -> Json:
    address = request.headers.get("host", "127.0.0.1")
    by_client = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": by_client}


def _of_resources(path: str) -> Json | None:
    """Return the document at a path below /api or /apis."""
    head, _, rest = path.removeprefix("/").partition("/")
    groups = _groups()
    if head == "apis" and rest in groups:
        return {"kind": "APIGroup", "apiVersion": "v1", **groups[rest]}
    group, _, version = rest.rpartition("/")
    if (head == "apis") is not bool(group):
        return None
    return documents().get((group, version))


def discover(request: Request) -> Reply | None:
    """Answer a question about the server itself, or return None if it is none."""
    path = request.path.rstrip("/")
    if path in ("/healthz", "/livez", "/readyz"):
        return Reply(200, b"ok", content_type="text/plain; charset=utf-8")
    document: Json | None
    if path == "/version":
        document = _VERSION
    elif path == "/api":
        document = _versions(request)
    elif path == "/apis":
        groups = list(_groups().values())
        document = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    else:
        document = _of_resources(path)
    return json_reply(document) if document else None
