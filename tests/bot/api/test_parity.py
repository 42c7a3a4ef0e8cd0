"""Whichever way somebody comes in, they may do the same, it has the same effect and words."""

from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.bot.api.calling import Api
from tests.bot.api.ways import Act, Ways

WAYS = ("slack", "shell", "remote", "http")
ACTS = (
    Act(
        "drain",
        "/drain node-1 --timeout=5m reason disk swap",
        ("drain", "node-1", "--timeout=5m", "--reason", "disk swap"),
        ("/operations", {"nodes": ["node-1"], "options": {"timeout": 300}, "reason": "disk swap"}),
    ),
    Act(
        "drain, and wait for the maintenance",
        "/drain node-1 node-2 --then wait --for 2h reason new disks",
        ("drain", "node-1", "node-2", "--then", "wait", "--for=2h", "--reason", "new disks"),
        (
            "/operations",
            {
                "nodes": ["node-1", "node-2"],
                "options": {"then": "wait", "expected": 7200},
                "reason": "new disks",
            },
        ),
    ),
    Act(
        "drain by labels",
        "/drain pool=blue",
        ("drain", "pool=blue"),
        ("/operations", {"selector": "pool=blue"}),
    ),
    Act(
        "force without the right",
        "/drain node-1 --force",
        ("drain", "node-1", "--force"),
        ("/operations", {"nodes": ["node-1"], "options": {"force": True}}),
    ),
    Act(
        "pause",
        "/drain pause {op}",
        ("pause", "{op}"),
        ("/operations/{op}/pause", None),
        Ways.begin,
    ),
    Act(
        "resume",
        "/drain resume {op}",
        ("resume", "{op}"),
        ("/operations/{op}/resume", None),
        Ways.pause,
    ),
    Act(
        "abort",
        "/drain abort {op} wrong rack",
        ("abort", "{op}", "--reason", "wrong rack"),
        ("/operations/{op}/abort", {"reason": "wrong rack"}),
        Ways.begin,
    ),
    Act(
        "uncordon",
        "/drain uncordon node-1",
        ("uncordon", "node-1"),
        ("/nodes/node-1/uncordon", None),
    ),
    Act(
        "drain a node that another operation has",
        "/drain node-2 node-1",
        ("drain", "node-2", "node-1"),
        ("/operations", {"nodes": ["node-2", "node-1"]}),
        Ways.take,
    ),
    Act(
        "uncordon one that another operation has",
        "/drain uncordon node-1",
        ("uncordon", "node-1"),
        ("/nodes/node-1/uncordon", None),
        Ways.take,
    ),
    Act(
        "start the maintenance of one that another operation has",
        "/drain maintenance node-1 --for 2h new disk",
        ("maintenance", "node-1", "--for=2h", "--reason", "new disk"),
        ("/nodes/node-1/maintenance", {"expected": 7200, "reason": "new disk"}),
        Ways.take,
    ),
    Act(
        "uncordon one that is drained",
        "/drain uncordon node-1",
        ("uncordon", "node-1"),
        ("/nodes/node-1/uncordon", None),
        Ways.drained,
    ),
    Act(
        "start the maintenance of one that is drained",
        "/drain maintenance node-1 --for 2h new disk",
        ("maintenance", "node-1", "--for=2h", "--reason", "new disk"),
        ("/nodes/node-1/maintenance", {"expected": 7200, "reason": "new disk"}),
        Ways.drained,
    ),
    Act(
        "start the maintenance of one that nobody holds",
        "/drain maintenance node-1",
        ("maintenance", "node-1"),
        ("/nodes/node-1/maintenance", {}),
    ),
    Act(
        "return one that is drained",
        "/drain return node-1",
        ("return", "node-1"),
        ("/nodes/node-1/return", None),
        Ways.drained,
    ),
    Act(
        "freeze",
        "/drain freeze reason incident 7",
        ("freeze", "reason", "incident", "7"),
        ("/clusters/test/freeze", {"reason": "incident 7"}),
    ),
    Act(
        "thaw",
        "/drain thaw reason over",
        ("thaw", "reason", "over"),
        ("/clusters/test/thaw", {"reason": "over"}),
        lambda ways: ways.service.freeze(_ana(ways), "test", "incident 7", nonce="before"),
    ),
    *(
        Act(
            f"answer {choice}",
            choice,
            ("decide", "{q}", choice),
            ("/questions/{q}", {"choice": choice}),
            Ways.ask,
        )
        for choice in ("retry", "wait", "skip")
    ),
    *(
        Act(
            f"answer {choice} to a maintenance",
            choice,
            ("decide", "{q}", choice),
            ("/questions/{q}", {"choice": choice}),
            Ways.ask_maintenance,
        )
        for choice in ("return", "keep_out")
    ),
    *(
        Act(
            f"answer {choice} to an approval",
            choice,
            ("decide", "{q}", choice),
            ("/questions/{q}", {"choice": choice}),
            Ways.ask_approval,
        )
        for choice in ("approve", "deny")
    ),
    *(
        Act(
            f"answer {choice} to a lost fence",
            choice,
            ("decide", "{q}", choice),
            ("/questions/{q}/" + choice, None),
            Ways.ask_of_fence,
        )
        for choice in ("drain_again", "declare_valid", "give_back")
    ),
    Act(
        "evict anyway",
        "evict_anyway",
        ("decide", "{q}", "evict-anyway"),
        ("/questions/{q}", {"choice": "evict_anyway"}),
        Ways.ask_anyway,
    ),
    Act(
        "force, with a reason",
        "force",
        ("decide", "{q}", "force", "--note", "primary moved"),
        ("/questions/{q}", {"choice": "force", "note": "primary moved"}),
        Ways.ask,
        (("reason", "primary moved"), ("confirm", "de-1")),
    ),
    Act(
        "abort by the question",
        "abort",
        ("decide", "{q}", "abort", "--note", "wrong rack"),
        ("/questions/{q}", {"choice": "abort", "note": "wrong rack"}),
        Ways.ask,
        (("reason", "wrong rack"),),
    ),
    Act(
        "return a node that an operation waits for",
        "/drain return node-1",
        ("return", "node-1"),
        ("/nodes/node-1/return", None),
        Ways.maintain,
    ),
)


