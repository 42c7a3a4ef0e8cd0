import json

import pytest

from jobs.authorization import (
    Action,
    action_of_choice,
    labels_of,
    may,
    no_policy_refusal,
)
from jobs.models import ClusterNode, Inventory, Principal
from jobs.policy import Policy, parse_policy
from jobs.policy.grounds import evidence
from tests.jobs.policy.people import (
    BOB,
    BOTH,
    DB,
    EXAMPLE,
    NOBODY,
    NOT_PAYMENTS,
    ONCALL,
    PAY,
    SRE,
    WEB,
    grounds,
    person,
    refusal,
    target,
)


def test_without_a_policy_nothing_is_allowed_and_it_says_what_to_set() -> None:
    for action in Action:
        assert refusal(SRE, action, target(), None).reason == no_policy_refusal()
    assert "DRAINBOT_POLICY" in no_policy_refusal()


def test_a_refusal_is_false_so_that_a_careless_check_lets_nobody_through() -> None:
    assert not refusal(NOBODY, Action.DECIDE, target())
    assert may(SRE, Action.DECIDE, target(), EXAMPLE)


@pytest.mark.parametrize("action", Action)
def test_people_of_other_workspaces_are_refused_everything(action: Action) -> None:
    stranger = person("U02BOB", "S0SRE", team="T02OTHER")
    assert "its own workspace" in refusal(stranger, action, target()).reason


@pytest.mark.parametrize("user", ["", "S0SRE", "B01BOT", "bob"])
def test_who_is_no_slack_user_is_refused(user: str) -> None:
    assert "its own workspace" in refusal(person(user, "S0SRE"), Action.READ, target()).reason


@pytest.mark.parametrize("action", Action)
def test_a_cluster_that_the_policy_does_not_list_is_refused(action: Action) -> None:
    answer = refusal(BOTH, action, target(cluster="prod-us", requester=BOTH.id))
    assert answer.reason == (
        "The policy lists no cluster `prod-us`. Did you mean prod-eu? Nothing changed."
    )


def test_the_refusal_says_who_may_and_that_nothing_changed() -> None:
    answer = refusal(NOBODY, Action.DECIDE, target(DB))
    assert answer.reason == "You can't decide this: it needs sre or oncall. Nothing changed."
    assert answer.who_may == ("S0ONCALL", "S0SRE", "U02BOB")


@pytest.mark.parametrize(
    ("principal", "action", "nodes", "rests_on"),
    [
        (SRE, Action.REQUEST, WEB, ("group:S0SRE",)),
        (BOB, Action.REQUEST, WEB, ("user:U02BOB",)),
        (SRE, Action.REQUEST, DB | WEB, ("group:S0SRE",)),
        (ONCALL, Action.APPROVE, DB, ("group:S0ONCALL",)),
        (ONCALL, Action.DECIDE, DB, ("group:S0ONCALL",)),
        (SRE, Action.DECIDE, DB | WEB, ("group:S0SRE",)),
        (SRE, Action.START, WEB, ("group:S0SRE",)),
        (SRE, Action.ABORT, WEB, ("group:S0SRE",)),
        (SRE, Action.PAUSE, WEB, ("group:S0SRE",)),
        (SRE, Action.RESUME, WEB, ("group:S0SRE",)),
        (SRE, Action.UNCORDON, WEB, ("group:S0SRE",)),
        (SRE, Action.MAINTENANCE, WEB, ("group:S0SRE",)),
        (SRE, Action.RETURN, WEB, ("group:S0SRE",)),
        (SRE, Action.NODE_IS_DEAD, WEB, ("group:S0SRE",)),
        (ONCALL, Action.NODE_IS_DEAD, DB, ("group:S0ONCALL",)),
        (SRE, Action.FREEZE, {}, ("group:S0SRE",)),
        (ONCALL, Action.THAW, {}, ("group:S0ONCALL",)),
        (ONCALL, Action.ORPHANS, {}, ("group:S0ONCALL",)),
        (ONCALL, Action.CLEAR_HALT, {}, ("group:S0ONCALL",)),
        (NOBODY, Action.READ, {}, ()),
    ],
)
def test_who_is_listed_may(
    principal: Principal,
    action: Action,
    nodes: dict[str, dict[str, str] | None],
    rests_on: tuple[str, ...],
) -> None:
    assert grounds(principal, action, target(nodes, requester="T01DEMO:U9")) == rests_on


