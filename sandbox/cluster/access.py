"""Who may do what: bearer tokens, and rules in the form of RBAC's PolicyRule.

Without any token configured everybody may do everything. With tokens, a token that is not known is
refused with 401, and a request without one is `system:anonymous`, who may do nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from sandbox.cluster.errors import ApiError, forbidden, unauthorized
from sandbox.cluster.objects import Json
from sandbox.cluster.resources import Resource

__all__ = ["Access", "Attempt", "Rule", "User"]


class Rule(BaseModel):
    """What is allowed: these verbs on these resources, `*` for all of them.

    A subresource is named as in RBAC, `pods/eviction`; ``namespaces`` limits the rule to those, as
    a Role would. The aliases are those of a ClusterRole's rules: one can be read from a manifest.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    verbs: frozenset[str]
    resources: frozenset[str]
    api_groups: frozenset[str] = Field(default=frozenset("*"), alias="apiGroups")
    resource_names: frozenset[str] | None = Field(default=None, alias="resourceNames")
    namespaces: frozenset[str] | None = None

    def allows(self, attempt: "Attempt") -> bool:
        """Whether the rule covers what is attempted."""
        return (
            bool({"*", attempt.verb} & self.verbs)
            and bool({"*", attempt.resource} & self.resources)
            and bool({"*", attempt.group} & self.api_groups)
            and (self.resource_names is None or attempt.name in self.resource_names)
            and (self.namespaces is None or attempt.namespace in self.namespaces)
        )


class User(BaseModel):
    """Whom a token stands for."""

    model_config = ConfigDict(frozen=True)

    name: str
    rules: tuple[Rule, ...] = ()

    @classmethod
    def allowed(cls, name: str, *rights: tuple[str, str]) -> Self:
        """Make a user from pairs of verb and resource, such as ("create", "pods/eviction")."""
        rules = tuple(
            Rule(verbs=frozenset([verb]), resources=frozenset([resource]))
            for verb, resource in rights
        )
        return cls(name=name, rules=rules)


class Attempt(BaseModel):
    """What somebody wants to do."""

    model_config = ConfigDict(frozen=True)

    verb: str
    group: str
    resource: str
    """With its subresource: `pods/eviction`."""
    namespace: str = ""
    name: str = ""


_ANYBODY = User(name="system:admin", rules=(Rule(verbs=frozenset("*"), resources=frozenset("*")),))
_NOBODY = User(name="system:anonymous")


class Access:
    """The tokens of a cluster."""

    def __init__(self, tokens: Mapping[str, User] | None = None) -> None:
        self.tokens: Mapping[str, User] = tokens or {}

    def user(self, headers: Mapping[str, str]) -> User:
        """Return whose request it is. Raises ApiError 401."""
        if not self.tokens:
            return _ANYBODY
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            return _NOBODY
        found = self.tokens.get(token.strip())
        if scheme.lower() != "bearer" or found is None:
            raise unauthorized()
        return found

    @staticmethod
    def may(rules: Iterable[Rule], attempt: Attempt) -> bool:
        """Whether one of the rules allows it."""
        return any(rule.allows(attempt) for rule in rules)

    def review(self, user: User, body: Json) -> Json:
        """Answer a SelfSubjectAccessReview."""
        wanted = (body.get("spec") or {}).get("resourceAttributes") or {}
        subresource = wanted.get("subresource", "")
        attempt = Attempt(
            verb=wanted.get("verb", ""),
            group=wanted.get("group", ""),
            resource=wanted.get("resource", "") + (f"/{subresource}" if subresource else ""),
            namespace=wanted.get("namespace", ""),
            name=wanted.get("name", ""),
        )
        return {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": body.get("spec") or {},
            "status": {"allowed": self.may(user.rules, attempt)},
        }

    def check(self, user: User, attempt: Attempt, resource: Resource) -> None:
        """Raise ApiError 403 unless the user may do it."""
        if user is _ANYBODY or self.may(user.rules, attempt):
            return
        raise self._refusal(user, attempt, resource)

    @staticmethod
    def _refusal(user: User, attempt: Attempt, resource: Resource) -> ApiError:
        where = (
            f'in the namespace "{attempt.namespace}"'
            if attempt.namespace
            else "at the cluster scope"
        )
        why = (
            f'User "{user.name}" cannot {attempt.verb} resource "{attempt.resource}" '
            f'in API group "{attempt.group}" {where}'
        )
        return forbidden(resource, attempt.name, why)
