"""Workflows by name: what a doorbell leads to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs.durable.errors import Diverged

if TYPE_CHECKING:
    from jobs.durable.context import Context

Body = Callable[["Context[Any]", Any], Any]


@dataclass(frozen=True)
class Registry:
    """The workflows that a worker group runs. Frozen once the slots are forked."""

    bodies: dict[str, Body] = field(default_factory=dict)

    def workflow(self, name: str) -> Callable[[Body], Body]:
        """Register a function as the workflow `name`; a name is never used for two."""

        def register(body: Body) -> Body:
            if name in self.bodies:
                raise ValueError(f"there is a workflow {name!r} already")
            self.bodies[name] = body
            return body

        return register

    def body(self, name: str) -> Body:
        """Return a workflow's function. Raises :class:`Diverged` for a name that is not known."""
        if name not in self.bodies:
            raise Diverged(f"this worker knows no workflow {name!r}")
        return self.bodies[name]
