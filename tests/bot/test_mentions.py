from bot.commands import NodeBook
from bot.mentions import mentions_by, owners_by
from bot.messages.audience import OwnersPlace
from jobs.models import (
    ClusterNode,
    Inventory,
    NodeView,
    QuestionKind,
    Refusal,
    RefusalReason,
)
from jobs.policy import parse_policy
from tests.bot.listeners.listening import BLOCKED, VIEW, FakeClient

TEXT = """
team: T01DEMO
clusters: {prod-eu: {}}
groups: {sre: [U01ANA, S0SRE], oncall: [S0ONCALL, U02BOB]}
rules:
  - match: {labels: {pool: blue}}
    request: [sre]
    approve: {by: [oncall]}
    decide: [sre, oncall]
owners:
  payments: {group: S0PAY}
"""
POLICY = parse_policy(TEXT)


def test_a_question_names_those_who_may_decide_and_the_owners_groups_first() -> None:
    mentions = mentions_by(POLICY, NodeBook(FakeClient()))
    assert mentions(VIEW, BLOCKED) == ("S0ONCALL", "S0PAY", "S0SRE", "U01ANA", "U02BOB")


def test_whether_a_maintenance_is_done_is_asked_of_whoever_wished_it_too() -> None:
    mentions = mentions_by(POLICY, NodeBook(FakeClient()))
    view = VIEW.model_copy(update={"requester": "T01DEMO:U09ZOE"})
    done = {"kind": QuestionKind.MAINTENANCE, "blocks": (), "choices": ("return", "keep_out")}
    asked = BLOCKED.model_copy(update=done)
    assert mentions(view, asked) == ("S0ONCALL", "S0SRE", "U01ANA", "U02BOB", "U09ZOE")


def test_an_approval_names_those_who_approve() -> None:
    mentions = mentions_by(POLICY, NodeBook(FakeClient()))
    asked = BLOCKED.model_copy(update={"kind": QuestionKind.APPROVAL, "node": "", "blocks": ()})
    assert mentions(VIEW, asked) == ("S0ONCALL", "U02BOB")


def test_a_node_that_needs_no_approval_hides_nobody_who_approves_the_others() -> None:
    class Mixed(FakeClient):
        def inventory(self, cluster: str) -> Inventory:
            pools = {"node-17": "blue", "node-18": "green"}
            nodes = tuple(ClusterNode(name=n, uid=n, labels={"pool": p}) for n, p in pools.items())
            return Inventory(cluster=cluster, nodes=nodes, as_of=self.as_of)

    other = "  - match: {}\n    request: [sre]\n    decide: [sre]\nowners:"
    policy = parse_policy(TEXT.replace("owners:", other))
    view = VIEW.model_copy(update={"nodes": (*VIEW.nodes, NodeView(name="node-18"))})
    asked = BLOCKED.model_copy(update={"kind": QuestionKind.APPROVAL, "node": "", "blocks": ()})
    assert mentions_by(policy, NodeBook(Mixed()))(view, asked) == ("S0ONCALL", "U02BOB")


def test_a_start_that_lists_refused_pods_names_no_owners_who_may_not_start_it() -> None:
    mentions = mentions_by(POLICY, NodeBook(FakeClient()))
    refused = Refusal(pod=BLOCKED.pods[0], reasons=(RefusalReason.UNMANAGED,))
    fields = {"kind": QuestionKind.START, "blocks": (), "refusals": (refused,)}
    asked = BLOCKED.model_copy(update=fields)
    assert asked.pods[0].namespace == "payments"
    assert mentions(VIEW, asked) == ("S0ONCALL", "S0SRE", "U01ANA", "U02BOB")


def test_nodes_that_are_not_known_name_nobody() -> None:
    mentions = mentions_by(POLICY, NodeBook(FakeClient(nodes=())))
    plain = BLOCKED.model_copy(update={"blocks": ()})
    assert mentions(VIEW, plain) == ()


def test_owners_with_a_channel_are_asked_there_once_for_all_their_namespaces() -> None:
    owners = (
        "{payments: {group: S0PAY, channel: C02PAY}, "
        "ledger: {group: sre, channel: C02PAY, force_needs_vote: false}, "
        "web: {group: S0WEB}, shop: {group: S0SHOP, channel: C03SHOP, force_needs_vote: false}}"
    )
    text = f"team: T01DEMO\nclusters: {{a: {{}}}}\ngroups: {{sre: [U1]}}\nowners: {owners}"
    places = owners_by(parse_policy(text))
    pods = [
        BLOCKED.blocks[0].model_copy(
            update={"pod": BLOCKED.pods[0].model_copy(update={"namespace": namespace})}
        )
        for namespace in ("payments", "ledger", "web", "shop", "other")
    ]
    asked = BLOCKED.model_copy(update={"blocks": tuple(pods)})
    assert places(asked) == (
        OwnersPlace("C02PAY", ("S0PAY", "U1"), ("ledger", "payments"), votes=True),
        OwnersPlace("C03SHOP", ("S0SHOP",), ("shop",), votes=False),
    )
    assert places(asked.model_copy(update={"kind": QuestionKind.START})) == ()
    assert places(asked.model_copy(update={"blocks": pods[-1:]})) == ()
