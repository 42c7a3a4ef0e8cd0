"""Block Kit's composition objects and interactive elements, with Slack's limits.

From https://docs.slack.dev/reference/block-kit/composition-objects and
https://docs.slack.dev/reference/block-kit/block-elements.
"""

from collections.abc import Iterator
from datetime import date, time
from typing import Any

from sandbox.slack.blockkit_schema import (
    Checker,
    array,
    boolean,
    choice,
    digits,
    integer,
    literal,
    matching,
    record,
    string,
    tagged,
)

__all__ = [
    "ACCESSORY",
    "ACTION",
    "IMAGE",
    "INPUT",
    "mrkdwn",
    "plain",
    "suggestion_problems",
    "text",
]

_ID = string(255)
_LONGEST_URL = 3000
_LONGEST_INPUT = 3000
_EPOCH_DIGITS = 10


def plain(longest: int) -> Checker:
    """Accept a plain_text object."""
    return tagged(
        {
            "plain_text": record(
                required={"type": literal("plain_text"), "text": string(longest)},
                optional={"emoji": boolean},
            )
        }
    )


def mrkdwn(longest: int) -> Checker:
    """Accept a mrkdwn object."""
    return tagged(
        {
            "mrkdwn": record(
                required={"type": literal("mrkdwn"), "text": string(longest)},
                optional={"verbatim": boolean},
            )
        }
    )


def text(longest: int) -> Checker:
    """Accept a text object of either kind."""
    return tagged({"plain_text": plain(longest), "mrkdwn": mrkdwn(longest)})