def _ana(ways: Ways) -> Any:
    return ways.api.parts.desk.directory.principal("T01", "U01ANA")


@pytest.fixture
def ways(
    api: Api,
    redis: "Redis",
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ways:
    return Ways(api, redis, redis_url, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
@pytest.mark.parametrize("by", ["ana", "bo", "eve"])
def test_every_way_in_is_alike(ways: Ways, act: Act, by: str) -> None:
    first, *others = [ways.do(way, act, by) for way in WAYS]
    assert [done.effect for done in others] == [first.effect] * 3
    assert [done.refused for done in others] == [first.refused] * 3
    shell, remote, http = others
    assert remote.words == shell.words
    assert http.words == shell.words
    if first.words:  # an answer that counts is shown by its message, so nothing is said beside it
        assert first.words == shell.words


@pytest.mark.parametrize("way", WAYS)
def test_who_may_not_changes_nothing(ways: Ways, way: str) -> None:
    done = ways.do(way, ACTS[0], "eve")
    assert (done.refused, done.effect) == (True, ([], None))


@pytest.mark.parametrize("by", ["ana", "eve"])
def test_a_history_is_the_same_for_whoever_may_read_it(ways: Ways, by: str) -> None:
    ways.do("slack", ACTS[0], "ana")
    http, shell, remote, slack = ways.history(by)
    assert http == shell == remote
    assert slack[0] == http[0]
    if by == "ana":
        assert [entry["what"] for entry in http[1]] == ["started"]
        assert "node-1" in slack[1]
