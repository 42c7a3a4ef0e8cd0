from hypothesis import given
from hypothesis import strategies as st

from jobs.authorization import Action, Denied, Target, may
from jobs.models import DrainOptions, Principal
from tests.jobs.policy.people import EXAMPLE

CLUSTER_WIDE = {Action.FREEZE, Action.THAW, Action.ORPHANS, Action.CLEAR_HALT}
BY_NODE = [action for action in Action if action not in {Action.READ, *CLUSTER_WIDE}]

IDS = st.sampled_from(["U1", "U02BOB", "U09LEAD", "S0SRE", "S0ONCALL", "S0PAY", "", "x"])
PRINCIPALS = st.builds(
    Principal,
    team=st.sampled_from(["T01DEMO", "T2", ""]),
    user=IDS,
    groups=st.frozensets(IDS, max_size=3),
    groups_known=st.booleans(),
    scopes=st.one_of(st.none(), st.frozensets(st.sampled_from(["read", "request", "decide"]))),
)
LABELS = st.one_of(st.none(), st.dictionaries(st.just("pool"), st.sampled_from(["db", "web"])))
TARGETS = st.builds(
    Target,
    cluster=st.sampled_from(["prod-eu", "prod", ""]),
    nodes=st.dictionaries(st.sampled_from(["a", "b", "<!here>"]), LABELS, max_size=3),
    requester=st.sampled_from(["", "T01DEMO:U1", "T01DEMO:U02BOB", "T2:U1"]),
    channel=st.sampled_from(["", "C01OPS", "C02PAY", "C0"]),
    options=st.builds(
        DrainOptions,
        force=st.booleans(),
        disable_eviction=st.booleans(),
        grace_period=st.integers(-1, 2),
    ),
    namespaces=st.one_of(st.none(), st.frozensets(st.sampled_from(["payments", "web"]))),
    votes_by_role=st.booleans(),
)


@given(PRINCIPALS, st.sampled_from(Action), TARGETS)
def test_whatever_is_asked_the_answer_is_fit_for_a_person_and_rests_on_something(
    principal: Principal, action: Action, at: Target
) -> None:
    answer = may(principal, action, at, EXAMPLE)
    if isinstance(answer, Denied):
        assert answer.reason.endswith("Nothing changed.")
        assert not set("<>@") & set(answer.reason)
        return
    assert principal.team == "T01DEMO"
    assert at.cluster == "prod-eu"
    assert answer.rests_on or action is Action.READ
    assert (
        None not in at.nodes.values()
        or action in {Action.READ, *CLUSTER_WIDE}
        or (answer.rests_on == ("requester",))
    )


@given(PRINCIPALS, st.sampled_from(Action), TARGETS)
def test_losing_groups_or_scopes_never_lets_anybody_do_more(
    principal: Principal, action: Action, at: Target
) -> None:
    for less in ("groups", "scopes"):
        if may(principal.model_copy(update={less: frozenset()}), action, at, EXAMPLE):
            assert may(principal, action, at, EXAMPLE)


@given(PRINCIPALS, TARGETS)
def test_one_more_node_never_lets_anybody_do_more(principal: Principal, at: Target) -> None:
    more = at.model_copy(update={"nodes": {**at.nodes, "c": {"pool": "db"}}})
    for action in BY_NODE:
        if action is not Action.APPROVE and at.nodes and may(principal, action, more, EXAMPLE):
            assert may(principal, action, at, EXAMPLE)