_CONFIRM = record(
    required={"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    optional={"style": choice("primary", "danger")},
)


def _option(label: Checker, **more: Checker) -> Checker:
    return record(
        required={"text": label, "value": string(150)},
        optional={"description": plain(75), **more},
    )


_OPTION = _option(plain(75))
_RICH_OPTION = record(
    required={"text": text(75), "value": string(150)}, optional={"description": text(75)}
)
_OPTION_GROUP = record(required={"label": plain(75), "options": array(_OPTION, 1, 100)})
_DISPATCH = record(
    required={"trigger_actions_on": array(choice("on_enter_pressed", "on_character_entered"), 1, 2)}
)


def _element(
    kind: str,
    required: dict[str, Checker] | None = None,
    optional: dict[str, Checker] | None = None,
    also: Checker | None = None,
) -> Checker:
    return record(
        required={"type": literal(kind), **(required or {})},
        optional={"action_id": _ID, **(optional or {})},
        also=also,
    )


def _one_source_of_options(value: dict[str, Any], at: str) -> Iterator[str]:
    if ("options" in value) == ("option_groups" in value):
        yield f"{at}: needs either options or option_groups"
        return
    groups = value.get("option_groups", [{"options": value.get("options")}])
    if not isinstance(groups, list):
        return
    offered = [
        option
        for group in groups
        if isinstance(group, dict) and isinstance(group.get("options"), list)
        for option in group["options"]
    ]
    chosen = [value["initial_option"]] if "initial_option" in value else []
    several = value.get("initial_options")
    chosen += several if isinstance(several, list) else []
    for option in chosen:
        if option not in offered:
            yield f"{at}: an initial option is not among the options"


_FOCUS: dict[str, Checker] = {"focus_on_load": boolean}
_SELECT: dict[str, Checker] = {"placeholder": plain(150), "confirm": _CONFIRM, **_FOCUS}
_CHOICES: dict[str, Checker] = {
    "options": array(_OPTION, 1, 100),
    "option_groups": array(_OPTION_GROUP, 1, 100),
}
_MANY: dict[str, Checker] = {"max_selected_items": integer(1, 10_000)}
_CONVERSATIONS: dict[str, Checker] = {
    "default_to_current_conversation": boolean,
    "response_url_enabled": boolean,
    "filter": record(
        required={},
        optional={
            "include": array(choice("im", "mpim", "private", "public"), 1, 4),
            "exclude_external_shared_channels": boolean,
            "exclude_bot_users": boolean,
        },
    ),
}
_SLACK_ID = string(255)
_SLACK_IDS = array(_SLACK_ID, 1, 1000)

_SELECTS: dict[str, Checker] = {
    "static_select": _element(
        "static_select",
        optional={**_SELECT, **_CHOICES, "initial_option": _OPTION},
        also=_one_source_of_options,
    ),
    "external_select": _element(
        "external_select",
        optional={**_SELECT, "initial_option": _OPTION, "min_query_length": integer(0, 75)},
    ),
    "users_select": _element("users_select", optional={**_SELECT, "initial_user": _SLACK_ID}),
    "conversations_select": _element(
        "conversations_select",
        optional={**_SELECT, **_CONVERSATIONS, "initial_conversation": _SLACK_ID},
    ),
    "channels_select": _element(
        "channels_select",
        optional={**_SELECT, "initial_channel": _SLACK_ID, "response_url_enabled": boolean},
    ),
    "multi_static_select": _element(
        "multi_static_select",
        optional={**_SELECT, **_CHOICES, **_MANY, "initial_options": array(_OPTION, 1, 100)},
        also=_one_source_of_options,
    ),
    "multi_external_select": _element(
        "multi_external_select",
        optional={
            **_SELECT,
            **_MANY,
            "initial_options": array(_OPTION, 1, 100),
            "min_query_length": integer(0, 75),
        },
    ),
    "multi_users_select": _element(
        "multi_users_select", optional={**_SELECT, **_MANY, "initial_users": _SLACK_IDS}
    ),
    "multi_conversations_select": _element(
        "multi_conversations_select",
        optional={**_SELECT, **_MANY, **_CONVERSATIONS, "initial_conversations": _SLACK_IDS},
    ),
    "multi_channels_select": _element(
        "multi_channels_select", optional={**_SELECT, **_MANY, "initial_channels": _SLACK_IDS}
    ),
}

_CHOOSERS: dict[str, Checker] = {
    "checkboxes": _element(
        "checkboxes",
        {"options": array(_RICH_OPTION, 1, 10)},
        {"initial_options": array(_RICH_OPTION, 1, 10), "confirm": _CONFIRM, **_FOCUS},
        _one_source_of_options,
    ),
    "radio_buttons": _element(
        "radio_buttons",
        {"options": array(_RICH_OPTION, 1, 10)},
        {"initial_option": _RICH_OPTION, "confirm": _CONFIRM, **_FOCUS},
        _one_source_of_options,
    ),
    "datepicker": _element(
        "datepicker",
        optional={**_SELECT, "initial_date": matching(date.fromisoformat, "a date YYYY-MM-DD")},
    ),
    "timepicker": _element(
        "timepicker",
        optional={
            **_SELECT,
            "initial_time": matching(time.fromisoformat, "a time HH:mm"),
            "timezone": string(255),
        },
    ),
    "datetimepicker": _element(
        "datetimepicker",
        optional={
            "initial_date_time": integer(10 ** (_EPOCH_DIGITS - 1), 10**_EPOCH_DIGITS - 1),
            "confirm": _CONFIRM,
            **_FOCUS,
        },
    ),
}

_BUTTON = _element(
    "button",
    {"text": plain(75)},
    {
        "url": string(_LONGEST_URL),
        "value": string(2000),
        "style": choice("primary", "danger"),
        "confirm": _CONFIRM,
        "accessibility_label": string(75),
    },
)
_OVERFLOW = _element(
    "overflow",
    {"options": array(_option(plain(75), url=string(_LONGEST_URL)), 1, 5)},
    {"confirm": _CONFIRM},
)


def _lengths_in_order(value: dict[str, Any], at: str) -> Iterator[str]:
    low, high = value.get("min_length", 0), value.get("max_length", _LONGEST_INPUT)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield f"{at}: min_length is above max_length"


_TYPED: dict[str, Checker] = {"dispatch_action_config": _DISPATCH, "placeholder": plain(150)}
_TYPED |= _FOCUS
_WRITTEN: dict[str, Checker] = {
    "plain_text_input": _element(
        "plain_text_input",
        optional={
            **_TYPED,
            "initial_value": string(_LONGEST_INPUT, shortest=0),
            "multiline": boolean,
            "min_length": integer(0, _LONGEST_INPUT),
            "max_length": integer(1, _LONGEST_INPUT),
        },
        also=_lengths_in_order,
    ),
    "email_text_input": _element(
        "email_text_input", optional={**_TYPED, "initial_value": string(_LONGEST_INPUT)}
    ),
    "url_text_input": _element(
        "url_text_input", optional={**_TYPED, "initial_value": string(_LONGEST_INPUT)}
    ),
    "number_input": _element(
        "number_input",
        {"is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": digits, "min_value": digits, "max_value": digits},
    ),
}


def _one_source_of_image(value: dict[str, Any], at: str) -> Iterator[str]:
    if ("image_url" in value) == ("slack_file" in value):
        yield f"{at}: needs either image_url or slack_file"


IMAGE = record(
    required={"type": literal("image"), "alt_text": string(2000)},
    optional={
        "image_url": string(_LONGEST_URL),
        "slack_file": record(required={}, optional={"id": _ID, "url": string(_LONGEST_URL)}),
    },
    also=_one_source_of_image,
)
"""An image inside a section or a context."""

ACTION = tagged({"button": _BUTTON, "overflow": _OVERFLOW, **_SELECTS, **_CHOOSERS})
"""What may stand in an actions block."""

ACCESSORY = tagged(
    {"button": _BUTTON, "overflow": _OVERFLOW, "image": IMAGE, **_SELECTS, **_CHOOSERS}
)
"""What may stand beside a section's text."""

INPUT = tagged({**_WRITTEN, **_SELECTS, **_CHOOSERS})
"""What may stand in an input block."""

_SUGGESTIONS = record(
    required={},
    optional={"options": array(_OPTION, 0, 100), "option_groups": array(_OPTION_GROUP, 0, 100)},
)


def suggestion_problems(answer: Any) -> list[str]:
    """Return what Slack would refuse in an app's answer to an external select."""
    found = list(_SUGGESTIONS(answer, "/"))
    if isinstance(answer, dict) and ("options" in answer) == ("option_groups" in answer):
        found.append("/: needs either options or option_groups")
    return found
