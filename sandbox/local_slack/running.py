"""Runs the local Slack as a child process."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.local_slack.client import LocalSlack
from sandbox.local_slack.config import config_of
from sandbox.local_slack.program import HERE, HOME, install
from sandbox.processes import Process
from sandbox.slack.workspace import Workspace

__all__ = ["running"]


@contextmanager
def running(
    workspace: Workspace,
    *,
    port: int = 0,
    directory: Path = HOME,
    output: Path | Callable[[str], None] | None = None,
) -> Iterator[LocalSlack]:
    """Install it if need be and run it for as long as the context lasts.

    Each app of the workspace says how it is delivered to: ``socket_mode``, or ``request_url``.
    Raises :class:`sandbox.local_slack.LocalSlackMissingError` where it can't be had, and
    :class:`sandbox.processes.ChildFailedError` with its output where it doesn't start.
    """
    config = config_of(workspace)
    program = install(directory)
    with tempfile.TemporaryDirectory(prefix="drainbot-local-slack-") as temporary:
        file = Path(temporary) / "config.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        arguments = [
            str(program),
            "--config",
            str(file),
            "--port",
            str(port),
            "--base-host",
            "127.0.0.1",
            "--files-dir",
            temporary,
        ]
        # A preload is named relative to the working directory, because Bun splits at spaces.
        environment = os.environ | {"BUN_OPTIONS": "--preload=./pin.js"}
        with Process(
            arguments, name="local-slack", cwd=HERE, env=environment, output=output
        ) as process:
            found = process.wait_for_line(r"Web UI:\s+(http://127\.0\.0\.1:\d+)")
            yield LocalSlack(found.group(1), workspace)
