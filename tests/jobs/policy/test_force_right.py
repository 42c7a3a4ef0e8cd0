from pathlib import Path

import pytest

from jobs.authorization import Action, Allowed, force_roles, may
from jobs.models import DrainOptions
from jobs.policy import parse_policy
from tests.jobs.policy.people import (
    BOTH,
    DB,
    EXAMPLE,
    NOBODY,
    NOT_PAYMENTS,
    ONCALL,
    PAY,
    PAYMENTS,
    SRE,
    WEB,
    grounds,
    person,
    refusal,
    target,
)


def test_force_needs_its_list_on_every_rule() -> None:
    at = target(DB, namespaces=NOT_PAYMENTS)
    assert grounds(ONCALL, Action.FORCE, at) == ("group:S0ONCALL",)
    both = target(DB | WEB, namespaces=NOT_PAYMENTS)
    assert "it needs sre" in refusal(ONCALL, Action.FORCE, both).reason
    assert grounds(BOTH, Action.FORCE, both) == ("group:S0ONCALL", "group:S0SRE")


def test_forcing_an_owners_pods_needs_their_vote() -> None:
    answer = refusal(ONCALL, Action.FORCE, target(DB, namespaces=PAYMENTS))
    assert answer.reason == "You can't force this: it needs S0PAY. Nothing changed."
    assert answer.who_may == ("S0PAY",)


def test_pods_whose_namespaces_are_not_known_may_be_any_owners() -> None:
    assert refusal(ONCALL, Action.FORCE, target(DB)).who_may == ("S0PAY",)


def test_an_owner_alone_can_not_force() -> None:
    assert "it needs oncall" in refusal(PAY, Action.FORCE, target(DB, namespaces=PAYMENTS)).reason


def test_one_person_may_hold_every_role_that_force_needs() -> None:
    answer = may(
        person("U6", "S0ONCALL", "S0PAY"), Action.FORCE, target(DB, namespaces=PAYMENTS), EXAMPLE
    )
    assert isinstance(answer, Allowed)
    assert answer.counts_as == {"force", "owner:S0PAY"}


def test_votes_counted_by_role_may_come_from_different_people() -> None:
    at = target(DB, namespaces=PAYMENTS, votes_by_role=True)
    counted = []
    for principal in (ONCALL, PAY):
        answer = may(principal, Action.FORCE, at, EXAMPLE)
        assert isinstance(answer, Allowed)
        counted.append(answer.counts_as)
    assert counted == [{"force"}, {"owner:S0PAY"}]
    assert force_roles(EXAMPLE, at) == {"force": 2, "owner:S0PAY": 1}
    assert force_roles(EXAMPLE, target(WEB, namespaces=NOT_PAYMENTS)) == {"force": 1}
    assert refusal(NOBODY, Action.FORCE, at).reason


def test_an_owner_whose_vote_is_not_needed_changes_nothing() -> None:
    text = Path(__file__).with_name("policy.example.yaml").read_text(encoding="utf-8")
    policy = parse_policy(text.replace("force_needs_vote: true", "force_needs_vote: false"))
    assert may(ONCALL, Action.FORCE, target(DB, namespaces=PAYMENTS), policy)
    assert not may(PAY, Action.FORCE, target(DB, namespaces=PAYMENTS, votes_by_role=True), policy)


DESTRUCTIVE = [
    {"force": True},
    {"delete_emptydir_data": True},
    {"disable_eviction": True},
    {"grace_period": 0},
    {"grace_period": 3600},
]


@pytest.mark.parametrize("options", DESTRUCTIVE)
def test_destructive_options_need_the_force_right(options: dict[str, object]) -> None:
    policy = parse_policy(
        "team: T01DEMO\nclusters: {prod-eu: {}}\n"
        "rules: [{match: {}, request: [U1, U2], force: {by: [U2]}}]\n"
    )
    at = target(options=DrainOptions.model_validate(options))
    answer = refusal(SRE, Action.REQUEST, at, policy)
    flag = next(iter(options)).replace("_", "-")
    assert answer.reason == f"--{flag} needs the force right here: U2 may. Nothing changed."
    assert answer.who_may == ("U2",)
    assert may(ONCALL, Action.REQUEST, at, policy)
    without_scope = person("U2", scopes=frozenset({"request"}))
    assert "force right" in refusal(without_scope, Action.REQUEST, at, policy).reason


def test_options_that_a_rule_grants_need_no_right() -> None:
    kept = target(DB, options=DrainOptions(delete_emptydir_data=True))
    assert may(SRE, Action.REQUEST, kept, EXAMPLE)
    more = target(DB, options=DrainOptions(delete_emptydir_data=True, grace_period=1))
    assert refusal(SRE, Action.REQUEST, more).reason == (
        "--grace-period needs the force right here: oncall may. Nothing changed."
    )


def test_what_one_rule_grants_another_may_not() -> None:
    at = target(
        {"db-1": {"pool": "db"}, "gpu-1": {"pool": "gpu"}},
        options=DrainOptions(delete_emptydir_data=True),
    )
    policy = parse_policy(
        "team: T01DEMO\nclusters: {prod-eu: {}}\nrules:\n"
        "- {match: {labels: {pool: db}}, request: [U1], options: [delete-emptydir-data]}\n"
        "- {match: {}, request: [U1]}\n"
    )
    assert "nobody has it" in refusal(SRE, Action.REQUEST, at, policy).reason


def test_harmless_options_need_no_right() -> None:
    options = DrainOptions(ignore_daemonsets=False, timeout=60, pod_selector="a=b")
    assert may(SRE, Action.REQUEST, target(options=options), EXAMPLE)


def test_past_every_budget_is_no_way_around_a_second_person() -> None:
    policy = parse_policy(
        "team: T01DEMO\nclusters: {prod-eu: {}}\n"
        "rules: [{match: {}, request: [U1], force: {by: [U1, U2], votes: 2}}]\n"
    )
    at = target(options=DrainOptions(disable_eviction=True))
    assert "several people's votes" in refusal(SRE, Action.REQUEST, at, policy).reason
    assert may(SRE, Action.REQUEST, target(options=DrainOptions(force=True)), policy)


def test_past_every_budget_is_no_way_around_owners() -> None:
    at = target(options=DrainOptions(disable_eviction=True))
    answer = refusal(SRE, Action.REQUEST, at)
    assert "forcing needs a vote of S0PAY here" in answer.reason
    assert answer.who_may == ("S0PAY",)
    elsewhere = at.model_copy(update={"namespaces": NOT_PAYMENTS})
    assert may(SRE, Action.REQUEST, elsewhere, EXAMPLE)
