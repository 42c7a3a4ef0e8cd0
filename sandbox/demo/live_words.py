"""What the live demo tells a person to do."""

from collections.abc import Sequence

from sandbox.demo.keys import COMMANDS

__all__ = ["cli", "commands", "welcome"]

_STORY = (
    ("/drain node-1", "the bars fill, then it is safe to power off: Return to service"),
    ("/drain node-2 node-3", "needs a yes: as Ana, Approve says who may; as Bo it begins"),
    ("", "node-2 is blocked, and says if waiting helps: as Ana, Force says why not"),
    (">scale db", "makes room: the question closes itself, the drain goes on"),
    ("", "node-3 is blocked too: as Bo, Force the one pod it names, and say why"),
    ("/drain node-5", "many pods: its bars take a minute"),
    (">kill", "the worker, with SIGKILL: the bars hardly pause"),
    (">uncordon node-2", "its fence is lost: the thread says what was seen, and asks"),
)
_BESIDE = (
    "Beside the story: `open ledger` frees node-3 without Force; and no eviction can ever pass on",
    "node-4 (two budgets at once): Force, or Skip.",
)


def welcome(url: str, *, slack_in_terminal: bool, typing: bool) -> list[str]:
    """Return what to open and what to type."""
    if slack_in_terminal:
        lines = ["Slack is here in the terminal: you are @ana in #ops; `as bo` makes you @bo."]
        lines += ["Press a button by its number. `home` shows the home tab: what waits for you."]
    else:
        lines = [f"Open {url} (loopback only)", ""]
        lines += [
            "There you are Ana, in #ops; “Act as” makes you Bo. Questions are in the threads;"
        ]
        lines += ["“drainbot” under Apps is the home tab: what waits for you, what runs."]
    there = "" if slack_in_terminal else " there, and here what begins with “>”"
    lines += [f"Three minutes: type{there}", "", *_story(slack_in_terminal=slack_in_terminal)]
    lines += ["", *_BESIDE, ""]
    if typing:
        return [*lines, *commands(slack_in_terminal=slack_in_terminal), ""]
    return [*lines, "This is no terminal, so it only tells what happens. SIGINT ends it.", ""]


def _story(*, slack_in_terminal: bool) -> list[str]:
    steps = [
        (command.lstrip(">") if slack_in_terminal else command, what) for command, what in _STORY
    ]
    width = max(len(command) for command, _ in steps)
    return [f"  {command:<{width}}   {what}" for command, what in steps]


def commands(*, slack_in_terminal: bool) -> list[str]:
    """Return the commands of this terminal."""
    width = max(len(usage) for usage in COMMANDS)
    where = "Beside that" if slack_in_terminal else "Here"
    return [
        f"{where} you may type (one letter is enough):",
        *(f"  {usage:<{width}}   {what}" for usage, what in COMMANDS.items()),
    ]


def cli(redis_url: str, cluster: str, policy: str, token: str) -> Sequence[str]:
    """Return how to use `drainbot` from another terminal, as Bo."""
    settings = {
        "DRAINBOT_REDIS_URL": redis_url,
        "DRAINBOT_CLUSTER": cluster,
        "DRAINBOT_POLICY": policy,
        "DRAINBOT_TOKEN": token,
    }
    return [
        "In another terminal, as @bo:",
        *(f"  export {name}={value}" for name, value in settings.items()),
        "  .venv/bin/drainbot status        (also: drain, list, decide, abort)",
    ]
