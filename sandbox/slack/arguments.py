"""The arguments of a Web API call, from whichever form they came in."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from sandbox.slack.blockkit import problems
from sandbox.slack.errors import ApiError

__all__ = ["LONGEST_TEXT", "Arguments", "parse"]

LONGEST_TEXT = 40_000
_LARGEST_METADATA = 8_000  # characters of JSON; Slack's "metadata_too_large"


def parse(content_type: str, body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a request, or raise the API error for a form Slack doesn't take."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return dict(query)
    if kind == "application/json":
        try:
            value = json.loads(body)
        except ValueError as error:
            raise ApiError("invalid_json") from error
        if not isinstance(value, dict):
            raise ApiError("json_not_object")
        return {**query, **value}
    if kind == "application/x-www-form-urlencoded":
        try:
            return {**query, **dict(parse_qsl(body.decode(), keep_blank_values=True))}
        except UnicodeDecodeError as error:
            raise ApiError("invalid_charset") from error
    raise ApiError("invalid_post_type" if kind else "missing_post_type")


class Arguments:
    """Arguments with typed access. Each method raises ApiError where Slack would refuse."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {k: v for k, v in values.items() if v is not None and k != "token"}

    def only(self, *names: str) -> None:
        """Refuse arguments of other names. Slack ignores them; here a slip shall be seen.

        Bolt's client sends `team_id` with every call.
        """
        strange = sorted(set(self.values) - {"team_id", *names})
        if strange:
            raise ApiError(
                "invalid_arguments", messages=[f"{name}: is not taken here" for name in strange]
            )

    def text(self, name: str, *, missing: str = "invalid_arguments") -> str:
        """Return a text that has to be there."""
        value = self.maybe(name)
        if not value:
            messages = [f"missing required field: {name}"]
            raise ApiError(missing, messages=messages if missing == "invalid_arguments" else None)
        return value

    def maybe(self, name: str) -> str | None:
        """Return a text if it is there."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise ApiError("invalid_arguments", messages=[f"{name}: must be a string"])
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value; forms say it as 1 and 0."""
        value = self.values.get(name, False)
        if isinstance(value, str):
            value = {"1": True, "true": True, "0": False, "false": False, "": False}.get(value)
        if not isinstance(value, bool):
            raise ApiError("invalid_arguments", messages=[f"{name}: must be true or false"])
        return value

    def number(self, name: str, *, default: int, lowest: int, highest: int) -> int:
        """Return a whole number within bounds."""
        try:
            value = int(self.values.get(name, default))
        except (TypeError, ValueError) as error:
            raise ApiError("invalid_arguments", messages=[f"{name}: must be a number"]) from error
        if not lowest <= value <= highest:
            raise ApiError("invalid_limit")
        return value

    def json(self, name: str, *, invalid: str) -> Any:
        """Return a structure, which forms carry as JSON text; None if it isn't there."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError as error:
            raise ApiError(invalid) from error

    def content(self, *, longest: int = LONGEST_TEXT) -> tuple[str, list[dict[str, Any]]]:
        """Return text and blocks of a message.

        Slack takes blocks without a text; here the text is required on purpose, because
        notifications and screen readers use nothing else.
        """
        text = self.maybe("text") or ""
        if not text.strip():
            raise ApiError("no_text")
        if len(text) > longest:
            raise ApiError("msg_too_long")
        blocks = self.json("blocks", invalid="invalid_blocks_format")
        if blocks is None:
            return text, []
        if not isinstance(blocks, list):
            raise ApiError("invalid_blocks_format")
        found = problems(blocks)
        if found:
            raise ApiError("invalid_blocks", messages=found)
        return text, blocks

    def view(self, *kinds: str) -> dict[str, Any]:
        """Return a view of one of these types."""
        view = self.json("view", invalid="invalid_arguments")
        found = problems(view)
        if not found and view["type"] not in kinds:
            found = [f"/view/type: must be one of {', '.join(kinds)}"]
        if found:
            raise ApiError("invalid_arguments", messages=found)
        return dict(view)

    def metadata(self) -> dict[str, Any] | None:
        """Return a message's metadata: None if it isn't given, empty to take it away."""
        value = self.json("metadata", invalid="invalid_metadata_format")
        if value is None:
            return None
        if value == {}:
            return {}
        if (
            not isinstance(value, dict)
            or set(value) - {"event_type", "event_payload"}
            or not isinstance(value.get("event_type"), str)
            or not isinstance(value.get("event_payload"), dict)
        ):
            raise ApiError("invalid_metadata_format")
        if len(json.dumps(value)) > _LARGEST_METADATA:
            raise ApiError("metadata_too_large")
        return value
