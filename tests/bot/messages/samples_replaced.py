"""Views of questions that others took the place of."""

from jobs.models import (
    LogEntry,
    OperationState,
    OperationView,
    QuestionState,
    Requirements,
    Settlement,
    Vote,
)
from tests.bot.messages import samples

AT = samples.T0 + 5 * samples.MINUTE
WHY = "shop/debug on node-17 may not be evicted without a word"
REPLANNED = LogEntry(key="r.1", what="replanned", at=AT, fields={"why": WHY})
NEW = "prod-eu-q-new"
APPROVAL = samples.approval(
    id="prod-eu-q-old", votes=(Vote(choice="approve", by=samples.BO, at=samples.T0),)
)
CLOSED = APPROVAL.model_copy(
    update={
        "state": QuestionState.CLOSED, "closed_because": "superseded", "closed_at": AT,
        "superseded_by": NEW, "superseded_because": WHY,
    }
)  # fmt: skip
VOID = APPROVAL.model_copy(
    update={
        "state": QuestionState.SETTLED,
        "settled": Settlement(choice="approve", by=(samples.BO,), at=samples.T0 + samples.MINUTE),
        "superseded_by": NEW, "superseded_because": WHY,
    }
)  # fmt: skip
AGAIN = samples.approval(id=NEW, thread_key="plan:2", opened_at=AT, votes=())
BLOCK = samples.question(
    id="prod-eu-q-old", state=QuestionState.CLOSED, closed_because="superseded", closed_at=AT,
    superseded_by=NEW, superseded_because="payments/cache-0 is on node-17 now too",
    reminded=("escalate",),
)  # fmt: skip
LINKS = {"q:plan:2": "https://demo.slack.example/archives/C01OPS/p2"}

REPLACED: dict[str, OperationView] = {
    "approval_replaced": samples.operation(
        state=OperationState.APPROVING, questions=(CLOSED, AGAIN), log=(REPLANNED,)
    ),
    "approval_void": samples.operation(
        state=OperationState.APPROVING, questions=(VOID, AGAIN), log=(REPLANNED,)
    ),
    "start_again": samples.operation(
        state=OperationState.CONFIRMING, questions=(CLOSED, samples.start(id=NEW)), log=()
    ),
    "block_replaced": samples.operation(
        questions=(BLOCK, samples.question(id=NEW, thread_key="node-17:2")),
        requirements=Requirements(escalate_to="C03ESC"),
        log=(),
    ),
}
