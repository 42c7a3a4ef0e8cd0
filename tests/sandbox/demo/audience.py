"""Somebody who starts the live demo, reads what it says, types, and counts what it runs."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

HOME = Path(__file__).parents[3]
PATIENCE = 60.0


class Demo:
    """A running demo. `output` is everything that it said so far, without what moves a cursor."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self.process = process
        self.output = ""
        self._descriptor = descriptor
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                new = os.read(self._descriptor, 65536)
            except OSError:  # a terminal whose other side has ended
                new = b""
            with self._news:
                text = new.decode("utf-8", "replace")
                self.output += text.replace("\r\x1b[K", "").replace("\r\n", "\n")
                self._news.notify_all()
            if not new:
                return

    def until(self, pattern: str) -> "re.Match[str]":
        """Return the first match in all that was said, waiting for it."""
        found: list[re.Match[str]] = []

        def said() -> bool:
            found.extend(re.finditer(pattern, self.output))
            return bool(found) or not self._reader.is_alive()

        with self._news:
            self._news.wait_for(said, timeout=PATIENCE)
        assert found, f"it never said {pattern!r}, but:\n{self.output}"
        return found[0]

    def type(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())

    def tree(self) -> list[psutil.Process]:
        """Return the demo and every process that it started, directly or not."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal to the demo alone; returns the exit code, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE)
        took = time.monotonic() - began
        self._reader.join(timeout=PATIENCE)
        return code, took


def commands(tree: list[psutil.Process]) -> str:
    """Return the command lines, one a line."""
    lines = []
    for process in tree:
        with suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)


def listeners(tree: list[psutil.Process]) -> set[str]:
    """Return the addresses on which any of the processes listens for TCP."""
    found = set()
    for process in tree:
        with suppress(psutil.NoSuchProcess):
            found |= {
                connection.laddr.ip
                for connection in process.net_connections(kind="inet")
                if connection.status == psutil.CONN_LISTEN
            }
    return found


def left_over(demo: Demo, tree: list[psutil.Process]) -> list[str]:
    """Return what still runs of the demo a moment after it ended.

    That is what was in its tree, and whatever else is of its session, also if it came later or was
    given to another parent. Where nobody reaps orphans, a zombie is what is left of a dead one.
    """
    end = time.monotonic() + 5
    while (alive := _alive(demo.process.pid, tree)) and time.monotonic() < end:
        time.sleep(0.05)
    return [str(process) for process in alive]


def _alive(session: int, tree: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in {*tree, *psutil.process_iter()}:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            ours = process in tree or os.getsid(process.pid) == session
            if ours and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextmanager
def started(*, typing: bool, slack: str) -> Iterator[Demo]:
    """Start the demo, at a terminal of its own or with nobody to type; end it if it still runs."""
    ours, theirs = pty.openpty() if typing else os.pipe()
    if typing:
        _without_echo(theirs)
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo"],
        cwd=HOME,
        env={**environment, "DRAINBOT_DEMO_SLACK": slack, "PYTHONUNBUFFERED": "1"},
        stdin=theirs if typing else subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    os.close(theirs)
    demo = Demo(process, ours)
    try:
        yield demo
    finally:
        if process.poll() is None:
            process.kill()  # what it started dies with it
            process.wait()
        os.close(ours)


def _without_echo(terminal: int) -> None:
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
