"""A worker as a process, for tests: `python -m tests.jobs.worker_process`.

Arguments: the address of Redis, a kubeconfig, the lease in seconds, how many slots.
"""

import sys

from jobs.worker import WorkerConfig, run_worker
from tests.jobs.harness import NAME


def main() -> int:
    url, kubeconfig, lease, slots = sys.argv[1:]
    return run_worker(
        WorkerConfig(
            redis_url=url,
            cluster=NAME,
            kubeconfig=kubeconfig,
            slots=int(slots),
            lease_seconds=float(lease),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
