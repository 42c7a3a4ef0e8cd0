"""What of drainbot itself would be missed if a node's pods left."""

import pytest

from jobs.drain.facts import Controller, Pod
from jobs.drain.own import COMPONENT, DRAINBOT, NAME, SELECTS_BOTS, bots_in, own_parts, own_words
from jobs.selectors import parse


def pod(component: str, node: str = "node-1", *, name: str = DRAINBOT, **fields: object) -> Pod:
    labels = {NAME: name, COMPONENT: component}
    known = {"namespace": "drainbot", "name": f"{component}-{node}", "uid": f"u-{component}-{node}"}
    return Pod(**known, node=node, labels=labels, **fields)  # type: ignore[arg-type]


def parts(*pods: Pod, bots: tuple[Pod, ...] = (), leaving: tuple[str, ...] = ()) -> list[str]:
    gone = ("node-1", *leaving)
    return list(own_parts(pods, only_worker=False, bots=(*pods, *bots), leaving=gone))


def test_our_redis_is_missed_in_any_case_and_a_bot_only_if_it_is_the_last() -> None:
    assert parts(pod("redis")) == ["redis"]
    assert parts(pod("bot")) == ["bot"]
    assert parts(pod("bot"), bots=(pod("bot", "node-2"),)) == []
    assert parts(pod("bot"), bots=(pod("bot", "node-2"),), leaving=("node-2",)) == ["bot"]
    assert parts(pod("bot"), bots=(pod("bot", "node-2", ready=False),)) == ["bot"]
    assert parts(pod("bot"), bots=(pod("bot", "node-2", deletion=1),)) == ["bot"]
    assert parts(pod("bot"), bots=(pod("bot", "node-2", name="other"),)) == ["bot"]
    assert parts(pod("worker")) == []  # a worker says by itself where it is


def test_the_only_worker_is_what_its_presence_says() -> None:
    assert own_parts([], only_worker=True, bots=[], leaving=["node-1"]) == ("worker",)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "redis"},
        {"phase": "Succeeded"},
        {"deletion": 1},
        {"mirror": True},
        {"controller": Controller(kind="DaemonSet", name="redis", uid="d")},
    ],
)
def test_what_is_not_ours_or_does_not_move_is_not_missed(fields: dict[str, object]) -> None:
    assert parts(pod("redis", **fields)) == []  # type: ignore[arg-type]


def test_bots_are_looked_for_where_one_is() -> None:
    assert bots_in([pod("bot"), pod("redis")]) == {"drainbot"}
    assert bots_in([pod("redis")]) == frozenset()
    selector = parse(SELECTS_BOTS)
    assert selector.match(pod("bot").labels)
    assert not selector.match(pod("redis").labels)


def test_each_part_is_a_sentence_about_what_it_means() -> None:
    words = own_words(["worker", "redis", "bot"], "node-1", "prod-eu")
    assert words.count("runs on node-1") == 3
    assert words.startswith("The only worker of prod-eu that would be left runs on node-1: when")
    assert own_words([], "node-1", "prod-eu") == ""
