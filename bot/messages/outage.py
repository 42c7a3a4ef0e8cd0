"""What people read while a cluster's API server is away, and when it is back."""

from bot.messages.blocks import context, section
from bot.messages.message import Message, Priority
from bot.messages.nodes import node_name
from bot.messages.style import MRKDWN, NOTICE, Style
from bot.messages.text import clip, count, listing
from bot.messages.times import duration
from jobs.models import Outage

__all__ = ["outage_messages"]

_NAMED = 8  # nodes by name


def outage_messages(outage: Outage, *, in_thread: bool) -> tuple[Message, ...]:
    """Return what is to be said of an outage; each of it is said once, and never changes."""
    if not outage.said_at:
        return ()
    away = _message("away", outage, _away(outage, NOTICE), _away(outage, MRKDWN), in_thread)
    if not outage.over:
        return (away,)
    return (away, _message("back", outage, _back(outage, NOTICE), _back(outage, MRKDWN), in_thread))


def _message(what: str, outage: Outage, notice: str, words: str, in_thread: bool) -> Message:  # noqa: FBT001
    blocks = [section([words])]
    if what == "away" and outage.why:
        blocks.append(context([f"the last try: {MRKDWN.text(outage.why, 300)}"]))
    return Message(
        key=f"{what}:{outage.since}",
        text=clip(notice, 1_000),
        blocks=tuple(blocks),
        priority=Priority.LOG,
        in_thread=in_thread,
        mutable=False,
    )


def _away(outage: Outage, style: Style) -> str:
    fences = ""
    if outage.nodes:
        fences = (
            f" Nobody can see whether {_names(outage.nodes, style)} "
            f"{'is' if len(outage.nodes) == 1 else 'are'} still out of service; no fence is lost "
            "by that alone."
        )
    cluster, since = style.bold(style.text(outage.cluster)), style.time(outage.since)
    return (
        f"The API server of {cluster} has not answered as it should since {since}. Drains wait "
        f"meanwhile, and go on by themselves when it is back.{fences}"
    )


def _back(outage: Outage, style: Style) -> str:
    cluster, after = style.bold(style.text(outage.cluster)), outage.back_at - outage.since
    said = [f"The API server of {cluster} answers again, after {duration(after)}."]
    if outage.held:
        which = "fence of" if len(outage.held) == 1 else "fences of"
        holds = "holds" if len(outage.held) == 1 else "hold"
        said.append(f"The {which} {_names(outage.held, style)} {holds}.")
    said += [
        f"The fence of {node_name(node, style)} is lost: {style.text(evidence, 200)}."
        for node, evidence in list(outage.lost.items())[:_NAMED]
    ]
    unseen = [n for n in outage.nodes if n not in outage.held and n not in outage.lost]
    if unseen:
        verb = "is" if len(unseen) == 1 else "are"
        said.append(f"{_names(unseen, style)} {verb} no longer out of service, or not seen yet.")
    nodes = count(outage.total, "node")
    if outage.unready:
        named = _names(outage.not_ready, style, outage.unready)
        said.append(f"Of {nodes}, {outage.unready} not Ready: {named}.")
    elif outage.total:
        said.append(f"{nodes}, all of them Ready.")
    return " ".join(said)


def _names(nodes: tuple[str, ...] | list[str], style: Style, total: int = 0) -> str:
    return listing([node_name(node, style) for node in nodes], _NAMED, last=" and ", of=total)
