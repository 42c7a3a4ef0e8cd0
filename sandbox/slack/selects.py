"""External selects: their options come from the app while a person types.

From https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload and
https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element#external_multi_select.
"""

import copy
from typing import Any

from sandbox.slack.blockkit import elements_of
from sandbox.slack.blockkit_elements import suggestion_problems
from sandbox.slack.deliveries import Courier, Delivery
from sandbox.slack.errors import PersonError
from sandbox.slack.payloads import block_suggestion
from sandbox.slack.people import find_element
from sandbox.slack.state import State, View
from sandbox.slack.workspace import User

__all__ = ["Selects", "with_offered"]

_EXTERNAL = ("external_select", "multi_external_select")
_MIN_QUERY = 3  # characters, where an element doesn't say


class Selects:
    """Asks apps for options, and keeps what they offered: nothing else can be chosen."""

    def __init__(self, state: State, courier: Courier) -> None:
        self._state = state
        self._courier = courier

    async def suggest(self, person: User, view: View, element: str, typed: str) -> Delivery:
        """Open a select, or type into it; `shown` says what the menu shows instead of options.

        Raises PersonError where Slack would not ask the app.
        """
        block, found = find_element(view.definition["blocks"], element, None, None)
        if found["type"] not in _EXTERNAL:
            raise PersonError(f"{element} does not ask for its options")
        least = found.get("min_query_length", _MIN_QUERY)
        if len(typed) < least:
            raise PersonError(f"{element} asks nothing before {least} characters are typed")
        app = self._state.apps[view.app]
        payload = block_suggestion(self._state, app, person, view, block, found, typed)
        delivery = await self._courier.deliver(app, "interactive", payload)
        if not delivery.acknowledged:
            return delivery.model_copy(update={"shown": "No result"})
        problems = suggestion_problems(delivery.body)
        if problems:
            return delivery.model_copy(update={"shown": f"No result ({'; '.join(problems)})"})
        offered = _flat(delivery.body)
        # What was offered before may have been chosen already, and stays so.
        self._state.offered.setdefault((view.id, found["action_id"]), []).extend(offered)
        return delivery if offered else delivery.model_copy(update={"shown": "No result"})


def with_offered(state: State, view: View) -> list[dict[str, Any]]:
    """Return a view's blocks, its external selects with the options that they were offered."""
    blocks: list[dict[str, Any]] = copy.deepcopy(view.definition["blocks"])
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in _EXTERNAL:
                known = element.get("initial_options", [])
                known = known + state.offered.get((view.id, element["action_id"]), [])
                element["options"] = known
    return blocks


def _flat(body: dict[str, Any]) -> list[dict[str, Any]]:
    groups = body.get("option_groups") or [{"options": body.get("options", [])}]
    return [option for group in groups for option in group["options"]]
