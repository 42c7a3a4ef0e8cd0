import io
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot import logs

SECRETS = (
    "xoxb-12-34-AbCd",
    "xapp-1-A0-9-deadbeef",
    "xoxe.xoxp-1-Mi0",
    "Bearer abc.def-ghi",
    "redis://drainbot:hunter2@redis:6379/0",
    "https://hooks.slack.com/actions/T0/1/abc",
    "wss://wss-primary.slack.com/link/?ticket=abc&app_id=1",
)
TELLTALES = ("12-34-AbCd", "deadbeef", "Mi0", "abc.def", "hunter2", "T0/1/abc", "ticket=abc")


@pytest.fixture
def written() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_fields(written: io.StringIO) -> None:
    structlog.get_logger("x").warning("redis_away", waited_seconds=2, cluster="prod-eu")
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "redis_away",
        "level": "warning",
        "waited_seconds": 2,
        "cluster": "prod-eu",
    }


def test_a_line_break_in_a_field_can_not_forge_a_line(written: io.StringIO) -> None:
    structlog.get_logger("x").warning("asked", by='U1\n{"event": "forged"}')
    assert [line["event"] for line in lines(written)] == ["asked"]


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_masked_wherever_they_sit(written: io.StringIO, secret: str) -> None:
    logger = structlog.get_logger("x")
    logger.warning("e", error=f"failed with {secret} there")
    logger.warning("e", deep={"list": [{"in": secret}], "tuple": (secret,)})
    logger.warning("e", error=ValueError(secret))
    logger.warning(secret)
    logging.getLogger("some.library").warning("said %s", secret)
    try:
        int(secret)
    except ValueError:
        logger.exception("e")
        logging.getLogger("some.library").exception("e")
    assert len(lines(written)) == 7
    for telltale in TELLTALES:
        assert telltale not in written.getvalue()


@pytest.mark.parametrize(
    "field",
    ["text", "blocks", "body", "payload", "token", "Authorization", "response_url", "view"],
)
def test_bodies_of_messages_and_requests_are_never_written(
    written: io.StringIO, field: str
) -> None:
    logger = structlog.get_logger("x")
    logger.warning("e", **{field: "what somebody wrote"})
    logger.warning("e", nested={field: {"a": "what somebody wrote"}})
    assert "what somebody wrote" not in written.getvalue()
    assert written.getvalue().count("[redacted]") == 2


def test_a_fencing_token_is_no_secret(written: io.StringIO) -> None:
    structlog.get_logger("x").warning("notifier_begins", token=7)
    assert lines(written)[0]["token"] == 7


def test_what_bolt_quotes_of_a_request_is_cut(written: io.StringIO) -> None:
    bolt = logging.getLogger("slack_bolt.listener")  # Bolt itself sets the level of some others
    bolt.warning("Unhandled request ({'text': 'what somebody wrote'})")
    bolt.error("Failed to run listener function (error: {'text': 'what somebody wrote'})")
    logging.getLogger("slack_sdk.web").info("Received {'text': 'what somebody wrote'}")
    assert "what somebody wrote" not in written.getvalue()
    assert [line["event"] for line in lines(written)] == ["Failed to run listener function"]


def test_a_very_long_field_is_cut(written: io.StringIO) -> None:
    structlog.get_logger("x").warning("e", error="x" * 100_000)
    assert len(written.getvalue()) < 3000


def test_configuring_twice_writes_each_line_once(written: io.StringIO) -> None:
    logs.configure("json", stream=written)
    structlog.get_logger("x").warning("once")
    assert len(lines(written)) == 1


def test_the_console_shows_the_same_masks(written: io.StringIO) -> None:
    stream = io.StringIO()
    logs.configure("console", stream=stream)
    structlog.get_logger("x").warning("redis_away", error="xoxb-12-34-AbCd")
    assert "redis_away" in stream.getvalue()
    assert "AbCd" not in stream.getvalue()
    assert written.getvalue() == ""


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_whatever_is_logged_becomes_json(event: dict[str, Any]) -> None:
    cleaned = logs.redact(None, "info", event)
    assert json.loads(json.dumps(cleaned, default=str)).keys() == {str(key) for key in event}
