"""The Job controller: pods run until enough of them have succeeded."""

from sandbox.cluster.controllers.owners import OwnerController, active, pod_of, ready_count
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.resources import resource
from sandbox.cluster.times import stamp

__all__ = ["Jobs"]


class Jobs(OwnerController):
    """Replaces a Job's pods that were deleted or failed.

    Unlike the real controller it puts no finalizer on pods: they are counted while they exist.
    """

    name = "job"
    resource = resource("jobs")

    def reconcile(self, owner: Item, pods: list[Item]) -> None:
        """Make what is missing until the completions are reached."""
        succeeded = sum(1 for pod in pods if pod.status.get("phase") == "Succeeded")
        failed = sum(1 for pod in pods if pod.status.get("phase") == "Failed")
        running = [pod for pod in pods if active(pod)]
        completions: int = owner.spec.get("completions", 1)
        wanted = min(owner.spec.get("parallelism", 1), completions - succeeded)
        for _ in range(wanted - len(running)):
            self.create_pod(owner, pod_of(self.resource, owner))
        done = succeeded >= completions
        now = stamp(self.store.clock())
        self.write_status(
            owner,
            {},
            active=max(len(running), wanted, 0),
            ready=ready_count(running),
            succeeded=succeeded,
            failed=failed,
            startTime=owner.status.get("startTime", now),
            completionTime=owner.status.get("completionTime", now) if done else None,
            conditions=owner.status.get("conditions", [_complete(now)]) if done else None,
        )


def _complete(now: str) -> Json:
    return {
        "type": "Complete",
        "status": "True",
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "reason": "CompletionsReached",
        "message": "Reached expected number of succeeded pods",
    }
