"""Volumes are attached where their pods are, and detached when the last of them is gone."""

from sandbox.cluster import Cluster, View

OUT_OF_SERVICE = {
    "key": "node.kubernetes.io/out-of-service",
    "value": "nodeshutdown",
    "effect": "NoExecute",
}


def on(view: View | Cluster) -> list[tuple[str, str]]:
    """Each attachment, as (node, volume)."""
    return sorted(
        (one["spec"]["nodeName"], one["spec"]["source"]["persistentVolumeName"])
        for one in view.list("VolumeAttachment")
    )


def claimed(cluster: Cluster, node: str = "node-1") -> None:
    cluster.add_workload("Pod", "rec", "db", on=[node], claims=["data"], grace=1)
    cluster.wait_for(lambda view: on(view) == [(node, "pv-data")])


def test_a_volume_follows_its_pods(cluster: Cluster) -> None:
    claimed(cluster)
    (attached,) = cluster.list("VolumeAttachment")
    assert attached["status"] == {"attached": True}
    assert attached["metadata"]["name"].startswith("csi-")
    cluster.delete("Pod", "rec", "db")
    cluster.wait_for(lambda view: on(view) == [])


def test_it_stays_as_long_as_one_pod_of_the_node_claims_it(cluster: Cluster) -> None:
    claimed(cluster)
    cluster.add_workload("Pod", "rec", "reader", on=["node-1"], claims=["data"])
    cluster.delete("Pod", "rec", "db")
    cluster.wait_for(lambda view: view.get("Pod", "rec", "db") is None)
    cluster.add_workload("Pod", "rec", "other", on=["node-1"], claims=["logs"])
    cluster.wait_for(lambda view: ("node-1", "pv-logs") in on(view))
    assert ("node-1", "pv-data") in on(cluster)


def test_what_no_claim_names_is_left_as_it_was_put(cluster: Cluster) -> None:
    cluster.add_attachment("va-1", node="node-1", volume="pv-by-hand")
    claimed_too = [("node-1", "pv-by-hand"), ("node-1", "pv-data")]
    cluster.add_workload("Pod", "rec", "db", on=["node-1"], claims=["data"], grace=1)
    cluster.wait_for(lambda view: on(view) == claimed_too)
    cluster.delete("Pod", "rec", "db")
    cluster.wait_for(lambda view: on(view) == [("node-1", "pv-by-hand")])


def test_from_a_silent_node_a_volume_is_taken_only_when_it_is_out_of_service(
    cluster: Cluster,
) -> None:
    claimed(cluster)
    cluster.set_node_ready("node-1", ready=False)
    cluster.delete("Pod", "rec", "db", grace=0)
    claimed_elsewhere = ("node-2", "pv-seen")
    cluster.add_workload("Pod", "rec", "seen", on=["node-2"], claims=["seen"])
    cluster.wait_for(lambda view: claimed_elsewhere in on(view))
    assert ("node-1", "pv-data") in on(cluster)
    node = cluster.get("Node", "", "node-1")
    assert node is not None
    taints = [*node["spec"].get("taints", ()), OUT_OF_SERVICE]
    cluster.patch("Node", "", "node-1", {"spec": {"taints": taints}})
    cluster.wait_for(lambda view: on(view) == [claimed_elsewhere])
