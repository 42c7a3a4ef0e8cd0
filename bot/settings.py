"""Settings, by environment variable: one model for each kind of process.

They are read once, at the start, and only here. A missing or bad one is a
:class:`SettingsError` whose text is one line for a person: which variable, what is wrong with it,
and an example. A secret's value is never part of it.
"""

import re
from typing import Annotated, Literal, NamedTuple, Self, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs.errors import ConfigError

__all__ = [
    "Address",
    "ApiSettings",
    "BotSettings",
    "ClientSettings",
    "DoctorSettings",
    "RemoteSettings",
    "Settings",
    "SettingsError",
    "WorkerSettings",
    "all_fields",
    "load",
]

SLACK_API_URL = "https://slack.com/api/"
_HIGHEST_PORT = 65535
_CLUSTER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


class SettingsError(ConfigError):
    """One or more environment variables are missing or wrong; the text is one line."""


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        """`host:port`, as it is written in the settings."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, _, port = value.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ValueError("it must be host:port")
    return Address(host, int(port))


def _loopback(value: object) -> object:
    port = str(value).strip()  # a number alone comes as one
    return _address(f"127.0.0.1:{port}" if port.isascii() and port.isdigit() else value)


def _stripped(value: object) -> object:
    # A secret that came from a file often ends with a line break, which no HTTP header may carry.
    return value.strip() if isinstance(value, str) else value


def _cluster(value: object) -> object:
    if isinstance(value, str) and not _CLUSTER_NAME.fullmatch(value):
        raise ValueError("a cluster's name is at most 40 of a-z, 0-9 and inner hyphens")
    return value


def _redis_url(value: object) -> object:
    if isinstance(value, str):
        value = value.strip()
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it must begin with redis://, rediss:// or unix://")
    return value


def _api_url(value: object) -> object:
    if isinstance(value, str):
        value = value.strip()
        if not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        return value.rstrip("/") + "/"
    return value


def _bot_token(value: object) -> object:
    value = _stripped(value)
    if isinstance(value, str) and value.startswith("xapp-"):
        raise ValueError("this is an app-level token; it belongs into SLACK_APP_TOKEN")
    return value


def _app_token(value: object) -> object:
    value = _stripped(value)
    if isinstance(value, str) and value.startswith("xoxb-"):
        raise ValueError("this is a bot token; it belongs into SLACK_BOT_TOKEN")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_stripped)]
Listen = Annotated[Address, NoDecode, BeforeValidator(_address)]
HttpListen = Annotated[Address, NoDecode, BeforeValidator(_loopback)]
Kubeconfig = Annotated[
    str | None,
    Field(
        validation_alias="KUBECONFIG",
        description="The kubeconfig file of the cluster; unset inside a cluster, where the "
        "worker's service account is used.",
        examples=["/home/me/.kube/config"],
    ),
]
SlackApiUrl = Annotated[
    str,
    BeforeValidator(_api_url),
    Field(
        validation_alias="SLACK_API_URL",
        description="The address of Slack's Web API.",
        examples=[SLACK_API_URL],
    ),
]
ProgressSeconds = Annotated[
    float,
    Field(
        gt=0,
        le=60,
        validation_alias="DRAINBOT_PROGRESS_SECONDS",
        description="How often the progress of running operations is looked at, in seconds.",
        examples=["1.5"],
    ),
]
Token = Annotated[
    Secret | None,
    Field(
        validation_alias="DRAINBOT_TOKEN",
        description="Your token on the command line; the policy stores its SHA-256.",
        examples=["a long random word"],
    ),
]
TokenFile = Annotated[
    str | None,
    Field(
        validation_alias="DRAINBOT_TOKEN_FILE",
        description="The file that holds your token, where DRAINBOT_TOKEN is not set.",
        examples=["/home/me/.config/drainbot/token"],
    ),
]
ProbeListen = Annotated[
    Listen | None,
    Field(
        validation_alias="DRAINBOT_PROBE_LISTEN",
        description="Where /healthz and /readyz are answered; nowhere if unset.",
        examples=["0.0.0.0:8080"],
    ),
]


class Settings(BaseSettings):
    """What every process needs."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, case_sensitive=True
    )

    redis_url: Annotated[SecretStr, BeforeValidator(_redis_url)] = Field(
        validation_alias="DRAINBOT_REDIS_URL",
        description="The Redis in which all state lives.",
        examples=["redis://127.0.0.1:6379/0"],
    )
    cluster: Annotated[str, BeforeValidator(_cluster)] = Field(
        "default",
        validation_alias="DRAINBOT_CLUSTER",
        description="The cluster's name: the one that a worker serves, and that the command line "
        "means where none is named.",
        examples=["prod-eu"],
    )
    policy: str | None = Field(
        None,
        validation_alias="DRAINBOT_POLICY",
        description="The policy file (YAML): who may do what, where. Without it nothing is "
        "allowed.",
        examples=["/etc/drainbot/policy.yaml"],
    )
    log_format: Literal["json", "console"] = Field(
        "json",
        validation_alias="DRAINBOT_LOG_FORMAT",
        description="How log lines are written, on standard error: json or console.",
        examples=["json"],
    )


