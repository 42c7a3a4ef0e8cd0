"""The drain of one node: cordon, evict until empty or until nothing can move, ask, go on."""

from dataclasses import dataclass, field
from typing import Any

from jobs.activities.cordon import cordon_node, undo_cordon
from jobs.activities.empty import empty_node
from jobs.activities.fence import confirm_drained
from jobs.durable import Aborted, Context, Fired, Question, Signal, StepFailed, Timer
from jobs.models import NodeStatus, QuestionKind
from jobs.resources import Resources
from jobs.workflows import choices
from jobs.workflows.inputs import DrainInput

Ctx = Context[Resources]
ROUNDS = 40  # questions until the history starts afresh
_ANY_MODE = ("accepting", "draining", "drained", "fence_lost")


@dataclass
class _Node:
    """The workflow's own memory: rebuilt by each replay, carried over by continue-as."""

    ctx: Ctx
    drain: DrainInput
    started: int = 0
    was_cordoned: bool = False
    status: NodeStatus = NodeStatus.CORDONING
    evicted_any: bool = False
    pods: dict[str, int] = field(default_factory=lambda: {"total": 0, "gone": 0})
    evict_anyway: list[str] = field(default_factory=list)
    force: list[str] = field(default_factory=list)
    forced: list[str] = field(default_factory=list)
    postponed: float = 0.0
    thread: str = ""
    asked: list[str] = field(default_factory=list)
    rounds: int = 0

    def carried(self) -> dict[str, Any]:
        """Return what a fresh history begins with."""
        return {
            "was_cordoned": self.was_cordoned, "evicted_any": self.evicted_any, "pods": self.pods,
            "evict_anyway": self.evict_anyway, "force": self.force, "forced": self.forced,
            "postponed": self.postponed, "thread": self.thread, "asked": self.asked,
            "rounds": self.rounds,
        }  # fmt: skip

    def show(self, status: NodeStatus, detail: str = "", **more: Any) -> None:
        """Show the node's state to readers."""
        self.status = status
        self.ctx.show(
            {
                "name": self.drain.node,
                "uid": self.drain.uid,
                "status": status,
                "detail": detail,
                "pods_total": self.pods["total"],
                "pods_gone": self.pods["gone"],
                "evicted_any": self.evicted_any,
                "cordoned_before": self.was_cordoned,
                "forced": self.forced,
                "started_at": self.started,
                **more,
            }
        )

    def log(self, what: str, **fields: Any) -> None:
        """Add a line to the story, under the node's name."""
        self.ctx.log(what, node=self.drain.node, **fields)

    def common(self) -> dict[str, Any]:
        """Return what all activities on the node want to know."""
        return {
            "operation": self.drain.operation, "node": self.drain.node, "uid": self.drain.uid,
        }  # fmt: skip


def drain_node(ctx: Ctx, input: Any) -> Any:
    """Drain one node; its result is `{status}`, with a NodeStatus that is final."""
    carried = input.get("carried") or {}
    drain = DrainInput.model_validate(input.get("drain") or input)
    node = _Node(ctx, drain, started=ctx.now(), **carried)
    node.show(NodeStatus.CORDONING)
    try:
        if not carried:
            failed = _cordon(node)
            if failed is not None:
                return failed
        return _rounds(node)
    except Aborted:
        with ctx.shield():
            return _give_up(node, NodeStatus.ABORTED)
    except StepFailed as failed_step:
        node.log("failed", why=str(failed_step))
        with ctx.shield():
            return _give_up(node, NodeStatus.FAILED, str(failed_step))


def _cordon(node: _Node) -> Any:
    drain = node.drain
    cordoned = node.ctx.activity(
        "cordon", cordon_node, **node.common(), requested_by=drain.requester, since=node.started
    )
    if cordoned["result"] != "cordoned":
        if cordoned["result"] == "gone":
            return _gone(node, cordoned["detail"])
        node.log("failed", why=cordoned["detail"])
        _let_go(node)
        return _end(node, NodeStatus.FAILED, cordoned["detail"])
    node.was_cordoned = cordoned["was_cordoned"]
    node.log("cordoned", was_cordoned=int(node.was_cordoned))
    return None


def _rounds(node: _Node) -> Any:
    for turn in range(1, ROUNDS):
        node.rounds += 1
        end = _round(node, turn)
        if end is not None:
            return end
    return node.ctx.continue_as(
        {"drain": node.drain.model_dump(mode="json"), "carried": node.carried()}
    )


