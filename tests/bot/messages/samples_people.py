"""Views in which it matters who decides: freezes, votes of several roles, and what they rest on."""

from bot.messages.audience import OwnersPlace
from jobs.models import (
    Freeze,
    LogEntry,
    NodeStatus,
    NodeView,
    OperationState,
    OperationView,
    QuestionState,
    Requirements,
    Settlement,
    Vote,
)
from tests.bot.messages import samples

OWNERS = (OwnersPlace("C02PAY", ("S0PAY",), ("payments",)),)
FREEZE = Freeze(
    cluster="prod-eu",
    by=samples.BO,
    at=samples.T0 + 10 * samples.MINUTE,
    reason="deploy of the ingress",
)
FROZE = LogEntry(
    key="freeze:1", what="frozen", at=FREEZE.at,
    fields={"cluster": "prod-eu", "by": FREEZE.by, "reason": FREEZE.reason},
)  # fmt: skip
THAWED = LogEntry(
    key="thaw:1", what="thawed", at=FREEZE.at + samples.MINUTE,
    fields={"cluster": "prod-eu", "by": samples.CY, "reason": ""},
)  # fmt: skip
TWO_ROLES = {"force": {"force": 1, "owner:S0PAY": 1}}
NEEDS = samples.question(votes_needed={"force": 2}, roles_needed=TWO_ROLES)
FORCED = NEEDS.model_copy(
    update={
        "state": QuestionState.SETTLED,
        "settled": Settlement(
            choice="force", by=(samples.CY, samples.BO), at=samples.T0 + 19 * samples.MINUTE,
            note="primary moved",
        ),
    }
)  # fmt: skip
LEAD = samples.question(
    state=QuestionState.SETTLED,
    settled=Settlement(choice="skip", by=(samples.CY,), at=samples.T0 + 19 * samples.MINUTE),
    votes=(
        Vote(choice="skip", by=samples.CY, at=samples.T0, rests_on=("break_glass",)),
        Vote(choice="force", by=samples.BO, at=samples.T0, rests_on=("group:S0SRE",), stale=True),
    ),
)
STALE = samples.settled().model_copy(
    update={
        "votes": (
            Vote(
                choice="force", by=samples.BO, at=samples.T0, rests_on=("group:S0SRE",),
                stale=True, groups_at=samples.T0 - 60 * samples.MINUTE,
            ),
            Vote(choice="force", by=samples.CY, at=samples.T0, rests_on=("user:U03CY",)),
        )
    }
)  # fmt: skip

PEOPLE: dict[str, OperationView] = {
    "frozen": samples.operation(frozen=FREEZE, questions=(), log=(FROZE,)),
    "frozen_waits": samples.operation(
        state=OperationState.RUNNING, frozen=FREEZE, questions=(),
        nodes=(NodeView(name="node-17", status=NodeStatus.WAITING),), log=(FROZE, THAWED),
    ),
    "owners_asked": samples.operation(questions=(NEEDS,), log=()),
    "owners_voted": samples.operation(
        questions=(
            NEEDS.model_copy(
                update={
                    "votes": (
                        Vote(choice="force", by=samples.BO, at=samples.T0, roles=("force",)),
                    )
                }
            ),
        ),
        log=(),
    ),
    "owners_settled": samples.operation(questions=(FORCED,), log=()),
    "approval_reminded": samples.operation(
        state=OperationState.APPROVING,
        questions=(samples.approval(reminded=("remind", "escalate")),),
        requirements=Requirements(escalate_to="C03ESC", approve_votes=2),
        log=(),
    ),
    "start_reminded": samples.operation(
        state=OperationState.CONFIRMING, questions=(samples.start(reminded=("remind",)),), log=()
    ),
    "break_glass": samples.operation(questions=(LEAD,), log=()),
    "stale_groups": samples.operation(questions=(STALE,), log=()),
}  # fmt: skip
