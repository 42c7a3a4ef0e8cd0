"""The programs of a run: workers and bots that are started again, killed, stopped and continued."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.certify.nursery import Nursery
from sandbox.chaos.happenings import Role

__all__ = ["Crew", "Host", "Seat"]

AGAIN = 0.5  # seconds until a program that ended is started again


@dataclass(frozen=True)
class Seat:
    """A program and how it is started; `name` is `worker-0`, `bot-1`."""

    name: str
    role: str
    environment: Mapping[str, str]
    slots: int = 1
    clock: float = 0.0


@dataclass
class Host:
    """A seat and who sits on it now; `starts` counts how often somebody was started."""

    seat: Seat
    pid: int = 0
    starts: int = 0
    start_at: float = 0.0


@dataclass
class Crew:
    """All hosts. `standing` are the pids that were stopped and have to be continued."""

    nursery: Nursery
    directory: Path
    hosts: dict[str, Host]
    standing: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Start who is not there, as an orchestrator would."""
        for host in self.hosts.values():
            if host.pid and self.nursery.ended(host.pid):
                host.pid, host.start_at = 0, time.monotonic() + AGAIN
            if not host.pid and time.monotonic() >= host.start_at:
                host.pid = self._start(host.seat)
                host.starts += 1

    def kill(self, role: Role, number: int) -> str:
        """Kill a process, or a whole host; returns what was killed."""
        pids = self._pids(role, number)
        if role in {"worker", "bot"}:
            for pid in pids[:1]:
                self.nursery.kill(pid)
        else:
            pids = pids[:1]
            for pid in pids:
                _signal(pid, signal.SIGKILL)
        self.standing -= set(pids)
        return ", ".join(map(str, pids)) or "nobody"

    def tell_to_end(self, role: Role, number: int) -> None:
        """Send SIGTERM to a whole host's first process."""
        for pid in self._pids(role, number)[:1]:
            _signal(pid, signal.SIGTERM)

    def stop(self, role: Role, number: int) -> tuple[int, ...]:
        """Have a process, or all of a host, stand still; returns the pids."""
        pids = self._pids(role, number)
        if role not in {"worker", "bot"}:
            pids = pids[:1]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        self.standing |= set(pids)
        return pids

    def go_on(self, pids: tuple[int, ...]) -> None:
        """Let them continue."""
        for pid in pids:
            if pid in self.standing:
                self.standing.discard(pid)
                _signal(pid, signal.SIGCONT)

    def end(self) -> None:
        """Kill all of them."""
        for host in self.hosts.values():
            if host.pid:
                self.nursery.kill(host.pid)

    def _start(self, seat: Seat) -> int:
        watch: dict[str, Any] = {
            "notes": "", "commits": str(self.directory / "commits"), "deaths": [], "graves": [],
        }  # fmt: skip
        log = self.directory / f"{seat.name}.log"
        return self.nursery.start(
            seat.role, seat.environment, log, watch, slots=seat.slots, clock=seat.clock
        )

    def _pids(self, role: Role, number: int) -> tuple[int, ...]:
        """Return the processes of a role on a host; of a whole host the leader first."""
        name = f"{role if role == 'bot' else 'worker'}-{number}"
        host = self.hosts[name]
        if not host.pid or self.nursery.ended(host.pid):
            return ()
        group = [(pid, comm) for pid, comm in _group(host.pid) if pid != host.pid]
        if role in {"worker", "bot"}:
            return (host.pid, *(pid for pid, _ in group))
        return tuple(sorted((pid for pid, comm in group if comm == role), reverse=True))


def _group(leader: int) -> Iterator[tuple[int, str]]:
    """Yield pid and name of all processes of a group, as /proc has them."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            head, _, rest = (entry / "stat").read_text().rpartition(")")
            if int(rest.split()[2]) == leader:
                yield int(entry.name), head.partition("(")[2]


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
