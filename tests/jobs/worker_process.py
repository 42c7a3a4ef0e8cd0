"""A worker as a process, for tests: `python -m tests.jobs.worker_process`.

Arguments: the address of Redis, a kubeconfig, the lease in seconds, how many slots, how many times
a call of Redis is tried again, and the node that it runs on ("": it is told none).
"""

import sys
from functools import partial

from jobs import worker
from jobs.durable import connect
from jobs.worker import WorkerConfig, run_worker
from tests.jobs.harness import NAME


def main() -> int:
    url, kubeconfig, lease, slots, patience, node = sys.argv[1:]
    worker.connect = partial(connect, patience=int(patience))  # type: ignore[attr-defined]
    return run_worker(
        WorkerConfig(
            redis_url=url,
            cluster=NAME,
            kubeconfig=kubeconfig,
            slots=int(slots),
            lease_seconds=float(lease),
            node_name=node,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
