import pytest

from jobs.models import ClusterNode, Inventory
from jobs.policy import parse_policy
from jobs.policy.caps import caps, is_control_plane

CONTROL = "node-role.kubernetes.io/control-plane"
POLICY = parse_policy(
    f"""
team: T1
clusters: {{prod: {{}}}}
rules:
  - match: {{labels: {{pool: db}}}}
    max_nodes: 2
  - match: {{labels: {{pool: ctl}}}}
    control_plane: true
  - match: {{labels: {{"{CONTROL}": ""}}}}
  - match: {{}}
    max_nodes: 20
    max_share_of_pool: 10%
"""
)
DB = {"pool": "db"}


def nodes(
    prefix: str, count: int, labels: dict[str, str] | None = None, *, away: int = 0
) -> tuple[ClusterNode, ...]:
    return tuple(
        ClusterNode(
            name=f"{prefix}-{number}",
            uid=f"{prefix}-{number}",
            labels=labels or {},
            mode="drained" if number < away else "accepting",
        )
        for number in range(count)
    )


def said(asked: list[str], *inventory: ClusterNode) -> tuple[str, ...]:
    return caps(POLICY, "prod", asked, Inventory(cluster="prod", nodes=inventory))


def test_what_is_within_the_limits_needs_no_words() -> None:
    assert said(["db-0", "db-1"], *nodes("db", 3, DB)) == ()
    assert said([], *nodes("db", 3, DB)) == ()


def test_an_operation_has_a_number_of_nodes_at_most() -> None:
    assert said(["db-0", "db-1", "db-2"], *nodes("db", 3, DB)) == (
        "3 nodes are asked for: the policy allows 2 an operation here.",
    )


def test_four_hundred_nodes_at_once_are_too_many() -> None:
    web = nodes("web", 5000)
    (reason,) = said([node.name for node in web[:400]], *web)
    assert reason == "400 nodes are asked for: the policy allows 20 an operation here."


def test_the_lowest_number_of_the_rules_met_counts_for_the_whole_operation() -> None:
    mixed = (*nodes("db", 1, DB), *nodes("web", 100))
    assert said(["db-0", "web-0", "web-1"], *mixed) == (
        "3 nodes are asked for: the policy allows 2 an operation here.",
    )


@pytest.mark.parametrize(("size", "most"), [(1, 1), (9, 1), (19, 1), (20, 2), (100, 10)])
def test_a_share_of_a_pool_is_rounded_down_and_at_least_one(size: int, most: int) -> None:
    web = nodes("web", size)
    names = [node.name for node in web]
    assert said(names[:most], *web) == ()
    if most < size:
        (reason,) = said(names[: most + 1], *web)
        assert f"{most + 1} of the {size} nodes of this pool" in reason
        assert f"the policy allows {most} out of service at once (10%)" in reason


def test_nodes_that_are_out_of_service_already_count_against_the_share() -> None:
    web = nodes("web", 20, away=1)
    assert said(["web-5"], *web) == ()
    (reason,) = said(["web-5", "web-6"], *web)
    assert "2 of the 20 nodes of this pool are asked for, and 1 out of service already" in reason


def test_nodes_that_an_operation_holds_for_later_count_too() -> None:
    waits = ClusterNode(name="w-9", uid="w-9", owner="prod-abcdef")
    assert said(["w-0"], *nodes("w", 9), waits) == (
        (
            "1 of the 10 nodes of this pool are asked for, and 1 out of service already: the "
            "policy allows 1 out of service at once (10%)."
        ),
    )


def test_a_node_that_is_asked_for_again_is_counted_once() -> None:
    assert said(["web-0"], *nodes("web", 10, away=1)) == ()


def test_other_pools_do_not_widen_a_share() -> None:
    (reason,) = said(["web-0", "web-1"], *nodes("web", 10), *nodes("db", 90, DB))
    assert "2 of the 10 nodes" in reason


@pytest.mark.parametrize("label", [CONTROL, "node-role.kubernetes.io/master"])
def test_the_control_plane_is_known_by_its_labels(label: str) -> None:
    assert is_control_plane({label: ""})
    assert not is_control_plane({"node-role.kubernetes.io/worker": ""})


def test_the_control_plane_needs_the_rules_leave() -> None:
    assert said(["cp-0"], *nodes("cp", 3, {CONTROL: ""})) == (
        "`cp-0` runs the control plane: the policy does not allow it.",
    )
    assert said(["ctl-0"], *nodes("ctl", 3, {"pool": "ctl", CONTROL: ""})) == ()


def test_never_two_of_the_control_plane_at_once() -> None:
    control = nodes("ctl", 3, {"pool": "ctl", CONTROL: ""})
    assert said(["ctl-0", "ctl-1"], *control) == (
        "Never two nodes of the control plane at once: `ctl-0`, `ctl-1`.",
    )


def test_a_control_plane_node_out_of_service_keeps_the_others_in() -> None:
    control = nodes("ctl", 3, {"pool": "ctl", CONTROL: ""}, away=1)
    assert said(["ctl-1"], *control) == (
        "Never two nodes of the control plane at once: `ctl-0`, `ctl-1`.",
    )
    assert said(["ctl-0"], *control) == ()


def test_ordinary_nodes_may_leave_while_the_control_plane_is_one_short() -> None:
    control = nodes("ctl", 3, {"pool": "ctl", CONTROL: ""}, away=2)
    assert said(["db-0"], *control, *nodes("db", 2, DB)) == ()
