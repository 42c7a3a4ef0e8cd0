"""People, nodes and questions of rights, on the example policy."""

from pathlib import Path

from jobs.authorization import Action, Allowed, Denied, Target, may
from jobs.models import Principal
from jobs.policy import Policy, load_policy

EXAMPLE = load_policy(Path(__file__).with_name("policy.example.yaml"))
DB: dict[str, dict[str, str] | None] = {"db-1": {"pool": "db"}}
WEB: dict[str, dict[str, str] | None] = {"web-1": {"pool": "web"}}
NOT_PAYMENTS = frozenset({"web"})
PAYMENTS = frozenset({"web", "payments"})


def person(user: str = "U01ANA", *groups: str, **more: object) -> Principal:
    fields = {"team": "T01DEMO", "user": user, "groups": frozenset(groups), **more}
    return Principal.model_validate(fields)


SRE, ONCALL, NOBODY = person("U1", "S0SRE"), person("U2", "S0ONCALL"), person("U3")
BOTH, PAY = person("U4", "S0SRE", "S0ONCALL"), person("U5", "S0PAY")
BOB = person("U02BOB")


def target(nodes: dict[str, dict[str, str] | None] | None = None, **more: object) -> Target:
    fields = {"cluster": "prod-eu", "nodes": WEB if nodes is None else nodes, **more}
    return Target.model_validate(fields)


def refusal(
    principal: Principal, action: Action, at: Target, policy: Policy | None = EXAMPLE
) -> Denied:
    answer = may(principal, action, at, policy)
    assert isinstance(answer, Denied)
    return answer


def grounds(principal: Principal, action: Action, at: Target, policy: Policy = EXAMPLE) -> object:
    answer = may(principal, action, at, policy)
    assert isinstance(answer, Allowed), answer
    return answer.rests_on
