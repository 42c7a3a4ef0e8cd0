"""An operation: plan, start, approvals, reservation, then its nodes, at most so many at once."""

from dataclasses import dataclass, field
from typing import Any

from jobs.activities.pausing import wait_while_paused
from jobs.activities.survey import survey
from jobs.durable import Aborted, Context, Ended, Handle, Question, StepFailed, Timer
from jobs.models import NodeStatus, OperationEnd, OperationPlan, OperationState, QuestionKind
from jobs.resources import Resources
from jobs.workflows import choices
from jobs.workflows.inputs import DrainInput, OperationInput

Ctx = Context[Resources]
_DONE = frozenset({NodeStatus.DRAINED, NodeStatus.GONE})


@dataclass
class _Story:
    """What readers see of the operation; kept by the workflow, shown with whatever it does."""

    ctx: Ctx
    state: OperationState = OperationState.PLANNING
    plan: OperationPlan | None = None
    statuses: dict[str, str] = field(default_factory=dict)

    def show(self, state: OperationState | None = None, **ended: Any) -> None:
        self.state = state or self.state
        self.ctx.show(
            {
                "state": self.state,
                "plan": self.plan.model_dump(mode="json") if self.plan else None,
                "statuses": self.statuses,
                **ended,
            }
        )

    def end(self, end: OperationEnd, detail: str = "") -> dict[str, str]:
        self.show(OperationState.ENDED, end=end, detail=detail)
        return {"end": end, "detail": detail}


def run_operation(ctx: Ctx, input: Any) -> Any:
    """Run one operation to its end; its result is `{end, detail}`."""
    operation = OperationInput.model_validate(input)
    story = _Story(ctx)
    story.show(OperationState.PLANNING)
    try:
        return _run(ctx, operation, story)
    except Aborted as aborted:
        ctx.log("aborted", by=aborted.by, reason=aborted.reason)
        return story.end(OperationEnd.ABORTED, aborted.reason)
    except StepFailed as failed:
        ctx.log("failed", why=str(failed))
        return story.end(OperationEnd.FAILED, str(failed))


def _run(ctx: Ctx, operation: OperationInput, story: _Story) -> Any:
    surveyed = ctx.activity(
        "plan",
        survey,
        nodes=list(operation.request.nodes),
        options=operation.request.options.model_dump(mode="json"),
        long_work=operation.requirements.long_work,
    )
    if "refused" in surveyed:
        return story.end(OperationEnd.REFUSED, surveyed["refused"])
    story.plan = OperationPlan.model_validate(surveyed["plan"])
    refused = _confirm(ctx, operation, story) or _approve(ctx, operation, story)
    if refused is None:
        refused = _reserve(ctx, operation, story)
    if refused is not None:
        return story.end(OperationEnd.REFUSED, refused)
    story.show(OperationState.RUNNING)
    ended = _nodes(ctx, operation, story)
    return _conclude(ctx, story, ended)


def _confirm(ctx: Ctx, operation: OperationInput, story: _Story) -> str | None:
    """Ask for Start where the policy wants it; a refusal in words, or None."""
    needs, plan = operation.requirements, story.plan
    if plan is None or needs.approve_votes or needs.start == "at_once":
        return None
    if needs.start == "when_noteworthy" and not plan.noteworthy:
        return None
    return _consent(
        ctx, story, "start", OperationState.CONFIRMING, QuestionKind.START, choices.START,
        lapses=needs.approve_lapses, digest=plan.digest,
    )  # fmt: skip


def _approve(ctx: Ctx, operation: OperationInput, story: _Story) -> str | None:
    """Ask for approvals where the policy wants them; a refusal in words, or None."""
    needs, plan = operation.requirements, story.plan
    if plan is None or not needs.approve_votes:
        return None
    return _consent(
        ctx, story, "approve", OperationState.APPROVING, QuestionKind.APPROVAL, choices.APPROVE,
        lapses=needs.approve_lapses, digest=plan.digest, votes=needs.approve_votes,
    )  # fmt: skip


def _consent(
    ctx: Ctx, story: _Story, key: str, state: OperationState, kind: QuestionKind, yes: str, *,
    lapses: int, digest: str, votes: int = 1,
) -> str | None:  # fmt: skip
    no = choices.DENY if kind is QuestionKind.APPROVAL else choices.ABORT
    story.show(state)
    question = Question(
        kind,
        {"digest": digest, "thread_key": "plan"},
        (yes, no),
        votes_needed={yes: votes},
        stop_after=lapses,
    )
    fired = ctx.first(key, answer=question, lapsed=Timer(lapses))
    if fired.name == "lapsed":
        return "nobody answered in time"
    if fired.value["choice"] == yes:
        ctx.log("started", by=", ".join(fired.value["by"]))
        return None
    ctx.log("denied", by=", ".join(fired.value["by"]))
    return "denied" if no == choices.DENY else "aborted before it started"


