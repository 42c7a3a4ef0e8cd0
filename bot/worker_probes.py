"""The worker's probes: a process of their own under the worker's supervisor.

Ready means that Redis answers and that a keeper of this cluster is alive; a worker whose cluster is
away is ready all the same, because its work waits and goes on. One that is halted is not ready:
a person has to look.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType

from bot.probes import Check, Probes
from bot.settings import Address
from jobs.errors import DrainbotError
from jobs.policy import Policy
from jobs.service import open_client

__all__ = ["answering"]

_SECONDS = 2.0


def answering(
    address: Address,
    redis_url: str,
    cluster: str,
    policy: Policy | None,
    more: Mapping[str, Check] | None = None,
) -> Callable[[int], int]:
    """Return the main function of the process that answers probes until SIGTERM.

    `more` are further checks, by name.
    """

    def main(_before: int) -> int:
        stopping = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGTERM, stop)
        with Probes(address, {"worker": _alive(redis_url, cluster, policy), **(more or {})}):
            stopping.wait()
        return 0

    return main


def _alive(redis_url: str, cluster: str, policy: Policy | None) -> Check:
    client = open_client(redis_url, policy, timeout=_SECONDS)

    def check() -> str:
        if cluster not in client.clusters():
            return f"the policy lists no cluster {cluster} (DRAINBOT_POLICY, DRAINBOT_CLUSTER)"
        try:
            return "" if client.worker_seen(cluster) else "no keeper of this cluster is alive"
        except DrainbotError:
            return "Redis does not answer"

    return check
