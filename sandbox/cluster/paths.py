"""What a path of the API names."""

from dataclasses import dataclass

from sandbox.cluster.errors import method_not_allowed, no_such_resource
from sandbox.cluster.resources import Resource, by_path
from sandbox.cluster.web import Request

__all__ = ["Target", "target_of"]

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class Target:
    """A verb on a resource: on one object, or on all, in one namespace or in the cluster."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def words(self) -> str:
        """The resource with its subresource, as RBAC names it."""
        plural = self.resource.plural
        return f"{plural}/{self.subresource}" if self.subresource else plural


def target_of(request: Request) -> Target:
    """Read a path under /api or /apis. Raises ApiError 404 or 405."""
    parts = request.path.strip("/").split("/")
    group = ""
    if parts[0] == "apis":
        group = parts[1] if len(parts) > 1 else ""
        parts = parts[1:]
    version, *rest = parts[1:] or [""]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):  # noqa: PLR2004  namespaces/NAME/RESOURCE
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = ([*rest, "", "", ""])[:3]
    resource = by_path().get((group, version, plural))
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):  # noqa: PLR2004  RESOURCE/NAME/SUBRESOURCE
        raise no_such_resource()
    if resource.namespaced and name and not namespace:
        raise no_such_resource()
    verb = _verb(request, named=bool(name))
    allowed = resource.verbs
    if subresource:
        if subresource not in resource.subresources:
            raise no_such_resource()
        allowed = resource.subresources[subresource]
    if verb not in allowed or (verb == "create" and resource.namespaced and not namespace):
        raise method_not_allowed()
    return Target(verb, resource, namespace, name, subresource)


def _verb(request: Request, *, named: bool) -> str:
    if request.method == "GET":
        if request.flag("watch"):
            return "watch"
        return "get" if named else "list"
    if request.method == "DELETE":
        return "delete" if named else "deletecollection"
    verb = _VERBS.get(request.method)
    if verb is None:
        raise method_not_allowed()
    return verb
