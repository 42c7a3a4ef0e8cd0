"""What an answer of the eviction API means.

The branches are those of the API server (pkg/registry/core/pod/storage/eviction.go) with its
admission in front. They are told apart by status, cause and message, because several of them share
a status: a 429 may be a budget, a throttling server or a webhook that wants to be asked again.

EvictionAnswer
├── Accepted         the pod goes; also for one that is terminating already
├── AlreadyGone      404
├── Replaced         another pod has that name now; the one that was meant is gone
├── Blocked          a budget refuses; `retry_after` is set while its status is not up to date
├── Busy             the server throttles: nothing is known of any budget
├── TwoBudgets       more than one budget selects the pod: permanent until a person acts
├── NamespaceEnding  the namespace goes away, and the pod with it
├── MissingRight     drainbot lacks a right, or its credentials are not taken
├── Webhook          admission refuses; `again` if it says that it is only too early
├── BudgetBroken     the budget's status can't be used
└── Passing          5xx, a broken connection, a lost race: try again
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BUSY_SECONDS = 1.0  # where the server throttles without saying for how long

_OK, _REDIRECT = 200, 300
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _CONFLICT = 401, 403, 404, 408, 409
_TOO_MANY, _SERVER = 429, 500

_COUNTS = re.compile(
    r"The disruption budget (?P<name>\S+) needs (?P<needs>\d+) healthy pods "
    r"and has (?P<has>\d+) currently"
)
_NAME = re.compile(r"The disruption budget (?P<name>\S+) ")
_SYNC_FAILED = re.compile(r"because it failed sync: (?P<why>.*)", re.DOTALL)
_UID = re.compile(r"UID in (the )?precondition", re.IGNORECASE)
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request')
_RIGHT = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
)
_BROKEN = ("disruptions allowed is negative", "DisruptedPods map too big")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The pod goes."""


@dataclass(frozen=True, slots=True)
class AlreadyGone:
    """There is no pod of that name."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another pod has that name now."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The budget of that name refuses. Counts are -1 where the server gives none.

    `retry_after` (seconds) is 0 unless the budget's status is not up to date.
    """

    budget: str
    message: str
    needs: int = -1
    has: int = -1
    retry_after: float = 0


@dataclass(frozen=True, slots=True)
class Busy:
    """The server throttles; `retry_after` in seconds."""

    retry_after: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class TwoBudgets:
    """More than one budget selects the pod, which the eviction API does not support."""

    message: str


@dataclass(frozen=True, slots=True)
class NamespaceEnding:
    """The pod's namespace is being deleted."""

    message: str


@dataclass(frozen=True, slots=True)
class MissingRight:
    """drainbot may not do it; `right` is like `create pods/eviction`, empty if not named."""

    message: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Admission refuses. `name` is empty where it was no webhook; `again`: it is too early."""

    message: str
    name: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class BudgetBroken:
    """The budget's status is unusable until its controller has caught up.

    `sync_failed` is the controller's complaint, where it has one.
    """

    budget: str
    message: str
    sync_failed: str = ""


@dataclass(frozen=True, slots=True)
class Passing:
    """Nothing that concerns this pod; worth another try, after `retry_after` seconds if given."""

    message: str
    retry_after: float = 0


EvictionAnswer = (
    Accepted
    | AlreadyGone
    | Replaced
    | Blocked
    | Busy
    | TwoBudgets
    | NamespaceEnding
    | MissingRight
    | Webhook
    | BudgetBroken
    | Passing
)


def word_of(answer: EvictionAnswer) -> str:
    """Return the stable word of an answer, under which it is counted: `two_budgets`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(answer).__name__).lower()


