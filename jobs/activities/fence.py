"""Confirm that a node is fenced and empty before anybody is told that it is drained."""

from typing import Any

from jobs.activities.modes import show_mode
from jobs.activities.trouble import asking_cluster
from jobs.drain.facts import Node
from jobs.drain.fence import Claim, Fence, fence, token_of
from jobs.drain.fencing import BROKEN, fence_noted
from jobs.drain.filters import Rules, judge
from jobs.durable import Activity
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.pods import list_pods_on
from jobs.models import DrainOptions
from jobs.resources import Resources

_STATES = {Fence.GONE: "gone", Fence.REPLACED: "gone", Fence.UNCORDONED: "uncordoned"}


def confirm_drained(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    options: dict[str, Any],
    evict_anyway: list[str],
    by: str,
    why: str,
) -> dict[str, Any]:
    """Look at the node and its pods once more; `{state, held, evidence, left}`.

    `state` is gone, uncordoned, or else whether it is `held` or `broken`.

    Not held with `left` above 0: a pod landed before the cordon was seen by everybody, go on.
    """
    act.tick()
    with asking_cluster():
        seen = find_node(act.resources.cluster, node)
        pods, _ = list_pods_on(act.resources.cluster, node)
    state = fence(seen, _claim(seen, operation, node, uid))
    if state is not Fence.HELD:
        return _answer(_STATES.get(state, "broken"), BROKEN[state])
    rules = Rules.of(
        DrainOptions.model_validate(options), evict_anyway=frozenset(evict_anyway), long_work=0
    )
    left = [str(pod) for pod in pods if judge(pod, rules, act.now()).fate.must_go]
    if left:
        return _answer("broken", f"{left[0]} landed on it", left=len(left))
    changed = act.resources.nodes.change(
        act.token, operation, node, came_from=("draining",), to="drained", by=by, why=why,
        noted=fence_noted(options, evict_anyway, pods, by=operation),
    )  # fmt: skip
    if not changed:
        return _answer("broken", "its record is not draining any more")
    act.resources.last_seen.note(seen)
    show_mode(act.resources, node)
    return _answer("held", "")


def _answer(state: str, evidence: str, *, left: int = 0) -> dict[str, Any]:
    return {"state": state, "held": state == "held", "evidence": evidence, "left": left}


def _claim(seen: Node | None, operation: str, node: str, uid: str) -> Claim:
    """Return the claim as the node shows it: whose it is matters here, not under which counter."""
    token = token_of(seen) if seen else 0
    return Claim(node=node, uid=uid, operation=operation, token=token)