@pytest.mark.parametrize(
    ("principal", "action", "nodes"),
    [
        (ONCALL, Action.REQUEST, DB),
        (SRE, Action.APPROVE, DB),
        (ONCALL, Action.DECIDE, WEB),
        (ONCALL, Action.DECIDE, DB | WEB),  # every rule met must allow
        (SRE, Action.FORCE, DB),
        (SRE, Action.NODE_IS_DEAD, DB),
        (ONCALL, Action.ABORT, WEB),
        (ONCALL, Action.FREEZE, {}),
        (NOBODY, Action.THAW, {}),
        (NOBODY, Action.CLEAR_HALT, {}),
        (PAY, Action.DECIDE, WEB),
        *((NOBODY, action, DB) for action in Action if action is not Action.READ),
    ],
)
def test_who_is_not_listed_may_not(
    principal: Principal, action: Action, nodes: dict[str, dict[str, str] | None]
) -> None:
    at = target(nodes, requester="T01DEMO:U9", namespaces=NOT_PAYMENTS)
    assert refusal(principal, action, at).reason.endswith("Nothing changed.")


OF_CLUSTER = {Action.FREEZE, Action.THAW, Action.ORPHANS, Action.CLEAR_HALT}
BY_NODE = [a for a in Action if a not in OF_CLUSTER | {Action.READ}]


@pytest.mark.parametrize("action", BY_NODE)
def test_an_act_on_no_node_rests_on_nothing(action: Action) -> None:
    assert "no node is named" in refusal(BOTH, action, target({})).reason


@pytest.mark.parametrize("action", BY_NODE)
def test_a_node_whose_labels_are_not_known_is_refused(action: Action) -> None:
    answer = refusal(BOTH, action, target(WEB | {"web-9": None}))
    assert "`web-9` is not known in prod-eu" in answer.reason


@pytest.mark.parametrize("action", BY_NODE)
def test_a_node_without_a_rule_is_refused(action: Action) -> None:
    policy = parse_policy(
        "team: T01DEMO\nclusters: {prod-eu: {}}\nrules:\n"
        "- {match: {labels: {pool: web}}, request: [U4], decide: [U4], force: {by: [U4]}}\n"
    )
    answer = refusal(BOTH, action, target(WEB | DB), policy)
    assert answer.reason == (
        "No rule of the policy covers `db-1`, so nothing may be done to it. Nothing changed."
    )


def test_a_rule_that_lists_nobody_lets_nobody() -> None:
    policy = parse_policy("team: T01DEMO\nclusters: {prod-eu: {}}\nrules: [{match: {}}]\n")
    for action in (Action.REQUEST, Action.DECIDE, Action.FORCE, Action.FREEZE, Action.THAW):
        assert "the policy lets nobody" in refusal(BOTH, action, target(), policy).reason


# Channels


def test_commands_come_from_listed_channels_only() -> None:
    assert may(SRE, Action.REQUEST, target(channel="C01OPS"), EXAMPLE)
    for channel in ("C09RANDOM", "C02PAY", "C03ESC"):
        answer = refusal(SRE, Action.REQUEST, target(channel=channel))
        assert answer.reason == "The policy does not list this channel. Nothing changed."


def test_clicks_may_also_come_from_where_drainbot_itself_asks() -> None:
    for channel in ("C01OPS", "C02PAY", "C03ESC", ""):
        assert may(SRE, Action.DECIDE, target(channel=channel), EXAMPLE)
    assert not may(SRE, Action.DECIDE, target(channel="C09RANDOM"), EXAMPLE)


# The requester


@pytest.mark.parametrize(
    "action",
    [
        Action.START,
        Action.ABORT,
        Action.PAUSE,
        Action.RESUME,
        Action.UNCORDON,
        Action.MAINTENANCE,
        Action.RETURN,
    ],
)
def test_who_asked_for_an_operation_may_steer_it(action: Action) -> None:
    assert grounds(NOBODY, action, target(DB, requester=NOBODY.id)) == ("requester",)
    answer = refusal(NOBODY, action, target(DB, requester="T01DEMO:U9"))
    assert "it needs whoever asked for it, sre or oncall" in answer.reason
    assert answer.who_may == ("S0ONCALL", "S0SRE", "U02BOB")


