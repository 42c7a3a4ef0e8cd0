"""The worker's own limits: a file beside it that nothing in Redis, and so no bot, can widen.

The policy says who may do what; the guardrails say what is not done, whoever asks. Both must
allow. Everything here is pure but reading the file.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.ids import quoted
from jobs.policy.document import FileError, Location, read_text
from jobs.policy.fields import Labels, Namespace
from jobs.policy.schema import parse_file

__all__ = [
    "Guardrails",
    "GuardrailsError",
    "ProtectedNodes",
    "load_guardrails",
    "parse_guardrails",
]


class GuardrailsError(FileError):
    """The guardrails can't be read or have mistakes; a worker must not start without them."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ProtectedNodes(_Part):
    """Nodes that are refused: those that carry any one of the labels with exactly its value."""

    labels: Labels


_CONTROL_PLANE = ProtectedNodes(labels={"node-role.kubernetes.io/control-plane": ""})


class Guardrails(_Part):
    """The limits; the defaults hold without a file, and for each key that a file leaves out.

    `force` False: nothing goes past a budget, whoever asks. `max_nodes_away` counts the nodes of
    a cluster that are draining, drained or in maintenance.
    """

    force: bool = True
    protected_nodes: ProtectedNodes = _CONTROL_PLANE
    protected_namespaces: tuple[Namespace, ...] = ()
    max_nodes_away: Annotated[int, Field(ge=0)] = 10
    max_evictions_per_second: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 50.0

    def node_protected(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels is never drained."""
        return bool(self.protecting_label(labels))

    def protecting_label(self, labels: Mapping[str, str]) -> str:
        """Return the label that protects a node, as `key` or `key=value`, or "" if none does."""
        for key, value in self.protected_nodes.labels.items():
            if labels.get(key) == value:
                return f"{key}={value}" if value else key
        return ""

    def namespace_protected(self, namespace: str) -> bool:
        """Whether no pod of the namespace is ever forced."""
        return namespace in self.protected_namespaces

    def force_refused(self, namespaces: Iterable[str]) -> str:
        """Return why pods of these namespaces can't be forced, in a sentence, or ""."""
        if not self.force:
            return "The worker's guardrails allow no eviction past a budget."
        protected = sorted(set(filter(self.namespace_protected, namespaces)))
        if not protected:
            return ""
        names = ", ".join(quoted(name) for name in protected)
        return f"The worker's guardrails protect {names}: no pod there is ever forced."

    def away_allowed(self, count_now: int, more: int) -> bool:
        """Whether `more` nodes may leave service where `count_now` are away already."""
        return more <= 0 or count_now + more <= self.max_nodes_away

    def rate(self, policy_rate: float) -> float:
        """Return the evictions a second that both the policy and the guardrails allow."""
        return min(policy_rate, self.max_evictions_per_second)


def load_guardrails(path: Path | str | None) -> Guardrails:
    """Return the guardrails of a file; None means that there is none, and the defaults hold.

    Raises :class:`GuardrailsError` with the line of each mistake. A file that was named and can't
    be read is an error, never the defaults: they might be wider than what was meant.
    """
    if path is None:
        return Guardrails()
    hint = "DRAINBOT_GUARDRAILS names the worker's guardrails; unset it to use the defaults."
    return parse_guardrails(read_text(Path(path), GuardrailsError, hint), source=str(path))


def parse_guardrails(text: str, *, source: str = "the guardrails") -> Guardrails:
    """Return the guardrails of a text; as :func:`load_guardrails`, with `source` for the path."""
    return parse_file(text, Guardrails, source=source, error=GuardrailsError, check=_nothing)


def _nothing(_data: Any) -> Iterable[tuple[Location, str]]:
    return ()  # no value of the guardrails depends on another
