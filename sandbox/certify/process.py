"""A drainbot program under the certificate's eyes: interceptors go in, then its own main runs.

`python -m sandbox.certify.process` is a nursery: it imports everything once and forks a bot or a
worker for each line that it reads (JSON: role, environment, log, slots, clock), because importing
takes longer than the whole story. It says `{"born": pid}` and, later, `{"dead": pid, "code": …}`.
Its children die with it.
"""

import importlib
import json
import os
import random
import select
import signal
import sys
import traceback
from dataclasses import replace
from functools import partial
from typing import Any

from jobs.durable.parentage import die_with
from sandbox.certify import hooks
from sandbox.certify.clocks import put_off

_TICK = 0.01  # seconds between two looks at children that ended
_ARGUMENTS = {"bot": ["bot"], "worker": ["worker", "--slots"]}
_IMPORTED = (
    "bot.bot_process", "bot.logs", "bot.settings", "jobs.worker", "uvicorn", "uvloop",
    "httptools", "rq", "kubernetes.client", "slack_sdk.webhook", "urllib3",
)  # fmt: skip


def quicken() -> None:
    """Make waits short that no setting names: a death is not to cost more than it teaches."""
    from bot import bot_process, budget  # noqa: PLC0415  only where a program is about to run
    from bot.notifier import NotifierSettings  # noqa: PLC0415
    from bot.sender import SenderSettings  # noqa: PLC0415
    from jobs import watcher  # noqa: PLC0415

    sender = SenderSettings(
        backoff_first=0.2, away_most=1, refused_most=1, duplicates_after=0.5, late_after=0.5
    )
    budget.LIMITS = {
        name: replace(limit, rate=20, burst=20) for name, limit in budget.LIMITS.items()
    }
    settings: Any = bot_process
    settings.NotifierSettings = partial(NotifierSettings, doubt=0.3, wait=0.1, sender=sender)
    settings._GROUPS_LEASE_SECONDS = 1.0  # noqa: SLF001
    for name, seconds in (("LEASE", 1.0), ("INTERVAL", 0.05), ("RETRY", 0.3)):
        setattr(watcher, name, seconds)


def _be(order: dict[str, Any], parent: int) -> None:
    """Become what was ordered; never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        die_with(parent)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(order["environment"])
        random.seed()
        slots = [str(order["slots"])] if order["role"] == "worker" else []
        sys.argv = ["drainbot", *_ARGUMENTS[order["role"]], *slots]
        if order["clock"]:
            put_off(order["clock"])
        quicken()
        hooks.install(order["role"], order["watch"])
        from bot.cli import main  # noqa: PLC0415  the last thing that happens here

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  it is the end of this process, and goes into its log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say(**what: int) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(dead=pid, code=os.waitstatus_to_exitcode(status))


def nursery() -> int:
    """Fork what is ordered until the orders end."""
    for name in _IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _say(ready=os.getpid())
    parent, rest = os.getpid(), b""
    while True:
        _bury()
        if not select.select([0], [], [], _TICK)[0]:
            continue
        read = os.read(0, 65536)
        if not read:
            return 0
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            order = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _be(order, parent)
            _say(born=pid)


if __name__ == "__main__":
    sys.exit(nursery())
