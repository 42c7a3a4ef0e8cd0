"""The policy: the file in which people say who may do what, where.

This package reads it and tells what stands in it; whether a person may do a thing is decided in
:mod:`jobs.authorization`.
"""

from jobs.policy.document import FileError, Mistake
from jobs.policy.durations import parse_duration
from jobs.policy.load import PolicyError, load_policy, parse_policy
from jobs.policy.model import (
    Approve,
    Channel,
    Defaults,
    Escalate,
    Force,
    Match,
    Owner,
    Pager,
    Policy,
    Questions,
    Rule,
    Token,
)
from jobs.policy.quorum import missing_votes
from jobs.policy.rules import members, requirements_for, rule_for, rules_of_cluster

__all__ = [
    "Approve",
    "Channel",
    "Defaults",
    "Escalate",
    "FileError",
    "Force",
    "Match",
    "Mistake",
    "Owner",
    "Pager",
    "Policy",
    "PolicyError",
    "Questions",
    "Rule",
    "Token",
    "load_policy",
    "members",
    "missing_votes",
    "parse_duration",
    "parse_policy",
    "requirements_for",
    "rule_for",
    "rules_of_cluster",
]
