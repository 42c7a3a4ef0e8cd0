"""The one package that speaks Kubernetes. It carries out; :mod:`jobs.drain` decides."""

from jobs.kubernetes.connection import Cluster, connect
from jobs.kubernetes.errors import (
    ClusterConfigError,
    Forbidden,
    KubernetesError,
    NotFound,
    Temporary,
    Unauthorized,
)

__all__ = [
    "Cluster",
    "ClusterConfigError",
    "Forbidden",
    "KubernetesError",
    "NotFound",
    "Temporary",
    "Unauthorized",
    "connect",
]
