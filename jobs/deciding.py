"""Deciding: answers to questions, and abort, pause and resume; judged by the policy of today."""

from collections.abc import Callable, Iterable, Mapping

from jobs.answering import actions_of
from jobs.audit import Facts
from jobs.authorization import Action, Denied, Target, labels_of, may, no_policy_refusal
from jobs.durable import Store
from jobs.ids import IdError, cluster_of, short
from jobs.inventory import InventoryStore
from jobs.leases import reaching_redis
from jobs.models import (
    Acted,
    Decided,
    Memberships,
    OperationView,
    Outcome,
    Principal,
    QuestionView,
    Refused,
)
from jobs.policy import Policy
from jobs.reading import operation_view, question_view
from jobs.voting import asked_target, ballot
from jobs.workflows import choices

WAIT_SECONDS = 3600.0  # what the button Wait adds


class Deciding:
    """The part of :class:`jobs.service.Service` in which people decide."""

    _policy: Policy | None
    _facts: Facts
    _people: Callable[[], Memberships]
    _stores: Mapping[str, Store]
    _inventories: Mapping[str, InventoryStore]

    def _may(self, principal: Principal, action: Action, target: Target) -> Refused | None:
        if self._policy is None:
            return Refused(reason=no_policy_refusal())
        answer = may(principal, action, target, self._policy)
        if isinstance(answer, Denied):
            return Refused(reason=answer.reason, who_may=answer.who_may)
        return None

    def decide(
        self, principal: Principal, question: str, choice: str, *, note: str = "", nonce: str
    ) -> Decided:
        """Answer a question. Counts at most once; the loser of a race is told who won."""
        with reaching_redis():
            store = self._store_of(question)
            view = question_view(store, question) if store else None
            if store is None or view is None:
                return Decided(outcome=Outcome.UNKNOWN)
            if choice not in view.choices:
                return Decided(outcome=Outcome.NOT_A_CHOICE, question=view)
            operation = operation_view(store, view.operation)
            if operation is None:
                return Decided(outcome=Outcome.UNKNOWN)
            refused = self._may_decide(principal, choice, view, operation, note)
            if refused is not None:
                return Decided(
                    outcome=Outcome.REFUSED,
                    question=view,
                    reason=refused.reason,
                    who_may=refused.who_may,
                )
            target = self._asked_of(view, operation, choice)
            facts = self._facts.vote(principal, target, actions_of(choice, view), view, operation)
            if choice == choices.WAIT:
                result = store.postpone(
                    question, WAIT_SECONDS, by=principal.id, call=nonce, note=note, audit=facts
                )
            else:
                vote = ballot(
                    principal, view, choice, target, actions_of(choice, view), self._policy,
                    self._people(),
                )  # fmt: skip
                result = store.settle(
                    question, choice, by=principal.id, call=nonce, note=note, audit=facts,
                    evidence=vote.evidence, roles=vote.roles, voters=vote.voters,
                )  # fmt: skip
            return Decided(outcome=Outcome(result), question=question_view(store, question))

    def _may_decide(
        self,
        principal: Principal,
        choice: str,
        view: QuestionView,
        operation: OperationView,
        note: str,
    ) -> Refused | None:
        actions = actions_of(choice, view)
        if not actions:
            return Refused(reason="drainbot does not know this choice. Nothing changed.")
        target = self._asked_of(view, operation, choice)
        refusals = (self._may(principal, each, target) for each in actions)
        refused = next((each for each in refusals if each is not None), None)
        if refused is None and choice == choices.FORCE and not note.strip():
            needed = operation.requirements.force_reason
            return Refused(reason="Force needs a reason here. Nothing changed.") if needed else None
        return refused

    def _asked_of(self, view: QuestionView, operation: OperationView, choice: str) -> Target:
        names = view.nodes or tuple(node.name for node in operation.nodes)
        target = self._target(operation, names, [pod.namespace for pod in view.pods])
        return asked_target(target, view, choice)

    def _target(
        self, operation: OperationView, names: Iterable[str], namespaces: Iterable[str] = ()
    ) -> Target:
        inventory = self._inventories[operation.cluster].read()
        return Target(
            cluster=operation.cluster,
            nodes=labels_of(inventory, names),
            requester=operation.requester,
            namespaces=frozenset(namespaces),
        )

    def abort(
        self, principal: Principal, operation: str, *, reason: str = "", nonce: str
    ) -> Acted | Refused:
        """Abort an operation: no further eviction beyond requests in flight."""
        return self._control(principal, operation, Action.ABORT, reason, nonce)

    def pause(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        """Pause it: no new node, no new eviction; questions and deadlines stay alive."""
        return self._control(principal, operation, Action.PAUSE, "", nonce)

    def resume(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        """Let a paused operation go on."""
        return self._control(principal, operation, Action.RESUME, "", nonce)

    def _control(
        self, principal: Principal, operation: str, action: Action, reason: str, nonce: str
    ) -> Acted | Refused:
        with reaching_redis():
            store = self._store_of(operation)
            view = operation_view(store, operation) if store else None
            if store is None or view is None:
                return Refused(reason=f"There is no operation {operation}.", because="unknown")
            target = self._target(view, [node.name for node in view.nodes])
            refused = self._may(principal, action, target)
            if refused is not None:
                return refused
            facts = self._facts.act(principal, target, action)
            result = store.control(
                operation, action.value, by=principal.id, reason=reason, call=nonce, audit=facts
            )
            if result == "ended":
                return Refused(
                    reason=f"Operation {short(operation)} has ended already. Nothing changed.",
                    because="ended",
                )
            return Acted(operation=operation, changed=result == "changed")

    def _store_of(self, id: str) -> Store | None:
        try:
            return self._stores.get(cluster_of(id))
        except IdError:
            return None
