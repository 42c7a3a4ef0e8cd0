"""One question of several nodes, over HTTP: it names them, and one answer settles it for all."""

from typing import Any

import yaml

from tests.bot.api.calling import calling, policy_with_tokens
from tests.jobs.conftest import Play
from tests.jobs.harness import POLICY
from tests.jobs.story import counted

NODES = ["node-1", "node-2"]


def test_one_question_of_two_nodes_is_listed_settled_and_remembered_for_both(
    play: Play, redis_url: str
) -> None:
    defaults = yaml.safe_load(POLICY)["defaults"] | {"nodes_away": 2}
    policy = policy_with_tokens(defaults=defaults)
    with calling(redis_url, policy) as api:
        told = play(policy=policy)
        told.cluster.add_workload(
            "StatefulSet", "payments", "db", replicas=2, parallel=True, on=NODES
        )
        told.cluster.add_budget("payments", "db", min_available=2, match_labels={"app": "db"})
        counted(told, "payments", "db", 2)
        operation = told.submit(*NODES)
        earlier = told.question(operation)
        while len(earlier.nodes) < len(NODES):
            earlier = told.question(operation, after=[earlier])
        (listed,) = api.get("/questions?state=open").json["questions"]
        assert (sorted(listed["nodes"]), listed["node"]) == (NODES, "")
        on: dict[str, Any] = {each["node"]: each["pods"][0]["name"] for each in listed["by_node"]}
        assert on == {"node-1": "db-0", "node-2": "db-1"}
        answer = api.post(f"/questions/{listed['id']}", {"choice": "skip"}, by="bo")
        assert (answer.status, answer.json["settled_by_you"]) == (200, True)
        told.finish(operation)
        for node in NODES:
            entries = api.get(f"/nodes/{node}/history").json["entries"]
            votes = [entry for entry in entries if entry["what"] == "vote"]
            assert [(vote["choice"], vote["by"]) for vote in votes] == [("skip", "T01:U02BO")]
