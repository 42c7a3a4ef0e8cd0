"""Child processes of the demo and of tests: started, listened to, and surely ended.

A child gets its own process group, so that Ctrl-C in a terminal reaches the demo alone and the demo
ends its children in its own order. On Linux a child dies with the process that started it, however
that one ends (``PR_SET_PDEATHSIG``); elsewhere only an orderly end takes the children along.

The kernel ties that signal to the *thread* that started the child, not to its process (prctl(2)).
So all children are started by one thread that lives as long as the process does.
"""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["ChildFailedError", "Process", "Processes", "free_port"]

_LINES_KEPT = 500
_TICK_S = 0.02
_LAST_BREATH_S = 1.0
_OUT_OF_THE_WAY = range(20_000, 32_000)

# Runs before the program itself: asks for the signal, and ends if the parent is gone already. It is
# a program of its own because a `preexec_fn` may deadlock in a process that has threads.
_SHIM = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class ChildFailedError(RuntimeError):
    """A child process ended, or stayed silent, where something was expected of it."""


class _Spawner:
    """The one thread that starts children; a new one in a forked process."""

    def __init__(self) -> None:
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def start(self, start: Callable[[], "subprocess.Popen[str]"]) -> "subprocess.Popen[str]":
        return self._thread.submit(start).result()


_spawner = _Spawner()


def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago.

    It lies below the ports that systems give to outgoing connections and to listeners that name
    none (from 32768 on Linux, 49152 elsewhere): nothing else comes upon it by chance.
    """
    while True:
        port = secrets.choice(_OUT_OF_THE_WAY)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


class Process:
    """One running child. Its output (both streams) is read line by line until it ends.

    ``output`` is a file to append to, or a function that gets each line without its line end, on
    another thread. Raises :class:`ChildFailedError` if the program can't be started.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: Path | Callable[[str], None] | None = None,
    ) -> None:
        self.name = name or Path(arguments[0]).name
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._news = threading.Condition()
        self._silent = False
        shim = [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid()), *arguments]

        def start() -> "subprocess.Popen[str]":
            return subprocess.Popen(
                shim,
                env=None if env is None else dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            )

        try:
            self._child = _spawner.start(start)
        except OSError as error:
            raise ChildFailedError(f"{self.name} can't be started: {error}") from error
        self._reader = threading.Thread(
            target=self._read, args=(output,), name=f"output of {self.name}", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """The exit status (negative: the signal), or None while it runs or nobody waited yet."""
        return self._child.returncode

    def lines(self) -> list[str]:
        """Return the last lines of output, at most 500."""
        with self._news:
            return list(self._lines)

    def alive(self) -> bool:
        """Whether the process still runs. Leaves an ended one to :meth:`stop` or :meth:`wait`."""
        if self._child.returncode is not None:
            return False
        # Not `poll`, which reaps: the group's number must stay taken until the group was killed.
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait_for_line(self, pattern: str, *, within_s: float = 10.0) -> re.Match[str]:
        """Return the match of the first kept or coming line in which ``pattern`` is found.

        Raises :class:`ChildFailedError` with the last output if the process ends, or the time does.
        """
        found: list[re.Match[str]] = []
        expression = re.compile(pattern)

        def seen() -> bool:
            found.extend(m for m in map(expression.search, self._lines) if m)
            return bool(found) or self._silent

        with self._news:
            in_time = self._news.wait_for(seen, timeout=within_s)
        if not found:
            # A dying process closes its output a moment before it can be waited for.
            self._settle(_LAST_BREATH_S if in_time else 0.0)
            raise self._failure(f"did not say {pattern!r}", within_s)
        return found[0]

    def wait_for_port(self, port: int, *, within_s: float = 10.0) -> None:
        """Return when something listens on that loopback port; raises like `wait_for_line`."""
        end = time.monotonic() + within_s
        while time.monotonic() < end and self.alive():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            time.sleep(_TICK_S)
        raise self._failure(f"did not listen on port {port}", within_s)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; nothing happens if it has ended."""
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, *, within_s: float) -> int:
        """Wait for its own end and return the exit status, or raise :class:`ChildFailedError`."""
        if not self._settle(within_s):
            raise self._failure("did not end", within_s)
        return self.kill()

    def stop(self, *, limit_s: float = 5.0) -> int:
        """Send SIGTERM, and SIGKILL to the whole group after the limit; return the exit status."""
        self.signal(signal.SIGTERM)
        self._settle(limit_s)
        return self.kill()

    def kill(self) -> int:
        """Send SIGKILL to the whole group and return the exit status. Repeating does no harm."""
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._child.wait()
        self._reader.join(timeout=5)
        return int(self._child.returncode)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self, output: Path | Callable[[str], None] | None) -> None:
        with contextlib.ExitStack() as stack:
            pipe = stack.enter_context(_stdout(self._child))
            stack.callback(self._end_of_output)
            tell = _teller(output, stack)
            for raw in pipe:
                line = raw.rstrip("\r\n")
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
                tell(line)

    def _end_of_output(self) -> None:
        with self._news:
            self._silent = True
            self._news.notify_all()

    def _settle(self, within_s: float) -> bool:
        """Wait for its end; return whether it came."""
        end = time.monotonic() + within_s
        while self.alive():
            if time.monotonic() >= end:
                return False
            time.sleep(_TICK_S)
        return True

    def _failure(self, what: str, within_s: float) -> ChildFailedError:
        state = f"within {within_s:g} s" if self.alive() else "and has ended"
        said = "\n".join(self.lines()[-20:]) or "(nothing)"
        return ChildFailedError(f"{self.name} {what} {state}. Its last output:\n{said}")


def _stdout(child: "subprocess.Popen[str]") -> IO[str]:
    if child.stdout is None:
        raise ValueError("the child was started without a pipe")
    return child.stdout


def _teller(
    output: Path | Callable[[str], None] | None, stack: contextlib.ExitStack
) -> Callable[[str], None]:
    if isinstance(output, Path):
        file = stack.enter_context(output.open("a", encoding="utf-8", buffering=1))
        return lambda line: print(line, file=file)
    return output or (lambda _: None)


class Processes:
    """A set of children, stopped together in the reverse order of their start."""

    def __init__(self) -> None:
        self._started: list[Process] = []

    def start(
        self,
        arguments: Sequence[str],
        *,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: Path | Callable[[str], None] | None = None,
    ) -> Process:
        """Start a child, as :class:`Process` does, and keep it until the set is stopped."""
        process = Process(arguments, name=name, env=env, cwd=cwd, output=output)
        self._started.append(process)
        return process

    def alive(self) -> list[Process]:
        """Return those that still run, in the order of their start."""
        return [process for process in self._started if process.alive()]

    def stop(self, *, limit_s: float = 5.0) -> None:
        """Stop all, last started first; each one has the whole limit."""
        while self._started:
            self._started.pop().stop(limit_s=limit_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
