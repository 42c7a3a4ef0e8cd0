"""What stands in a drain's way, in sentences: blocks, refusals, pods that won't stop."""

from collections.abc import Iterable, Sequence

from bot.messages.style import Style
from bot.messages.text import count, listing, pod_names, short_id
from jobs.models import (
    Block,
    BudgetFacts,
    NotReady,
    OwnerRef,
    Refusal,
    RefusalReason,
    Verdict,
    WontStop,
)

__all__ = [
    "block_lines",
    "budget_short",
    "not_ready_lines",
    "reason_words",
    "refusal_lines",
    "wont_stop_lines",
]

_GROUPS = 5  # causes told in full; the rest are counted
_PODS = 3  # pods, or operations, that one cause names
_FEW = 2  # above this many causes, each is told shorter

_REASONS = {
    RefusalReason.UNMANAGED: "nothing would start it again (no owner)",
    RefusalReason.EMPTYDIR: "the data in its emptyDir would be lost",
    RefusalReason.DAEMONSET: "a DaemonSet's pod, and these are not to be left running",
    RefusalReason.DAEMONSET_GONE: "its DaemonSet is gone",
    RefusalReason.DO_NOT_DISRUPT: "marked karpenter.sh/do-not-disrupt",
    RefusalReason.NOT_SAFE_TO_EVICT: "marked as not safe to evict",
    RefusalReason.LONG_WORK: "long work that would start over",
    RefusalReason.LAST_READY: "the last ready pod of its workload",
}


def reason_words(reason: RefusalReason) -> str:
    """Return why a drain may not touch a pod by itself."""
    return _REASONS[reason]


def budget_short(budget: BudgetFacts, style: Style) -> str:
    """Return a budget in a few words: `budget db needs 3 healthy, has 3`."""
    name = f"budget {style.text(budget.name, 80)}"
    if budget.desired_healthy < 0 or budget.current_healthy < 0:
        return name + (f" ({style.text(budget.spec, 60)})" if budget.spec else "")
    return f"{name} needs {budget.desired_healthy} healthy, has {budget.current_healthy}"


def block_lines(
    blocks: Sequence[Block], style: Style, *, advice: bool = True, named: bool = False
) -> list[str]:
    """Say what blocks, by cause: pods that one budget holds back share their sentences.

    Without `advice` it is not said whether waiting helps, and what would: it is past. Where the
    pods are `named` already, one cause of all of them does not name them again.
    """
    causes: dict[tuple[object, ...], list[Block]] = {}
    for block in blocks:
        budgets = tuple((b.namespace, b.name) for b in block.budgets)
        message = "" if block.budgets else block.message
        causes.setdefault((block.kind, block.verdict, budgets, message), []).append(block)
    lines: list[str] = []
    for same in list(causes.values())[:_GROUPS]:
        if len(blocks) > 1 and not (named and len(causes) == 1):
            few = len(causes) > _FEW
            names = (str(b.pod) for b in same)
            pods = pod_names(names, style.text, limit=2 if few else 5, each=60 if few else 120)
            lines.append(style.bold(pods))
        lines.append(_cause(same[0], style))
        if advice:
            lines.append(_verdict(same, style))
            lines += [*not_ready_lines(_waited(same), style), *_holders(same, style)]
    if len(causes) > _GROUPS:
        left = sum(len(same) for same in list(causes.values())[_GROUPS:])
        lines.append(f"… and {count(left, 'pod')} more, of {len(causes) - _GROUPS} other causes.")
    return lines


def _cause(block: Block, style: Style) -> str:
    said = f"The server says: {style.text(block.message, 400)}" if block.message else ""
    names = listing([style.text(b.name, 80) for b in block.budgets], 3, last=" and ")
    words = {
        "two_budgets": f"Two budgets cover it ({names}); the server then refuses every eviction."
        if names
        else "Two budgets cover it; the server then refuses every eviction.",
        "rbac": f"drainbot's worker has no right to evict it. {said}",
        "webhook": f"{_refuser(block)} refuses it. {said}",
        "budget_broken": f"Its budget {names} can't be worked out by the cluster. {said}",
        "namespace": "Its namespace is ending, so the server takes no eviction.",
        "busy": "The API server is busy.",
    }
    if block.kind != "budget":
        return words[block.kind].strip()
    if not block.budgets:
        return f"A budget refuses it. {said}".strip()
    return _budget(block.budgets[0], block.owner, style)


def _refuser(block: Block) -> str:
    # A policy of the cluster's own, or a request that the server won't have, is no webhook.
    return "An admission webhook" if "admission webhook" in block.message else "The API server"