class BotSettings(Settings):
    """`drainbot bot`: Slack's tokens, and where to listen."""

    slack_bot_token: Annotated[SecretStr, BeforeValidator(_bot_token)] = Field(
        validation_alias="SLACK_BOT_TOKEN",
        description="The bot token of the Slack app.",
        examples=["xoxb-…"],
    )
    slack_app_token: Annotated[SecretStr, BeforeValidator(_app_token)] | None = Field(
        None,
        validation_alias="SLACK_APP_TOKEN",
        description="An app-level token with connections:write: Slack is reached by Socket Mode, "
        "also where a signing secret is set.",
        examples=["xapp-…"],
    )
    slack_signing_secret: Secret | None = Field(
        None,
        validation_alias="SLACK_SIGNING_SECRET",
        description="The signing secret: Slack delivers over HTTP.",
        examples=["8f742231b10e8888abcd99yyyzzz85a5"],
    )
    slack_listen: Listen = Field(
        Address("127.0.0.1", 3000),
        validation_alias="DRAINBOT_SLACK_LISTEN",
        description="Where Slack's deliveries over HTTP are taken, on the path /slack/events.",
        examples=["127.0.0.1:3000"],
    )
    slack_api_url: SlackApiUrl = SLACK_API_URL
    http_listen: HttpListen | None = Field(
        None,
        validation_alias="DRAINBOT_HTTP_LISTEN",
        description="Where the bot has the HTTP API served; nowhere if unset. A port alone is one "
        "of 127.0.0.1. Tokens cross it in the clear: put TLS in front of it elsewhere.",
        examples=["127.0.0.1:8070"],
    )
    probe_listen: ProbeListen = None
    progress_seconds: ProgressSeconds = 1.5
    notifier_lease_seconds: float = Field(
        12,
        ge=1,
        le=300,
        validation_alias="DRAINBOT_NOTIFIER_LEASE_SECONDS",
        description="After how many seconds of silence another copy of the bot takes over the "
        "telling.",
        examples=["12"],
    )
    groups_seconds: float = Field(
        300,
        ge=1,
        le=600,
        validation_alias="DRAINBOT_GROUPS_SECONDS",
        description="How often Slack is asked for the members of the policy's user groups, in "
        "seconds.",
        examples=["300"],
    )

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached by Socket Mode; by signed HTTP otherwise."""
        return self.slack_app_token is not None

    @model_validator(mode="after")
    def _some_delivery(self) -> Self:
        if self.slack_app_token is None and self.slack_signing_secret is None:
            raise ValueError(
                "neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set: set the first for "
                "Socket Mode (xapp-…), or the second for delivery over HTTP"
            )
        return self


class ApiSettings(Settings):
    """`drainbot api`: the HTTP API by itself."""

    http_listen: HttpListen = Field(
        Address("127.0.0.1", 8070), validation_alias="DRAINBOT_HTTP_LISTEN"
    )
    probe_listen: ProbeListen = None
    progress_seconds: ProgressSeconds = 1.5


class WorkerSettings(Settings):
    """`drainbot worker`: the cluster."""

    kubeconfig: Kubeconfig = None
    guardrails: str | None = Field(
        None,
        validation_alias="DRAINBOT_GUARDRAILS",
        description="The worker's own limits (YAML), which nothing in Redis can widen.",
        examples=["/etc/drainbot/guardrails.yaml"],
    )
    node_name: str = Field(
        "",
        validation_alias="DRAINBOT_NODE_NAME",
        description="The node that the worker runs on, from the downward API: it takes no work "
        "while that is out of service. Without it none is followed.",
        examples=["node-7"],
    )
    lease_seconds: float = Field(
        3,
        ge=1,
        le=300,
        validation_alias="DRAINBOT_LEASE_SECONDS",
        description="After how many seconds of silence the work of a dead process is taken over.",
        examples=["3"],
    )
    probe_listen: ProbeListen = None


class DoctorSettings(Settings):
    """`drainbot doctor`: it looks at what it is given, and says what it was not given."""

    kubeconfig: Kubeconfig = None
    slack_bot_token: Annotated[SecretStr, BeforeValidator(_bot_token)] | None = Field(
        None, validation_alias="SLACK_BOT_TOKEN"
    )
    slack_api_url: SlackApiUrl = SLACK_API_URL


class ClientSettings(Settings):
    """The other commands: they act as the person of a token."""

    token: Token = None
    token_file: TokenFile = None
    server: str | None = Field(
        None,
        validation_alias="DRAINBOT_SERVER",
        description="The HTTP API that the command line speaks to, as with --server; it needs "
        "neither Redis nor the policy then.",
        examples=["http://127.0.0.1:8070"],
    )


class RemoteSettings(BaseSettings):
    """The other commands with `--server`: neither Redis nor a policy is theirs to read."""

    model_config = Settings.model_config

    cluster: Annotated[str, BeforeValidator(_cluster)] = Field(
        "default", validation_alias="DRAINBOT_CLUSTER"
    )
    token: Token = None
    token_file: TokenFile = None
    server: str | None = Field(None, validation_alias="DRAINBOT_SERVER")


_S = TypeVar("_S", bound=BaseSettings)


def load(kind: type[_S]) -> _S:
    """Read the settings of one kind of process from the environment.

    Raises :class:`SettingsError`, which names every mistake on one line.
    """
    try:
        return kind.model_validate({})
    except ValidationError as error:
        # `from None`: pydantic's own text quotes the values, secrets among them.
        raise SettingsError("; ".join(_mistakes(kind, error))) from None


def _mistakes(kind: type[BaseSettings], error: ValidationError) -> list[str]:
    by_alias = dict(all_fields(kind))
    lines = []
    for mistake in error.errors(include_url=False, include_input=False, include_context=False):
        message = mistake["msg"].removeprefix("Value error, ")
        variable = str(mistake["loc"][0]) if mistake["loc"] else ""
        field = by_alias.get(variable)
        if field is None:
            lines.append(message)
        elif mistake["type"] == "missing":
            lines.append(f"{variable} is not set{_example(field)}")
        else:
            lines.append(f"{variable} is wrong: {message}{_example(field)}")
    return lines


def _example(field: FieldInfo) -> str:
    return f" (for example {field.examples[0]})" if field.examples else ""


def all_fields(*kinds: type[BaseSettings]) -> list[tuple[str, FieldInfo]]:
    """Return each environment variable and its field, each once, in the order of the models."""
    found: dict[str, FieldInfo] = {}
    for kind in kinds or (BotSettings, WorkerSettings, ClientSettings):
        for field in kind.model_fields.values():
            found.setdefault(str(field.validation_alias), field)
    return list(found.items())
