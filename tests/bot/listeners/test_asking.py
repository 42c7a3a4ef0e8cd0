"""The form that `/drain` alone opens: what it offers, and what becomes of what was filled in."""

import copy
import json
import threading
import uuid
from typing import Any

import pytest

from bot.messages.form import NODES_SELECT
from jobs.models import Inventory, Refused
from jobs.policy import Policy, parse_policy
from sandbox.slack.blockkit import elements_of, problems
from sandbox.slack.blockkit_elements import suggestion_problems
from sandbox.slack.forms import state_values
from tests.bot.listeners.deliveries import signed, submission_payload
from tests.bot.listeners.listening import ANA, BO, EVE, OPS, RANDOM, TEAM, FakeClient, World, world

ONE = """
team: T01DEMO
clusters: {CLUSTERS}
channels: {C01OPS: {cluster: prod-eu}}
rules:
  - match: {labels: {pool: blue}}
    request: [U01ANA, U02BOB]
    decide: [U01ANA]
    force: {by: [U02BOB], votes: 1}
    options: [delete-emptydir-data]
    max_nodes: 2
"""


def policy(clusters: str = "prod-eu: {}") -> Policy:
    return parse_policy(ONE.replace("CLUSTERS", clusters))


class OneCluster(FakeClient):
    """A client of a policy with one cluster; its nodes' uids are as long as real ones."""

    def clusters(self) -> tuple[str, ...]:
        return ("prod-eu",)

    def inventory(self, cluster: str) -> Inventory:
        found = super().inventory(cluster)
        nodes = [
            node.model_copy(update={"uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, node.name))})
            for node in found.nodes
        ]
        return found.model_copy(update={"nodes": tuple(nodes)})


def form_of(bot: World, **fields: str) -> dict[str, Any]:
    response = bot.slash_raw("", **fields)
    assert (response.status, response.body) == (200, "")
    view = bot.opened()
    assert problems(view) == []
    return view


def suggested(bot: World, view: dict[str, Any], typed: str = "", **fields: Any) -> dict[str, Any]:
    payload = {
        "type": "block_suggestion",
        "team": {"id": TEAM, "domain": "demo"},
        "user": {"id": fields.pop("user", ANA), "team_id": TEAM},
        "container": {"type": "view", "view_id": "V1"},
        "block_id": "nodes",
        "action_id": NODES_SELECT,
        "value": typed,
        "view": {**view, "id": "V1", "state": {"values": {}}},
        **fields,
    }
    response = bot.send(signed({"payload": json.dumps(payload)}))
    assert response.status == 200
    answer: dict[str, Any] = json.loads(response.body)
    assert suggestion_problems(answer) == []
    return answer


def texts(answer: dict[str, Any]) -> list[str]:
    groups = answer.get("option_groups") or [answer]
    return [option["text"]["text"] for group in groups for option in group["options"]]


def fill_in(
    bot: World, view: dict[str, Any], *, typing: str = "", **given: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the payload and the acknowledgement of a form that a person filled in."""
    answer = suggested(bot, view, typing)
    groups = answer.get("option_groups") or [answer]
    blocks = copy.deepcopy(view["blocks"])
    for number, block in enumerate(blocks):
        block.setdefault("block_id", f"b{number}")
        for element in elements_of(block):
            if element["type"] == "multi_external_select":
                element["options"] = [o for group in groups for o in group["options"]]
    payload = submission_payload(view, {}, **given.pop("fields", {}))
    payload["view"]["state"] = {"values": state_values(blocks, given)}
    response = bot.send(signed({"payload": json.dumps(payload)}))
    assert response.status == 200
    return payload, json.loads(response.body) if response.body else {}


def errors_of(bot: World, view: dict[str, Any], **given: Any) -> dict[str, str]:
    _, answer = fill_in(bot, view, **given)
    assert answer["response_action"] == "errors"
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    assert set(answer["errors"]) <= inputs  # Slack refuses the others
    assert bot.client.asked == {}
    return dict(answer["errors"])


def switches(view: dict[str, Any]) -> list[str]:
    (block,) = [block for block in view["blocks"] if block.get("block_id") == "options"]
    return [option["value"] for option in block["element"]["options"]]


def test_the_command_alone_opens_the_form_and_says_nothing() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        view = form_of(bot)
    blocks = [block.get("block_id") for block in view["blocks"]]
    assert blocks == [None, "nodes", "typed", "reason", "options", "flags"]
    assert f"<#{OPS}>" in str(view["blocks"][0])


def test_what_is_chosen_typed_and_ticked_is_asked_for_as_the_command_asks() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        _, answer = fill_in(
            bot,
            form_of(bot),
            nodes=["prod-eu/node-17", "node-1"],
            typed="node-18,\nnode-1",
            reason="disk\nswap",
            options=["--no-wait-volumes"],
            flags="—timeout=5m --canary 1 —then wait --for=2h",
        )
        assert answer == {}
        (request,) = bot.client.asked.values()
        (note,) = bot.notes
    assert request.nodes == ("node-17", "node-1", "node-18")
    assert (request.cluster, request.channel, request.reason) == ("prod-eu", OPS, "disk swap")
    assert (request.options.timeout, request.options.canary) == (300, 1)
    assert (request.options.then, request.options.expected) == ("wait", 7200)
    assert request.options.no_wait_volumes
    assert not request.plan_only
    assert (note.channel, note.user) == (OPS, ANA)
    assert "Draining 3 nodes in prod-eu: op 7F3K9Q" in note.text


def test_a_plan_is_asked_for_with_its_box_and_labels_take_nodes_too() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        fill_in(bot, form_of(bot), typed="pool=blue", options=["--plan"])
        (request,) = bot.client.asked.values()
    assert request.plan_only
    assert request.nodes == ("node-1", "node-17", "node-18")


def test_a_form_that_is_submitted_again_starts_one_operation() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        view = form_of(bot)
        fill_in(bot, view, nodes=["node-1"])
        fill_in(bot, view, nodes=["node-1"], fields={"trigger_id": "later"})
        assert len(bot.client.asked) == 1
        assert "was asked already" in bot.notes[-1].text


def test_only_options_that_the_person_may_use_are_offered() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        own = form_of(bot)
        bot.aside_done.clear()
        forcing = form_of(bot, user_id=BO, trigger_id="b")
    assert switches(own) == [
        "--plan",
        "--delete-emptydir-data",
        "--no-wait-volumes",
        "--expect-gone",
    ]
    assert "--grace-period" not in str(own)
    assert {"--force", "--disable-eviction"} <= set(switches(forcing))
    assert "--grace-period" in str(forcing)


def test_who_may_ask_for_nothing_is_told_who_may_instead_of_a_form() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        answer = bot.slash("", user_id=EVE)
        assert "You can't drain this" in answer["text"]
        assert f"<@{BO}>" in answer["text"]
        assert "Ask in" in bot.slash("", channel_id=RANDOM)["text"]
        assert bot.modals == []


def test_before_any_worker_has_reported_there_is_nothing_to_ask_for() -> None:
    with world(client=OneCluster(as_of=0), policy=policy()) as bot:
        assert "No node is known yet" in bot.slash("")["text"]
        assert bot.modals == []


def test_a_chosen_node_that_has_gone_since_is_told_at_the_list() -> None:
    long = ".".join(["n" * 60, "a" * 60, "b" * 60, "node-1"])
    with world(client=OneCluster(nodes=(long, "node-2")), policy=policy()) as bot:
        view = form_of(bot)
        (chosen, *_) = [text for text in texts(suggested(bot, view)) if "…" in text]
        blocks = copy.deepcopy(view["blocks"])
        (select,) = [b["element"] for b in blocks if b.get("block_id") == "nodes"]
        select["options"] = suggested(bot, view)["options"]
        bot.client.nodes = ("node-2",)
        assert bot.deps.desk
        bot.deps.desk.nodes._kept.clear()
        payload = submission_payload(view, {})
        payload["view"]["state"] = {"values": state_values(blocks[1:], {"nodes": [chosen]})}
        answer = json.loads(bot.send(signed({"payload": json.dumps(payload)})).body)
        assert "is gone: choose again" in answer["errors"]["nodes"]
        assert bot.client.asked == {}


def test_an_empty_form_and_half_a_form_are_told_at_their_fields() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        view = form_of(bot)
        assert "Choose a node here" in errors_of(bot, view)["nodes"]
        both = errors_of(bot, view, nodes=["node-1"], typed="pool=blue")
        assert "not both" in both["typed"]
        several = errors_of(bot, view, typed="nod-1", flags="--frce", nodes=["node-1"])
        assert "Did you mean --force" in several["flags"]


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"typed": "nod-17"}, "typed", "Did you mean node-17"),
        ({"typed": "Node_17"}, "typed", "Did you mean node-17"),
        ({"typed": "pool=bleu"}, "typed", "Did you mean blue"),
        ({"typed": "node-1 --force"}, "typed", "fields of their own"),
        ({"typed": "node-1 reason x"}, "typed", "fields of their own"),
        ({"typed": "lab/node-1"}, "typed", "no cluster `lab`"),
        ({"nodes": ["node-1"], "flags": "node-2"}, "flags", "Only flags here"),
        ({"nodes": ["node-1"], "flags": "--timeout=x"}, "flags", "--timeout"),
        (
            {"nodes": ["node-1"], "options": ["--no-wait-volumes"], "flags": "--no-wait-volumes=0"},
            "flags",
            "twice",
        ),
        ({"nodes": ["node-1"], "reason": "\x07"}, "reason", "The reason is empty"),
        ({"nodes": ["node-1"], "flags": "“unclosed"}, "flags", "never closed"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(given: dict[str, Any], field: str, said: str) -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        errors = errors_of(bot, form_of(bot), **given)
        assert said in errors[field]
        assert list(errors) == [field]


@pytest.mark.parametrize(
    ("given", "field"),
    [({"flags": "--grace-period=3"}, "flags"), ({}, "nodes"), ({"typed": "node-1"}, "typed")],
)
def test_a_refusal_is_told_at_the_field_that_it_is_about(given: dict[str, Any], field: str) -> None:
    refused = Refused(reason="--grace-period needs the force right here.", who_may=(BO,))
    client = OneCluster(refuse=refused)
    with world(client=client, policy=policy()) as bot:
        view = form_of(bot)
        _, answer = fill_in(bot, view, **({"nodes": ["node-1"]} | given))
        assert answer["errors"] == {field: "--grace-period needs the force right here."}
        assert len(bot.client.acts("submit")) == 1


def test_a_box_that_is_not_this_versions_is_refused_not_passed_over() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        old = form_of(bot)
        (boxes,) = [block for block in old["blocks"] if block.get("block_id") == "options"]
        boxes["element"]["options"][0]["value"] = "--dry-run"
        errors = errors_of(bot, old, nodes=["node-1"], options=["--dry-run"])
        assert "another version" in errors["options"]


def test_a_form_from_a_channel_that_is_not_listed_any_more_is_refused() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        view = {**form_of(bot), "private_metadata": '{"ch": "C09RANDOM", "cl": "prod-eu"}'}
        assert "from this channel" in errors_of(bot, view, nodes=["node-1"])["nodes"]
        for forged in ("{", "[]", "null"):
            view = {**view, "private_metadata": forged}
            assert "from this channel" in errors_of(bot, view, nodes=["node-1"])["nodes"]


def test_while_redis_hangs_the_form_stays_open_and_says_so() -> None:
    hang = threading.Event()
    with world(client=OneCluster(), policy=policy(), seconds=0.5) as bot:
        view = form_of(bot)
        bot.client.slow = hang
        assert bot.deps.desk
        bot.deps.desk.nodes._kept.clear()
        payload = submission_payload(view, {"typed": "node-1"})
        response = bot.send(signed({"payload": json.dumps(payload)}))
        assert "twice does no harm" in json.loads(response.body)["errors"]["reason"]
        assert suggested(bot, view) == {"options": []}
        hang.set()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("views.open: expired_trigger_id", "they were over"), ("Slack is away", "did not take it")],
)
def test_a_form_that_could_not_be_opened_is_told_in_words(wrong: str, said: str) -> None:
    client = OneCluster()
    with world(client=client, policy=policy(), views_open_says=wrong) as bot:
        assert bot.slash_raw("").body == ""
        assert bot.aside_done.wait(60)
        (response,) = bot.responses
    assert said in response["text"]
    assert response["response_type"] == "ephemeral"
    assert "type" in response["text"].lower()


def test_nodes_are_found_by_beginning_part_and_label() -> None:
    nodes = ("node-10", "node-2", "db-node-3", "snode-4", "other")
    with world(client=OneCluster(nodes=nodes), policy=policy()) as bot:
        view = form_of(bot)
        assert texts(suggested(bot, view, "node")) == ["node-2", "node-10", "db-node-3", "snode-4"]
        assert texts(suggested(bot, view, " NODE-1 ")) == ["node-10"]
        assert texts(suggested(bot, view, "othre")) == ["other"]
        assert len(texts(suggested(bot, view, "pool=bl"))) == 5
        assert texts(suggested(bot, view, "pool=red")) == []
        assert texts(suggested(bot, view, "qqqqqq")) == []


def test_of_thousands_of_nodes_100_are_offered_and_the_rest_is_said() -> None:
    nodes = tuple(f"node-{n}" for n in range(5000))
    with world(client=OneCluster(nodes=nodes), policy=policy(), seconds=60) as bot:
        view = form_of(bot)
        answer = suggested(bot, view)
        (group,) = answer["option_groups"]
        assert group["label"]["text"] == "prod-eu: 100 of 5000 nodes, type more of the name"
        assert len(group["options"]) == 100
        assert texts(suggested(bot, view, "node-4999")) == ["node-4999"]


def test_of_several_clusters_each_node_says_its_own() -> None:
    clusters = "prod-eu: {}, lab: {}"
    with world(policy=policy(clusters)) as bot:
        view = form_of(bot)
        assert "Cluster of the names" in str(view)
        answer = suggested(bot, view, "node-17")
        labels = [group["label"]["text"] for group in answer["option_groups"]]
        assert labels == ["prod-eu: 1 node", "lab: 1 node"]
        assert texts(answer) == ["prod-eu/node-17", "lab/node-17"]
        assert texts(suggested(bot, view, "la/node-17")) == ["lab/node-17"]
        mixed = errors_of(bot, view, nodes=["lab/node-17", "prod-eu/node-17"])
        assert "several clusters" in mixed["nodes"]
        fill_in(bot, view, typed="node-18", cluster="lab")
        (request,) = bot.client.asked.values()
        assert (request.cluster, request.nodes) == ("lab", ("node-18",))


def test_names_of_253_characters_can_be_chosen() -> None:
    long = ".".join(["n" * 60, "a" * 60, "b" * 60, "c" * 60, "node-1"])
    other = f"{long[:-1]}2"
    with world(client=OneCluster(nodes=(long, other)), policy=policy()) as bot:
        view = form_of(bot)
        shown = texts(suggested(bot, view))
        assert len(set(shown)) == 2
        assert all(len(text) <= 75 for text in shown)
        fill_in(bot, view, nodes=[shown[1]])
        (request,) = bot.client.asked.values()
    assert request.nodes == (other,)


def test_strangers_and_people_of_other_organizations_are_offered_no_names() -> None:
    with world(client=OneCluster(), policy=policy()) as bot:
        view = form_of(bot)
        assert suggested(bot, view, team={"id": "T0PARTNER"}) == {"options": []}
        payload = submission_payload(view, {"typed": "node-1"}, team={"id": "T0PARTNER"})
        answer = json.loads(bot.send(signed({"payload": json.dumps(payload)})).body)
        assert "own Slack workspace" in str(answer["view"])
        assert bot.client.asked == {}
