"""The words of the choices that people have, in one place: stored, sent and compared as these."""

from typing import Final

START: Final = "start"
APPROVE: Final = "approve"
DENY: Final = "deny"
RETRY: Final = "retry"
WAIT: Final = "wait"
SKIP: Final = "skip"
FORCE: Final = "force"
ABORT: Final = "abort"
EVICT_ANYWAY: Final = "evict_anyway"
GO_ON: Final = "go_on"
NODE_IS_DEAD: Final = "node_is_dead"
RETURN: Final = "return"
MAINTENANCE: Final = "maintenance"
DRAIN_AGAIN: Final = "drain_again"
DECLARE_VALID: Final = "declare_valid"
GIVE_BACK: Final = "give_back"
KEEP_OUT: Final = "keep_out"

BLOCK: Final = (RETRY, WAIT, SKIP, FORCE, ABORT)
REFUSAL: Final = (EVICT_ANYWAY, WAIT, SKIP, ABORT)
WONT_STOP: Final = (WAIT, FORCE, SKIP, ABORT)
OVERDUE: Final = (RETRY, WAIT, SKIP, ABORT)
UNCORDONED: Final = (RETRY, SKIP, ABORT)
FREED: Final = (RETRY, SKIP, ABORT)
VOLUMES: Final = (GO_ON, WAIT, SKIP, ABORT)
UNWELL: Final = (GO_ON, WAIT, ABORT)
CANARY: Final = (GO_ON, ABORT)
OWN: Final = (GO_ON, RETRY, WAIT, SKIP, ABORT)
IN_MAINTENANCE: Final = (RETURN,)
UNDER_MAINTENANCE: Final = (RETURN, KEEP_OUT, ABORT)  # of a node that an operation waits for
NOT_BACK: Final = (RETRY, GO_ON, MAINTENANCE)
FENCE_LOST: Final = (DRAIN_AGAIN, DECLARE_VALID, GIVE_BACK)


def with_dead(offered: tuple[str, ...]) -> tuple[str, ...]:
    """Add that the node is dead, before the choices that leave it."""
    before = offered.index(SKIP)
    return (*offered[:before], NODE_IS_DEAD, *offered[before:])
