"""What people do to operations, nodes and clusters, and which right each act rests on."""

from enum import StrEnum
from typing import Literal

__all__ = [
    "CHOICES",
    "COMMANDS",
    "GRANTED_BY",
    "OF_CLUSTER",
    "SCOPE_OF",
    "Action",
    "Right",
    "action_of_choice",
    "cant",
]

Right = Literal["request", "approve", "decide", "force"]


class Action(StrEnum):
    """What somebody wants to do."""

    READ = "read"
    REQUEST = "request"
    START = "start"  # start or cancel what waits for it
    APPROVE = "approve"  # or deny
    DECIDE = "decide"  # retry, wait, skip, evict anyway, declare valid
    FORCE = "force"
    NODE_IS_DEAD = "node_is_dead"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    UNCORDON = "uncordon"
    MAINTENANCE = "maintenance"
    RETURN = "return"
    FREEZE = "freeze"
    THAW = "thaw"
    ORPHANS = "orphans"
    CLEAR_HALT = "clear_halt"  # of drainbot's own workers on a node


# The list that grants each action, and whether whoever asked for the operation may too.
GRANTED_BY: dict[Action, tuple[Right, bool]] = {
    Action.REQUEST: ("request", False),
    Action.START: ("decide", True),
    Action.APPROVE: ("approve", False),
    Action.DECIDE: ("decide", False),
    Action.FORCE: ("force", False),
    Action.NODE_IS_DEAD: ("force", False),
    Action.ABORT: ("decide", True),
    Action.PAUSE: ("decide", True),
    Action.RESUME: ("decide", True),
    Action.UNCORDON: ("decide", True),
    Action.MAINTENANCE: ("decide", True),
    Action.RETURN: ("decide", True),
    Action.FREEZE: ("request", False),
    Action.THAW: ("decide", False),
    Action.ORPHANS: ("decide", False),
    Action.CLEAR_HALT: ("decide", False),
}
OF_CLUSTER = frozenset({Action.FREEZE, Action.THAW, Action.ORPHANS, Action.CLEAR_HALT})
# Given as commands, in the channels that the policy lists; the rest may be a click on a message,
# and messages also go to the owners', the escalation's and the fallback channel.
COMMANDS = OF_CLUSTER | {Action.REQUEST, Action.UNCORDON, Action.MAINTENANCE, Action.RETURN}
SCOPE_OF: dict[Right, str] = {
    "request": "request",
    "approve": "decide",
    "decide": "decide",
    "force": "force",
}
_WORDS = {
    Action.REQUEST: "drain this",
    Action.START: "start or cancel this",
    Action.APPROVE: "approve this",
    Action.NODE_IS_DEAD: "declare the node dead",
    Action.UNCORDON: "uncordon this",
    Action.MAINTENANCE: "start its maintenance",
    Action.RETURN: "return this to service",
    Action.FREEZE: "freeze this cluster",
    Action.THAW: "thaw this cluster",
    Action.ORPHANS: "undo orphaned cordons here",
    Action.CLEAR_HALT: "clear the halt of workers here",
}
_CHOICES = {
    "start": Action.START,
    "cancel": Action.START,
    "approve": Action.APPROVE,
    "deny": Action.APPROVE,
    "force": Action.FORCE,
    "node_is_dead": Action.NODE_IS_DEAD,
    "abort": Action.ABORT,
    "return": Action.RETURN,
    "give_back": Action.RETURN,
    "maintenance": Action.MAINTENANCE,
    "keep_out": Action.MAINTENANCE,
    **dict.fromkeys(
        (
            "retry",
            "wait",
            "keep_waiting",
            "skip",
            "evict_anyway",
            "go_on",
            "declare_valid",
            "drain_again",
            "restart",
        ),
        Action.DECIDE,
    ),
}
CHOICES = tuple(_CHOICES)
"""Every answer that some question offers, by its stable word."""


def action_of_choice(choice: str) -> Action | None:
    """Return the action that an answer to a question is, or None for one that does not exist."""
    return _CHOICES.get(choice)


def cant(action: Action) -> str:
    """Return the beginning of a refusal: "You can't decide this"."""
    return f"You can't {_WORDS.get(action, f'{action} this')}"
