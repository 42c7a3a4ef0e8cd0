"""The dialog in which somebody says for how long a node will be in maintenance, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.messages.blocks import section
from bot.messages.message import BlockDict
from bot.messages.modal_parts import carried, chosen, input_block, modal, plain, text_input, typed
from bot.messages.style import MRKDWN
from bot.messages.text import escape

__all__ = [
    "LENGTH",
    "MAINTENANCE_MODAL",
    "MaintenanceForm",
    "maintenance_modal",
    "read_maintenance",
]

MAINTENANCE_MODAL = "drainbot_maintenance"
LENGTH = "length"
_UNTIL, _NOTE = "until", "reason"
_UNKNOWN = "unknown"
_LENGTHS = {_UNKNOWN: "Nobody knows yet", "1h": "1 hour", "4h": "4 hours", "1d": "1 day"}


@dataclass(frozen=True)
class MaintenanceForm:
    """A submitted dialog; `length` as it was typed or chosen, empty where nobody knows."""

    operation: str
    node: str
    length: str
    reason: str
    channel: str
    thread_ts: str


def maintenance_modal(
    cluster: str, node: str, *, operation: str, channel: str = "", thread_ts: str = ""
) -> BlockDict:
    """Return the view; `operation` drained the node. What else is given comes back with it."""
    options = [{"text": plain(words, 75), "value": value} for value, words in _LENGTHS.items()]
    select: BlockDict = {
        "type": "static_select",
        "action_id": "value",
        "options": options,
        "initial_option": options[0],
    }
    which = f"{MRKDWN.bold(escape(node))} in {escape(cluster)}"
    words = (
        f"{which} stays cordoned until somebody returns it. When the end has passed, the thread "
        "and the home tab say so."
    )
    blocks = [
        section([words]),
        input_block(_UNTIL, "For how long", select, required=True),
        text_input(
            LENGTH, "Another length", required=False, longest=20, placeholder="2h30m",
            hint="1m to 90d. It counts instead of what is chosen above.",
        ),
        text_input(_NOTE, "What is done to it", required=False, many_lines=True),
    ]  # fmt: skip
    return modal(
        MAINTENANCE_MODAL, "Start maintenance", blocks, submit="Start",
        carries={"o": operation, "n": node, "ch": channel, "ts": thread_ts},
    )  # fmt: skip


def read_maintenance(view: Mapping[str, Any]) -> MaintenanceForm:
    """Read a submission of :func:`maintenance_modal` (the payload's `view`); never raises."""
    kept = {key: str(value) for key, value in carried(view).items()}
    picked = next(iter(chosen(view, _UNTIL)), _UNKNOWN)
    return MaintenanceForm(
        operation=kept.get("o", ""),
        node=kept.get("n", ""),
        length=typed(view, LENGTH) or ("" if picked == _UNKNOWN else picked),
        reason=typed(view, _NOTE),
        channel=kept.get("ch", ""),
        thread_ts=kept.get("ts", ""),
    )
