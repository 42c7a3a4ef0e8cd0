import threading
import time
from typing import Any

import pytest

from jobs.models import Refused
from tests.bot.listeners.deliveries import signed, slash_form
from tests.bot.listeners.listening import (
    ANA,
    BO,
    OPERATION,
    OPS,
    RANDOM,
    TEAM,
    FakeClient,
    World,
    world,
)


def text_of(world: World, text: str, **fields: str) -> str:
    answer = world.slash(text, **fields)
    assert answer["response_type"] == "ephemeral"
    return str(answer["text"])


def test_a_drain_is_submitted_before_slack_is_answered_and_says_which_operation() -> None:
    with world() as bot:
        assert "op 7F3K9Q" in text_of(bot, "node-1 node-17 --timeout=5m reason disk swap")
        (request,) = bot.client.asked.values()
    assert request.nodes == ("node-1", "node-17")
    assert (request.cluster, request.channel) == ("prod-eu", OPS)
    assert (request.reason, request.options.timeout) == ("disk swap", 300)


@pytest.mark.parametrize("text", ["plan node-1 reason disk swap", "node-1 --plan reason disk swap"])
def test_a_plan_is_submitted_as_a_plan(text: str) -> None:
    with world() as bot:
        assert "Planning node-1 in prod-eu: op 7F3K9Q" in text_of(bot, text)
        (request,) = bot.client.asked.values()
    assert (request.plan_only, request.reason) == (True, "disk swap")


def test_a_delivery_that_comes_twice_starts_one_operation() -> None:
    with world() as bot:
        text_of(bot, "node-1")
        again = text_of(bot, "node-1")
        assert len(bot.client.asked) == 1
        assert "already" in again
        text_of(bot, "node-1", trigger_id="another.act")
        assert len(bot.client.asked) == 2


@pytest.mark.parametrize("text", ["?", "help", "--help", "HELP"])
def test_help_names_the_forms_and_starts_nothing(text: str) -> None:
    with world() as bot:
        said = text_of(bot, text)
        assert "/drain NODE…" in said
        assert "/drain abort ID" in said
        assert bot.client.acts("submit") == []


def test_an_unknown_node_is_answered_with_the_one_that_was_meant() -> None:
    with world() as bot:
        said = text_of(bot, "nod-17")
        assert "no node `nod-17`" in said
        assert "Did you mean node-17" in said
        assert bot.client.acts("submit") == []


def test_a_mistyped_verb_is_recognized_as_one() -> None:
    with world() as bot:
        assert "status" in text_of(bot, "statsu")


def test_a_node_that_joined_a_moment_ago_is_found() -> None:
    with world() as bot:
        text_of(bot, "node-1", trigger_id="a")
        bot.client.nodes += ("node-new",)
        assert "op 7F3K9Q" in text_of(bot, "node-new", trigger_id="b")


def test_400_unknown_nodes_get_one_short_answer() -> None:
    with world() as bot:
        said = text_of(bot, " ".join(f"x-{n}" for n in range(400)))
        assert "And 397 more names" in said
        assert len(said) < 1000
        assert bot.client.acts("submit") == []


def test_the_words_of_a_refusal_reach_the_person() -> None:
    refused = Refused(reason="At most 20 nodes at once; you asked for 400.", who_may=())
    with world(client=FakeClient(nodes=("n-1",), refuse=refused)) as bot:
        assert "At most 20 nodes" in text_of(bot, "n-1")


@pytest.mark.parametrize(
    "text",
    [
        "<!here>",
        "<!channel|x>",
        "@channel",
        "*bold*",
        "node-1 --frobnicate",
        "node-1 \u2018",
        "a/b/c",
    ],
)
def test_what_is_not_understood_is_an_error_that_pings_nobody(text: str) -> None:
    with world() as bot:
        said = text_of(bot, text)
        assert "<!" not in said
        assert "@channel" not in said
        assert bot.client.acts("submit") == []


def test_labels_choose_nodes() -> None:
    with world() as bot:
        text_of(bot, "pool=blue")
        (request,) = bot.client.asked.values()
        assert request.nodes == ("node-1", "node-17", "node-18")
        assert "No node of prod-eu has the labels" in text_of(bot, "pool=red", trigger_id="b")


def test_a_node_of_another_cluster_is_named_with_it() -> None:
    with world() as bot:
        text_of(bot, "lab/node-1")
        (request,) = bot.client.asked.values()
        assert request.cluster == "lab"
        said = text_of(bot, "prod-us/node-1", trigger_id="b")
        assert "There is no cluster `prod-us`. Did you mean prod-eu" in said


