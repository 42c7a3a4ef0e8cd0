"""The marks by which other tools say that a node is theirs: drainbot leaves such a node alone."""

from jobs.drain.facts import Node

# Where the names come from:
# cluster-autoscaler, utils/taints: the hard taint goes on right before it drains and deletes a
# node; `DeletionCandidateOfClusterAutoscaler` is a soft one, taken back as easily: no reason.
# Karpenter, pkg/apis: `disrupted` since v1, `disruption=disrupting` in the betas before.
# kured: the first with --annotate-nodes, taken away after the reboot; the second, on its main
# branch, holds whether the node was cordoned, for as long as kured has it.
_TAINTS = {
    "ToBeDeletedByClusterAutoscaler": "the cluster autoscaler is about to delete it",
    "karpenter.sh/disrupted": "Karpenter is replacing or removing it",
    "karpenter.sh/disruption": "Karpenter is replacing or removing it",
}
_ANNOTATIONS = {
    "weave.works/kured-reboot-in-progress": "kured is rebooting it",
    "kured.dev/node-unschedulable-before-drain": "kured is rebooting it",
}


def foreign_mark(node: Node) -> str:
    """Return which other tool is at work on a node and by what mark, as half a sentence, or ""."""
    if node.deletion:
        return "it is being deleted (it has a deletionTimestamp)"
    for taint in node.taints:
        if taint.key in _TAINTS:
            return f"{_TAINTS[taint.key]} (taint {taint.key})"
    for name, words in _ANNOTATIONS.items():
        if name in node.annotations:
            return f"{words} (annotation {name})"
    return ""
