"""Logging: one line an event, with its name and fields, on standard error.

Secrets never reach a log, and neither do the bodies of messages or requests: a processor at the
end of the chain masks whatever looks like a token and drops the fields that would carry a body.
Log lines of libraries go through the same chain.
"""

import logging
import re
import sys
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["SILENT", "configure", "redact"]

SILENT = logging.CRITICAL + 1
"""A level that nothing is logged at: for commands that tell their person everything themselves."""

_MASK = "[redacted]"
_LONGEST = 2000  # of one field: a log line is read by people

# Fields that may hold a secret, or what somebody wrote.
_NEVER = frozenset(
    {
        "authorization", "blocks", "body", "cookie", "headers", "password", "payload",
        "redis_url", "response_url", "secret", "signature", "text", "token", "trigger_id", "view",
    }
)  # fmt: skip

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bx(?:ox[a-z]|app)[-.][\w.-]+"), _MASK),  # Slack's tokens
    (re.compile(r"(://[^/\s:@]*:)[^@\s/]+(?=@)"), rf"\1{_MASK}"),  # user:password@ in an address
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+"), rf"\1{_MASK}"),
    (re.compile(r"https://hooks\.slack\.com/\S+"), _MASK),  # whoever has one may post
    (re.compile(r"(wss?://[^\s?]+\?)\S+"), rf"\1{_MASK}"),  # a Socket Mode address holds a ticket
)

# Bolt writes whole request bodies up to WARNING, Slack's SDK up to INFO. What they quote above
# that is cut by `_without_body`.
_QUIET = {"slack_bolt": logging.ERROR} | dict.fromkeys(
    ("slack_sdk", "uvicorn", "urllib3", "kubernetes", "rq.worker", "asyncio"), logging.WARNING
)
_QUOTING = ("slack_bolt", "slack_sdk")


def configure(
    style: Literal["json", "console"] = "json",
    *,
    stream: TextIO | None = None,
    level: int = logging.INFO,
) -> None:
    """Set up logging for this process; a second call replaces the first."""
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=target.isatty(), sort_keys=False)
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_body],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # so that a second call of `configure` counts
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask secrets and bodies in every field of an event, however deep they sit."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value  # a fencing token is a number, and no secret
    if key.lower() in _NEVER:
        return _MASK
    if isinstance(value, dict):
        return {str(inner): _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in value]
    return _masked(str(value))


def _masked(text: str) -> str:
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _without_body(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = cast("logging.LogRecord | None", event.get("_record"))
    if record is not None and record.name.startswith(_QUOTING):
        # "Unhandled request ({'type': …": what follows the bracket is somebody's message.
        event["event"] = re.split(r"[({\[]", str(event.get("event", "")), maxsplit=1)[0].strip()
    if record is not None:
        event["logger"] = record.name
    return event
