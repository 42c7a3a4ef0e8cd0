"""Who the policy does not name: asked about once in a while, and refused where nobody can say."""

import threading
from collections.abc import Callable

import pytest

from bot.groups import People, Person
from bot.strangers import Strangers
from bot.web_client import SlackAway
from tests.bot.listeners.listening import ANA, EVE, OPERATION, World, world


class FakeSlack:
    """Says what somebody is; or nothing, while it is away."""

    def __init__(self, **outsiders: str) -> None:
        self.outsiders = outsiders
        self.asked: list[str] = []
        self.away = False

    def members(self, group: str) -> frozenset[str]:
        raise NotImplementedError(group)

    def outsider(self, user: str) -> str:
        self.asked.append(user)
        if self.away:
            raise SlackAway("ratelimited", 30)
        return self.outsiders.get(user, "")


def test_somebody_is_asked_about_once_in_ten_minutes() -> None:
    now = [0.0]
    slack = FakeSlack(UGUEST="guests")
    strangers = Strangers(slack, clock=lambda: now[0])
    assert [strangers.outsider("UGUEST") for _ in range(3)] == ["guests"] * 3
    assert strangers.outsider("UMEMBER") == ""
    assert slack.asked == ["UGUEST", "UMEMBER"]
    now[0] = 601
    slack.outsiders["UMEMBER"] = "deactivated people"
    assert strangers.outsider("UMEMBER") == "deactivated people"


def test_what_slack_does_not_say_is_not_remembered() -> None:
    slack = FakeSlack()
    slack.away = True
    strangers = Strangers(slack)
    assert strangers.outsider("UMEMBER") is None
    slack.away = False
    assert strangers.outsider("UMEMBER") == ""


def test_presses_at_once_ask_once() -> None:
    slack, found = FakeSlack(UGUEST="guests"), []
    strangers = Strangers(slack)

    def press() -> None:
        found.append(strangers.outsider("UGUEST"))

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, slack.asked) == (["guests"] * 8, ["UGUEST"])


def reading(says: Callable[[str], str | None], words: str, **fields: str) -> str:
    with world() as bot:
        return read(bot, says, words, **fields)


def read(bot: World, says: Callable[[str], str | None], words: str, **fields: str) -> str:
    object.__setattr__(bot.deps, "outsider", says)
    return str(bot.slash(words, **fields)["text"])


@pytest.mark.parametrize("words", ["list", f"status {OPERATION}", "who", "history node-1", "help"])
def test_a_guest_whom_the_policy_does_not_name_may_not_even_read(words: str) -> None:
    said = reading(lambda _: "guests", words, user_id=EVE)
    assert said == "drainbot takes no orders from guests. Nothing changed."


def test_a_member_whom_the_policy_does_not_name_may_read() -> None:
    assert "7F3K9Q" in reading(lambda _: "", "list", user_id=EVE)


def test_where_slack_does_not_say_a_stranger_is_refused_in_words() -> None:
    said = reading(lambda _: None, "list", user_id=EVE)
    assert "Slack does not say at the moment" in said


def test_people_of_the_policy_are_served_though_slack_is_away() -> None:
    with world() as bot:
        object.__setattr__(bot.deps, "named", frozenset({ANA}))
        assert "7F3K9Q" in read(bot, lambda _: None, "list")
    people = People(at=1, groups={"S0ONCALL": frozenset({EVE})}, persons={EVE: Person()})
    with world(people=people) as bot:
        assert "7F3K9Q" in read(bot, lambda _: None, "list", user_id=EVE)
