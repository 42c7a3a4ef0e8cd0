"""Keeps the process of the HTTP API beside the bot, for as long as the bot runs."""

import os
import subprocess
import sys
import threading

from bot.settings import Address

__all__ = ["ApiChild"]

_LOOK_SECONDS = 0.2
_STOP_SECONDS = 1.0


class ApiChild:
    """The process of `drainbot api`. It gets none of Slack's secrets, and not the bot's probes."""

    def __init__(self, address: Address) -> None:
        hidden = ("SLACK_", "DRAINBOT_PROBE_LISTEN")
        env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "api", "--under-bot"],
            env=env | {"DRAINBOT_HTTP_LISTEN": str(address)},
            stdin=subprocess.PIPE,
        )

    def run(self, stop: threading.Event) -> None:
        """Wait until `stop` is set, and end it; raise RuntimeError if it ends by itself."""
        while not stop.wait(_LOOK_SECONDS):
            code = self._process.poll()
            if code is not None and not stop.wait(_STOP_SECONDS):  # one Ctrl-C is for both
                raise RuntimeError(f"the process of the HTTP API ended with {code}")
        self.close()

    def close(self) -> None:
        """End it, by force where it takes too long."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