def _reserve(ctx: Ctx, operation: OperationInput, story: _Story) -> str | None:
    if story.plan is None:
        return None

    def reserve(nodes: list[list[Any]]) -> Any:
        return ctx.resources.reserve(
            ctx.token, ctx.id, nodes, by=operation.requester, why=operation.request.reason
        )

    wanted = [[node.name, node.uid, node.token] for node in story.plan.nodes]
    try:
        refused: str = ctx.step("reserve", reserve, wanted)
    except Aborted:
        # An activation that died may have reserved them without having stored that it did.
        _give_up(ctx, story, [node.name for node in story.plan.nodes], NodeStatus.ABORTED)
        raise
    return refused or None


def _nodes(ctx: Ctx, operation: OperationInput, story: _Story) -> list[Ended]:
    """Drain the nodes, at most so many at once; an abort waits for those under way to tidy up."""
    if story.plan is None:
        return []
    waiting = list(story.plan.nodes)
    running: list[Handle] = []
    ended: list[Ended] = []
    try:
        while waiting or running:
            while waiting and len(running) < operation.requirements.nodes_away:
                node = waiting[0]
                ctx.activity(f"turn:{node.name}", wait_while_paused)
                drain = DrainInput(
                    operation=ctx.id,
                    node=node.name,
                    uid=node.uid,
                    options=operation.request.options,
                    requirements=operation.requirements,
                    requester=operation.requester,
                    reason=operation.request.reason,
                )
                view = {"name": node.name, "uid": node.uid, "status": NodeStatus.CORDONING}
                running.append(
                    ctx.spawn(
                        f"node:{node.name}", "drain_node", drain.model_dump(mode="json"), view=view
                    )
                )
                waiting.pop(0)  # only now: until it is spawned it is ours to let go of
            done = ctx.wait_for(f"ended:{len(ended)}", running, need=1)
            ended += done
            running = [h for h in running if h not in {child.handle for child in done}]
            if any(_status(child) is NodeStatus.STOPPED for child in done):
                ended += _finish_running(ctx, "stopped", running)
                break
    except Aborted as aborted:
        ctx.log("aborted", by=aborted.by, reason=aborted.reason)
        with ctx.shield():
            ended += _finish_running(ctx, "tidied", running)
        _give_up(ctx, story, [node.name for node in waiting], NodeStatus.ABORTED)
        return ended
    _give_up(ctx, story, [node.name for node in waiting], NodeStatus.STOPPED)
    return ended


def _finish_running(ctx: Ctx, key: str, running: list[Handle]) -> tuple[Ended, ...]:
    return ctx.wait_for(key, running, need=len(running)) if running else ()


def _give_up(ctx: Ctx, story: _Story, nodes: list[str], status: NodeStatus) -> None:
    """Let go of nodes that were reserved and never touched."""
    if not nodes:
        return

    def release(names: list[str]) -> None:
        for name in names:
            ctx.resources.nodes.change(
                ctx.token, ctx.id, name, came_from=["accepting"], to="accepting", release=True
            )

    with ctx.shield():
        ctx.step("release", release, nodes)
    story.statuses |= dict.fromkeys(nodes, str(status))


def _status(child: Ended) -> NodeStatus:
    if child.state != "done":
        return NodeStatus.FAILED
    return NodeStatus(child.result["status"])


def _conclude(ctx: Ctx, story: _Story, ended: list[Ended]) -> dict[str, str]:
    statuses = [_status(child) for child in ended]
    statuses += [NodeStatus(status) for status in story.statuses.values()]
    ctx.log("ended", drained=sum(s in _DONE for s in statuses), of=len(statuses))
    return story.end(end_of(statuses))


def end_of(statuses: list[NodeStatus]) -> OperationEnd:
    """Return how an operation ended whose nodes ended like this."""
    if all(status in _DONE for status in statuses):
        return OperationEnd.DRAINED
    for status, end in (
        (NodeStatus.ABORTED, OperationEnd.ABORTED),
        (NodeStatus.STOPPED, OperationEnd.STOPPED),
    ):
        if status in statuses:
            return end
    if all(status is NodeStatus.FAILED for status in statuses):
        return OperationEnd.FAILED
    return OperationEnd.PARTLY
