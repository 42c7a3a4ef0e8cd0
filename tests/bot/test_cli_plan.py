"""`drainbot plan`: what a drain would do, on the command line."""

from collections.abc import Callable

import pytest

from jobs.models import (
    NodePlan,
    NodeView,
    OperationEnd,
    OperationPlan,
    OperationState,
    OperationView,
    Room,
)
from tests.bot.listeners.listening import NOW, OPERATION, VIEW, FakeClient

Run = Callable[..., tuple[int, str, str]]


def planned(end: OperationEnd = OperationEnd.PLANNED, detail: str = "") -> OperationView:
    nodes = (NodePlan(name="node-17", uid="n17", evict=21, seconds=350),)
    plan = OperationPlan(nodes=nodes, digest="3f9a", as_of=NOW, seconds=350, room=Room(fits=True))
    return VIEW.model_copy(
        update={
            "state": OperationState.ENDED,
            "end": end,
            "ended_at": NOW,
            "nodes": (NodeView(name="node-17"),),
            "plan": plan if end is OperationEnd.PLANNED else None,
            "plan_only": True,
            "detail": detail,
            "questions": (),
            "log": (),
        }
    )


@pytest.mark.parametrize(
    "asked", [("plan", "node-17", "--force"), ("drain", "node-17", "--plan", "--force")]
)
def test_a_plan_is_waited_for_and_printed(
    client: FakeClient, run: Run, asked: tuple[str, ...]
) -> None:
    client.views[OPERATION] = planned()
    code, out, err = run(*asked)
    assert (code, err) == (0, "")
    assert "node-17 · 21 pods move · about 6 min · fits on the other nodes" in out
    assert "nothing was changed" in out
    assert "waiting its turn" not in out
    (request,) = client.asked.values()
    assert (request.plan_only, request.options.force) == (True, True)


def test_a_plan_for_a_program_is_the_operation_on_one_line(client: FakeClient, run: Run) -> None:
    client.views[OPERATION] = planned()
    code, out, _ = run("plan", "node-17", "--json")
    assert code == 0
    assert OperationView.model_validate_json(out).plan == planned().plan


@pytest.mark.parametrize(
    ("end", "code"),
    [(OperationEnd.REFUSED, 3), (OperationEnd.FAILED, 1), (OperationEnd.ABORTED, 1)],
)
def test_a_plan_that_could_not_be_made_ends_with_another_code(
    client: FakeClient, run: Run, end: OperationEnd, code: int
) -> None:
    client.views[OPERATION] = planned(end, "There is no node node-17.")
    client.workers = False
    got, out, err = run("plan", "node-17")
    assert (got, out) == (code, "")
    assert "no worker is alive" in err
