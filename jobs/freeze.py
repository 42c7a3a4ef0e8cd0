"""Freeze a cluster, so that nothing is evicted in it any more, and thaw it again.

The script that gives leave for each eviction looks for the freeze, so it holds from the moment at
which it is stored, for every worker, and survives restarts.
"""

from collections.abc import Mapping
from typing import Literal

from jobs.audit import Facts
from jobs.authorization import Action, Denied, Target, may, no_policy_refusal
from jobs.durable import Store
from jobs.ids import did_you_mean
from jobs.leases import reaching_redis
from jobs.models import Freeze, Froze, Principal, Refused
from jobs.policy import Policy
from jobs.policy.grounds import evidence
from jobs.reading import freeze_now, read_freeze


class Freezing:
    """The part of :class:`jobs.service.Service` that freezes clusters."""

    _stores: Mapping[str, Store]
    _policy: Policy | None
    _facts: Facts

    def freeze(
        self, principal: Principal, cluster: str, reason: str, *, channel: str = "", nonce: str
    ) -> Froze | Refused:
        """Allow no new eviction anywhere in a cluster. Who may request a drain there may.

        Running operations stop before their next eviction, and new ones wait. The same `nonce` is
        answered alike. Raises :class:`jobs.errors.StateUnavailable`.
        """
        if not reason.strip():
            return Refused(reason="Say why it is to be frozen. Nothing changed.")
        return self._freeze(principal, "freeze", cluster, reason, channel, nonce)

    def thaw(
        self, principal: Principal, cluster: str, *, reason: str = "", channel: str = "", nonce: str
    ) -> Froze | Refused:
        """End a freeze; what waited goes on by itself. Who may decide there may."""
        return self._freeze(principal, "thaw", cluster, reason, channel, nonce)

    def frozen(self, cluster: str) -> Freeze | None:
        """Return the freeze that holds a cluster, or None."""
        with reaching_redis():
            store = self._stores.get(cluster)
            return freeze_now(store) if store else None

    def _freeze(
        self,
        principal: Principal,
        act: Literal["freeze", "thaw"],
        cluster: str,
        reason: str,
        channel: str,
        nonce: str,
    ) -> Froze | Refused:
        with reaching_redis():
            if self._policy is None:
                return Refused(reason=no_policy_refusal())
            target = Target(cluster=cluster, channel=channel)
            answer = may(principal, Action(act), target, self._policy)
            if isinstance(answer, Denied):
                return Refused(reason=answer.reason, who_may=answer.who_may)
            store = self._stores.get(cluster)
            if store is None:
                hint = did_you_mean(cluster, self._stores)
                return Refused(reason=f"There is no cluster {cluster} here. {hint}".rstrip())
            changed, record = store.freeze(
                on=act == "freeze", by=principal.id, reason=reason.strip(), call=nonce,
                evidence=evidence(principal, answer.rests_on),
                audit=self._facts.act(principal, target, Action(act)),
            )  # fmt: skip
            freeze = None if record is None else read_freeze(cluster, record)
            return Froze(cluster=cluster, changed=changed, freeze=freeze)
