"""Which volumes must be detached before a node counts as drained."""

from jobs.drain.facts import Attachment, Pod
from jobs.drain.volumes import claims_of, left, named

ATTACHED = (
    Attachment(name="csi-2", node="node-1", volume="pv-data", attached=True),
    Attachment(name="csi-1", node="node-1", volume="pv-logs", attached=True),
    Attachment(name="csi-3", node="node-1", attached=True),  # in-line: of no PersistentVolume
)


def test_volumes_of_pods_that_stay_are_not_waited_for() -> None:
    waited = left(ATTACHED, frozenset({"pv-logs", "", "pv-else"}))
    assert [each.name for each in waited] == ["csi-2", "csi-3"]
    assert named(waited) == ("csi-3", "pv-data")


def test_without_pods_that_stay_all_must_go_whether_attached_yet_or_not() -> None:
    coming = Attachment(name="csi-4", node="node-1", volume="pv-new", attached=False)
    assert left((*ATTACHED, coming), frozenset()) == (*ATTACHED, coming)


def test_the_claims_of_pods_that_stay_are_each_named_once_and_finished_pods_hold_none() -> None:
    pods = [
        Pod(namespace="b", name="1", uid="1", claims=("data", "logs")),
        Pod(namespace="a", name="2", uid="2", claims=("data",)),
        Pod(namespace="b", name="3", uid="3", claims=("logs",)),
        Pod(namespace="b", name="4", uid="4", claims=("old",), phase="Succeeded"),
    ]
    assert claims_of(pods) == (("a", "data"), ("b", "data"), ("b", "logs"))
