"""What a person puts into inputs, as Slack reports it; pure."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack.blockkit import elements_of
from sandbox.slack.errors import PersonError

__all__ = ["choice_of", "missing_inputs", "state_values"]

Value = Any
"""A text for written inputs, an option's value or text for selects, a list for several."""

_WRITTEN = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
_STATELESS = ("button", "overflow", "workflow_button")
_SIMPLE = {
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}
_SEVERAL = ("checkboxes", "multi_static_select", "multi_external_select")


def choice_of(element: Mapping[str, Any], given: Value) -> dict[str, Any]:
    """Return the fields that report a given value of that element; raises PersonError."""
    kind = element["type"]
    if kind in _WRITTEN:
        _check_length(element, given)
        return {"value": given}
    if kind in _SIMPLE:
        return {_SIMPLE[kind][0]: given}
    if kind in _SEVERAL:
        most = element.get("max_selected_items", len(given))
        if len(given) > most:
            raise PersonError(f"{element['action_id']} takes {most} at most")
        return {"selected_options": [_option(element, each) for each in given]}
    return {"selected_option": _option(element, given)}


def _initial(element: Mapping[str, Any]) -> dict[str, Any]:
    kind = element["type"]
    if kind in _WRITTEN:
        return {"value": element.get("initial_value")}
    if kind in _SIMPLE:
        several: list[str] | None = [] if kind.startswith("multi_") else None
        selected, initial = _SIMPLE[kind]
        return {selected: element.get(initial, several)}
    if kind in _SEVERAL:
        return {"selected_options": element.get("initial_options", [])}
    return {"selected_option": element.get("initial_option")}


def _check_length(element: Mapping[str, Any], given: Value) -> None:
    if not isinstance(given, str):
        raise PersonError(f"{element['action_id']} takes a text")
    low, high = element.get("min_length", 0), element.get("max_length", 3000)
    if given and not low <= len(given) <= high:
        raise PersonError(f"{element['action_id']} takes {low} to {high} characters")


def _option(element: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    groups = element.get("option_groups", [{"options": element.get("options", [])}])
    options = [option for group in groups for option in group["options"]]
    for option in options:
        if wanted in (option["value"], option["text"]["text"]):
            return dict(option)
    offered = ", ".join(option["value"] for option in options)
    raise PersonError(f"{element['action_id']} has no option {wanted!r}; it has {offered}")


def state_values(
    blocks: list[dict[str, Any]], given: Mapping[str, Value]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return `state.values`: what is given, by action_id or block_id, over what was preset.

    Raises PersonError for a value that no input takes.
    """
    values: dict[str, dict[str, dict[str, Any]]] = {}
    used: set[str] = set()
    for block, element in _inputs(blocks, lambda element: element["type"] not in _STATELESS):
        key = next((k for k in (element["action_id"], block["block_id"]) if k in given), None)
        fields = _initial(element) if key is None else choice_of(element, given[key])
        used |= {key} if key is not None else set()
        values.setdefault(block["block_id"], {})[element["action_id"]] = {
            "type": element["type"],
            **fields,
        }
    strange = sorted(set(given) - used)
    if strange:
        raise PersonError(f"there is no input {', '.join(strange)}")
    return values


def missing_inputs(
    blocks: list[dict[str, Any]], values: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> list[str]:
    """Return the labels of required inputs without a value: Slack's window won't submit them."""
    missing = []
    for block, element in _inputs(blocks, lambda _: True):
        if block["type"] != "input" or block.get("optional"):
            continue
        fields = values[block["block_id"]][element["action_id"]]
        if not [value for key, value in fields.items() if key != "type" and value]:
            missing.append(block["label"]["text"])
    return missing


def _inputs(
    blocks: list[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [
        (block, element) for block in blocks for element in elements_of(block) if wanted(element)
    ]
