"""What is stored of the owners of a node's pods before the first eviction."""

import json

from jobs.activities.owners import counted
from tests.jobs.conftest import Play
from tests.jobs.story import web


def test_owners_are_read_once_each_and_stored_before_the_first_eviction(play: Play) -> None:
    story = play()
    web(story, 3, elsewhere=1)
    story.cluster.add_workload("StatefulSet", "shop", "db", replicas=2, on=["node-1", "node-2"])
    story.cluster.add_workload("DaemonSet", "shop", "agent")
    operation = story.submit("node-1")
    story.finish(operation)
    step = story.worker.store.steps(f"{operation}-1")["owners"]
    found = json.loads(step.value or "")
    by_name = {owner["name"]: owner for owner in found["owners"]}
    assert {name: (o["kind"], o["replicas"], o["ready"]) for name, o in by_name.items()} == {
        "web": ("Deployment", 4, 4),
        "db": ("StatefulSet", 2, 2),
    }
    assert by_name["web"]["controller"]["kind"] == "ReplicaSet"
    assert found["daemonsets_gone"] == []
    first = min(entry.time for entry in story.evictions())
    assert step.at <= first * 1000
    event = counted(found)
    assert [owner.name for owner in event.owners.values()] == ["web"]  # a StatefulSet's count lies
    assert event.as_of == found["as_of"]
