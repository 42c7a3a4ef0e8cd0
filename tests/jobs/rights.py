"""Users of the simulated cluster with just some rights."""

from collections.abc import Iterable

from jobs.kubernetes.rights import Right
from sandbox.cluster import Rule, User


def user_with(rights: Iterable[Right]) -> User:
    """A user that may do this, in all namespaces, and nothing else."""
    rules = tuple(
        Rule(
            verbs=frozenset((right.verb,)),
            resources=frozenset((right.resource,)),
            api_groups=frozenset((right.group,)),
        )
        for right in rights
    )
    return User(name="system:serviceaccount:drainbot:worker", rules=rules)
