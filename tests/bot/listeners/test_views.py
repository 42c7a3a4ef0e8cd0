import threading

from bot.messages.modals import abort_modal, force_modal
from jobs.models import Decided, Outcome, Vote
from tests.bot.listeners.listening import (
    ANA,
    BLOCKED,
    BO,
    OPERATION,
    OPS,
    QUESTION,
    TEAM,
    VIEW,
    FakeClient,
    world,
)

FORCE = force_modal(BLOCKED, reason_required=True, channel=OPS, thread_ts="100.1")


def test_a_filled_in_force_modal_settles_with_its_reason() -> None:
    with world() as bot:
        typed = {"reason": "primary moved", "confirm": "e-17"}
        assert bot.submit(FORCE, typed, user=BO) == {}
        (call,) = bot.client.acts("decide")
        assert call[1:5] == (f"{TEAM}:{BO}", QUESTION, "force", "primary moved")
        assert bot.notes == []


def test_a_wrong_confirmation_and_a_missing_reason_are_said_at_their_fields() -> None:
    with world() as bot:
        answer = bot.submit(FORCE, {"reason": "", "confirm": "e-18"}, user=BO)
        assert answer["response_action"] == "errors"
        assert set(answer["errors"]) == {"reason", "confirm"}
        assert bot.client.acts("decide") == []


def test_a_first_of_two_votes_is_told_to_who_gave_it() -> None:
    voted = BLOCKED.model_copy(
        update={
            "votes_needed": {"force": 2},
            "votes": (Vote(choice="force", by=f"{TEAM}:{BO}", at=1),),
        }
    )
    client = FakeClient(decided=Decided(outcome=Outcome.VOTED, question=voted))
    with world(client=client) as bot:
        bot.submit(FORCE, {"reason": "x", "confirm": "e-17"}, user=BO)
        (note,) = bot.notes
        assert (note.channel, note.thread_ts) == (OPS, "100.1")
        assert "1 of 2 votes" in note.text


def test_while_redis_hangs_the_modal_stays_open_and_says_so() -> None:
    hang = threading.Event()
    with world(client=FakeClient(slow=hang), seconds=0.2) as bot:
        answer = bot.submit(FORCE, {"reason": "x", "confirm": "e-17"}, user=BO)
        assert "twice does no harm" in answer["errors"]["reason"]
        hang.set()


def test_an_abort_modal_of_a_question_settles_the_question() -> None:
    modal = abort_modal(VIEW, question=QUESTION, choice="abort", channel=OPS)
    with world() as bot:
        assert bot.submit(modal, {"reason": "wrong node"}) == {}
        (call,) = bot.client.acts("decide")
        assert call[1:5] == (f"{TEAM}:{ANA}", QUESTION, "abort", "wrong node")


def test_an_abort_modal_of_an_operation_aborts_it() -> None:
    with world() as bot:
        assert bot.submit(abort_modal(VIEW, channel=OPS), {"reason": "wrong node"}) == {}
        (call,) = bot.client.acts("abort")
        assert call[1:4] == (f"{TEAM}:{ANA}", OPERATION, "wrong node")


def test_a_modal_that_drainbot_did_not_make_is_answered_in_the_modal() -> None:
    with world() as bot:
        answer = bot.submit({"type": "modal", "callback_id": "x", "blocks": []}, {})
        assert answer["response_action"] == "update"
        assert "not one that drainbot made" in str(answer["view"])


def test_a_forged_private_metadata_settles_nothing() -> None:
    for forged in ("{", "[]", '{"q": "prod-us-q-0123456789ab", "c": "force"}'):
        with world() as bot:
            bot.submit({**FORCE, "private_metadata": forged}, {"reason": "x"}, user=BO)
            assert bot.client.acts("decide") == []


def test_people_of_other_organizations_are_refused_in_the_modal() -> None:
    with world() as bot:
        answer = bot.submit(FORCE, {"reason": "x", "confirm": "e-17"}, team={"id": "T0PARTNER"})
        assert "own Slack workspace" in str(answer["view"])
        assert bot.client.acts("decide") == []
