"""Ask a worker for the cordons that no operation stands behind, over Redis; for the command line.

The bot has no rights in the cluster, so a workflow looks and undoes; its result is read here.
"""

from collections.abc import Callable, Mapping
from typing import cast

from jobs.audit import Facts
from jobs.authorization import Action, Denied, Target, may
from jobs.beginnings import Beginnings
from jobs.durable import Store
from jobs.ids import IdError, cluster_of
from jobs.leases import reaching_redis
from jobs.models import LostState, OrphansView, Principal, Refused, Submitted
from jobs.policy import Policy
from jobs.submitting import not_served, start_new, worker_alive
from jobs.workflows.inputs import OrphansInput

WORKFLOW = "orphans"


class Orphans:
    """Looks and undoes, for whoever may. All calls raise StateUnavailable while Redis is away."""

    def __init__(
        self, stores: Mapping[str, Store], policy: Policy | None, random: Callable[[int], bytes]
    ) -> None:
        self._stores = stores
        self._policy = policy
        self._random = random

    def ask(
        self,
        principal: Principal,
        cluster: str,
        *,
        undo: tuple[str, ...] = (),
        everything: bool = False,
        channel: str = "",
        dedup: str,
    ) -> Submitted | Refused:
        """Begin a look; with nodes in `undo`, or `everything`, undo these. Read :meth:`answer`."""
        with reaching_redis():
            refused = not_served(self._policy, self._stores, cluster)
            if refused is not None:
                return refused
            store, policy = self._stores[cluster], cast("Policy", self._policy)
            target = Target(cluster=cluster, channel=channel)
            allowed = may(principal, Action.ORPHANS, target, policy)
            if isinstance(allowed, Denied):
                return Refused(reason=allowed.reason, who_may=allowed.who_may)
            wanted = OrphansInput(
                cluster=cluster, requester=principal.id, undo=undo, everything=everything
            ).model_dump(mode="json")
            facts = Facts(policy).orphans(principal, target, undo, everything=everything)
            what, id = start_new(store, WORKFLOW, wanted, facts, dedup=dedup, random=self._random)
            if what == "conflict":
                return Refused(reason="This request came under the name of another: ask again.")
            return Submitted(
                operation=id, created=what == "started", worker_seen=worker_alive(store)
            )

    def lost(self) -> tuple[LostState, ...]:
        """Return what was lost with a Redis that came back empty, by cluster."""
        with reaching_redis():
            found = [Beginnings(store).lost() for store in self._stores.values()]
            return tuple(lost for lost in found if lost is not None)

    def answer(self, id: str) -> OrphansView | None:
        """Return what was found and done, or None while a worker is at it."""
        with reaching_redis():
            try:
                store = self._stores.get(cluster_of(id))
            except IdError:
                store = None
            record = store.workflow(id) if store else None
            if store is None or record is None or record.name != WORKFLOW or not record.final:
                return None
            if record.state == "done":
                return OrphansView.model_validate(record.result)
            why = str((record.result or {}).get("error", "")) or "it was given up"
            return OrphansView(cluster=store.group, failed=why)
