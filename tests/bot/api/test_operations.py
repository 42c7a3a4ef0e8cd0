from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from jobs.models import OperationEnd, OperationView
from tests.bot.api.calling import Api, publish
from tests.jobs.harness import until
from tests.jobs.story import Story, block

Serve = Callable[..., Api]


def asked(api: Api, *nodes: str, **how: Any) -> str:
    answer = api.post("/operations", {"nodes": nodes, "reason": "disk"}, **how)
    assert answer.status == 202, answer.raw
    return str(answer.json["operation"])


def test_a_drain_is_taken_and_its_address_told(api: Api) -> None:
    answer = api.post("/operations", {"nodes": ["node-1", "node-2"], "reason": "disk swap"})
    assert answer.status == 202
    operation = answer.json["operation"]
    assert answer.headers["location"] == f"/operations/{operation}"
    assert "op " in answer.json["message"]
    view = OperationView.model_validate(api.get(answer.headers["location"]).json)
    assert [node.name for node in view.nodes] == ["node-1", "node-2"]
    assert (view.requester, view.reason, view.channel) == ("T01:U01ANA", "disk swap", "C01")


def test_labels_take_the_nodes_that_have_them(api: Api) -> None:
    answer = api.post("/operations", {"selector": "pool in (blue)", "plan_only": True})
    view = api.get(answer.headers["location"]).json
    assert [node["name"] for node in view["nodes"]] == ["node-1", "node-2", "node-3"]
    assert view["plan_only"]


def test_the_same_key_never_starts_a_second_operation(api: Api) -> None:
    first = asked(api, "node-1", key="k1")
    assert asked(api, "node-1", key="k1") == first
    assert asked(api, "node-1", key="k2") != first
    assert asked(api, "node-1", key="k1", by="bo") != first  # a key is its sender's own
    again = api.post("/operations", {"nodes": ["node-2"]}, key="k1")
    assert (again.status, again.problem["code"]) == (422, "other_request")
    assert len(api.get("/operations").json["operations"]) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"nodes": ["nod-1"]}, "nodes"),
        ({"nodes": ["Node_1"]}, "nodes.0"),
        ({"nodes": ["node-1"], "selector": "pool=blue"}, "nodes"),
        ({}, "nodes"),
        ({"selector": "pool=green"}, "selector"),
        ({"selector": "pool in ("}, "selector"),
        ({"nodes": ["node-1"], "cluster": "prod"}, "cluster"),
        ({"nodes": ["node-1"], "options": {"grace_period": -2}}, "options.grace_period"),
        ({"nodes": ["node-1"], "options": {"pod_selector": "a=("}}, "options"),
        ({"nodes": ["node-1"], "options": {"soak": 5}}, "options"),
        ({"nodes": ["node-1"], "reason": "x" * 501}, "reason"),
        ({"nodes": ["node-1"], "frobnicate": True}, "frobnicate"),
        ({"nodes": "node-1"}, "nodes"),
        (["node-1"], "body"),
    ],
)
def test_a_wish_that_can_not_be_is_refused_with_the_field(api: Api, body: Any, field: str) -> None:
    problem = api.post("/operations", body).problem
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert field in [error["field"] for error in problem["errors"]]
    assert api.get("/operations").json["operations"] == []


def test_what_was_mistyped_is_answered_with_what_was_meant(api: Api) -> None:
    assert "Did you mean node-1" in api.post("/operations", {"nodes": ["nod-1"]}).problem["detail"]


def test_who_may_not_is_told_who_may(api: Api) -> None:
    problem = api.post("/operations", {"nodes": ["node-1"]}, by="eve").problem
    assert (problem["status"], problem["code"]) == (403, "not_allowed")
    assert problem["who_may"] == ["U01ANA", "U02BO"]


@pytest.mark.parametrize("scope", ["read", "decide", "force"])
def test_a_token_does_only_what_it_was_made_for(api: Api, scope: str) -> None:
    problem = api.post("/operations", {"nodes": ["node-1"]}, by=f"ana.{scope}").problem
    assert problem["status"] == 403
    assert "does not have the scope request" in problem["detail"]


