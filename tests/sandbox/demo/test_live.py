"""The live demo as a person has it: started, used, ended, and nothing left of it."""

import re
import signal
import urllib.request

import pytest

from sandbox.local_slack import LocalSlackMissingError, install
from tests.sandbox.demo.audience import commands, left_over, listeners, started

SOON = 20.0  # seconds; the demo gives its programs 3, but a test machine may be busy


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_runs_on_loopback_and_a_signal_ends_all_of_it(number: signal.Signals) -> None:
    with started(typing=False, slack="terminal") as demo:
        demo.until("only tells what happens")
        tree = demo.tree()
        for program in ("redis-server", "bot.cli bot", "bot.cli worker"):
            assert program in commands(tree)
        assert listeners(tree) == {"127.0.0.1"}
        code, took = demo.end(number)
        assert code == 0
        assert took < SOON
        assert left_over(demo, tree) == []
        assert "nothing is left running" in demo.output


def test_a_signal_in_the_middle_of_its_start_leaves_nothing_either() -> None:
    with started(typing=False, slack="terminal") as demo:
        demo.until("Starting Redis")
        while "bot.cli" not in commands(demo.tree()):
            assert demo.process.poll() is None
        tree = demo.tree()
        code, took = demo.end(signal.SIGTERM)
        assert (code, left_over(demo, tree)) == (0, [])
        assert took < SOON


def test_with_the_browsers_slack_it_prints_the_address_of_the_page() -> None:
    try:
        install()
    except LocalSlackMissingError as error:
        pytest.skip(str(error))
    with started(typing=False, slack="") as demo:
        address = demo.until(r"Open (http://127\.0\.0\.1:\d+)")[1]
        demo.until("only tells what happens")
        with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310  the demo said it
            assert page.status == 200
        tree = demo.tree()
        assert "local-slack" in commands(tree)
        assert listeners(tree) == {"127.0.0.1"}
        code, took = demo.end(signal.SIGINT)
        assert (code, left_over(demo, tree)) == (0, [])
        assert took < SOON


def test_a_person_drains_forces_and_kills_at_a_terminal() -> None:
    with started(typing=True, slack="terminal") as demo:
        demo.until("quit ")
        demo.type("/drain node-2 reason disk swap")
        number = demo.until(r"\[(\d+)\] Force db-0…")[1]
        demo.until(r"drainbot  asked: Decision needed on node-2 .*payments/db-0 can't move")
        demo.until(r"cluster   refuses to evict payments/db-0 from node-2 \(429, a budget\)")
        demo.type(number)
        demo.until("You can't force this")
        demo.type("as bo")
        demo.type(number)
        demo.until("payments/db-0\n.*Budget db")
        demo.type("primary moved")
        demo.until("Type the last 4 characters of node-2:")
        demo.type("de-3")
        demo.until("Type de-2, the last 4")
        demo.type("de-2")
        demo.until("settled: Forced by @bo at .*: primary moved")
        demo.until("deleted payments/db-0 past its budget, from node-2")
        demo.until(r"demo: 1 of 1 node drained .*, 1 pod forced\. Safe to power off\.")
        demo.type("nodes")
        demo.until(r"node-2 +cordoned +0 +drained")

        demo.type("/drain node-5")
        demo.until(r"node-5 .* [1-9]\d?/32 draining")
        before = {process.pid for process in demo.tree()}
        demo.type("kill")
        killed = int(demo.until(r"worker-1 \(pid (\d+)\) was killed with SIGKILL")[1])
        assert killed in before
        demo.until(r"worker-2 \(pid \d+\) is up")
        demo.until(r"the work was taken over \d+\.\d s after the kill")
        demo.until(r"node-5 is drained: 32 pods moved")
        tree = demo.tree()
        assert killed not in {process.pid for process in tree}
        demo.type("quit")
        assert demo.process.wait(timeout=SOON) == 0
        assert left_over(demo, tree) == []


def test_room_that_a_person_makes_lets_the_drain_go_on_by_itself() -> None:
    with started(typing=True, slack="terminal") as demo:
        demo.until("quit ")
        demo.type("/drain node-2 node-3")
        number = demo.until(r"\[(\d+)\] Approve")[1]
        demo.type(number)
        demo.until(r"only @ana sees\n.*needs somebody else.*@bo or @cy")
        demo.type("as bo")
        demo.type(number)
        demo.until(r"settled: Approved by @bo")
        demo.until(r"\[(\d+)\] Force db-0…")
        demo.type("home")
        demo.until(r"home tab of @bo\n(.*\n)*│ 1\. Decide: 1 pod on node-2 can't move")
        demo.type("scale db")
        demo.until("StatefulSet payments/db scaled from 3 to 4")
        demo.until(r"closed: No longer needed")
        demo.until(r"\[(\d+)\] Force ledger-0…")
        demo.type("open ledger")
        demo.until("budget payments/ledger opened: minAvailable 2 → 1")
        demo.until(r"demo: 2 of 2 nodes drained .*\. Safe to power off\.")
        assert "past its budget, from" not in demo.output
        demo.type("uncordon node-2")
        demo.until("node-2 was uncordoned, by nobody of drainbot's")
        demo.until(r"drainbot  The fence of node-2 is lost: somebody uncordoned it")
        demo.until(r"\[(\d+)\] Drain again")


@pytest.mark.parametrize(("program", "name"), [("bot.cli bot", "bot-1"), ("redis-server", "Redis")])
def test_a_program_that_ends_by_itself_ends_the_demo_with_its_name(program: str, name: str) -> None:
    with started(typing=False, slack="terminal") as demo:
        demo.until("only tells what happens")
        tree = demo.tree()
        next(process for process in tree if program in commands([process])).kill()
        assert demo.process.wait(timeout=30) == 1
        demo.until(f"{name} has ended by itself")
        assert not re.search("Traceback", demo.output)
        assert left_over(demo, tree) == []


def test_ctrl_d_ends_it_too() -> None:
    with started(typing=True, slack="terminal") as demo:
        demo.until("quit ")
        tree = demo.tree()
        demo.type("\x04")
        assert demo.process.wait(timeout=SOON) == 0
        assert left_over(demo, tree) == []
