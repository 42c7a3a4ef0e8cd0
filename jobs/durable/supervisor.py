"""The supervisor: forks slots and their helpers, starts them again, and takes them with it.

It has one thread, because the kernel ties "die with your parent" to the thread that forked, and
because a fork of a process with threads is unsafe. It does no I/O that could block.
"""

import gc
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from jobs.durable.guard import uptime
from jobs.durable.parentage import die_with

log = structlog.get_logger(__name__)
_SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
GRACE = 10.0  # seconds from SIGTERM to SIGKILL
SOON = 1.0  # a child that lived for less is started again with a delay
LONGEST_DELAY = 5.0


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


def supervise(roles: list[Role]) -> int:
    """Run one child for each role until SIGTERM or SIGINT; returns the exit code, 0."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    gc.collect()
    gc.freeze()  # what was imported stays shared between the children
    children = [_Child(role) for role in roles]
    while True:
        for child in children:
            if child.pid == 0 and uptime() >= child.start_at:
                _fork(child)
        received = signal.sigtimedwait(_SIGNALS, _patience(children))
        if received is not None and received.si_signo != signal.SIGCHLD:
            return _stop(children)
        _bury(children)


def _patience(children: list[_Child]) -> float:
    waiting = [child.start_at - uptime() for child in children if child.pid == 0]
    return max(0.01, min([*waiting, 1.0]))


def _fork(child: _Child) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            die_with(parent)
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = child.role.main(child.before)
        except BaseException:
            log.exception("child_failed", role=child.role.name)
        finally:
            os._exit(code)
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
                delay = min(LONGEST_DELAY, 0.1 * 2**child.failures) if child.failures else 0.0
                child.pid, child.before, child.start_at = 0, pid, uptime() + delay
                code = os.waitstatus_to_exitcode(status)
                log.warning("child_ended", role=child.role.name, pid=pid, code=code)


def _stop(children: list[_Child]) -> int:
    log.info("supervisor_stopping")
    for child in children:
        if child.pid:
            os.kill(child.pid, signal.SIGTERM)
    deadline = uptime() + GRACE
    while any(child.pid for child in children) and uptime() < deadline:
        signal.sigtimedwait({signal.SIGCHLD}, 0.1)
        _bury(children)
    for child in children:
        if child.pid:
            log.warning("child_killed", role=child.role.name, pid=child.pid)
            os.kill(child.pid, signal.SIGKILL)
    time.sleep(0)
    return 0
