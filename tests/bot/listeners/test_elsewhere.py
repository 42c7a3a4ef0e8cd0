"""Pods are named in their operation's channel, and elsewhere only to whoever decides about it."""

import json
from collections.abc import Iterator

import pytest

from jobs.models import PodRef
from tests.bot.listeners.listening import (
    ANA,
    BLOCKED,
    BO,
    EVE,
    NOW,
    OPERATION,
    OPS,
    POLICY,
    RANDOM,
    VIEW,
    FakeClient,
    World,
    world,
)
from tests.bot.listeners.test_home_tab import press, settled

SECRET_POD = "payments/db-2"
ELSEWHERE = "C02LAB"
LISTED = POLICY.model_copy(
    update={"channels": {**POLICY.channels, ELSEWHERE: POLICY.channels[OPS]}}
)


@pytest.fixture
def bot() -> Iterator[World]:
    view = VIEW.model_copy(update={"questions": (BLOCKED,)})
    client = FakeClient(nodes=("node-17",), views={OPERATION: view})
    with world(policy=LISTED, client=client) as made:
        yield made


def status(bot: World, user: str, channel: str) -> str:
    return json.dumps(bot.slash(f"status {OPERATION}", user_id=user, channel_id=channel))


def test_in_its_channel_everybody_reads_which_pods_are_in_the_way(bot: World) -> None:
    assert SECRET_POD in status(bot, EVE, OPS)


def test_in_another_channel_a_stranger_reads_counts_and_where_more_is_told(bot: World) -> None:
    said = status(bot, EVE, ELSEWHERE)
    assert SECRET_POD not in said
    assert "1 pod on node-17 can't move" in said
    assert f"<#{OPS}>" in said


@pytest.mark.parametrize("user", [ANA, BO])
def test_who_asked_or_decides_reads_it_anywhere(bot: World, user: str) -> None:
    assert SECRET_POD in status(bot, user, ELSEWHERE)


def test_a_channel_that_the_policy_does_not_list_gets_no_answer_about_it(bot: World) -> None:
    said = status(bot, ANA, RANDOM)
    assert "doesn't allow commands from this channel" in said
    assert OPERATION[-6:].upper() not in said


def test_details_of_the_home_tab_count_for_a_stranger(bot: World) -> None:
    log = VIEW.model_copy(update={"questions": (BLOCKED,), "detail": SECRET_POD, "ended_at": NOW})
    bot.client.views[OPERATION] = log
    press(bot, "operation:details", json.dumps({"o": OPERATION}), user=EVE)
    settled(bot)
    assert SECRET_POD not in json.dumps(bot.modals[-1])
    assert "node-17" in json.dumps(bot.modals[-1])
    assert PodRef(namespace="payments", name="db-2", uid="u-1") in BLOCKED.pods


def test_details_in_its_channel_tell_all_to_everybody(bot: World) -> None:
    bot.click("operation:details", json.dumps({"o": OPERATION}), user=EVE)
    assert "Plan" in json.dumps(bot.opened())