def classify(status: int, headers: Mapping[str, str], body: Any) -> EvictionAnswer:
    """Say what an answer to an eviction, or to a delete with a uid, means.

    `body` is the decoded JSON, or anything else where the answer was none. Works alike for
    deletes, which no budget is asked about.
    """
    status_object: Mapping[str, Any] = body if isinstance(body, dict) else {}
    message = str(status_object.get("message") or f"the API server answered {status}")
    if _OK <= status < _REDIRECT:
        return Accepted()
    if found := _WEBHOOK.search(message):
        # Some webhooks answer 429 or 5xx to say "I am at it, ask again" (KubeVirt, Strimzi).
        again = status == _TOO_MANY or status >= _SERVER
        return Webhook(message, found["name"], again)
    if status == _TOO_MANY:
        return _too_many(headers, status_object, message)
    if status >= _SERVER or status == _TIMEOUT:
        return _server_error(headers, message)
    return _refused(status, status_object, message)


def _refused(status: int, body: Mapping[str, Any], message: str) -> EvictionAnswer:
    match status:
        case 404:
            # A missing route is a 404 as well, without a name in its details; and so is a budget
            # that was deleted while the server retried under it, with the budget's.
            details = _details(body)
            pods = bool(details.get("name")) and details.get("kind", "pods") == "pods"
            known = body.get("reason") == "NotFound" and pods
            return AlreadyGone() if known else Passing(message)
        case 409:
            return Replaced() if _UID.search(message) else Passing(message)
        case 401:
            return MissingRight("The API server does not take drainbot's credentials.")
        case 403:
            return _forbidden(body, message)
        case _:
            return Webhook(message)  # an admission policy, or a request that the server won't have


def _too_many(headers: Mapping[str, str], body: Mapping[str, Any], message: str) -> EvictionAnswer:
    wait = retry_after(headers, body)
    for cause in _causes(body):
        if cause.get("reason") == "DisruptionBudget":
            return _blocked(str(cause.get("message", "")) or message, wait)
    return Busy(BUSY_SECONDS if wait is None else wait, message)


def _blocked(message: str, wait: float | None) -> Blocked | BudgetBroken:
    named = _NAME.search(message)
    name = named["name"] if named else ""
    if failed := _SYNC_FAILED.search(message):
        return BudgetBroken(name, message, failed["why"])
    counts = _COUNTS.search(message)
    needs, has = (int(counts["needs"]), int(counts["has"])) if counts else (-1, -1)
    return Blocked(name, message, needs, has, wait or 0)


def _server_error(headers: Mapping[str, str], message: str) -> EvictionAnswer:
    if "more than one PodDisruptionBudget" in message:
        return TwoBudgets(message)
    return Passing(message, retry_after(headers, {}) or 0)


def _forbidden(body: Mapping[str, Any], message: str) -> EvictionAnswer:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(body)):
        return NamespaceEnding(message)
    by_budget = any(cause.get("reason") == "DisruptionBudget" for cause in _causes(body))
    if by_budget or any(words in message for words in _BROKEN):
        return BudgetBroken(str(_details(body).get("name", "")), message)
    if right := missing_right(message):
        return MissingRight(message, right)
    return Webhook(message)


def missing_right(message: str) -> str:
    """Return the right that an RBAC refusal names, like `create pods/eviction`, or an empty text.

    The API group stands behind it where there is one: `list replicasets in apps`.
    """
    found = _RIGHT.search(message)
    if found is None:
        return ""
    group = f" in {found['group']}" if found["group"] else ""
    return f"{found['verb']} {found['resource']}{group}"


def retry_after(headers: Mapping[str, str], body: Mapping[str, Any]) -> float | None:
    """Return the seconds that the server asks to wait, from its header or its status, or None."""
    told = next((value for key, value in headers.items() if key.lower() == "retry-after"), None)
    if told is None:
        told = _details(body).get("retryAfterSeconds")
    try:
        return None if told is None else max(0.0, float(told))
    except ValueError:
        return None  # a date: no API server sends one


def _details(body: Mapping[str, Any]) -> Mapping[str, Any]:
    details = body.get("details")
    return details if isinstance(details, dict) else {}


def _causes(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [cause for cause in _details(body).get("causes") or [] if isinstance(cause, dict)]
