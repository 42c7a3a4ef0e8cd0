"""A node that runs the only worker that would be left: people are asked before it is drained.

When its pod is evicted nobody goes on with the drain until a worker starts elsewhere. The question
closes by itself when one does: the drain then goes on from there.
"""

import itertools
from typing import Any

from jobs.activities.cordon import cordon_node
from jobs.durable import Fired, Question, Signal, Timer
from jobs.models import NodeStatus, QuestionKind
from jobs.workflows import choices
from jobs.workflows.asking import notices
from jobs.workflows.endings import end, leave, let_go, unanswered
from jobs.workflows.node_state import NodeDrain

_SHORT = "it runs the only worker that would be left"


def cordon(node: NodeDrain, key: str) -> dict[str, Any]:
    """Cordon the node, and ask before that if its only worker runs there.

    Returns what :func:`~jobs.activities.cordon.cordon_node` does; or `{result: ended, end}`.
    """
    for turn in itertools.count():
        anyway = {"only_worker_anyway": True} if node.only_worker_anyway else {}
        cordoned: dict[str, Any] = node.ctx.activity(
            f"{key}:worker:{turn}" if turn else key, cordon_node, **node.common(),
            requested_by=node.drain.requester, reason=node.drain.reason, since=node.started,
            **anyway,
        )  # fmt: skip
        if cordoned["result"] != "only_worker":
            return cordoned
        ended = ask_about_worker(node, f"{key}:{turn}", untouched=key == "cordon")
        if ended is not None:
            return {"result": "ended", "end": ended}
    raise AssertionError("unreachable")


def ask_about_worker(node: NodeDrain, turn: str, *, untouched: bool = False) -> Any:
    """Ask whether to go on; the node's end, or None to go on with it.

    `untouched`: it is not even cordoned yet.
    """
    asked_at = node.ctx.now()
    fired = _ask(node, turn)
    node.postponed += (fired.at - asked_at) / 1000  # people's time is not the drain's
    if fired.name == "freed":
        node.log("freed")
        return None
    if fired.name == "stop":
        return _untouched(node) if untouched else unanswered(node)
    choice = fired.value["choice"]
    if choice == choices.GO_ON:
        node.only_worker_anyway = True
        node.log("only_worker_anyway", by=", ".join(fired.value["by"]))
        return None
    return None if choice == choices.RETRY else leave(node, f"worker:{turn}", fired.value)


def _untouched(node: NodeDrain) -> Any:
    node.log("stopped")
    let_go(node)
    return end(node, NodeStatus.STOPPED, "nobody answered; it was not touched")


def _ask(node: NodeDrain, turn: str) -> Fired:
    needs, name = node.drain.requirements, node.drain.node
    node.show(NodeStatus.BLOCKED, _SHORT)
    detail = (
        f"The only worker of {node.ctx.token.group} that would be left runs on {name}: when its "
        "pod is evicted nobody finishes this drain until a worker starts elsewhere."
    )
    payload = {
        "node": name, "detail": detail, "thread_key": f"{name}:worker",
        "pods_left": node.pods["total"] - node.pods["gone"], "pods_total": node.pods["total"],
    }  # fmt: skip
    free_for = needs.auto_resume_after_free
    return node.ctx.first(
        f"ask:worker:{turn}",
        watching={**node.common(), "worker_elsewhere": True, "free_for": free_for},
        answer=Question(
            QuestionKind.ONLY_WORKER, payload, choices.ONLY_WORKER,
            notices=notices(needs), stop_after=needs.stop_after,
        ),
        freed=Signal("freed"),
        stop=Timer(needs.stop_after, movable=True),
    )  # fmt: skip
