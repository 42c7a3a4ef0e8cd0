"""The types of single values in the files that people write; each says what it expected."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from jobs.ids import is_cluster_name, quoted
from jobs.policy.durations import parse_duration
from jobs.selectors import check_label

__all__ = [
    "ChannelId",
    "ClusterName",
    "Destructive",
    "Duration",
    "GroupName",
    "Labels",
    "LongDuration",
    "MemberId",
    "Namespace",
    "PagerUrl",
    "Percent",
    "Place",
    "Scope",
    "SecretEnv",
    "Sha256",
    "TeamId",
    "UserId",
    "Who",
    "WhoGroup",
    "WholeDuration",
    "is_slack_group",
    "is_user",
]

Scope = Literal["read", "request", "decide", "force"]
# What a drain's request may ask for that loses data, shortens grace or goes past a budget.
Destructive = Literal["delete-emptydir-data", "disable-eviction", "force", "grace-period"]

_SLACK_ID = r"[A-Z0-9]{1,30}\Z"
_USER = re.compile(f"[UW]{_SLACK_ID}")
_SLACK_GROUP = re.compile(f"S{_SLACK_ID}")
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
_GROUP_NAME = r"[a-z][-a-z0-9_.]{0,40}\Z"  # lower case: no group can look like an id of Slack's
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_user(id: str) -> bool:
    """Whether it is a Slack user's id (U…, W…)."""
    return _USER.match(id) is not None


def is_slack_group(id: str) -> bool:
    """Whether it is a Slack user group's id (S…)."""
    return _SLACK_GROUP.match(id) is not None


def _like(pattern: str, expected: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.match(value):
            raise ValueError(f"{quoted(value)} is not {expected}")
        return value

    return AfterValidator(check)


def _cluster(value: str) -> str:
    if not is_cluster_name(value):
        raise ValueError(
            f"{quoted(value)} is not a cluster's name: lower-case letters, digits and -, at most 40"
        )
    return value


def _label_key(key: str) -> str:
    if wrong := check_label(key):
        raise ValueError(wrong)
    return key


def _label_value(value: str) -> str:
    if wrong := check_label("key", value):
        raise ValueError(wrong)
    return value


def _duration(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004  pydantic collects ValueErrors, and only them
            "expected a duration with its unit, such as 30s, 15m or 1h"
        )
    return parse_duration(value)


def _some(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("expected a duration longer than 0")
    return seconds


def _whole(seconds: float) -> float:
    if seconds != int(seconds):
        raise ValueError("expected a duration of whole seconds")
    return seconds


def _percent(value: Any) -> Decimal:
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", value) if type(value) is str else None
    if match is None:
        raise ValueError("expected a percentage such as 10%")
    percent = Decimal(match[1])
    if not 0 < percent <= 100:  # noqa: PLR2004  a percentage
        raise ValueError("expected a percentage above 0% and up to 100%")
    return percent


def _digest(value: str) -> str:
    if not _SHA256.match(value):  # not repeated: it may be the token itself, put there by mistake
        raise ValueError("expected a SHA-256 in hex, 64 digits: printf %s TOKEN | sha256sum")
    return value.lower()


def _pager(value: str) -> str:
    try:
        url = urlsplit(value)
        host = url.hostname
    except ValueError:
        host = None
    if not host or any(char.isspace() for char in value):
        raise ValueError("expected an address such as https://pager.example.com/x")
    if url.scheme != "https" and not (url.scheme == "http" and host in _LOOPBACK):
        raise ValueError("expected https: what goes there names nodes and people")
    if url.username or url.password:
        raise ValueError("a secret in the address would be logged; use secret_env")
    return value


TeamId = Annotated[str, _like(f"[TE]{_SLACK_ID}", "a Slack workspace (T…)")]
UserId = Annotated[str, _like(f"[UW]{_SLACK_ID}", "a Slack user (U… or W…)")]
MemberId = Annotated[
    str, _like(f"[UWS]{_SLACK_ID}", "a Slack user (U… or W…) or a Slack user group (S…)")
]
ChannelId = Annotated[str, _like(f"[CGD]{_SLACK_ID}", "a Slack channel's id (C…)")]
Place = Annotated[str, _like(f"[CGDSUW]{_SLACK_ID}", "a Slack channel (C…), group or user")]
GroupName = Annotated[
    str, _like(_GROUP_NAME, "a group's name: lower-case letters, digits, -, _ and .")
]
Who = Annotated[
    str,
    _like(f"(?:{_GROUP_NAME}|[UWS]{_SLACK_ID})", "a group's name, a Slack user (U…) or group (S…)"),
]
WhoGroup = Annotated[
    str, _like(f"(?:{_GROUP_NAME}|S{_SLACK_ID})", "a Slack user group (S…) or a group's name")
]
ClusterName = Annotated[str, AfterValidator(_cluster)]
Namespace = Annotated[str, _like(_NAMESPACE.pattern, "a namespace's name")]
Sha256 = Annotated[str, AfterValidator(_digest)]
SecretEnv = Annotated[str, _like(r"[A-Z_][A-Z0-9_]*\Z", "a variable's name such as PAGER_SECRET")]
PagerUrl = Annotated[str, AfterValidator(_pager)]
Labels = dict[
    Annotated[str, AfterValidator(_label_key)], Annotated[str, AfterValidator(_label_value)]
]

Duration = Annotated[float, BeforeValidator(_duration)]
LongDuration = Annotated[float, BeforeValidator(_duration), AfterValidator(_some)]
WholeDuration = Annotated[
    float, BeforeValidator(_duration), AfterValidator(_some), AfterValidator(_whole)
]
Percent = Annotated[Decimal, BeforeValidator(_percent), Field(allow_inf_nan=False)]
