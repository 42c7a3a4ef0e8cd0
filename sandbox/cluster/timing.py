"""How long things take in the simulated cluster."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["COMPLETE_AFTER", "START_AFTER", "TERMINATE_AFTER", "Timing"]

TERMINATE_AFTER = "kubelet.example.com/terminate-after"
"""Annotation of a pod: the seconds it takes to stop; `inf`: only its grace period ends it."""
START_AFTER = "kubelet.example.com/start-after"
"""Annotation of a pod: the seconds from its binding to a node until it is ready."""
COMPLETE_AFTER = "kubelet.example.com/complete-after"
"""Annotation of a pod: the seconds it runs until it has succeeded."""


class Timing(BaseModel):
    """Delays in seconds. What a pod's annotations say comes before `start_s` and `stop_s`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_s: float = Field(default=0.05, ge=0)
    """A pod, from its binding to Running and Ready."""
    stop_s: float = Field(default=0.05, ge=0)
    """A pod, from its deletion to its end; never longer than its grace period."""
    replace_s: float = Field(default=0.01, ge=0)
    """An owner, from a change of its pods to its reaction."""
    schedule_s: float = Field(default=0.01, ge=0)
    """The scheduler, from a new pod to its binding."""
    budget_s: float = Field(default=0.0, ge=0)
    """A budget's status, from a change of its pods."""
    node_s: float = Field(default=0.01, ge=0)
    """The taints of a node, from a change of the node."""
    attach_s: float = Field(default=0.01, ge=0)
    """A volume, from its pod's coming or going until it is attached or detached."""
    disrupted_s: float = Field(default=120.0, ge=0)
    """How long a budget waits for an evicted pod's deletion before it counts it again."""
    node_gone_s: float = Field(default=40.0, ge=0)
    """The pods of a node that was deleted, until they are deleted too."""
    speed: float = Field(default=1.0, gt=0)
    """Everything above, and what annotations say, takes this many times less."""

    def at_speed(self, speed: float) -> Self:
        """Return the same, this many times as fast. Raises ValidationError unless above zero."""
        return self.model_validate({**self.model_dump(), "speed": speed})
