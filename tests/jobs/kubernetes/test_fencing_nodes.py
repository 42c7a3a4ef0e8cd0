from typing import Any

import pytest

from jobs.drain.fence import (
    OPERATION,
    SINCE,
    TOKEN,
    WAS_CORDONED,
    Claim,
    Fence,
    OtherNode,
    Outdated,
    TakenBy,
    Undo,
)
from jobs.kubernetes import Cluster, Forbidden, Temporary, connect
from jobs.kubernetes.nodes import Cordoned, check_fence, cordon, find_node, uncordon
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import Entry, Scenario, User, running


def claim(simulated: Simulated, **fields: Any) -> Claim:
    node = simulated.get("nodes", "", "node-1")
    assert node is not None
    given: dict[str, Any] = {
        "node": "node-1",
        "uid": node["metadata"]["uid"],
        "operation": "op-a",
        "token": 5,
        "requested_by": "T:U1",
        "since": 1_800_000_000_000,
    }
    return Claim(**{**given, **fields})


def state(simulated: Simulated) -> tuple[bool, dict[str, str]]:
    node = simulated.get("nodes", "", "node-1")
    assert node is not None
    marks = {
        key: value
        for key, value in (node["metadata"].get("annotations") or {}).items()
        if key.startswith("drainbot.dev/")
    }
    return bool(node["spec"].get("unschedulable")), marks


def carried_out(simulated: Simulated) -> list[Entry]:
    """What was changed; a patch that met the node lifecycle controller's own is tried again."""
    return [entry for entry in simulated.requests() if entry.carried_out]


def test_a_node_is_cordoned_and_given_back_with_one_patch_each(
    simulated: Simulated, cluster: Cluster
) -> None:
    mine = claim(simulated)
    assert cordon(cluster, mine, timeout=5) == Cordoned(was_cordoned=False)
    cordoned, marks = state(simulated)
    assert cordoned
    assert (marks[OPERATION], marks[TOKEN], marks[WAS_CORDONED], marks[SINCE]) == (
        "op-a",
        "5",
        "false",
        "2027-01-15T08:00:00Z",
    )
    assert check_fence(cluster, mine) is Fence.HELD
    assert uncordon(cluster, mine, timeout=5) is Undo.UNCORDON
    assert state(simulated) == (False, {TOKEN: "5"})
    assert check_fence(cluster, mine) is Fence.UNMARKED
    assert len(carried_out(simulated)) == 2


def test_repeating_changes_nothing(simulated: Simulated, cluster: Cluster) -> None:
    mine = claim(simulated)
    for _ in range(3):
        assert cordon(cluster, mine, timeout=5) == Cordoned(was_cordoned=False)
    assert len(carried_out(simulated)) == 1
    uncordon(cluster, mine, timeout=5)
    assert uncordon(cluster, mine, timeout=5) is Undo.NOTHING
    assert len(carried_out(simulated)) == 2


def test_a_node_that_was_cordoned_before_stays_cordoned(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.patch("nodes", "", "node-1", {"spec": {"unschedulable": True}})
    mine = claim(simulated)
    assert cordon(cluster, mine, timeout=5) == Cordoned(was_cordoned=True)
    assert uncordon(cluster, mine, timeout=5) is Undo.KEEP
    assert state(simulated)[0]


def test_a_cordon_whose_answer_got_lost_is_believed_on_the_repeat(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.cut_next(method="PATCH", when="after")
    mine = claim(simulated)
    with pytest.raises(Temporary):
        cordon(cluster, mine, timeout=5)
    # It was carried out: the repeat must not take its own cordon for somebody else's.
    assert cordon(cluster, mine, timeout=5) == Cordoned(was_cordoned=False)
    assert uncordon(cluster, mine, timeout=5) is Undo.UNCORDON


def test_a_node_that_changes_meanwhile_is_read_again(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(409, method="PATCH", times=2, body={"reason": "Conflict"})
    assert cordon(cluster, claim(simulated), timeout=5) == Cordoned(was_cordoned=False)
    simulated.answer_next(409, method="PATCH", times=None, body={"reason": "Conflict"})
    with pytest.raises(Temporary, match="changes all the time"):
        uncordon(cluster, claim(simulated), timeout=5)


def test_a_patch_that_was_decided_on_an_old_look_is_refused(
    simulated: Simulated, cluster: Cluster
) -> None:
    """Somebody cordons between our look and our patch: their cordon is not taken for ours."""
    looked = cluster.ask

    def interrupted(method: str, path: str, **request: Any) -> Any:
        if method == "PATCH" and not simulated.get("nodes", "", "node-1")["spec"].get(  # type: ignore[index]
            "unschedulable"
        ):
            simulated.patch("nodes", "", "node-1", {"spec": {"unschedulable": True}})
        return looked(method, path, **request)

    cluster.ask = interrupted  # type: ignore[method-assign]
    assert cordon(cluster, claim(simulated), timeout=5) == Cordoned(was_cordoned=True)


def test_stale_workers_other_operations_and_other_nodes_are_refused(
    simulated: Simulated, cluster: Cluster
) -> None:
    assert cordon(cluster, claim(simulated, token=6), timeout=5) == Cordoned(was_cordoned=False)
    for act in (cordon, uncordon):
        assert act(cluster, claim(simulated), timeout=5) == Outdated(6, "op-a")
        other = claim(simulated, token=9, operation="op-b")
        assert act(cluster, other, timeout=5) == TakenBy("op-a", "T:U1")
        renamed = claim(simulated, token=9, uid="another")
        assert isinstance(act(cluster, renamed, timeout=5), OtherNode)
    assert len(carried_out(simulated)) == 1


def test_a_node_that_is_gone_is_none(simulated: Simulated, cluster: Cluster) -> None:
    gone = claim(simulated, node="no-such-node")
    assert cordon(cluster, gone, timeout=5) is None
    assert uncordon(cluster, gone, timeout=5) is None
    assert check_fence(cluster, gone) is Fence.GONE
    assert find_node(cluster, "no-such-node") is None


def test_who_may_not_patch_nodes_is_told_which_right_is_missing(tmp_path: Any) -> None:
    reader = User.allowed("worker", ("get", "nodes"))
    with running(Scenario(name="guarded", tokens={"t": reader})) as guarded:
        guarded.add_node("node-1")
        cluster = connect(str(guarded.kubeconfig(tmp_path / "k", token="t")), pool=1)
        with pytest.raises(Forbidden) as caught:
            cordon(cluster, claim(guarded), timeout=5)
        assert caught.value.right == "patch nodes"


def test_every_request_of_a_cordon_keeps_to_the_time_given(
    simulated: Simulated, cluster: Cluster
) -> None:
    seen: list[Any] = []
    looked = cluster.ask

    def noting(method: str, path: str, **request: Any) -> Any:
        seen.append(request.get("timeout"))
        return looked(method, path, **request)

    cluster.ask = noting  # type: ignore[method-assign]
    cordon(cluster, claim(simulated), timeout=2.5)
    uncordon(cluster, claim(simulated), timeout=2.5)
    assert len(seen) >= 4  # more where the node lifecycle controller came in between
    assert set(seen) == {2.5}
