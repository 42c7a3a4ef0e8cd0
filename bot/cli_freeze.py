"""`drainbot freeze` and `thaw`: the same words as in Slack, for the person of the token."""

from bot import commands
from bot.cli_exit import REFUSED, USAGE, fail
from bot.cli_session import opened
from bot.cli_show import say, say_json
from bot.grammar import Hold, Holding, parse
from bot.messages.ephemeral import refused_words
from bot.messages.freezing import froze_words
from bot.messages.style import PLAIN
from jobs.models import Refused

__all__ = ["hold"]


def hold(verb: Holding, words: list[str], cluster: str, *, as_json: bool) -> None:
    """Freeze or thaw a cluster; ends with 3 where the policy refuses it.

    Raises :class:`jobs.options.UsageError` for words that can't be understood.
    """
    session = opened()
    named = cluster or session.cluster
    text = " ".join((verb, *words)).strip()
    order = parse(text, cluster=named, clusters=session.desk.client.clusters())
    if not isinstance(order, Hold):
        fail(f"Say drainbot {verb} [CLUSTER] reason …", USAGE)
    done = commands.hold(
        session.desk, session.principal, order, nonce=session.once(),
        channel=session.place(order.cluster).channel,
    )  # fmt: skip
    if isinstance(done, Refused):
        fail(refused_words(done, PLAIN), REFUSED)
    if as_json:
        say_json(done)
    else:
        say(froze_words(done, verb, PLAIN))
