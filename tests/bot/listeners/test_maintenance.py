"""Start maintenance, by its button: for how long, and why; what is wrong is said at its field."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.messages.maintenance import maintenance_modal
from jobs.models import NodeStatus, NodeView, Refused
from tests.bot.listeners.deliveries import signed, submission_payload
from tests.bot.listeners.listening import ANA, EVE, OPERATION, OPS, TEAM, VIEW, World, world

MODAL = maintenance_modal("prod-eu", "node-1", operation=OPERATION, channel=OPS, thread_ts="100.1")
DRAINED = NodeView(name="node-1", status=NodeStatus.DRAINED)


@pytest.fixture
def bot() -> Iterator[World]:
    with world() as made:
        made.client.views[OPERATION] = VIEW.model_copy(update={"nodes": (DRAINED,)})
        yield made


def press(bot: World, node: str = "", **fields: Any) -> None:
    about = {"o": OPERATION, "n": node} if node else {"o": OPERATION}
    bot.click("operation:maintenance", json.dumps(about), **fields)


def submit(bot: World, chosen: str = "unknown", *, user: str = ANA, **typed: str) -> dict[str, Any]:
    payload = submission_payload(MODAL, typed, user=user)
    view = payload["view"]
    select = {"type": "static_select", "selected_option": {"value": chosen}}
    view["state"]["values"]["until"] = {"value": select}
    response = bot.send(signed({"payload": json.dumps(payload)}))
    assert response.status == 200
    answer: dict[str, Any] = json.loads(response.body) if response.body else {}
    return answer


def test_the_button_asks_for_how_long_and_begins_nothing(bot: World) -> None:
    press(bot)
    shown = json.dumps(bot.opened())
    assert bot.opened()["callback_id"] == "drainbot_maintenance"
    assert "node-1" in shown
    assert all(words in shown for words in ("Nobody knows yet", "1 hour", "4 hours", "1 day"))
    assert bot.client.acts("maintain") == []


@pytest.mark.parametrize(
    ("chosen", "typed", "seconds"),
    [("unknown", "", 0), ("4h", "", 14_400), ("1d", "", 86_400), ("1h", "2h30m", 9_000)],
)
def test_what_is_chosen_or_typed_is_its_expected_end(
    bot: World, chosen: str, typed: str, seconds: int
) -> None:
    assert submit(bot, chosen, length=typed, reason="new disk") == {}
    (call,) = bot.client.acts("maintain")
    who = f"{TEAM}:{ANA}"
    assert call[:7] == ("maintain", who, "prod-eu", "node-1", seconds, "new disk", OPS)
    assert "Starting the maintenance of node-1" in bot.notes[0].text
    assert bot.notes[0].thread_ts == "100.1"


@pytest.mark.parametrize("typed", ["soon", "1s", "91d", "-4h", "<!channel>"])
def test_a_length_that_is_none_is_said_at_its_field(bot: World, typed: str) -> None:
    answer = submit(bot, length=typed)
    assert list(answer["errors"]) == ["length"]
    assert "1m to 90d" in answer["errors"]["length"]
    assert bot.client.acts("maintain") == []


def test_who_may_not_is_told_before_they_fill_anything_in(bot: World) -> None:
    press(bot, user=EVE)
    assert bot.modals == []
    assert "You can't start its maintenance" in bot.notes[0].text


def test_what_the_state_refuses_meanwhile_is_told_to_who_submitted(bot: World) -> None:
    bot.client.refuse = Refused(reason="node-1 is not held by drainbot. Nothing changed.")
    assert submit(bot) == {}
    assert "not held by drainbot" in bot.notes[0].text


def test_of_several_nodes_the_button_says_which(bot: World) -> None:
    both = (DRAINED, DRAINED.model_copy(update={"name": "node-17"}))
    bot.client.views[OPERATION] = VIEW.model_copy(update={"nodes": both})
    press(bot, "node-17")
    assert "node-17" in json.dumps(bot.opened())
    bot.click("operation:return", json.dumps({"o": OPERATION, "n": "node-17"}))
    assert bot.client.acts("return")[0][3] == "node-17"


def test_a_node_that_the_operation_never_had_is_no_button_of_ours(bot: World) -> None:
    press(bot, "node-99")
    assert bot.modals == []
    assert "not one that drainbot made" in bot.notes[0].text


def test_a_node_that_has_left_the_cluster_is_told_in_words(bot: World) -> None:
    bot.client.nodes = ("node-17",)
    submit(bot)
    assert "no node" in bot.notes[0].text
    assert bot.client.acts("maintain") == []
