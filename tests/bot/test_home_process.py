"""The home tab of a whole bot: opened, published, pressed."""

from pathlib import Path

import pytest
from redis import Redis

from tests.bot.running import POLICY, eventually, publish_nodes, running_bot


@pytest.mark.parametrize("socket_mode", [False, True])
def test_the_home_tab_is_published_to_who_opens_it_and_its_buttons_act(
    redis: Redis, redis_url: str, tmp_path: Path, *, socket_mode: bool
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy, socket_mode=socket_mode) as bot:
        bot.slack.slash("ana", "ops", "/drain", "node-1 reason disk swap")
        opened = bot.slack.open_home("ana")
        assert opened is not None
        assert opened.acknowledged
        home = eventually(lambda: bot.slack.home("ana") or {})
        assert "disk swap" in str(home["blocks"])
        assert "No worker of demo is alive" in str(home["blocks"])
        assert bot.slack.home("bo") is None

        pressed = bot.slack.click_in_view("ana", "operation:details", home["id"])
        assert pressed.acknowledged
        (modal,) = eventually(lambda: bot.slack.modals("ana"))
        assert "disk swap" in str(modal["blocks"])

        refreshed = bot.slack.click_in_view("ana", "home:refresh", home["id"])
        assert refreshed.acknowledged


def test_a_guest_who_opens_it_sees_nothing(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy) as bot:
        bot.slack.slash("ana", "ops", "/drain", "node-1")
        bot.slack.open_home("gus")
        home = eventually(lambda: bot.slack.home("gus") or {})
        assert "nothing to see for you" in str(home["blocks"])
        assert "node-1" not in str(home["blocks"])


def test_a_guest_whom_the_policy_does_not_name_may_not_even_read(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy) as bot:
        bot.slack.slash("ana", "ops", "/drain", "node-1")
        read = bot.slack.slash("gus", "ops", "/drain", "list")
        assert "takes no orders from guests" in str(read.body)
        assert "node-1" not in str(read.body)
