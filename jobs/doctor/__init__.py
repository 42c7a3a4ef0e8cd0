"""What an installation rests on, looked at before it is needed.

Redis, the workers, the cluster and the clocks.

Each part is read by a thin shell and judged by a pure function; nothing is changed anywhere.
"""

from jobs.doctor.clocks import compare_clocks
from jobs.doctor.findings import Finding, Level
from jobs.doctor.histories import replay_cluster
from jobs.doctor.rights import examine_cluster
from jobs.doctor.state import examine_redis
from jobs.doctor.workers import examine_workers

__all__ = [
    "Finding",
    "Level",
    "compare_clocks",
    "examine_cluster",
    "examine_redis",
    "examine_workers",
    "replay_cluster",
]
