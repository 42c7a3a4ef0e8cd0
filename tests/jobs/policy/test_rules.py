from pathlib import Path

import pytest

from jobs.models import Requirements
from jobs.policy import PolicyError, load_policy, members, parse_policy, requirements_for, rule_for

EXAMPLE = load_policy(Path(__file__).with_name("policy.example.yaml"))
SEVERAL = parse_policy(
    """
team: T1
clusters: {prod: {}, test: {}}
groups: {sre: [S1, U1]}
rules:
  - match: {cluster: prod, labels: {pool: db}}
    start: when_noteworthy
    approve: {by: [sre], votes: 2, requester_counts: true, lapses: 2h}
    force: {by: [sre], votes: 1, reason: required}
  - match: {cluster: prod, labels: {pool: gpu, zone: a}}
    start: confirm
    approve: {by: [sre], votes: 1, lapses: 10m}
  - match: {labels: {pool: web}}
    start: at_once
    force: {by: [sre], votes: 3}
questions: {remind: 1m, stop_after: 5m}
defaults: {nodes_away: 3, evictions_per_second: 7.5, ask_after: 10s}
"""
)
DB, GPU, WEB = {"pool": "db"}, {"pool": "gpu", "zone": "a", "x": "y"}, {"pool": "web"}


def test_the_first_rule_that_matches_wins() -> None:
    assert rule_for(EXAMPLE, "prod-eu", {"pool": "db"}) is EXAMPLE.rules[0]
    assert rule_for(EXAMPLE, "prod-eu", {"pool": "web"}) is EXAMPLE.rules[1]
    assert rule_for(EXAMPLE, "prod-eu", {}) is EXAMPLE.rules[1]


def test_a_rule_matches_by_all_of_its_labels_and_its_cluster() -> None:
    assert rule_for(SEVERAL, "prod", GPU) is SEVERAL.rules[1]
    assert rule_for(SEVERAL, "prod", {"pool": "gpu"}) is None
    assert rule_for(SEVERAL, "test", DB) is None
    assert rule_for(SEVERAL, "test", WEB) is SEVERAL.rules[2]


def test_no_rule_matches_in_a_cluster_that_the_policy_does_not_list() -> None:
    assert rule_for(EXAMPLE, "prod-us", {}) is None


def test_a_list_is_users_and_slack_groups_in_the_end() -> None:
    assert members(EXAMPLE, ("sre", "oncall", "U7")) == {"S0SRE", "U02BOB", "S0ONCALL", "U7"}
    assert members(EXAMPLE, ()) == frozenset()


def test_the_example_asks_for_what_it_says() -> None:
    assert requirements_for(EXAMPLE, "prod-eu", [{"pool": "db"}]) == Requirements(
        start="confirm",
        approve_votes=2,
        approve_lapses=3600,
        force_votes=2,
        force_reason=True,
        escalate_after=1800,
        escalate_to="C03ESC",
        owners={"payments": "S0PAY"},
    )
    assert requirements_for(EXAMPLE, "prod-eu", [{}]) == Requirements(
        escalate_to="C03ESC", owners={"payments": "S0PAY"}
    )


def test_of_several_rules_the_strictest_of_each_holds() -> None:
    needs = requirements_for(SEVERAL, "prod", [WEB, DB, GPU, WEB])
    assert needs.start == "confirm"
    assert (needs.approve_votes, needs.approve_lapses) == (2, 600)
    assert not needs.requester_counts
    assert (needs.force_votes, needs.force_reason) == (3, True)


def test_the_requester_counts_where_every_rule_that_wants_approval_says_so() -> None:
    assert requirements_for(SEVERAL, "prod", [DB, WEB]).requester_counts
    assert not requirements_for(SEVERAL, "prod", [WEB]).requester_counts


def test_what_starts_at_once_does_not_loosen_what_asks_when_noteworthy() -> None:
    assert requirements_for(SEVERAL, "prod", [WEB]).start == "at_once"
    assert requirements_for(SEVERAL, "prod", [WEB, DB]).start == "when_noteworthy"


def test_times_and_rates_come_from_the_policys_defaults_and_questions() -> None:
    needs = requirements_for(SEVERAL, "prod", [WEB])
    assert (needs.nodes_away, needs.evictions_per_second, needs.ask_after) == (3, 7.5, 10)
    assert (needs.remind_after, needs.stop_after, needs.escalate_to) == (60, 300, "")


def test_a_node_without_a_rule_has_no_requirements() -> None:
    with pytest.raises(PolicyError, match="No rule of the policy"):
        requirements_for(SEVERAL, "prod", [WEB, {}])
