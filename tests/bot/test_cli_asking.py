"""Asking from a shell: labels, what was mistyped, and who may."""

from collections.abc import Callable

import pytest

from tests.bot.listeners.listening import FakeClient

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("labels", [["-l", "pool=blue"], ["-lpool=blue"], ["pool=blue"]])
def test_labels_take_the_nodes_that_have_them(
    client: FakeClient, run: Run, labels: list[str]
) -> None:
    assert run("drain", *labels, "--timeout=5m", "--reason", "disk swap")[0] == 0
    (request,) = client.asked.values()
    assert request.nodes == ("node-1", "node-17", "node-18")
    assert (request.reason, request.options.timeout) == ("disk swap", 300)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["drain", "-l", "pool=bleu"], "Did you mean blue"),
        (["drain", "Node_17"], "Did you mean node-17"),
        (["plan", "pool:blue"], "Did you mean pool=blue"),
        (["who", "nod-1"], "Did you mean node-1"),
    ],
)
def test_what_was_mistyped_is_answered_with_what_was_meant(
    client: FakeClient, run: Run, arguments: list[str], said: str
) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert client.acts("submit") == []


def test_who_may_do_what_is_printed_for_a_terminal(client: FakeClient, run: Run) -> None:
    code, out, _ = run("who", "node-1")
    assert code == 0
    assert "node-1 in prod-eu: rule 1 of the policy" in out
    assert "• You: ask and decide" in out
    assert "*" not in out
