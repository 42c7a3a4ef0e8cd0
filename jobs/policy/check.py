"""What can be wrong between the values of a policy: names that lead nowhere, rules that can't act.

It reads the plain data of a file that may have other mistakes, so nothing is taken for granted;
what has the wrong shape is passed over here and told by the model.
"""

from collections.abc import Iterator
from typing import Any

from jobs.ids import did_you_mean, quoted
from jobs.policy.document import Location
from jobs.policy.durations import parse_duration
from jobs.policy.fields import is_slack_group, is_user
from jobs.policy.model import Escalate, Questions

__all__ = ["check_policy"]

_Wrong = tuple[Location, str]


def check_policy(data: Any) -> Iterator[_Wrong]:
    """Yield each mistake between the values of a policy, with where it stands."""
    policy = _mapping(data)
    clusters, groups = _mapping(policy.get("clusters")), _mapping(policy.get("groups"))
    for channel, settings in _mapping(policy.get("channels")).items():
        named = _mapping(settings).get("cluster")
        yield from _known(("channels", channel, "cluster"), named, clusters, "cluster")
    rules = _list(policy.get("rules"))
    for number, rule in enumerate(rules):
        yield from _rule(("rules", number), _mapping(rule), clusters, groups)
    yield from _never_reached(rules)
    for namespace, owner in _mapping(policy.get("owners")).items():
        yield from _group(("owners", namespace, "group"), _mapping(owner).get("group"), groups)
    yield from _owners_votes(_mapping(policy.get("owners")), rules, groups)
    yield from _tokens(_list(policy.get("tokens")))
    yield from _order(_mapping(policy.get("questions")))


def _rule(
    where: Location, rule: dict[str, Any], clusters: dict[str, Any], groups: dict[str, Any]
) -> Iterator[_Wrong]:
    cluster = _mapping(rule.get("match")).get("cluster")
    yield from _known((*where, "match", "cluster"), cluster, clusters, "cluster")
    for right in ("request", "decide"):
        yield from _groups((*where, right), rule.get(right), groups)
    for right in ("approve", "force"):
        part = _mapping(rule.get(right))
        yield from _groups((*where, right, "by"), part.get("by"), groups)
        votes, people = part.get("votes"), _people(part.get("by"), groups)
        if type(votes) is int and people is not None and 0 < len(people) < votes:
            count = "1 person" if len(people) == 1 else f"{len(people)} people"
            yield (*where, right, "votes"), f"{votes} votes can't come together: {count} may vote"


def _owners_votes(
    owners: dict[str, Any], rules: list[Any], groups: dict[str, Any]
) -> Iterator[_Wrong]:
    """Yield owners whose pods nobody could ever force: each vote fills one place."""
    for namespace, settings in owners.items():
        owner = _mapping(settings)
        theirs = _people([owner.get("group")], groups)
        if owner.get("force_needs_vote") is False or theirs is None:
            continue
        for number, rule in enumerate(rules):
            force = _mapping(_mapping(rule).get("force"))
            votes, people = force.get("votes", 1), _people(force.get("by"), groups)
            if type(votes) is not int or not people or len(people) < votes:
                continue  # nobody forces there, or it is told where that stands
            if not theirs or len(people | theirs) <= votes:
                said = f"takes {votes + 1} people by rules[{number}], one of them of this group"
                yield ("owners", namespace, "group"), f"to force its pods {said}: there are fewer"
                break


def _known(where: Location, name: Any, known: dict[str, Any], what: str) -> Iterator[_Wrong]:
    if isinstance(name, str) and known and name not in known:
        hint = did_you_mean(name, known) or f"Known are {', '.join(known)}."
        yield where, f"no {what} {quoted(name)} stands in {what}s. {hint}"


def _groups(where: Location, who: Any, groups: dict[str, Any]) -> Iterator[_Wrong]:
    for number, name in enumerate(_list(who)):
        yield from _group((*where, number), name, groups)


def _group(where: Location, name: Any, groups: dict[str, Any]) -> Iterator[_Wrong]:
    if not isinstance(name, str) or is_user(name) or is_slack_group(name) or name in groups:
        return
    hint = did_you_mean(name, groups)
    yield where, f"no group {quoted(name)} stands in groups. {hint}".rstrip()


def _people(who: Any, groups: dict[str, Any]) -> set[str] | None:
    """Return everybody in a list, or None where a Slack group or a mistake hides how many."""
    people: set[str] = set()
    for name in _list(who):
        members = _list(groups[name]) if isinstance(name, str) and name in groups else [name]
        if not all(isinstance(member, str) and is_user(member) for member in members):
            return None
        people.update(members)
    return people


def _never_reached(rules: list[Any]) -> Iterator[_Wrong]:
    """Yield rules behind a wider one: they look like a protection, and the first match wins."""
    matches = [_mapping(rule).get("match") for rule in rules]
    for number, later in enumerate(matches):
        for earlier_number, earlier in enumerate(matches[:number]):
            if isinstance(earlier, dict) and isinstance(later, dict) and _wider(earlier, later):
                said = f"never acts: rules[{earlier_number}] takes all of its nodes first"
                yield ("rules", number, "match"), said
                break


def _wider(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    if set(earlier) - {"cluster", "labels"}:  # a misspelled key: what it meant is not known
        return False
    labels, others = earlier.get("labels", {}), later.get("labels", {})
    if not isinstance(labels, dict) or not isinstance(others, dict):
        return False
    same_cluster = earlier.get("cluster") in (None, later.get("cluster"))
    return same_cluster and labels.items() <= others.items()


def _tokens(tokens: list[Any]) -> Iterator[_Wrong]:
    first: dict[str, int] = {}
    for number, token in enumerate(tokens):
        digest = _mapping(token).get("sha256")
        if not isinstance(digest, str):
            continue
        if first.setdefault(digest.lower(), number) != number:
            said = f"is the token of tokens[{first[digest.lower()]}] too: one token, one person"
            yield ("tokens", number, "sha256"), said


def _order(questions: dict[str, Any]) -> Iterator[_Wrong]:
    """Yield a reminder or an escalation that would come after the end, so never."""
    stop = _seconds(questions.get("stop_after"), Questions().stop_after)
    remind = _seconds(questions.get("remind"), Questions().remind)
    if stop is None:
        return
    if remind is not None and remind >= stop:
        key = "remind" if "remind" in questions else "stop_after"
        yield ("questions", key), "the reminder would never come: stop_after is not later"
    escalate = questions.get("escalate")
    if isinstance(escalate, dict):
        after = _seconds(escalate.get("after"), Escalate.model_fields["after"].default)
        if after is not None and after >= stop:
            yield (
                ("questions", "escalate", "after"),
                "the escalation would never come: stop_after is not later",
            )


def _seconds(value: Any, default: float) -> float | None:
    """Return a duration's seconds; None where it is malformed, which the model tells."""
    if value is None:
        return default
    try:
        return parse_duration(value)
    except (TypeError, ValueError):
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
