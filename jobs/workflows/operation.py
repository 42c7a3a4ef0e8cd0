"""An operation: plan, start, approvals, reservation, then its nodes, at most so many at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jobs.activities.pausing import wait_for_turn, wait_while_paused
from jobs.drain.fleet import Fleet, Part, Stop, done_when, end_of, turn_after
from jobs.durable import Aborted, Context, Ended, Handle, StepFailed
from jobs.models import NodePlan, NodeStatus, OperationEnd, OperationPlan, OperationState
from jobs.resources import Resources
from jobs.workflows import choices
from jobs.workflows.canaries import detail_of, prove
from jobs.workflows.consent import Consent, ask_people
from jobs.workflows.inputs import DrainInput, LifeInput, OperationInput
from jobs.workflows.planning import planned
from jobs.workflows.story import Story

Ctx = Context[Resources]
_PARTS = {Part.DRAIN: ("node", "drain_node"), Part.LIFE: ("life", "node_life")}
_NAMED = 3  # nodes that a sentence names; the rest are counted


def run_operation(ctx: Ctx, input: Any) -> Any:
    """Run one operation to its end; its result is `{end, detail}`."""
    operation = OperationInput.model_validate(input)
    story = Story(ctx)
    story.show(OperationState.PLANNING)
    try:
        return _run(ctx, operation, story)
    except Aborted as aborted:
        ctx.log("aborted", by=aborted.by, reason=aborted.reason)
        return story.end(OperationEnd.ABORTED, aborted.reason)
    except StepFailed as failed:
        ctx.log("failed", why=str(failed))
        return story.end(OperationEnd.FAILED, str(failed))


def _run(ctx: Ctx, operation: OperationInput, story: Story) -> Any:
    plan, refused = planned(operation, story)
    if plan is None:
        return story.end(OperationEnd.REFUSED, refused)
    if operation.request.plan_only:
        return story.end(OperationEnd.PLANNED)
    consent = ask_people(operation, story)
    plan = story.plan or plan
    refused = consent.refused or _reserve(ctx, operation, story, plan)
    if refused:
        return story.end(OperationEnd.REFUSED, refused)
    story.show(OperationState.RUNNING)
    return _Nodes(operation, story, plan, consent).run()


def _reserve(ctx: Ctx, operation: OperationInput, story: Story, plan: OperationPlan) -> str:
    def reserve(nodes: list[list[Any]]) -> Any:
        return ctx.resources.reserve(
            ctx.token, ctx.id, nodes, by=operation.requester, why=operation.request.reason
        )

    wanted = [[node.name, node.uid, node.token] for node in plan.nodes]
    try:
        refused: str = ctx.step("reserve", reserve, wanted)
    except Aborted:
        # An activation that died may have reserved them without having stored that it did.
        _let_go(story, [node.name for node in plan.nodes], NodeStatus.ABORTED)
        raise
    return refused


class _Nodes:
    """The nodes of an operation and their drains: rebuilt by each replay."""

    def __init__(
        self, operation: OperationInput, story: Story, plan: OperationPlan, consent: Consent
    ) -> None:
        options = operation.request.options
        self.ctx = story.ctx
        self.operation = operation
        self.story = story
        self.consent = consent
        self.plans = {node.name: node for node in plan.nodes}
        self.running: dict[Handle, str] = {}
        self.ended: dict[str, Ended] = {}
        self.parts: dict[str, list[Part]] = {}  # what was begun of each node, the latest last
        self.between: list[str] = []  # nodes of which a part has ended, and nothing else followed
        self.owners: dict[str, dict[str, Any]] = {}  # of each node's workloads, by uid
        self.noted = 0
        self.fleet = Fleet(
            nodes=tuple(self.plans),
            away=operation.requirements.nodes_away,
            canaries=options.canary,
            max_failures=options.max_failures,
            expect_gone=options.expect_gone,
            whole_life=options.whole_life,
        )

    def run(self) -> dict[str, str]:
        """Drain them, at most so many at once; an abort waits for those under way to tidy up."""
        try:
            gone_on = self._take_turns()
        except Aborted as aborted:
            self.ctx.log("aborted", by=aborted.by, reason=aborted.reason)
            with self.ctx.shield():
                self._finish_running("tidied")
            self._all_over()
            gone_on = choices.ABORT
        if gone_on == choices.ABORT:
            self._let_go(NodeStatus.ABORTED)
        else:
            self._let_go(NodeStatus.STOPPED, self._why_stopped())
        return self._conclude(aborted=gone_on == choices.ABORT)

    def _take_turns(self) -> str:
        """Begin nodes and wait for their ends until none is left, or none may begin any more.

        Returns what was said of the canaries, see :func:`jobs.workflows.canaries.prove`.
        """
        said: str = choices.GO_ON
        while said == choices.GO_ON:
            while (name := self.fleet.next) is not None and self._has_turn(name):
                self.running[self._begin(self.plans[name])] = name
                self.fleet = self.fleet.began()  # only now: until then it is ours to let go of
            if self.fleet.stopped and not (self.fleet.whole_life and self.running):
                self._finish_running("stopped")
                return said
            if self.running:
                waited = list(self.running)
                self._note(self.ctx.wait_for(f"ended:{self.noted}", waited, need=1))
                self._follow()
            elif self.fleet.proving:
                said = prove(self.operation, self.story, self.fleet, self.ended)
                self.fleet = replace(self.fleet, proven=said == choices.GO_ON)
            else:
                return said
        return said

    def _has_turn(self, name: str) -> bool:
        """Wait while nothing new may begin; False where another node has to be gone on with first.

        That one may be drained by now, and its maintenance begins in a pause too.
        """
        if not (self.fleet.whole_life and self.running):
            self.ctx.activity(f"turn:{name}", wait_while_paused)
            return True
        running = [handle.id for handle in self.running]
        return self.ctx.activity(f"turn:{name}:{self.noted}", wait_for_turn, running=running)

    def _follow(self) -> None:
        """Go on with the nodes of which a part has ended: with the next part, or they are over."""
        while self.between:
            name = self.between[0]
            said = _said(self.ended[name])
            follows = turn_after(
                self.parts[name][-1], _status(self.ended[name]),
                whole_life=self.fleet.whole_life, unanswered=bool(said.get("unanswered")),
                again=bool(said.get("again")),
            )  # fmt: skip
            if follows is None:
                self._over(name)
            elif follows is Part.LIFE:
                self.running[self._tend(self.plans[name], said)] = name
            else:
                self.running[self._begin(self.plans[name])] = name
            self.between.pop(0)  # only now: what an abort comes before is over

    def _all_over(self) -> None:
        """Begin nothing more: what was begun of each node was all."""
        for name in self.between:
            self._over(name)
        self.between.clear()

    def _over(self, name: str) -> None:
        ended = self.ended[name]
        unanswered = bool(_said(ended).get("unanswered"))
        self.fleet = self.fleet.over(name, _status(ended), unanswered=unanswered)

    def _tend(self, node: NodePlan, drained: dict[str, Any]) -> Handle:
        """Begin the life of a drained node out of service, as its drain left it."""
        options = self.operation.request.options
        owners = self.owners.setdefault(node.name, {})
        for owner in drained["owners"]:  # the first look came before all evictions
            owners.setdefault(owner["controller"]["uid"], owner)
        life = LifeInput(
            cluster=self.operation.request.cluster,
            node=node.name,
            uid=node.uid,
            requester=self.operation.requester,
            reason=self.operation.request.reason,
            begin="maintenance",
            expected=options.expected,
            options=options,
            requirements=self.operation.requirements,
            operation=self.ctx.id,
            shown=drained["shown"],
            owners=tuple(owners.values()),
        )
        return self._spawn(Part.LIFE, node, life.model_dump(mode="json"), view=drained["shown"])

    def _spawn(self, part: Part, node: NodePlan, input: Any, *, view: Any) -> Handle:
        """Begin a part of a node; the first one of a kind has a key without a number."""
        begun = self.parts.get(node.name, [])
        kind, workflow = _PARTS[part]
        times = begun.count(part)
        key = f"{kind}:{node.name}:{times}" if times else f"{kind}:{node.name}"
        handle = self.ctx.spawn(key, workflow, input, view=view)
        self.parts[node.name] = [*begun, part]
        return handle

    def _begin(self, node: NodePlan) -> Handle:
        refused = (refusal.pod.uid for refusal in node.refusals)
        drain = DrainInput(
            operation=self.ctx.id,
            node=node.name,
            uid=node.uid,
            options=self.operation.request.options,
            requirements=self.operation.requirements,
            requester=self.operation.requester,
            reason=self.operation.request.reason,
            evict_anyway=tuple(uid for uid in refused if uid in self.consent.evict_anyway),
            named=node.single_replicas,
        )
        view = {"name": node.name, "uid": node.uid, "status": NodeStatus.CORDONING}
        return self._spawn(Part.DRAIN, node, drain.model_dump(mode="json"), view=view)

    def _finish_running(self, key: str) -> None:
        if self.running:
            self._note(self.ctx.wait_for(key, list(self.running), need=len(self.running)))
            self._all_over()

    def _note(self, ended: Sequence[Ended]) -> None:
        for child in ended:
            self.noted += 1
            name = self.running.pop(child.handle)
            self.ended[name] = child
            self.between.append(name)

    def _let_go(self, status: NodeStatus, detail: str = "") -> None:
        _let_go(self.story, list(self.fleet.waiting), status, detail)

    def _why_stopped(self) -> str:
        """Say why nodes have no turn, as far as it isn't that nobody answered."""
        if self.fleet.stopped is not Stop.FAILURES or not self.fleet.waiting:
            return ""
        names = self.fleet.failures
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        failed = f"{', '.join(names[:_NAMED])}{more} failed"
        return f"{failed}: no other node begins, as --max-failures={self.fleet.max_failures} says"

    def _conclude(self, *, aborted: bool) -> dict[str, str]:
        fleet = self.fleet
        statuses = [*fleet.ended.values(), *map(NodeStatus, self.story.statuses.values())]
        done = done_when(expect_gone=fleet.expect_gone, whole_life=fleet.whole_life)
        drained = sum(s in done or s is NodeStatus.DRAINED for s in statuses)
        returned = {"returned": statuses.count(NodeStatus.RETURNED)} if fleet.whole_life else {}
        self.ctx.log("ended", drained=drained, of=len(statuses), **returned)
        end = end_of(
            statuses, expect_gone=fleet.expect_gone, stopped=fleet.stopped,
            whole_life=fleet.whole_life, aborted=aborted,
        )  # fmt: skip
        detail = self._why_stopped()
        if not detail and end is OperationEnd.FAILED:
            detail = "; ".join(
                f"{name}: {detail_of(self.ended[name])}" for name in fleet.failures[:_NAMED]
            )
        return self.story.end(end, detail)


def _let_go(story: Story, nodes: list[str], status: NodeStatus, detail: str = "") -> None:
    """Let go of nodes that were reserved and never touched."""
    if not nodes:
        return
    ctx = story.ctx

    def release(names: list[str]) -> None:
        for name in names:
            ctx.resources.nodes.change(
                ctx.token, ctx.id, name, came_from=["accepting"], to="accepting", release=True
            )

    with ctx.shield():
        ctx.step("release", release, nodes)
    story.statuses |= dict.fromkeys(nodes, str(status))
    story.details |= dict.fromkeys(nodes, detail) if detail else {}


def _said(child: Ended) -> dict[str, Any]:
    return dict(child.result) if child.state == "done" else {}


def _status(child: Ended) -> NodeStatus:
    if child.state != "done":
        return NodeStatus.FAILED
    return NodeStatus(child.result["status"])