def test_that_no_worker_is_alive_is_said_at_once() -> None:
    with world(client=FakeClient(workers=False)) as bot:
        assert "No worker of prod-eu is alive" in text_of(bot, "node-1")
        assert "No worker of prod-eu is alive" in text_of(bot, "status")


def test_a_channel_that_the_policy_does_not_list_is_refused_in_words() -> None:
    with world() as bot:
        said = text_of(bot, "node-1", channel_id=RANDOM)
        assert f"Ask in <#{OPS}>" in said
        assert bot.client.calls == []


def test_without_a_policy_nothing_is_allowed_and_the_refusal_says_so() -> None:
    with world(policy=None) as bot:
        assert "DRAINBOT_POLICY" in text_of(bot, "node-1")
        assert bot.client.calls == []


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("abort 7F3K9Q wrong node", ("abort", f"{TEAM}:{ANA}", OPERATION, "wrong node")),
        ("abort op 7f3k9q —reason wrong", ("abort", f"{TEAM}:{ANA}", OPERATION, "wrong")),
        ("pause prod-eu-7f3k9q", ("pause", f"{TEAM}:{ANA}", OPERATION)),
        ("RESUME 7F3K9Q", ("resume", f"{TEAM}:{ANA}", OPERATION)),
        ("uncordon node-1", ("uncordon", f"{TEAM}:{ANA}", "prod-eu", "node-1", OPS)),
        (
            "maintenance node-1 --for 2h disk",
            ("maintain", f"{TEAM}:{ANA}", "prod-eu", "node-1", 7200, "disk", OPS),
        ),
        ("return node-1", ("return", f"{TEAM}:{ANA}", "prod-eu", "node-1", OPS)),
    ],
)
def test_each_verb_does_its_act(text: str, call: tuple[str | int, ...]) -> None:
    with world() as bot:
        text_of(bot, text)
        (done,) = bot.client.acts(str(call[0]))
        assert done[: len(call)] == call


@pytest.mark.parametrize(
    "text",
    [
        "abort", "pause", "resume 7F3K9Q now", "status x y", "list all", "uncordon", "uncordon a b",
        "maintenance", "maintenance node-1 --for soon", "return", "return a b",
    ],
)  # fmt: skip
def test_half_a_command_does_nothing_and_says_what_is_missing(text: str) -> None:
    with world() as bot:
        assert text_of(bot, text)
        acts = ("submit", "abort", "pause", "resume", "uncordon", "maintain", "return")
        assert bot.client.acts(*acts) == []


def test_status_shows_an_operation_without_buttons_that_would_go_stale() -> None:
    with world() as bot:
        answer = bot.slash("status 7F3K9Q")
        assert "prod-eu" in answer["text"]
        assert answer["blocks"]
        assert all(block["type"] != "actions" for block in answer["blocks"])


def test_list_names_the_operations() -> None:
    with world() as bot:
        assert "7F3K9Q" in text_of(bot, "list")
        bot.client.views.clear()
        assert "Nothing was asked yet" in text_of(bot, "list")
        assert "no operation 'prod-eu-7f3k9q'" in text_of(bot, "status 7F3K9Q")


def test_while_redis_is_away_the_person_is_told_that_nobody_knows() -> None:
    with world(client=FakeClient(away=True)) as bot:
        assert "Press again; twice does no harm" in text_of(bot, "node-1")


def test_a_redis_that_hangs_does_not_make_slack_wait() -> None:
    hang = threading.Event()
    with world(client=FakeClient(slow=hang), seconds=0.2) as bot:
        began = time.monotonic()
        said = text_of(bot, "node-1")
        assert "twice does no harm" in said
        assert time.monotonic() - began < 3  # what Slack allows; far from the 10 s of the hang
        hang.set()


def test_an_error_of_ours_becomes_words_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with world() as bot:

        def broken(*_args: Any, **_kwargs: Any) -> None:
            raise KeyError("a bug")

        monkeypatch.setattr(FakeClient, "submit", broken)
        said = text_of(bot, "node-1")
        assert "Something went wrong in drainbot" in said
        assert "KeyError" not in said


def test_people_of_other_organizations_are_refused() -> None:
    with world() as bot:
        assert "own Slack workspace" in text_of(bot, "node-1", team_id="T0OTHER")
        assert bot.client.calls == []


