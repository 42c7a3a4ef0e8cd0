"""What a simulated cluster starts with, as frozen values that can also be read from a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.cluster.access import User
from sandbox.cluster.controllers import ALL
from sandbox.cluster.timing import Timing

__all__ = [
    "Attachment",
    "Budget",
    "Node",
    "OwnerRef",
    "Scenario",
    "ScenarioError",
    "Workload",
    "WorkloadKind",
    "read_scenario",
]

WorkloadKind = Literal["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Pod"]


class _Loader(yaml.SafeLoader):
    """Reads YAML whose only truth values are `true` and `false`: `on` is a name here, as in 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class ScenarioError(ValueError):
    """A scenario that can't be read, with what is wrong in it."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(_Value):
    """A node and what its pods may ask for in all."""

    name: str
    labels: Mapping[str, str] = {}
    cpu: str = "8"
    memory: str = "32Gi"
    pods: int = 250
    ready: bool = True
    unschedulable: bool = False


class OwnerRef(_Value):
    """The controlling owner that a bare pod claims to have. It need not exist."""

    kind: str
    name: str
    api_version: str = "apps/v1"
    uid: str = "00000000-0000-4000-8000-000000000000"


class Workload(_Value):
    """Something with pods. Without labels its pods carry `app: NAME`; its selector is its labels.

    With ``on``, its pods are there from the start, running on those nodes in turn; a DaemonSet's
    are on all nodes that suit. Without, its controller makes them and the scheduler finds a node.
    Seconds: ``grace`` (promised by the API), ``stop_after`` (what its pods really take, None: the
    kubelet's own delay, `inf`: the whole grace), ``start_after``, ``complete_after`` (then they
    have succeeded). ``owner`` is for kind `Pod` only. ``claims`` are PersistentVolumeClaims that
    all its pods share; each is bound to the PersistentVolume `pv-NAME`.
    """

    kind: WorkloadKind
    namespace: str
    name: str
    replicas: int = Field(default=1, ge=0)
    on: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    requests: Mapping[str, str] = {}
    grace: int = Field(default=30, ge=0)
    start_after: float | None = None
    stop_after: float | None = None
    complete_after: float | None = None
    owner: OwnerRef | None = None
    emptydir: bool = False
    claims: tuple[str, ...] = ()
    finalizers: tuple[str, ...] = ()
    ready: bool = True
    parallel: bool = False
    """A StatefulSet's pods need not wait for each other."""

    @model_validator(mode="after")
    def _owned_pod(self) -> Self:
        if self.owner and self.kind != "Pod":
            raise ValueError("only a workload of kind Pod can be given an owner")
        return self

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels of its pods, before its controller adds to them."""
        return dict(self.labels) or {"app": self.name}


class Budget(_Value):
    """A PodDisruptionBudget: ``min_available`` or ``max_unavailable``, `50%` or a number."""

    namespace: str
    name: str
    match_labels: Mapping[str, str]
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_pods: Literal["AlwaysAllow", "IfHealthyBudget"] | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.min_available is None) is (self.max_unavailable is None):
            raise ValueError("a budget has either min_available or max_unavailable")
        return self


class Attachment(_Value):
    """A volume that is attached to a node."""

    name: str
    node: str
    volume: str
    attached: bool = True


class Scenario(_Value):
    """A whole cluster. ``tokens`` say who may do what; without any, everybody may do everything."""

    name: str
    nodes: tuple[Node, ...] = ()
    namespaces: tuple[str, ...] = ()
    """Beside those that any workload or budget names."""
    workloads: tuple[Workload, ...] = ()
    budgets: tuple[Budget, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tokens: Mapping[str, User] = {}
    timing: Timing = Timing()
    controllers: frozenset[str] = ALL

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if unknown := self.controllers - ALL:
            raise ValueError(f"unknown controllers {sorted(unknown)}; there are {sorted(ALL)}")
        names = {node.name for node in self.nodes}
        for workload in self.workloads:
            if missing := set(workload.on) - names:
                raise ValueError(f"{workload.name} is on {sorted(missing)}: no such nodes")
        return self

    def at_speed(self, speed: float) -> Self:
        """Return the same cluster with everything happening this many times as fast."""
        return self.model_copy(update={"timing": self.timing.at_speed(speed)})

    def every_namespace(self) -> Sequence[str]:
        """Return the namespaces that it names, each once."""
        of_workloads = (one.namespace for one in self.workloads)
        of_budgets = (one.namespace for one in self.budgets)
        return tuple(dict.fromkeys((*self.namespaces, *of_workloads, *of_budgets)))


def read_scenario(path: Path) -> Scenario:
    """Read a scenario from a YAML (or JSON) file. Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
        # The loader above is the safe one but for the word `on`.
        return Scenario.model_validate(yaml.load(text, Loader=_Loader))  # noqa: S506
    except OSError as error:
        raise ScenarioError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise ScenarioError(f"{path} is not a scenario: {error}") from error
