import pytest

from sandbox.certify.boundaries import Boundary, kubernetes_shape, redis_shape, slack_shape
from sandbox.certify.deaths import Death, Verdict, deaths_at, first_deaths, sample
from sandbox.certify.matrix import summary, written


def boundary(process: str = "slot", shape: str = "TIME", **more: str) -> Boundary:
    raw = {"client": "redis", "site": "jobs/x.py:f", "step": "", "phase": "before", **more}
    return Boundary.read({"process": process, "shape": shape, **raw})


@pytest.mark.parametrize(
    ("command", "shape"),
    [
        (["HGETALL", "drainbot:demo:wf:demo-7f3k9q"], "HGETALL drainbot:demo:wf:OP"),
        (["HLEN", "drainbot:demo:wf:demo-7f3k9q-1:steps"], "HLEN drainbot:demo:wf:OP-1:steps"),
        (["LRANGE", "drainbot:demo:q:demo-q-1t7kx24y66n2"], "LRANGE drainbot:demo:q:QUESTION"),
        ([b"HSET", b"rq:worker:drainbot-slot-host-1-ab12cd"], "HSET rq:worker:slot"),
        (["HGETALL", "rq:job:demo-7f3k9q-1-12-3"], "HGETALL rq:job:OP"),
        (["CLIENT", "LIST"], "CLIENT LIST"),
        (["SCRIPT LOAD", "local DOORBELL = 1"], "SCRIPT LOAD"),
        (["XREAD", "BLOCK", 100, "STREAMS", "drainbot:demo:events", "0-1"],
         "XREAD drainbot:demo:events"),
    ],
)  # fmt: skip
def test_a_command_has_the_same_shape_in_the_next_run(command: list[object], shape: str) -> None:
    assert redis_shape(command) == shape


def test_a_script_is_known_by_its_name() -> None:
    assert redis_shape(["EVALSHA", "1234", 0, "{}"], script="commit") == "script commit"


def test_what_comes_after_nothing_is_another_place_than_what_comes_after_something() -> None:
    command = ["BLMOVE", "queue", "intermediate"]
    assert redis_shape(command, answer=()) == "BLMOVE queue → nothing"
    assert redis_shape(command, answer=b"job") == "BLMOVE queue → something"


def test_each_pod_and_each_message_is_a_place_of_its_own() -> None:
    path = "/api/v1/namespaces/shop/pods/web-0/eviction"
    assert kubernetes_shape("POST", path, None) == f"POST {path}"
    assert kubernetes_shape("GET", "/api/v1/nodes", {"watch": "1"}) == "WATCH /api/v1/nodes"
    payload = {"key": "log:demo-7f3k9q-1.2", "operation": "demo-7f3k9q"}
    said = slack_shape("chat.postMessage", {"metadata": {"event_payload": payload}})
    assert said == "chat.postMessage log:OP-1.2"


def test_at_a_slots_boundary_the_slot_dies_and_then_its_whole_worker() -> None:
    slot, keeper = boundary(), boundary("keeper")
    assert deaths_at([slot, keeper]) == (Death(keeper), Death(slot), Death(slot, whole=True))


def test_a_death_may_come_while_somebody_recovers_from_another() -> None:
    swept = boundary("keeper", "script sweep", phase="after")
    (first,) = first_deaths([swept, boundary("keeper", "script sweep"), boundary()])
    assert first == Death(swept)
    second = Death(boundary(), first=first)
    assert second.in_order == (first, second)
    told = written([Verdict(second, reached=True)])
    assert "## Recovery from the death of keeper: after redis script sweep" in told


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    deaths = deaths_at(boundary(shape=f"GET {n}") for n in range(40))
    taken = sample(deaths, every=8, seed=3)
    assert len(taken) == 10
    assert taken == sample(deaths, every=8, seed=3)
    assert taken != sample(deaths, every=8, seed=4)


def test_the_document_says_what_was_not_survived_and_what_was_not_reached() -> None:
    after = boundary(phase="after")
    verdicts = [
        Verdict(Death(boundary()), reached=True),
        Verdict(Death(after), reached=True, wrong=("a pod is gone",)),
        Verdict(Death(after, whole=True), reached=False),
    ]
    assert summary(verdicts) == (
        "2 boundaries, 1 survived (2 deaths; 1 more were not reached a second time)"
    )
    row = next(line for line in written(verdicts).splitlines() if "TIME" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[3:] == ["survived", "**not survived**", "", "not reached again"]


def test_a_death_that_spoiled_something_is_not_survived_even_if_nobody_saw_it_coming() -> None:
    assert not Verdict(Death(boundary()), reached=False, wrong=("stuck",)).survived
