"""Which resources there are. The discovery documents say it, to clients and to this server alike.

The documents of the core group, `apps` and `policy` are those of a real kube-apiserver 1.36, so
they also name resources that a drain never needs. Those are served too, as plain stored objects.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sandbox.cluster.objects import Json

__all__ = ["Resource", "by_path", "documents", "resource", "resources"]

_DOCUMENTS = {
    ("", "v1"): "v1.json",
    ("apps", "v1"): "apps-v1.json",
    ("policy", "v1"): "policy-v1.json",
    ("batch", "v1"): "batch-v1.json",
    ("storage.k8s.io", "v1"): "storage.k8s.io-v1.json",
    ("authorization.k8s.io", "v1"): "authorization.k8s.io-v1.json",
}


@dataclass(frozen=True, eq=False)
class Resource:
    """One kind of object and its name in paths. There is one value each, compared by identity."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]
    subresources: Mapping[str, frozenset[str]]

    @property
    def api_version(self) -> str:
        """Group and version, as objects carry them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name in messages: `pods`, `poddisruptionbudgets.policy`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@cache
def documents() -> Mapping[tuple[str, str], Json]:
    """Return the discovery document of each group and version."""
    folder = files("sandbox.cluster") / "documents"
    return {
        group_version: json.loads((folder / name).read_text(encoding="utf-8"))
        for group_version, name in _DOCUMENTS.items()
    }


@cache
def resources() -> tuple[Resource, ...]:
    """Return all resources, in the order of the discovery documents."""
    found = []
    for (group, version), document in documents().items():
        subresources: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
        for entry in document["resources"]:
            plural, _, subresource = entry["name"].partition("/")
            if subresource:
                subresources[plural][subresource] = frozenset(entry["verbs"])
        found += [
            Resource(
                group=group,
                version=version,
                plural=entry["name"],
                kind=entry["kind"],
                namespaced=entry["namespaced"],
                verbs=frozenset(entry["verbs"]),
                subresources=subresources[entry["name"]],
            )
            for entry in document["resources"]
            if "/" not in entry["name"]
        ]
    return tuple(found)


@cache
def by_path() -> Mapping[tuple[str, str, str], Resource]:
    """Return the resources by group, version and plural name."""
    return {(one.group, one.version, one.plural): one for one in resources()}


@cache
def resource(name: str) -> Resource:
    """Return a resource by its plural name or its kind. Raises KeyError naming it."""
    for one in resources():
        if name in (one.plural, one.kind, one.qualified):
            return one
    raise KeyError(f"there is no resource or kind {name!r} in the simulated cluster")
