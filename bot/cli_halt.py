"""`drainbot clear-halt`: a person has looked, and workers that were halted may take work again."""

from bot.cli_exit import REFUSED, USAGE, fail
from bot.cli_session import opened
from bot.cli_show import say, say_json
from bot.messages.ephemeral import refused_words
from bot.messages.style import PLAIN
from bot.settings import ClientSettings, RemoteSettings, load
from jobs.halts import clear_halt
from jobs.models import Refused

__all__ = ["clear"]


def clear(node: str, cluster: str, *, why: str, as_json: bool) -> None:
    """Clear the halt of a node's workers; ends with 3 where that is refused."""
    if load(RemoteSettings).server is not None:
        fail("clear-halt speaks to Redis itself: say it without --server.", USAGE)
    session = opened()
    named = cluster or session.cluster
    url = load(ClientSettings).redis_url.get_secret_value()
    done = clear_halt(
        url, session.desk.policy, session.principal, named, node, why=why,
        channel=session.place(named).channel,
    )  # fmt: skip
    if isinstance(done, Refused):
        fail(refused_words(done, PLAIN), REFUSED)
    if as_json:
        say_json({"node": node, "cluster": named, "done": done})
    else:
        say(done)
