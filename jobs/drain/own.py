"""What of drainbot itself runs on a node, so that its drain is asked about and comes last. Pure."""

from collections.abc import Iterable, Sequence

from jobs.drain.facts import Pod

NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"  # as manifests/ set them
DRAINBOT = "drainbot"
WORKER, REDIS, BOT = "worker", "redis", "bot"
SELECTS_BOTS = f"{NAME}={DRAINBOT},{COMPONENT}={BOT}"


def component(pod: Pod) -> str:
    """Return which part of drainbot a pod is, "" for none, or one that leaves or stays anyway."""
    stays = pod.mirror or (pod.controller is not None and pod.controller.kind == "DaemonSet")
    if pod.labels.get(NAME) != DRAINBOT or pod.finished or pod.terminating or stays:
        return ""
    return pod.labels.get(COMPONENT, "")


def bots_in(pods: Iterable[Pod]) -> frozenset[str]:
    """Return the namespaces of the bots among these pods."""
    return frozenset(pod.namespace for pod in pods if component(pod) == BOT)


def own_parts(
    pods: Iterable[Pod], *, only_worker: bool, bots: Iterable[Pod], leaving: Iterable[str]
) -> tuple[str, ...]:
    """Return what of drainbot would be missed if a node's `pods` left.

    Its Redis in any case: there is one. A bot if none is ready elsewhere: `bots` are all bots of
    the namespaces of :func:`bots_in`, `leaving` the nodes that are drained, this one among them.
    """
    here = {component(pod) for pod in pods}
    gone = frozenset(leaving)
    left = any(component(bot) == BOT and bot.ready and bot.node not in gone for bot in bots)
    missed = {WORKER: only_worker, REDIS: REDIS in here, BOT: BOT in here and not left}
    return tuple(part for part, is_missed in missed.items() if is_missed)


def own_words(parts: Sequence[str], node: str, cluster: str) -> str:
    """Say what the drain of a node means for drainbot itself."""
    said = {
        WORKER: f"The only worker of {cluster} that would be left runs on {node}: when its pod is "
        "evicted nobody finishes this drain until a worker starts elsewhere.",
        REDIS: f"The Redis of drainbot runs on {node}: while it moves every drain stands still, "
        "and nothing can be asked or answered.",
        BOT: f"The last bot runs on {node}: while it moves nobody hears of anything in Slack; "
        "drains go on.",
    }
    return " ".join(said[part] for part in parts if part in said)
