"""`drainbot policy explain`: which rule a node falls under, what somebody may do there, and why."""

from collections.abc import Iterable
from pathlib import Path

from bot.cli_exit import USAGE, fail
from bot.cli_show import say, say_json
from bot.groups import Directory, GroupStore, named_in
from bot.messages.decisions import people
from bot.messages.style import PLAIN
from bot.settings import Settings, load
from bot.startup import redis_client
from jobs.explaining import Explanation, Verdict, explain
from jobs.ids import did_you_mean, quoted
from jobs.models import Memberships
from jobs.options import UsageError, split_node
from jobs.policy import Policy, load_policy
from jobs.service import open_client

__all__ = ["explained", "explanation_lines"]

_REDIS_SECONDS = 3.0


def explained(
    user: str, node: str, *, file: str, cluster: str, labels: list[str], groups: list[str],
    as_json: bool,
) -> None:  # fmt: skip
    """Explain what `user` may do to `node` (or CLUSTER/NODE).

    The node's labels are those that the watcher saw last, or `labels` (KEY=VALUE); the person's
    user groups those that Slack told last, or `groups`. With a `file` and both no Redis is needed.
    """
    known = labels and groups and file
    settings = None if known else load(Settings)
    path = file or (settings.policy if settings else None)
    if path is None:
        fail("Say which policy file: --policy FILE, or DRAINBOT_POLICY.", USAGE)
    policy = load_policy(Path(path))
    named, name = split_node(node)
    where = _cluster(policy, named or cluster or (settings.cluster if settings else ""))
    who = user.rpartition(":")[2].removeprefix("@")
    found = dict(_label(label) for label in labels) or _seen(settings, policy, where, name)
    members = _groups(who, groups) if groups or settings is None else _known(settings, policy)
    said = explain(members.principal(policy.team, who, via="cli"), policy, where, name, found)
    if as_json:
        say_json(said)
    else:
        say(*explanation_lines(said))


def _cluster(policy: Policy, named: str) -> str:
    if named in policy.clusters:
        return named
    if len(policy.clusters) == 1 and named in {"", "default"}:
        return next(iter(policy.clusters))
    hint = did_you_mean(named, policy.clusters) or f"There are: {', '.join(policy.clusters)}."
    raise UsageError(f"The policy has no cluster {quoted(named)}. {hint}")


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"{quoted(text)} is no label: write KEY=VALUE.")
    return key, value


def _seen(settings: Settings | None, policy: Policy, cluster: str, node: str) -> dict[str, str]:
    if settings is None:
        return {}
    client = open_client(settings.redis_url.get_secret_value(), policy, timeout=_REDIS_SECONDS)
    inventory = client.inventory(cluster)
    found = inventory.get(node)
    if found is None:
        hint = did_you_mean(node, [each.name for each in inventory.nodes])
        raise UsageError(
            f"{cluster} has no node {quoted(node)} that its worker has seen. {hint} "
            "Or say its labels: --label KEY=VALUE."
        )
    return found.labels


def _groups(user: str, groups: Iterable[str]) -> Memberships:
    return Memberships(known=True, groups={group: frozenset({user}) for group in groups})


def _known(settings: Settings, policy: Policy) -> Memberships:
    _, groups = named_in(policy)
    store = GroupStore(redis_client(settings, timeout=_REDIS_SECONDS), policy.team)
    return Directory(store, groups).memberships()


def explanation_lines(said: Explanation) -> list[str]:
    """Return an explanation for a person at a terminal."""
    labels = ", ".join(f"{k}={v}" for k, v in sorted(said.labels.items())) or "no labels"
    rule = (
        f"rule {said.rule} of {said.rules}" if said.rule else "no rule: nothing may be done to it"
    )
    lines = [f"{said.node} in {said.cluster} ({labels}): {rule}", _membership(said)]
    lines += [_line(verdict) for verdict in said.verdicts]
    lines += [
        f"  to force pods of {namespace}: a vote of {group} too"
        for namespace, group in said.owners.items()
    ]
    return lines


def _membership(said: Explanation) -> str:
    if not said.groups_known:
        return f"{said.user}: in which Slack groups is not known at the moment"
    groups = ", ".join(said.groups) or "none that the policy names"
    as_of = f", as of {PLAIN.time(said.groups_at)}" if said.groups_at else ""
    stale = ": Slack is away since" if said.groups_stale else ""
    return f"{said.user}: Slack groups {groups}{as_of}{stale}"


def _line(verdict: Verdict) -> str:
    takes = "" if not verdict.takes else f" ({_votes(verdict)})"
    if verdict.allowed:
        return f"  {verdict.act:<8} yes, by {', '.join(verdict.rests_on)}{takes}"
    who = f" May: {people(verdict.who_may, PLAIN, last=' or ')}." if verdict.who_may else ""
    return f"  {verdict.act:<8} no: {verdict.why}{who}{takes}"


def _votes(verdict: Verdict) -> str:
    votes = sum(verdict.takes.values())
    return "one vote does" if votes == 1 else f"it takes {votes} votes"