@pytest.mark.parametrize("action", [Action.DECIDE, Action.FORCE, Action.NODE_IS_DEAD, Action.THAW])
def test_having_asked_grants_nothing_more(action: Action) -> None:
    assert refusal(NOBODY, action, target(DB, requester=NOBODY.id)).reason


def test_nobody_approves_their_own_request() -> None:
    answer = refusal(ONCALL, Action.APPROVE, target(DB, requester=ONCALL.id))
    assert answer.reason == (
        "You asked for this drain; its approval needs somebody else. Nothing changed."
    )
    assert answer.who_may == ("S0ONCALL",)


def approvals(more: str) -> Policy:
    return parse_policy(
        "team: T01DEMO\nclusters: {prod-eu: {}}\nrules:\n"
        "- match: {labels: {pool: db}}\n"
        "  request: [U1, U2]\n"
        f"  approve: {{by: [U1, U2]{more}}}\n"
        "- {match: {labels: {pool: web}}, request: [U1], approve: {by: [U1, U9]}}\n"
        "- {match: {}, request: [U1]}\n"
    )


def test_the_requester_approves_where_every_rule_that_asks_says_so() -> None:
    policy = approvals(", requester_counts: true")
    assert grounds(SRE, Action.APPROVE, target(DB, requester=SRE.id), policy) == ("user:U1",)
    both = target(DB | WEB, requester=SRE.id)
    assert "somebody else" in refusal(SRE, Action.APPROVE, both, policy).reason


def test_rules_that_want_no_approval_do_not_stand_in_its_way() -> None:
    at = target(DB | {"gpu-1": {"pool": "gpu"}}, requester="T01DEMO:U9")
    assert grounds(ONCALL, Action.APPROVE, at, approvals("")) == ("user:U2",)


def test_what_nobody_approves_today_is_approved_by_nobody() -> None:
    at = target({"gpu-1": {}}, requester="T01DEMO:U9")
    assert "Nobody may approve" in refusal(SRE, Action.APPROVE, at, approvals("")).reason


def test_an_approval_of_an_unknown_request_is_refused() -> None:
    assert "not known who asked" in refusal(ONCALL, Action.APPROVE, target(DB)).reason


def test_a_request_that_nobody_else_could_approve_is_refused_at_once() -> None:
    assert may(SRE, Action.REQUEST, target(DB), approvals(""))
    two = approvals(", votes: 2")
    answer = refusal(SRE, Action.REQUEST, target(DB), two)
    assert "Too few people but you may approve this" in answer.reason
    assert answer.who_may == ("U2",)
    assert may(SRE, Action.REQUEST, target(DB), approvals(", votes: 2, requester_counts: true"))


# Groups, tokens


def test_groups_that_are_not_known_grant_nothing() -> None:
    blind = person("U1", "S0SRE", groups_known=False)
    answer = refusal(blind, Action.REQUEST, target())
    assert answer.reason == (
        "You can't drain this: it needs sre, and who is in a Slack group is not known at the "
        "moment. Nothing changed."
    )
    assert grounds(person("U02BOB", groups_known=False), Action.REQUEST, target()) == (
        "user:U02BOB",
    )


def test_break_glass_decides_while_groups_are_not_known_and_only_then() -> None:
    lead = person("U09LEAD", groups_known=False)
    for action in (Action.DECIDE, Action.ABORT, Action.PAUSE, Action.THAW, Action.UNCORDON):
        assert grounds(lead, action, target(DB)) == ("break_glass",)
        assert refusal(person("U09LEAD"), action, target(DB)).reason
    for action in (Action.REQUEST, Action.APPROVE, Action.FORCE, Action.NODE_IS_DEAD):
        at = target(DB, requester="T01DEMO:U9", namespaces=NOT_PAYMENTS)
        assert refusal(lead, action, at).reason
    blind = person("U3", groups_known=False)
    assert "U09LEAD" in refusal(blind, Action.DECIDE, target(DB)).who_may


