"""Workloads that run several copies of a pod: which of these may leave without taking it down.

A budget says how many copies must stay. Where none covers a pod, at least one ready copy stays
anyway, unless people were told and agreed (kubectl takes down whatever has no budget).
"""

REPLICATED = frozenset({"ReplicaSet", "StatefulSet", "ReplicationController"})
