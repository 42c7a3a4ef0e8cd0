"""The demo for the eyes: everything runs, a person drains nodes, and the terminal tells of it.

In the browser's Slack where that can be had, else in the terminal. All of it is looked at and acted
on by one thread, in turns; the stand-ins and the programs run beside it.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from redis.exceptions import RedisError

import sandbox.slack
from jobs.durable import Store, connect
from jobs.errors import StateUnavailable
from jobs.policy import load_policy
from jobs.service import Service, open_client
from sandbox import local_slack
from sandbox.cluster import Cluster, ClusterFailedError, running
from sandbox.demo import live_words
from sandbox.demo.keys import Lines, Typed, TypingError, parse
from sandbox.demo.live_cluster import nodes_table, open_budget, scale, uncordon
from sandbox.demo.live_dates import dated
from sandbox.demo.live_scene import CHANNEL, live_cluster, live_workspace
from sandbox.demo.live_worker import Shift, failure
from sandbox.demo.narrator import Narrator, Spoken, stamped
from sandbox.demo.stage import CLUSTER, POLICY, START_LIMIT, TOKEN, Stage, standing
from sandbox.demo.terminal_slack import TerminalSlack
from sandbox.local_slack import LocalSlackMissingError
from sandbox.local_slack.program import HOME
from sandbox.processes import ChildFailedError
from sandbox.redis import RedisMissingError
from sandbox.slack import Workspace

__all__ = ["FORCE_TERMINAL", "live"]

FORCE_TERMINAL = "DRAINBOT_DEMO_SLACK"
"""Set to `terminal`, the demo does not try the browser's Slack."""

_STOP_SECONDS = 3.0  # then bot and worker are killed: Ctrl-C is answered soon
_TURN = 0.25  # seconds between two looks
_FAILURES = (
    ChildFailedError,
    ClusterFailedError,
    RedisError,
    RedisMissingError,
    StateUnavailable,
)
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Ended(BaseException):
    """A person wants it to end, by signal or by `quit`; not an error."""


