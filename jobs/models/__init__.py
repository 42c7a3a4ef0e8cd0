"""The frozen values that drainbot's parts exchange. They decide nothing and do no I/O."""

from jobs.models.base import Frozen
from jobs.models.options import DrainOptions
from jobs.models.people import Principal, Requirements, Vote
from jobs.models.plan import NodePlan, OperationPlan, PlannedBlock
from jobs.models.pods import (
    Block,
    BudgetFacts,
    Obstacle,
    OwnerRef,
    PodRef,
    Refusal,
    RefusalReason,
    Verdict,
    WontStop,
)
from jobs.models.requests import (
    Acted,
    Changes,
    Decided,
    DrainRequest,
    Outcome,
    Refused,
    Submitted,
)
from jobs.models.views import (
    ClusterNode,
    Inventory,
    LogEntry,
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionState,
    QuestionView,
    Settlement,
)

__all__ = [
    "Acted",
    "Block",
    "BudgetFacts",
    "Changes",
    "ClusterNode",
    "Decided",
    "DrainOptions",
    "DrainRequest",
    "Frozen",
    "Inventory",
    "LogEntry",
    "NodePlan",
    "NodeStatus",
    "NodeView",
    "Obstacle",
    "OperationEnd",
    "OperationPlan",
    "OperationState",
    "OperationView",
    "Outcome",
    "OwnerRef",
    "PlannedBlock",
    "PodRef",
    "Principal",
    "QuestionKind",
    "QuestionState",
    "QuestionView",
    "Refusal",
    "RefusalReason",
    "Refused",
    "Requirements",
    "Settlement",
    "Submitted",
    "Verdict",
    "Vote",
    "WontStop",
]
