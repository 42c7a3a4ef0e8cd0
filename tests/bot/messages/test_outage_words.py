"""What people read while an API server is away, and when it is back."""

import pytest

from bot.messages.outage import outage_messages
from jobs.models import Outage
from sandbox.slack.blockkit import problems
from tests.bot.messages.samples import MINUTE, T0
from tests.bot.messages.test_any_input import NASTY
from tests.bot.messages.test_message_golden import compare, shown_as_json

AWAY = Outage(
    cluster="prod-eu", since=T0, said_at=T0 + 2 * MINUTE, nodes=("node-17", "node-18", "node-19"),
    why="WATCH /api/v1/nodes: the API server did not answer: connection refused",
)  # fmt: skip
BACK = AWAY.model_copy(
    update={
        "back_at": T0 + 11 * MINUTE, "over": True, "held": ("node-17",),
        "lost": {"node-18": "somebody uncordoned it"}, "total": 14, "not_ready": ("node-3",),
        "unready": 1,
    }
)  # fmt: skip


def test_the_messages_read_as_their_golden_file_says() -> None:
    compare("outage.json", shown_as_json(list(outage_messages(BACK, in_thread=True))))


def test_nothing_is_said_within_two_minutes() -> None:
    assert outage_messages(AWAY.model_copy(update={"said_at": 0}), in_thread=True) == ()


def test_the_end_is_told_once_all_was_looked_at() -> None:
    looking = BACK.model_copy(update={"over": False})
    assert [m.key for m in outage_messages(looking, in_thread=True)] == [f"away:{T0}"]


def test_a_quiet_cluster_is_told_in_a_sentence() -> None:
    calm = Outage(cluster="test", since=T0, said_at=T0, back_at=T0 + MINUTE, over=True, total=3)
    away, back = outage_messages(calm, in_thread=False)
    assert "fence" not in away.text
    assert (
        back.text
        == "The API server of test answers again, after 1 min. 3 nodes, all of them Ready."
    )


@pytest.mark.parametrize("nasty", NASTY)
def test_what_others_named_pings_nobody_and_formats_nothing(nasty: str) -> None:
    many = tuple(f"{nasty}{n}" for n in range(300))
    outage = BACK.model_copy(
        update={
            "cluster": nasty, "why": nasty * 50, "nodes": many, "held": many, "not_ready": many,
            "unready": 4_000, "lost": dict.fromkeys(many, nasty),
        }
    )  # fmt: skip
    for message in outage_messages(outage, in_thread=True):
        assert problems(list(message.blocks)) == []
        said = str(message.blocks) + message.text
        for token in ("<!here", "<!channel", "<!subteam", "<@", "<https"):
            assert token not in said