def test_groups_of_before_slack_went_away_grant_what_they_did_and_break_glass_decides_too() -> None:
    stale = person("U1", "S0SRE", groups_stale=True, groups_at=5)
    assert grounds(stale, Action.REQUEST, target()) == ("group:S0SRE",)
    lead = person("U09LEAD", groups_stale=True, groups_at=5)
    assert grounds(lead, Action.DECIDE, target(DB)) == ("break_glass",)
    assert refusal(lead, Action.REQUEST, target()).reason
    both = person("U09LEAD", "S0SRE", groups_stale=True)
    assert grounds(both, Action.DECIDE, target(DB)) == ("group:S0SRE",)


def test_what_an_act_rests_on_is_stored_with_the_time_of_the_groups_where_those_grant_it() -> None:
    stale = person("U1", "S0SRE", groups_stale=True, groups_at=5, via="cli")
    assert json.loads(evidence(stale, ["group:S0SRE"], ["force"])) == {
        "via": "cli", "rests_on": ["group:S0SRE"], "groups_at": 5, "stale": True,
        "roles": ["force"],
    }  # fmt: skip
    own = json.loads(evidence(stale, ["user:U1"]))
    assert (own["groups_at"], own["stale"], own["roles"]) == (0, False, [])


def test_a_user_id_among_somebodys_groups_grants_nothing() -> None:
    assert refusal(person("U3", "U02BOB"), Action.REQUEST, target()).reason


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read", {Action.READ}),
        ("request", {Action.REQUEST, Action.FREEZE}),
        ("force", {Action.FORCE, Action.NODE_IS_DEAD}),
    ],
)
def test_a_token_is_narrowed_to_its_scopes(scope: str, allowed: set[Action]) -> None:
    holder = person("U1", "S0SRE", scopes=frozenset({scope}))
    at = target(namespaces=NOT_PAYMENTS, requester="T01DEMO:U9")
    assert {action for action in Action if may(holder, action, at, EXAMPLE)} == allowed


def test_the_scope_decide_covers_what_rests_on_deciding_and_approving() -> None:
    holder = person("U4", "S0SRE", "S0ONCALL", scopes=frozenset({"decide"}))
    at = target(DB, namespaces=NOT_PAYMENTS, requester="T01DEMO:U9")
    assert {action for action in Action if not may(holder, action, at, EXAMPLE)} == {
        Action.READ,
        Action.REQUEST,
        Action.FREEZE,
        Action.FORCE,
        Action.NODE_IS_DEAD,
    }


def test_scopes_widen_nothing() -> None:
    everything = frozenset({"read", "request", "decide", "force"})
    at = target(DB, namespaces=NOT_PAYMENTS, requester="T01DEMO:U9")
    for action in Action:
        with_scopes = may(person("U3", scopes=everything), action, at, EXAMPLE)
        assert bool(with_scopes) is bool(may(NOBODY, action, at, EXAMPLE))


def test_a_requesters_token_needs_the_scope_request_to_abort_its_own() -> None:
    at = target(DB, requester=NOBODY.id)
    assert may(person("U3", scopes=frozenset({"request"})), Action.ABORT, at, EXAMPLE)
    answer = refusal(person("U3", scopes=frozenset({"read"})), Action.ABORT, at)
    assert answer.reason == "This token does not have the scope decide. Nothing changed."


# Answers to questions


def test_every_answer_to_a_question_is_an_action_and_others_are_none() -> None:
    assert action_of_choice("force") is Action.FORCE
    assert action_of_choice("deny") is Action.APPROVE
    assert action_of_choice("node_is_dead") is Action.NODE_IS_DEAD
    for choice in ("retry", "wait", "skip", "evict_anyway"):
        assert action_of_choice(choice) is Action.DECIDE
    for forged in ("", "Force", "read", "<!here>"):
        assert action_of_choice(forged) is None


def test_labels_come_from_the_inventory_and_are_missing_where_it_knows_nothing() -> None:
    node = ClusterNode(name="web-1", uid="1", labels={"pool": "web"})
    inventory = Inventory(cluster="prod-eu", nodes=(node,))
    assert labels_of(inventory, ["web-1", "web-2"]) == {"web-1": {"pool": "web"}, "web-2": None}
