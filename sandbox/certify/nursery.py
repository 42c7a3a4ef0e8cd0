"""Bots and workers that are forked from one process which has imported everything already."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

__all__ = ["Nursery", "NurseryError"]

_LIMIT = 60.0  # seconds for importing everything, on a busy machine


class NurseryError(RuntimeError):
    """The nursery does not answer."""


class Nursery:
    """Starts programs and knows which of them ended. Everything ends with it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.certify.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            process_group=0,
        )
        self._news = threading.Condition()
        self._born: list[int] = []
        self._codes: dict[int, int] = {}
        self._ready = False
        self._over = False
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        self._wait(lambda: self._ready, "did not begin")

    def start(
        self,
        role: str,
        environment: Mapping[str, str],
        log: Path,
        watch: Any,
        *,
        slots: int = 1,
        clock: float = 0.0,
    ) -> int:
        """Fork a `bot` or a `worker` and return its pid, which is its group's too.

        `slots` are a worker's; its clock is wrong by `clock` seconds.
        """
        order = {
            "role": role, "environment": dict(environment), "log": str(log), "watch": watch,
            "slots": slots, "clock": clock,
        }  # fmt: skip
        with self._news:
            known = len(self._born)
        pipe = _pipe(self._process.stdin)
        pipe.write((json.dumps(order) + "\n").encode())
        pipe.flush()
        self._wait(lambda: len(self._born) > known, f"started no {role}")
        return self._born[known]

    def ended(self, pid: int) -> bool:
        """Whether a program has ended, by itself or otherwise."""
        return pid in self._codes

    def kill(self, pid: int) -> None:
        """End a program and all of its group at once, and wait until it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        self._wait(lambda: pid in self._codes, f"did not lose {pid}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _pipe(self._process.stdin).close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        _pipe(self._process.stdout).close()

    def _read(self) -> None:
        for line in _pipe(self._process.stdout):
            said = json.loads(line)
            with self._news:
                if "born" in said:
                    self._born.append(said["born"])
                    self._codes.pop(said["born"], None)  # the kernel gives numbers again
                elif "dead" in said:
                    self._codes[said["dead"]] = said["code"]
                self._ready = self._ready or "ready" in said
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _wait(self, true: Any, failure: str) -> None:
        with self._news:
            self._news.wait_for(lambda: true() or self._over, _LIMIT)
            if not true():
                raise NurseryError(f"the nursery {failure}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise NurseryError("the nursery was started without pipes")
    return pipe
