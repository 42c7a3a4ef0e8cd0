"""Ten thousand texts through the real listener: no traceback, and no accidental drain."""

import random
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.messages.ephemeral import NOT_RECORDED, WENT_WRONG
from jobs.models import ClusterNode, Inventory
from sandbox.slack.blockkit import problems
from tests.bot.listeners.listening import NOW, FakeClient, World, world
from tests.bot.listeners.texts import NODES, VERBS, anything, reading

SEEDS, TEXTS = 10, 1_000
CHANGES = ("abort", "pause", "resume", "uncordon", "freeze", "thaw", "decide")
LONGEST_ANSWER = 4_000  # what Slack shows of a text


class Cluster(FakeClient):
    """A client of one cluster whose nodes have pools, and names to stumble over."""

    def clusters(self) -> tuple[str, ...]:
        return ("prod-eu",)

    def inventory(self, cluster: str) -> Inventory:
        nodes = tuple(
            ClusterNode(name=name, uid=name, labels={"pool": pool}) for name, pool in NODES.items()
        )
        return Inventory(cluster=cluster, nodes=nodes, as_of=NOW)


def typed(bot: World, text: str, number: int) -> dict[str, Any]:
    """Type a text; return what was answered, which is always something that Slack takes."""
    before = len(bot.modals)
    bot.aside_done.clear()
    response = bot.slash_raw(text, trigger_id=f"t{number}")
    assert response.status == 200, text
    if not response.body:  # the form was opened instead
        bot.opened()
        assert len(bot.modals) == before + 1, text
        return {}
    answer: dict[str, Any] = bot.body_of(response)
    assert answer["response_type"] == "ephemeral", text
    assert answer["text"].strip(), text
    assert len(answer["text"]) <= LONGEST_ANSWER, text
    assert problems(answer.get("blocks", [])) == [], text
    return answer


def judge(bot: World, text: str, answer: dict[str, Any]) -> str:
    """Hold what was done against a second reading of the text; return what it was, for counting."""
    said = str(answer)
    assert WENT_WRONG not in said, text
    assert NOT_RECORDED not in said, text
    assert "Traceback" not in said, text
    assert not {"<!here", "<!channel", "<!everyone"} & set(said.split()), text
    read = reading(text)
    changed = bot.client.acts(*CHANGES)
    assert all(verb[0] == read.first for verb in changed), (text, changed)
    (request,) = bot.client.asked.values() or (None,)
    if request is None:
        return "changed" if changed else "form" if not answer else "told"
    assert read.first not in VERBS or read.first == "plan", text
    assert request.plan_only or read.first != "plan", text
    assert request.nodes, text
    assert set(request.nodes) == read.nodes, (text, request)
    return "plan" if request.plan_only else "drain"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_text_brings_the_listener_down_or_drains_what_nobody_named(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  it is to be the same each time
    outcomes: dict[str, int] = {}
    with world(client=Cluster(), seconds=60) as bot, capture_logs() as logs:
        for number in range(TEXTS):
            text = anything(chance)
            bot.client.asked.clear()
            bot.client.calls.clear()
            what = judge(bot, text, typed(bot, text, number))
            outcomes[what] = outcomes.get(what, 0) + 1
    assert [line for line in logs if line["log_level"] in {"error", "critical"}] == []
    # It can fail: each kind of outcome came about, and often.
    assert all(outcomes[what] > TEXTS / 100 for what in ("drain", "plan", "told", "changed")), (
        outcomes
    )