def test_looking_takes_the_scope_to_read(api: Api) -> None:
    operation = asked(api, "node-1")
    for path in ("/operations", f"/operations/{operation}", "/nodes", "/questions", "/policy"):
        assert api.get(path, by="ana.read").status == 200
        assert api.get(path, by="ana.request").problem["status"] == 403


def test_nothing_is_known_of_nodes_that_no_worker_reported(serve: Serve) -> None:
    answer = serve().post("/operations", {"nodes": ["node-1"]})
    assert (answer.status, answer.problem["code"]) == (503, "not_known_yet")
    assert answer.headers["retry-after"]


def test_an_operation_is_paused_resumed_and_aborted_once(api: Api) -> None:
    operation = f"/operations/{asked(api, 'node-1')}"
    for verb, done in (("pause", "paused"), ("resume", "resumed"), ("abort", "aborted")):
        first = api.post(f"{operation}/{verb}", key=verb)
        assert (first.status, first.json["changed"]) == (200, True)
        assert first.json["message"].endswith(f"is {done}.")
        assert api.post(f"{operation}/{verb}", key=verb).json["changed"]  # the same act
        assert not api.post(f"{operation}/{verb}", key=f"{verb} again").json["changed"]


def test_an_abort_says_why(api: Api) -> None:
    operation = f"/operations/{asked(api, 'node-1')}"
    assert api.post(f"{operation}/abort", {"reason": "wrong rack"}).status == 200
    view = api.get(operation).json
    assert (view["aborted_by"], view["aborted_reason"]) == ("T01:U01ANA", "wrong rack")


@pytest.mark.parametrize("path", ["", "/abort", "/pause", "/resume", "/events"])
def test_an_operation_that_nobody_asked_for_is_unknown(api: Api, path: str) -> None:
    method = "GET" if path in {"", "/events"} else "POST"
    problem = api.call(method, f"/operations/test-000000{path}").problem
    assert (problem["status"], problem["code"]) == (404, "unknown")


def test_the_taker_of_a_node_is_named(story: tuple[Story, Api]) -> None:
    told, api = story
    block(told)
    until(lambda: told.service.inventory("test").as_of, what="the inventory")
    first = asked(api, "node-1", key="mine")
    told.question(first)
    answer = api.post("/operations", {"nodes": ["node-2", "node-1"]}, by="bo")
    assert (answer.status, answer.problem["code"]) == (409, "taken")
    assert answer.problem["takers"] == [{"node": "node-1", "operation": first}]
    assert asked(api, "node-1", key="mine") == first  # its own repeat is no stranger
    assert api.post("/operations", {"nodes": ["node-1"], "plan_only": True}).status == 202
    told.abort(first)
    told.finish(first)
    ended = api.post(f"/operations/{first}/abort")
    assert (ended.status, ended.problem["code"]) == (409, "ended")


def test_a_node_is_given_back(story: tuple[Story, Api]) -> None:
    told, api = story
    drained = told.finish(told.submit("node-1"))
    assert (drained.end, told.cordoned()) == (OperationEnd.DRAINED, True)
    answer = api.post("/nodes/node-1/uncordon", key="back")
    assert answer.status == 202
    told.finish(answer.json["operation"])
    assert not told.cordoned()
    assert (
        api.post("/nodes/node-1/uncordon", key="back").json["operation"]
        == (answer.json["operation"])
    )


def test_operations_are_listed_the_newest_first(api: Api) -> None:
    first, second = asked(api, "node-1"), asked(api, "node-2")
    found = api.get("/operations?state=live&limit=1").json["operations"]
    assert [view["id"] for view in found] == [second]
    api.post(f"/operations/{first}/abort")
    assert len(api.get("/operations").json["operations"]) == 2


def test_with_several_clusters_the_one_that_is_meant_must_be_named(
    redis: "Redis", serve: Serve
) -> None:
    publish(redis, "node-1")
    api = serve(clusters={"test": {}, "lab": {}})
    for path in ("/nodes", "/operations", "/questions", "/nodes/node-1"):
        problem = api.get(path).problem
        assert (problem["status"], problem["errors"][0]["field"]) == (422, "query.cluster")
        assert api.get(f"{path}?cluster=test").status == 200
    assert api.post("/operations", {"nodes": ["node-1"]}).problem["errors"][0]["field"] == "cluster"
