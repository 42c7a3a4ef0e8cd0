"""The supervisor: forks slots and their helpers, starts them again, and takes them with it.

It has one thread, because the kernel ties "die with your parent" to the thread that forked, and
because a fork of a process with threads is unsafe. It does no I/O that could block.
"""

import gc
import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import structlog

from jobs.durable.guard import uptime
from jobs.durable.parentage import die_with

log = structlog.get_logger(__name__)
_SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
GRACE = 10.0  # seconds from SIGTERM to SIGKILL
SOON = 1.0  # a child that lived for less is started again with a delay
LONGEST_DELAY = 1.5  # whatever kept it from starting: work goes on within two seconds of its end


@dataclass(frozen=True)
class Role:
    """What one child does.

    `main` gets the pid of the child that had this place before (0: none), returns an exit code.
    """

    name: str
    main: Callable[[int], int]


@dataclass
class _Child:
    role: Role
    pid: int = 0
    before: int = 0
    born: float = 0.0
    failures: int = 0
    start_at: float = 0.0


class _Bell:
    """Wakes a wait when a signal arrives; remembers whether it was one to stop.

    Not `sigtimedwait`: after the process was stopped and continued, it may return whatever was on
    its stack (seen on Python 3.11), and a supervisor must not end for a signal that never came.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def wait(self, seconds: float) -> None:
        """Return at the next signal, or after some seconds."""
        if select.select([self._read], [], [], seconds)[0]:
            os.read(self._read, 4096)

    def forget(self) -> None:
        """Have nothing to do with it any more, in a child."""
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True


def supervise(roles: list[Role]) -> int:
    """Run one child for each role until SIGTERM or SIGINT; returns the exit code, 0."""
    bell = _Bell()
    gc.collect()
    gc.freeze()  # what was imported stays shared between the children
    children = [_Child(role) for role in roles]
    while not bell.stopping:
        for child in children:
            if child.pid == 0 and uptime() >= child.start_at:
                _fork(child, bell)
        bell.wait(_patience(children))
        _bury(children)
    return _stop(children, bell)


def delay_after(failures: int) -> float:
    """Return how many seconds a child waits that ended so often in a row as soon as it began."""
    return min(LONGEST_DELAY, 0.1 * 2 ** min(failures, 10)) if failures else 0.0


def _patience(children: list[_Child]) -> float:
    waiting = [child.start_at - uptime() for child in children if child.pid == 0]
    return max(0.01, min([*waiting, 1.0]))


def _fork(child: _Child, bell: _Bell) -> None:
    parent = os.getpid()
    # Held back until the child has forgotten the bell: a SIGTERM right after the fork ends it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            die_with(parent)
            bell.forget()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = child.role.main(child.before)
        except BaseException:
            log.exception("child_failed", role=child.role.name)
        finally:
            os._exit(code)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    child.pid, child.born = pid, uptime()
    log.info("child_started", role=child.role.name, pid=pid)


def _bury(children: list[_Child]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        for child in children:
            if child.pid == pid:
                lived = uptime() - child.born
                child.failures = child.failures + 1 if lived < SOON else 0
                start_at = uptime() + delay_after(child.failures)
                child.pid, child.before, child.start_at = 0, pid, start_at
                code = os.waitstatus_to_exitcode(status)
                log.warning("child_ended", role=child.role.name, pid=pid, code=code)


def _stop(children: list[_Child], bell: _Bell) -> int:
    log.info("supervisor_stopping")
    for child in children:
        if child.pid:
            os.kill(child.pid, signal.SIGTERM)
    deadline = uptime() + GRACE
    while any(child.pid for child in children) and uptime() < deadline:
        bell.wait(0.1)
        _bury(children)
    for child in children:
        if child.pid:
            log.warning("child_killed", role=child.role.name, pid=child.pid)
            os.kill(child.pid, signal.SIGKILL)
    return 0