def _budget(budget: BudgetFacts, owner: OwnerRef | None, style: Style) -> str:
    name = f"Budget {style.text(budget.name, 120)}"
    rule = f" ({style.text(budget.spec, 80)})" if budget.spec else ""
    if budget.desired_healthy >= 0 and budget.current_healthy >= 0:
        needs = count(budget.desired_healthy, "healthy pod")
        words = f"{name}{rule} needs {needs} and has {budget.current_healthy}"
    else:
        words = f"{name}{rule} allows no disruption"
    if owner is None or owner.replicas < 0:
        return f"{words}."
    has = f"{style.text(owner.kind, 60)} {style.text(owner.name, 120)} has"
    ready = f", {owner.ready} ready" if 0 <= owner.ready != owner.replicas else ""
    return f"{words}; {has} {count(owner.replicas, 'replica')}{ready}."


def _verdict(same: Sequence[Block], style: Style) -> str:
    block = same[0]
    helps = f" {style.text(block.help, 300)}" if block.help else ""
    waited = [each.pod for each in _waited(same)]
    words = {
        Verdict.NEVER: "Waiting won't help.",
        Verdict.MAY_PASS: "Waiting may help.",
        Verdict.THROTTLED: "Waiting will help: the server asked for a pause, not a budget.",
    }[block.verdict]
    if waited and block.verdict is Verdict.MAY_PASS:
        pods = pod_names(waited, style.text, limit=_PODS)
        words = f"Waiting helps once {pods} {'is' if len(waited) == 1 else 'are'} ready."
    return f"{words}{helps}"


def _waited(same: Sequence[Block]) -> list[NotReady]:
    """Return the pods that one cause waits for, each once."""
    pods = {each.pod: each for block in same for each in block.not_ready}
    return sorted(pods.values(), key=lambda each: (not each.since, each.since, each.pod))


def not_ready_lines(pods: Sequence[NotReady], style: Style) -> list[str]:
    """Say of pods that are not ready since when that is, and why where it is known."""
    told = [pod for pod in pods[:_PODS] if pod.since or pod.why]
    return [_not_ready(pod, style) for pod in told]


def _not_ready(pod: NotReady, style: Style) -> str:
    since = f" since {style.time(pod.since)}" if pod.since else ""
    why = f": {style.text(pod.why, 300).rstrip('.')}" if pod.why else ""
    return f"{style.text(pod.pod, 160)} is not ready{since}{why}."


def _holders(same: Sequence[Block], style: Style) -> list[str]:
    """Say which other operations evicted under a budget a short while ago."""
    latest: dict[str, int] = {}
    for holder in (holder for block in same for holder in block.held_by):
        latest[holder.operation] = max(holder.at, latest.get(holder.operation, 0))
    if not latest:
        return []
    said = [
        f"op {style.text(short_id(operation), 20)} at {style.time(at, seconds=True)}"
        for operation, at in sorted(latest.items(), key=lambda each: -each[1])
    ]
    return [f"Evicted under this budget as well: {listing(said, _PODS)}."]


def refusal_lines(refusals: Sequence[Refusal], style: Style) -> list[str]:
    """Say which pods a drain may not touch by itself, by reason."""
    reasons: dict[tuple[RefusalReason, ...], list[Refusal]] = {}
    for refusal in refusals:
        reasons.setdefault(refusal.reasons, []).append(refusal)
    lines = []
    for why, same in list(reasons.items())[:_GROUPS]:
        pods = pod_names((str(r.pod) for r in same), style.text)
        lines.append(f"{style.bold(pods)}: {'; '.join(reason_words(r) for r in why)}.")
    if len(reasons) > _GROUPS:
        left = sum(len(same) for same in list(reasons.values())[_GROUPS:])
        lines.append(f"… and {count(left, 'pod')} more, for other reasons.")
    return lines


def wont_stop_lines(pods: Sequence[WontStop], style: Style) -> list[str]:
    """Say which pods should have been gone, and what is known of why."""
    lines = [_wont_stop(pod, style) for pod in pods[:_GROUPS]]
    if len(pods) > _GROUPS:
        lines.append(f"… and {count(len(pods) - _GROUPS, 'pod')} more.")
    if any(not pod.node_ready for pod in pods):
        lines.append("The node is not Ready: its kubelet may be dead and can't confirm the end.")
    return lines


def _wont_stop(pod: WontStop, style: Style) -> str:
    name = style.bold(style.text(str(pod.pod), 320))
    words = f"{name} should have been gone at {style.time(pod.due)}"
    if pod.finalizers:
        holds = _names(pod.finalizers, style)
        one = len(pod.finalizers) == 1
        return (
            f"{words}; its {'finalizer' if one else 'finalizers'} {holds} "
            f"{'holds' if one else 'hold'} it: not even force ends it before whoever set "
            f"{'it removes it' if one else 'them removes them'}."
        )
    return f"{words}."


def _names(names: Iterable[str], style: Style) -> str:
    return pod_names(names, style.text, limit=3)
