"""A question that another one took the place of: what stands in Slack afterwards."""

import pytest

from jobs.models import OperationState, OperationView, QuestionView
from tests.bot.messages import samples
from tests.bot.messages.samples_replaced import AGAIN, APPROVAL, CLOSED, VOID, WHY
from tests.bot.telling_bench import START, Bench


def view(*questions: QuestionView, version: int) -> OperationView:
    return samples.operation(
        state=OperationState.APPROVING, questions=questions, log=(), version=version,
        created_at=START * 1000,
    )  # fmt: skip


@pytest.mark.parametrize("old", [CLOSED, VOID], ids=["closed", "void"])
def test_the_old_message_loses_its_buttons_says_why_and_leads_to_the_new_one(
    bench: Bench, old: QuestionView
) -> None:
    bench.client.put(view(APPROVAL, version=3))
    bench.ticks(6)
    (first,) = bench.replies()
    assert "actions" in {block["type"] for block in first["blocks"]}

    bench.client.put(view(old, AGAIN, version=4))
    bench.ticks(12)

    replaced, asked = bench.replies()
    assert replaced["ts"] == first["ts"]
    assert "actions" not in {block["type"] for block in replaced["blocks"]}
    assert WHY in str(replaced["blocks"])
    assert asked["ts"].replace(".", "") in str(replaced["blocks"])  # in the address of the new one
    assert f"Asked again, because {WHY}" in str(asked["blocks"])
    assert "actions" in {block["type"] for block in asked["blocks"]}
