"""What the live demo tells a person to do."""

from collections.abc import Sequence

from sandbox.demo.keys import COMMANDS

__all__ = ["cli", "commands", "welcome"]

_STORY = (
    ("/drain node-1", "nothing in the way: the bars fill, then it is safe to power off"),
    ("/drain node-2 node-3", "a budget blocks node-2, another one node-3; see below"),
    ("/drain node-4", "two budgets at once: no eviction ever passes. Force, or Skip"),
    ("/drain node-5", "goes slowly: type `kill` here meanwhile; the bars hardly pause"),
)
_BLOCKED = (
    "At node-2 and node-3 drainbot asks, in the thread of its message. Anybody may press Skip;",
    "only Bo and Cy may press Force. Or make room from here, and it goes on by itself:",
    "`scale db` frees node-2, `open ledger` frees node-3.",
)


def welcome(url: str, *, slack_in_terminal: bool, typing: bool) -> list[str]:
    """Return what to open and what to type."""
    if slack_in_terminal:
        lines = ["Slack is here in the terminal: you are @ana in #ops; `as bo` makes you @bo."]
        lines += ["Press a button by its number. Type:"]
    else:
        lines = [f"Open {url} (loopback only)", ""]
        lines += ["There you are Ana, in #ops; “Act as” makes you Bo. Type:"]
    width = max(len(command) for command, _ in _STORY)
    lines += ["", *(f"  {command:<{width}}   {what}" for command, what in _STORY)]
    lines += ["", *_BLOCKED, ""]
    if typing:
        return [*lines, *commands(slack_in_terminal=slack_in_terminal), ""]
    return [*lines, "This is no terminal, so it only tells what happens. SIGINT ends it.", ""]


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
