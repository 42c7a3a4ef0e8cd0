"""drainbot's own workers on the nodes that they drain: where they run, and what their node asks.

They follow the table of modes as any workload does (:mod:`jobs.workload`). What a worker works on
is kept in Redis, not on its node, so nothing moves but the work: it takes none, gives back what
runs, and another one goes on. docs/workloads.md tells the whole.
"""

from jobs.hosts.lives import Lives
from jobs.hosts.presence import hosts_of
from jobs.hosts.standing import Hosts, Standing, standing

__all__ = ["Hosts", "Lives", "Standing", "hosts_of", "standing"]
