"""The main messages, block by block, beside their golden files.

`UPDATE_GOLDEN=1 python -m pytest tests/bot/messages` writes them anew; look at the difference.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.messages import Audience, Message, thread_of
from bot.messages.details import details_modal
from bot.messages.ephemeral import NOT_RECORDED
from bot.messages.form import request_modal
from bot.messages.maintenance import maintenance_modal
from bot.messages.modals import abort_modal, force_modal
from bot.messages.plain import status_lines
from jobs.models import (
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    OperationView,
    QuestionState,
    Requirements,
    Vote,
)
from jobs.options import FLAGS, Flag
from sandbox.slack.blockkit import problems
from sandbox.slack.house_rules import of_message, of_view
from tests.bot.messages import samples
from tests.bot.messages.samples_after import AFTER
from tests.bot.messages.samples_fleet import FLEETS
from tests.bot.messages.samples_joint import JOINT
from tests.bot.messages.samples_life import LIVES
from tests.bot.messages.samples_people import OWNERS, PEOPLE
from tests.bot.messages.samples_plan import PLANS
from tests.bot.messages.samples_replaced import LINKS, REPLACED
from tests.bot.messages.samples_whole import WHOLE

GOLDEN = Path(__file__).parent / "golden"
NOW = samples.T0 + 12 * samples.MINUTE
AUDIENCE = Audience(
    mentions=lambda question: ("S0ONCALL",) if question.kind == "approval" else (samples.SRE,),
    owners=lambda question: OWNERS if question.roles_needed else (),
    links={"q:node-17-block": "https://demo.slack.example/archives/C01OPS/p1", **LINKS},
)

VIEWS: dict[str, OperationView] = {
    "submitted": samples.operation(
        state=OperationState.SUBMITTED,
        plan=None,
        questions=(),
        log=(),
        nodes=(NodeView(name="node-1"),),
    ),
    "start": samples.operation(
        state=OperationState.CONFIRMING, questions=(samples.start(),), log=()
    ),
    "approval": samples.operation(
        state=OperationState.APPROVING, questions=(samples.approval(),), log=()
    ),
    "blocked": samples.operation(),
    "refusal": samples.operation(questions=(samples.refusal(),), log=()),
    "wont_stop": samples.operation(questions=(samples.wont_stop(),), log=()),
    "votes": samples.operation(
        questions=(
            samples.question(
                votes_needed={"force": 2},
                votes=(Vote(choice="force", by=samples.BO, at=samples.T0),),
                waits=(Vote(choice="wait", by=samples.CY, at=samples.T0),),
            ),
        ),
        log=(),
    ),
    "settled": samples.operation(questions=(samples.settled(),), log=()),
    "no_longer_needed": samples.operation(
        questions=(
            samples.question(
                state=QuestionState.CLOSED, closed_because="no_longer_needed", closed_at=NOW
            ),
        ),
        log=(),
    ),
    "reminded": samples.operation(
        questions=(samples.question(reminded=("remind", "escalate")),),
        requirements=Requirements(escalate_to="C03ESC"),
        log=(),
    ),
    "paused": samples.operation(paused_by=samples.BO, questions=(), log=()),
    "drained": samples.ended(),
    "partly": samples.ended(
        end=OperationEnd.PARTLY,
        nodes=(samples.NODE_17.model_copy(update={"status": NodeStatus.SKIPPED}), samples.NODE_18),
        questions=(samples.settled("skip", note=""),),
    ),
    "aborted": samples.ended(
        end=OperationEnd.ABORTED,
        nodes=(samples.NODE_17.model_copy(update={"status": NodeStatus.ABORTED}), samples.NODE_18),
        aborted_by=samples.BO,
        aborted_reason="wrong rack",
        questions=(),
    ),
    "refused": samples.ended(
        end=OperationEnd.REFUSED,
        detail="node-17 is taken by op 9XK2AA",
        nodes=(NodeView(name="node-17", status=NodeStatus.FAILED),),
        ended_at=samples.T0 + 900,
        questions=(),
        log=(),
    ),
    "many_nodes": samples.operation(
        nodes=(
            *tuple(
                NodeView(
                    name=f"node-{n}", pods_total=30, pods_gone=n % 30, status=NodeStatus.DRAINING
                )
                for n in range(40)
            ),
            samples.NODE_17,
        ),
        log=(),
    ),
    **AFTER,
    **FLEETS,
    **JOINT,
    **LIVES,
    **PLANS,
    **PEOPLE,
    **REPLACED,
    **WHOLE,
}


def compare(name: str, shown: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(shown)
    assert path.exists(), f"{path} is missing: run with UPDATE_GOLDEN=1 and look at it"
    assert shown == path.read_text()


def _shown(message: Message) -> dict[str, object]:
    return {
        "key": message.key,
        "text": message.text,
        "priority": message.priority.name,
        "in_thread": message.in_thread,
        "broadcast": message.broadcast,
        "post": message.post,
        "channel": message.channel,
        "blocks": list(message.blocks),
    }


def shown_as_json(messages: Iterable[Message]) -> str:
    return json.dumps([_shown(m) for m in messages], indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_messages_read_as_their_golden_files_say(name: str) -> None:
    messages = thread_of(VIEWS[name], NOW, AUDIENCE)

    compare(f"{name}.json", shown_as_json(messages))


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_slack_would_take_every_message(name: str) -> None:
    for message in thread_of(VIEWS[name], NOW, AUDIENCE):
        assert problems(list(message.blocks)) == []
        assert of_message(message.text, list(message.blocks)) == []


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_terminal_reads_the_same_without_markup(name: str) -> None:
    text = "\n".join(status_lines(VIEWS[name], NOW)) + "\n"

    assert "<" not in text
    assert "*" not in text
    compare(f"{name}.txt", text)


def _flags(metavar: str) -> list[Flag]:
    return [flag for flag in FLAGS if flag.metavar == metavar and flag.name[0] != "i"]


def test_modals_read_as_their_golden_files_say() -> None:
    modals = {
        "force": force_modal(samples.question(), reason_required=True),
        "abort": abort_modal(samples.operation()),
        "details": details_modal(samples.operation(), NOW),
        "maintenance": maintenance_modal("prod-eu", "node-17", operation=samples.operation().id),
        "request": request_modal(
            "prod-eu", ["lab", "prod-eu"], _flags(""), _flags("DURATION"), channel="C01OPS"
        ),
    }
    assert [name for name, modal in modals.items() if problems(modal) + of_view(modal)] == []
    compare("modals.json", json.dumps(modals, indent=1, ensure_ascii=False) + "\n")


def test_somebody_who_may_not_have_been_recorded_hears_that_pressing_twice_is_safe() -> None:
    assert NOT_RECORDED.endswith("Press again; twice does no harm.")