def test_a_wrongly_signed_command_is_refused_by_bolt_too() -> None:
    with world() as bot:
        request = signed(slash_form("node-1"))
        request.headers["x-slack-signature"] = ["v0=0"]
        assert bot.send(request).status == 401


def test_two_people_who_type_the_same_are_told_apart() -> None:
    with world() as bot:
        text_of(bot, "node-1", trigger_id="a")
        text_of(bot, "node-1", trigger_id="b", user_id=BO)
        assert [call[1] for call in bot.client.acts("submit")] == [f"{TEAM}:{ANA}", f"{TEAM}:{BO}"]


def test_what_slack_made_of_a_nodes_name_is_that_name() -> None:
    with world(client=FakeClient(nodes=("node-1.example.com",))) as bot:
        text_of(bot, "<http://node-1.example.com|node-1.example.com>\u00a0—timeout=5m")
        (request,) = bot.client.asked.values()
    assert request.nodes == ("node-1.example.com",)
    assert request.options.timeout == 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("poll=blue", "No node has a label `poll`. Did you mean pool"),
        ("pool=bule", "No node has `pool=bule`. Did you mean blue"),
        ("-l pool=green", "There is `blue`"),
        ("pool=blue -l !pool", "none has all"),
        ("pool:blue", "Did you mean pool=blue"),
        ("Node_17", "Did you mean node-17"),
        ("node-1 --graceperiod=3", "Did you mean --grace-period"),
        ("abrot 7F3K9Q", "Did you mean abort"),
        ("help stauts", "Did you mean status"),
        ("freeze prod-ue disks", "Did you mean prod-eu"),
        ("who nod-1", "Did you mean node-1"),
        ("uncordon nod-1", "Did you mean node-1"),
        ("status 7F3K9Z", "no operation 'prod-eu-7f3k9z'. Did you mean 7F3K9Q?"),
    ],
)
def test_whatever_is_mistyped_is_answered_with_what_was_meant(text: str, said: str) -> None:
    with world() as bot:
        assert said in text_of(bot, text)
        assert bot.client.acts("submit", "abort", "freeze", "uncordon") == []


def test_help_tells_more_about_one_form() -> None:
    with world() as bot:
        said = text_of(bot, "help abort", command="/d")
        assert "/d abort 7F3K9Q wrong rack" in said
        assert "--grace-period" in text_of(bot, "help drain")
        assert "/drain pause ID" in text_of(bot, "pause --help")


def test_a_cluster_is_frozen_and_thawed_and_its_state_is_said() -> None:
    with world() as bot:
        assert "prod-eu is frozen" in text_of(bot, "freeze storage &amp; disks")
        assert "was frozen already by <@U01ANA>" in text_of(bot, "freeze again", trigger_id="b")
        assert "prod-eu is thawed" in text_of(bot, "thaw", trigger_id="c")
        assert "was not frozen" in text_of(bot, "thaw prod-eu", trigger_id="d")
        assert "no cluster `prod-us`" in text_of(bot, "thaw prod-us", trigger_id="e")
        first = bot.client.acts("freeze")[0]
    assert first[1:5] == (f"{TEAM}:{ANA}", "prod-eu", "storage & disks", OPS)


def test_who_says_whose_leave_a_node_needs_and_what_oneself_may() -> None:
    with world() as bot:
        said = text_of(bot, "who node-1")
        assert "Ask: sre (<@U01ANA>, <@U02BOB>)" in said
        assert "You: ask and decide" in said
        assert "You: ask, decide and force" in text_of(bot, "who", user_id=BO)
        assert "3 nodes in prod-eu" in text_of(bot, "who")
        assert bot.client.acts("submit") == []


@pytest.mark.parametrize("verb", ["abort", "pause", "resume"])
def test_a_mistyped_operation_is_answered_with_the_one_that_was_meant(verb: str) -> None:
    unknown = Refused(reason="There is no operation prod-eu-7f3k9z.", because="unknown")
    with world(client=FakeClient(refuse=unknown)) as bot:
        said = text_of(bot, f"{verb} 7F3K9Z")
        assert said == (
            "There is no operation 'prod-eu-7f3k9z'. Did you mean 7F3K9Q? Nothing changed."
        )
        assert "no operation 'prod-us-7f3k9q'. Nothing" in text_of(bot, f"{verb} prod-us/7F3K9Q")