def _round(node: _Node, turn: int) -> Any:
    """Evict once as far as it goes, and ask if it goes no further; the node's end, or None."""
    node.show(NodeStatus.DRAINING)
    outcome = _empty(node, turn)
    if outcome["outcome"] == "empty":
        confirmed = _confirm(node, turn)
        if confirmed["state"] == "uncordoned":
            outcome = {**outcome, "outcome": "uncordoned", "detail": confirmed["evidence"]}
        elif confirmed["state"] == "gone":
            return _gone(node, confirmed["evidence"])
        else:
            return _drained(node, confirmed)
    if outcome["outcome"] == "gone":
        return _gone(node, "the node disappeared")
    asked_at = node.ctx.now()
    fired = _ask(node, turn, outcome)
    node.postponed += (fired.at - asked_at) / 1000  # people's time is not the drain's
    return _act(node, turn, fired, outcome)


def _empty(node: _Node, turn: int) -> Any:
    outcome = node.ctx.activity(
        f"evict:{turn}",
        empty_node,
        **node.common(),
        options=node.drain.options.model_dump(mode="json"),
        requirements=node.drain.requirements.model_dump(mode="json"),
        evict_anyway=sorted(node.evict_anyway),
        force=sorted(node.force),
        since=node.ctx.now(),
        started=node.started,
        postponed=node.postponed,
        gone=node.pods["gone"],
    )
    node.pods = {"total": outcome["total"], "gone": outcome["gone"]}
    node.evicted_any = node.evicted_any or outcome["evicted"] > 0
    node.forced += outcome["forced"]
    node.force = []
    return outcome


def _kind(outcome: dict[str, Any]) -> tuple[QuestionKind, tuple[str, ...]]:
    """Return what is asked, and what can be answered."""
    if outcome["outcome"] == "uncordoned":
        return QuestionKind.UNCORDONED, choices.UNCORDONED
    if outcome["outcome"] == "overdue":
        return QuestionKind.OVERDUE, choices.OVERDUE
    anyway = (choices.EVICT_ANYWAY,) if outcome["refusals"] else ()
    if outcome["blocks"]:
        return QuestionKind.BLOCK, (*anyway, *choices.BLOCK)
    if outcome["wont_stop"]:
        return QuestionKind.WONT_STOP, (*anyway, *choices.WONT_STOP)
    return QuestionKind.REFUSAL, choices.REFUSAL


def _question(node: _Node, outcome: dict[str, Any]) -> Question:
    needs = node.drain.requirements
    kind, offered = _kind(outcome)
    pods = sorted(obstacle["pod"]["uid"] for obstacle in _obstacles(outcome))
    if not node.thread or pods != node.asked:
        node.thread, node.asked = f"{node.drain.node}:{node.rounds}", pods
    payload = {
        "node": node.drain.node,
        "thread_key": node.thread,
        "detail": outcome["detail"],
        "pods_left": outcome["total"] - outcome["gone"],
        "pods_total": outcome["total"],
        **{part: outcome[part] for part in _PARTS},
    }
    notices = {"remind": needs.remind_after}
    if needs.escalate_to:
        notices["escalate"] = needs.escalate_after
    return Question(
        kind,
        payload,
        offered,
        votes_needed={choices.FORCE: needs.force_votes},
        notices=notices,
        stop_after=needs.stop_after,
    )


_PARTS = ("refusals", "blocks", "wont_stop")
_BY_COUNTS = ("budget", "budget_broken")  # kinds of blocks that end when a budget's counts allow


def _budgets(outcome: dict[str, Any], *kinds: str) -> list[str]:
    return sorted(
        {
            f"{budget['namespace']}/{budget['name']}"
            for block in outcome["blocks"]
            if block["kind"] in kinds
            for budget in block["budgets"]
        }
    )


def _obstacles(outcome: dict[str, Any], *parts: str) -> list[dict[str, Any]]:
    """Return what keeps pods on the node: all of it, or only these parts."""
    return [obstacle for part in parts or _PARTS for obstacle in outcome[part]]


def _ask(node: _Node, turn: int, outcome: dict[str, Any]) -> Fired:
    node.show(NodeStatus.BLOCKED, outcome["detail"])
    needs = node.drain.requirements
    # Past the deadline only people let it go on: what is free would be asked about again at once.
    pods = [o["pod"] for o in _obstacles(outcome)] if outcome["outcome"] == "asks" else []
    watching = {
        **node.common(), "budgets": _budgets(outcome, *_BY_COUNTS),
        "one_of": _budgets(outcome, "two_budgets"), "pods": pods,
        "free_for": needs.auto_resume_after_free, "until": node.ctx.now()
        + int(needs.auto_resume_within * 1000),
    }  # fmt: skip
    return node.ctx.first(
        f"ask:{turn}",
        watching=watching if pods else None,
        answer=_question(node, outcome),
        freed=Signal("freed"),
        stop=Timer(needs.stop_after, movable=True),
    )


