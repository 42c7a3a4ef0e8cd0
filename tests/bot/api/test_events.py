import json

from bot.api import Limits
from tests.bot.api.calling import Api, Stream
from tests.jobs.story import Story, block

Told = tuple[Story, Api]


def asked(api: Api, node: str = "node-1") -> str:
    return str(api.post("/operations", {"nodes": [node]}).json["operation"])


def told_by(stream: Stream) -> tuple[str, str, dict[str, object]]:
    event = stream.next()
    assert event is not None
    return event["event"], event["id"], json.loads(event["data"])


def test_an_operation_is_told_at_once_and_whenever_it_changes(api: Api) -> None:
    operation = asked(api)
    stream = api.stream(f"/operations/{operation}/events")
    kind, _, view = told_by(stream)
    assert (kind, view["id"], view["paused_by"]) == ("operation", operation, "")
    api.post(f"/operations/{operation}/pause")
    assert told_by(stream)[2]["paused_by"] == "T01:U01ANA"
    stream.close()


def test_what_was_seen_is_not_told_again_and_nothing_is_missed(api: Api) -> None:
    operation = asked(api)
    path = f"/operations/{operation}/events"
    first = api.stream(path)
    _, seen, _ = told_by(first)
    first.close()
    again = api.stream(path, last=seen)
    api.post(f"/operations/{operation}/pause")  # the first that is new
    assert told_by(again)[2]["paused_by"] == "T01:U01ANA"
    again.close()
    api.post(f"/operations/{operation}/resume")  # while nobody listened
    back = api.stream(path, last=seen)
    assert told_by(back)[1] != seen
    back.close()


def test_the_stream_ends_with_the_operation_and_a_client_is_told_not_to_come_back(
    story: Told,
) -> None:
    told, api = story
    block(told)
    operation = told.submit("node-1")
    path = f"/operations/{operation}/events"
    stream = api.stream(path)
    question = told.question(operation)
    told.decide(question, "skip")
    events = []
    while (event := stream.next()) is not None:
        events.append(event)
    assert [event["event"] for event in events][-1] == "ended"
    assert {event["event"] for event in events[:-1]} == {"operation"}
    assert json.loads(events[-1]["data"])["end"] == "partly"
    versions = [int(event["id"].partition("-")[0]) for event in events]
    assert versions == sorted(versions)
    back = api.stream(path, last=events[-1]["id"])
    assert (back.status, back.next()) == (204, None)
    other = api.stream(path, last="of-another-time")
    assert (told_by(other)[0], other.next()) == ("ended", None)


def test_many_streams_are_told_the_same(api: Api) -> None:
    operation = asked(api)
    streams = [api.stream(f"/operations/{operation}/events", by="bo") for _ in range(20)]
    for stream in streams:
        told_by(stream)
    api.post(f"/operations/{operation}/pause")
    assert len({told_by(stream)[1] for stream in streams}) == 1
    for stream in streams:
        stream.close()


def test_one_token_has_only_so_many_streams(api: Api) -> None:
    api.parts.limits = Limits(streams=2)
    path = f"/operations/{asked(api)}/events"
    streams = [api.stream(path) for _ in range(2)]
    for stream in streams:
        told_by(stream)
    refused = api.get(path)
    assert (refused.status, refused.problem["code"]) == (429, "too_many_requests")
    other = api.stream(path, by="bo")
    assert told_by(other)[0] == "operation"
    for stream in (*streams, other):
        stream.close()


def test_who_may_not_look_is_told_nothing(api: Api) -> None:
    path = f"/operations/{asked(api)}/events"
    assert api.get(path, by="").problem["status"] == 401
    assert api.get(path, by="ana.request").problem["status"] == 403