def live() -> int:
    """Run the demo until Ctrl-C, SIGTERM or `quit`; returns the exit code."""
    try:
        with _ending_by_signal(), ExitStack() as stack:
            _Demo.set_up(stack).run()
    except _Ended:
        with suppress(OSError):  # the terminal may be what has gone
            print("\nStopped; nothing is left running.", flush=True)
    except BrokenPipeError:  # who listened has gone; at exit Python would flush once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except _FAILURES as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Raise :class:`_Ended` at the first signal; the next ones don't disturb the end."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in _ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        raise _Ended

    before = {number: signal.signal(number, end) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class _Demo:
    """Everything that runs, and what a person does to it."""

    stage: Stage
    cluster: Cluster
    client: Service
    narrator: Narrator
    shift: Shift
    slack: TerminalSlack | None  # None: a person uses the browser
    lines: Lines | None  # None: nobody types here

    @classmethod
    def set_up(cls, stack: ExitStack) -> "_Demo":
        """Start everything; it ends with the stack. Prints what to do."""
        began = time.monotonic()
        people = live_workspace()
        _say("Starting Redis, a simulated cluster, a Slack, the bot and a worker …")
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drainbot-")))
        cluster = stack.enter_context(running(live_cluster()))
        url, api_url, slack = _slack(stack, people)
        stage = stack.enter_context(
            standing(
                cluster.kubeconfig(directory / "kubeconfig"),
                lambda _who, _line: None,  # what they say is shown when they fail
                lease_seconds=2.0,
                stop_seconds=_STOP_SECONDS,
            )
        )
        client = open_client(stage.redis.url, load_policy(POLICY), timeout=2.0)
        _start(stage, people, api_url, client)
        names = {user.id: user.name for user in people.users}
        store = Store(connect(stage.redis.url, name="demo", patience=1, timeout=2.0), CLUSTER)
        lines = _lines(stack)
        _say(f"Ready after {time.monotonic() - began:.1f} s.", "")
        _say(
            *live_words.welcome(url, slack_in_terminal=slack is not None, typing=lines is not None)
        )
        return cls(
            stage,
            cluster,
            client,
            Narrator(client, cluster, CLUSTER, Spoken(names)),
            Shift(stage, store),
            slack,
            lines,
        )

    def run(self) -> None:
        """Tell what happens and do what is typed, until :class:`_Ended`."""
        while True:
            self._tell()
            if self.lines is None:
                time.sleep(_TURN)
                continue
            before, line = self.lines.buffer, self.lines.read(within_s=_TURN)
            if line is not None:
                self._typed(line)
            elif self.lines.ended:
                raise _Ended
            elif self.lines.buffer != before:
                self._prompt()

    def _tell(self) -> None:
        if not self.stage.redis.alive():
            raise ChildFailedError("Redis has ended by itself.")
        told = [*self.shift.look(), *self.narrator.look()]
        for bot in self.stage.bots:
            if not bot.alive():
                raise failure(bot, "has ended by itself")
        shown = self.slack.look() if self.slack else []
        if told or shown:
            _say(*(stamped(said, time.time()) for said in told), *shown)
            self._prompt()

    def _typed(self, line: str) -> None:
        _say(f"{self._asks()}{line}")
        line = line.strip()
        try:
            answer: Sequence[str] | None = self.slack.typed(line) if self.slack else None
            if answer is None:
                typed = parse(line)
                answer = self._act(typed) if typed else []
        except TypingError as error:
            answer = [str(error)]
        _say(*answer)
        self._prompt()

    def _act(self, typed: Typed) -> Sequence[str]:
        match typed.word:
            case "kill":
                said = self.shift.kill()
            case "scale":
                said = [scale(self.cluster, typed.name, typed.number)]
            case "open":
                said = [open_budget(self.cluster, typed.name)]
            case "uncordon":
                said = [uncordon(self.cluster, typed.name)]
            case "nodes":
                return nodes_table(self.cluster, self.client.inventory(CLUSTER))
            case "cli":
                return live_words.cli(self.stage.redis.url, CLUSTER, str(POLICY), TOKEN)
            case "quit":
                raise _Ended
            case _:
                return live_words.commands(slack_in_terminal=self.slack is not None)
        return [stamped(one, time.time()) for one in said]

    def _prompt(self) -> None:
        if self.lines is not None:
            print(f"\r\033[K{self._asks()}{self.lines.buffer}", end="", flush=True)

    def _asks(self) -> str:
        return self.slack.prompt if self.slack else "> "


def _lines(stack: ExitStack) -> Lines | None:
    """Return what a person types, or None where nobody can: the demo only tells then."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    lines = Lines(sys.stdin.fileno())
    stack.enter_context(lines.unechoed())
    return lines


def _slack(stack: ExitStack, people: Workspace) -> tuple[str, str, TerminalSlack | None]:
    """Return the page's address ("" if there is none), the API's, and the Slack in text if any."""
    if os.environ.get(FORCE_TERMINAL) != "terminal":
        if not (HOME / "node_modules").exists():
            _say("Getting the local Slack by npm, this once (37 MB) …")
        try:
            page = stack.enter_context(local_slack.running(people))
        except LocalSlackMissingError as missing:
            _say("", str(missing), "So Slack is here in the terminal.", "")
        else:
            return page.url, stack.enter_context(dated(page.api_url)), None
    own = stack.enter_context(sandbox.slack.running(people))
    return "", own.api_url, TerminalSlack(own, people, CHANNEL)


def _start(stage: Stage, people: Workspace, api_url: str, client: Service) -> None:
    """Start bot and worker together, and return when a node can be asked for."""
    app = people.apps[0]
    bot = stage.start_bot(
        {
            "SLACK_API_URL": api_url,
            "SLACK_BOT_TOKEN": app.bot_token,
            "SLACK_APP_TOKEN": app.app_token,
        }
    )
    worker = stage.start_worker()
    bot.wait_for_line("bot_started", within_s=START_LIMIT)
    end = time.monotonic() + START_LIMIT
    while not (client.inventory(CLUSTER).nodes and client.worker_seen(CLUSTER)):
        if time.monotonic() > end or not worker.alive():
            raise failure(worker, "did not report the nodes of its cluster")
        time.sleep(0.05)


def _say(*lines: str) -> None:
    # The line with the prompt is written over.
    with suppress(ValueError):
        for line in lines:
            print(f"\r\033[K{line}" if sys.stdout.isatty() else line, flush=True)