def _act(node: _Node, turn: int, fired: Fired, outcome: dict[str, Any]) -> Any:
    """Carry out what was decided; returns the node's end, or None to go on."""
    if fired.name == "stop":
        node.log("stopped")
        return _end(node, NodeStatus.STOPPED, "nobody answered; the cordon stays")
    if fired.name == "freed":
        node.log("freed", pods=_names(_obstacles(outcome)))
        return None
    choice, by = fired.value["choice"], ", ".join(fired.value["by"])
    if choice == choices.EVICT_ANYWAY:
        node.evict_anyway += [refusal["pod"]["uid"] for refusal in outcome["refusals"]]
    elif choice == choices.FORCE:
        past_budgets = _obstacles(outcome, "blocks", "wont_stop")
        node.force = [obstacle["pod"]["uid"] for obstacle in past_budgets]
        node.log("forced", by=by, pods=_names(past_budgets), note=fired.value["note"])
    elif choice == choices.SKIP:
        node.log("skipped", by=by)
        with node.ctx.shield():
            return _give_up(node, NodeStatus.SKIPPED, f"skipped by {by}")
    elif choice == choices.ABORT:
        node.ctx.step(f"abort:{turn}", _abort(node), fired.value["by"][0], fired.value["note"])
        with node.ctx.shield():
            return _give_up(node, NodeStatus.ABORTED)
    elif outcome["outcome"] == "uncordoned":
        failed = _cordon_again(node, turn)
        if failed is not None:
            return failed
    if outcome["outcome"] == "overdue":
        node.postponed = (fired.at - node.started) / 1000  # all of its time again, from now on
    return None


def _abort(node: _Node) -> Any:
    def abort_operation(by: str, reason: str) -> str:
        store = node.ctx.resources.store
        return store.control(
            node.drain.operation, "abort", by=by, reason=reason, call=f"{node.ctx.id}:abort"
        )

    return abort_operation


def _cordon_again(node: _Node, turn: int) -> Any:
    cordoned = node.ctx.activity(
        f"cordon:{turn}", cordon_node, **node.common(), requested_by=node.drain.requester,
        since=node.started,
    )  # fmt: skip
    if cordoned["result"] == "cordoned":
        node.log("cordoned", was_cordoned=int(node.was_cordoned))
        return None
    return _end(node, NodeStatus.FAILED, cordoned["detail"])


def _names(obstacles: list[dict[str, Any]]) -> str:
    return ", ".join(f"{o['pod']['namespace']}/{o['pod']['name']}" for o in obstacles)


def _confirm(node: _Node, turn: int) -> dict[str, Any]:
    return node.ctx.activity(
        f"confirm:{turn}", confirm_drained, **node.common(),
        options=node.drain.options.model_dump(mode="json"),
        evict_anyway=sorted(node.evict_anyway), by=node.drain.requester, why=node.drain.reason,
    )  # fmt: skip


def _drained(node: _Node, confirmed: dict[str, Any]) -> Any:
    if confirmed["left"]:
        return None
    if not confirmed["held"]:
        return _end(node, NodeStatus.FAILED, confirmed["evidence"])
    node.log("drained", pods=node.pods["gone"])
    return _end(node, NodeStatus.DRAINED, safe_to_power_off=True)


def _give_up(node: _Node, status: NodeStatus, detail: str = "") -> Any:
    """Leave the node: our own cordon is undone if nothing was evicted, else all stays visible."""
    try:
        undone = node.ctx.activity(
            "give-up", undo_cordon, **node.common(), even_if_evicted=False,
            by=node.drain.requester, why=status.value,
        )  # fmt: skip
    except StepFailed as failed:
        node.log("failed", why=str(failed))
        _let_go(node)
        return _end(node, status, f"{detail}; {failed}" if detail else str(failed))
    node.evicted_any = node.evicted_any or undone["evicted"]
    if not undone["kept"]:
        node.log("uncordoned", why=undone["what"])
    return _end(node, status, detail, cordon_kept=undone["kept"])


def _gone(node: _Node, detail: str) -> Any:
    node.log("gone", why=detail)
    _release(node, came_from=_ANY_MODE, to="gone")
    return _end(node, NodeStatus.GONE, detail)


def _let_go(node: _Node) -> None:
    """Let go of a node that was never cordoned; one that was stays owned and visible."""
    _release(node, came_from=("accepting",), to="accepting")


def _release(node: _Node, *, came_from: tuple[str, ...], to: str) -> None:
    def release(name: str, mode: str) -> None:
        node.ctx.resources.nodes.change(
            node.ctx.token, node.drain.operation, name, came_from=came_from, to=mode,
            release=True, by=node.drain.requester, why=mode,
        )  # fmt: skip

    with node.ctx.shield():
        node.ctx.step("release", release, node.drain.node, to)


def _end(node: _Node, status: NodeStatus, detail: str = "", **more: Any) -> dict[str, Any]:
    node.show(status, detail, ended_at=node.ctx.now(), **more)
    return {"status": status, "detail": detail}
