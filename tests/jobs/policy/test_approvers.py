"""Whether enough people but the requester may approve: said at the request."""

from typing import Any

from jobs.authorization import Action, Denied, may
from jobs.models import Memberships, Principal
from jobs.policy import Policy, parse_policy
from tests.jobs.policy.people import ONCALL, person, target

KNOWN = Memberships(known=True, groups={"S0SRE": frozenset({"U1"}), "S0ONCALL": frozenset({"U2"})})


def policy(rules: str) -> Policy:
    return parse_policy(
        "team: T01DEMO\nclusters: {prod-eu: {}}\n"
        "groups: {sre: [S0SRE], oncall: [S0ONCALL], both: [U1, U2]}\n"
        f"rules:\n{rules}"
    )


def rule(by: str, more: str = "", labels: str = "") -> str:
    match = f"{{labels: {{{labels}}}}}" if labels else "{}"
    return f"- {{match: {match}, request: [U1, U2], approve: {{by: [{by}]{more}}}}}\n"


def asked(rules: str, who: Principal, people: Memberships = KNOWN, **at: Any) -> Denied | None:
    answer = may(who, Action.REQUEST, target(people=people, **at), policy(rules))
    return answer if isinstance(answer, Denied) else None


def test_the_only_member_of_the_slack_group_is_told_where_to_add_somebody() -> None:
    refused = asked(rule("oncall"), ONCALL)
    assert refused is not None
    assert refused.reason == (
        "Nobody but you may approve this, so it could never start. Add somebody to the Slack group "
        "S0ONCALL of oncall, or the rule's approve.by. Nothing changed."
    )
    assert refused.who_may == ()
    assert asked(rule("oncall"), person("U1")) is None


def test_a_group_whose_members_are_not_known_refuses_nobody() -> None:
    for people in (Memberships(), Memberships(known=True, groups={"S0SRE": frozenset()})):
        assert asked(rule("oncall"), ONCALL, people) is None


def test_an_empty_group_can_not_approve() -> None:
    empty = Memberships(known=True, groups={"S0ONCALL": frozenset()})
    refused = asked(rule("oncall"), person("U1"), empty)
    assert refused is not None
    assert "Nobody but you may approve" in refused.reason


def test_too_few_for_the_votes_are_counted_and_named() -> None:
    refused = asked(rule("both", ", votes: 2"), ONCALL)
    assert refused is not None
    assert "it takes 2. Add somebody to the policy's group both" in refused.reason
    assert refused.who_may == ("U1",)
    assert asked(rule("both", ", votes: 2, requester_counts: true"), ONCALL) is None


def test_nodes_of_two_rules_need_somebody_who_may_approve_both() -> None:
    rules = rule("U1", labels="pool: db") + rule("U2, U3")
    nodes = {"db-1": {"pool": "db"}, "web-1": {"pool": "web"}}
    assert asked(rules, ONCALL, nodes={"db-1": {"pool": "db"}}) is None
    refused = asked(rules, ONCALL, nodes=nodes)
    assert refused is not None
    assert "Or ask for the nodes apart" in refused.reason


def test_what_is_known_of_one_rule_is_enough_to_refuse() -> None:
    rules = rule("U2", labels="pool: db") + rule("oncall")
    nodes = {"db-1": {"pool": "db"}, "web-1": {"pool": "web"}}
    assert asked(rules, ONCALL, Memberships(), nodes=nodes) is not None
