import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.processes import ChildFailedError, Process, Processes, free_port

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-u", "-c", code]


def gone(pid: int, within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # Where nobody reaps orphans (a container without an init) a killed one stays a zombie.
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_output_goes_to_a_function_line_by_line() -> None:
    heard: list[str] = []
    with Process(python("print('one'); print('two')"), output=heard.append) as child:
        assert child.wait(within_s=10) == 0
    assert heard == ["one", "two"]


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with Process(python("print('one')"), output=file) as child:
        child.wait(within_s=10)
    assert file.read_text() == "one\n"


def test_a_line_can_be_waited_for_also_after_it_came() -> None:
    with Process(python("print('port 17'); import time; time.sleep(60)")) as child:
        assert child.wait_for_line(r"port (\d+)").group(1) == "17"
        assert child.wait_for_line(r"port (\d+)").group(1) == "17"


def test_waiting_for_a_line_of_a_dead_process_shows_its_last_words() -> None:
    with (
        Process(python("print('no such file'); exit(3)"), name="kid") as child,
        pytest.raises(ChildFailedError, match=r"kid did not say 'ready' and has ended.*\n.*such"),
    ):
        child.wait_for_line("ready")


def test_a_port_can_be_waited_for() -> None:
    port = free_port()
    code = f"""
import socket, time
listener = socket.create_server(("127.0.0.1", {port}))
time.sleep(60)
"""
    with Process(python(code)) as child:
        child.wait_for_port(port)


def test_a_process_that_ignores_sigterm_is_killed_after_the_limit() -> None:
    with Process(python(STUBBORN)) as child:
        child.wait_for_line("ready")
        assert child.stop(limit_s=0.1) == -signal.SIGKILL
        assert not child.alive()


def test_a_process_that_obeys_ends_by_sigterm() -> None:
    with Process(python("print('ready'); import time; time.sleep(60)")) as child:
        child.wait_for_line("ready")
        assert child.stop() == -signal.SIGTERM


def test_what_the_child_started_goes_with_it() -> None:
    code = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid); p.wait()"
    with Process(python(code)) as child:
        grandchild = int(child.wait_for_line(r"(\d+)").group(1))
    assert gone(grandchild)


def test_a_child_outlives_the_thread_that_asked_for_it() -> None:
    started: list[Process] = []
    thread = threading.Thread(target=lambda: started.append(Process(["sleep", "60"])))
    thread.start()
    thread.join()
    with started[0] as child, pytest.raises(ChildFailedError, match=r"within 0\.2 s"):
        child.wait(within_s=0.2)


def test_a_child_dies_with_its_parent_even_by_sigkill() -> None:
    code = """
from sandbox.processes import Process
import time
print(Process(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""
    parent = Process(python(code), cwd=Path(__file__).parents[2])
    child = int(parent.wait_for_line(r"(\d+)").group(1))
    os.kill(parent.pid, signal.SIGKILL)
    assert gone(child)
    parent.stop()


def test_a_set_stops_all_last_started_first() -> None:
    order: list[str] = []
    code = """
import signal, sys, time
def end(*_):
    print("ended")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready")
time.sleep(60)
"""

    def notes(name: str) -> Callable[[str], None]:
        return lambda line: order.append(name) if line == "ended" else None

    with Processes() as processes:
        for name in ("redis", "worker"):
            child = processes.start(python(code), output=notes(name))
            child.wait_for_line("ready")
        assert len(processes.alive()) == 2
    assert order == ["worker", "redis"]
    assert processes.alive() == []


def test_a_missing_program_is_reported() -> None:
    with (
        Process(["no-such-program-here"]) as child,
        pytest.raises(ChildFailedError, match="no-such-program-here"),
    ):
        child.wait_for_line("ready")
