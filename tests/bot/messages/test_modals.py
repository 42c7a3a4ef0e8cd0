"""Modals: what they ask, and what is read of the answer."""

from typing import Any

from bot.messages.maintenance import maintenance_modal
from bot.messages.modals import (
    AbortForm,
    ForceForm,
    abort_modal,
    force_modal,
    read_abort,
    read_force,
)
from jobs.models import NodeStatus, Vote
from sandbox.slack.blockkit import problems
from tests.bot.messages import samples
from tests.bot.messages.samples_joint import joint


def _submitted(modal: dict[str, Any], **typed: str) -> dict[str, Any]:
    values = {
        block: {"value": {"type": "plain_text_input", "value": v}} for block, v in typed.items()
    }
    return {**modal, "state": {"values": values}}


def test_force_names_exactly_the_pods() -> None:
    modal = force_modal(samples.question())

    assert problems(modal) == []
    assert "• payments/db-2" in str(modal)
    assert "1 pod of node-17 will be deleted" in str(modal)


def test_force_of_several_nodes_names_each_pods_node_and_asks_for_the_clusters_name() -> None:
    modal = force_modal(joint())

    assert problems(modal) == []
    assert "2 pods of prod-eu will be deleted" in str(modal)
    assert "• payments/db-2 (node-17)" in str(modal)
    assert "• payments/db-0 (node-18)" in str(modal)
    assert str(modal).count("payments/db-0") == 1  # its one cause does not name them again
    assert "Type the last 4 characters of prod-eu" in str(modal)
    assert isinstance(read_force(_submitted(modal, confirm="d-eu")), ForceForm)
    assert read_force(_submitted(modal, confirm="e-17")) != {}


def test_force_says_of_one_pod_and_of_several_how_they_go() -> None:
    assert "It is deleted past its budget" in str(force_modal(samples.question()))
    assert "one at a time: the next when the replacement is ready" in str(force_modal(joint()))


def test_force_shows_the_first_vote_where_it_takes_two_and_whose_is_missing() -> None:
    first = Vote(choice="force", by=samples.BO, at=samples.T0, roles=("force",))
    roles = {"force": {"force": 1, "owner:S0PAY": 1}}
    asked = samples.question(votes_needed={"force": 2}, roles_needed=roles)

    assert "takes 2 people, one of them of <!subteam^S0PAY>" in str(force_modal(asked))
    voted = force_modal(asked.model_copy(update={"votes": (first,)}))
    assert "1 of 2 votes, <@U02BOB>; it lacks a vote of <!subteam^S0PAY>." in str(voted)
    assert problems(voted) == []


def test_force_comes_back_with_its_question_choice_and_reason() -> None:
    modal = force_modal(samples.question(), reason_required=True, channel="C01OPS", thread_ts="1.2")

    form = read_force(_submitted(modal, reason=" primary moved ", confirm="E-17"))

    assert form == ForceForm(samples.question().id, "force", "primary moved", "C01OPS", "1.2")


def test_force_without_reason_or_with_another_name_is_refused_at_its_field() -> None:
    modal = force_modal(samples.question(), reason_required=True)

    assert read_force(_submitted(modal, confirm="e-18")) == {
        "reason": "Say why: the policy asks for a reason.",
        "confirm": "Type e-17, the last 4 characters of the name.",
    }


def test_a_reason_may_be_left_out_where_the_policy_lets_it() -> None:
    modal = force_modal(samples.question(), confirm=False)

    assert read_force(_submitted(modal)) == ForceForm(samples.question().id, "force", "", "", "")


def test_abort_says_what_becomes_of_each_node_and_comes_back() -> None:
    untouched = samples.NODE_18.model_copy(
        update={"name": "node-19", "status": NodeStatus.WAITING, "evicted_any": False}
    )
    view = samples.operation(nodes=(samples.NODE_17, untouched))
    modal = abort_modal(view, question="prod-eu-q-1", choice="abort", channel="C01OPS")

    assert "evicted already: node-17" in str(modal)
    assert "drainbot's own: node-19" in str(modal)
    assert read_abort(_submitted(modal, reason="wrong rack")) == AbortForm(
        view.id, "prod-eu-q-1", "abort", "wrong rack", "C01OPS", ""
    )


def test_a_modal_that_nobody_made_reads_as_empty() -> None:
    for metadata in ("", "{", "[]", None):
        form = read_force({"private_metadata": metadata, "state": {"values": {}}})
        assert isinstance(form, ForceForm)
        assert form.question == ""


def test_maintenance_asks_for_how_long_and_what_is_done() -> None:
    modal = maintenance_modal("prod-eu", "n" * 253, operation=samples.operation().id)

    assert problems(modal) == []
    assert "stays cordoned until somebody returns it" in str(modal)
