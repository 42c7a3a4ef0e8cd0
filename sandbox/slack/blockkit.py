"""What Slack would refuse in blocks, modals and home tabs; pure.

It knows the blocks that an app of buttons, texts and forms is made of: actions, context, divider,
header, image, input and section. Slack has more (rich text, tables, video, ...); those are refused
here as unknown, because nothing here could show or press them.

From https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/views.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sandbox.slack.blockkit_elements import ACCESSORY, ACTION, IMAGE, INPUT, plain, text
from sandbox.slack.blockkit_schema import (
    Checker,
    array,
    boolean,
    literal,
    record,
    string,
    tagged,
)

__all__ = ["MOST_BLOCKS_IN_MESSAGE", "MOST_BLOCKS_IN_VIEW", "elements_of", "problems"]

MOST_BLOCKS_IN_MESSAGE = 50
MOST_BLOCKS_IN_VIEW = 100


def _text_or_fields(value: dict[str, Any], at: str) -> Iterator[str]:
    if "text" not in value and "fields" not in value:
        yield f"{at}: a section needs text or fields"


def _block(
    kind: str,
    required: dict[str, Checker] | None = None,
    optional: dict[str, Checker] | None = None,
    also: Checker | None = None,
) -> Checker:
    return record(
        required={"type": literal(kind), **(required or {})},
        optional={"block_id": string(255), **(optional or {})},
        also=also,
    )


def _image_block(value: Any, at: str) -> Iterator[str]:
    inner = {k: v for k, v in value.items() if k not in ("block_id", "title")}
    yield from IMAGE(inner, at)
    own = {k: v for k, v in value.items() if k not in inner}
    shape = record(required={}, optional={"block_id": string(255), "title": plain(2000)})
    yield from shape(own, at)


_BLOCK = tagged(
    {
        "actions": _block("actions", {"elements": array(ACTION, 1, 25)}),
        "context": _block(
            "context",
            {
                "elements": array(
                    tagged({"image": IMAGE, "mrkdwn": text(3000), "plain_text": text(3000)}), 1, 10
                )
            },
        ),
        "divider": _block("divider"),
        "header": _block("header", {"text": plain(150)}),
        "image": _image_block,
        "input": _block(
            "input",
            {"label": plain(2000), "element": INPUT},
            {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
        ),
        "section": _block(
            "section",
            optional={
                "text": text(3000),
                "fields": array(text(2000), 1, 10),
                "accessory": ACCESSORY,
                "expand": boolean,
            },
            also=_text_or_fields,
        ),
    }
)


def _submit_with_inputs(value: dict[str, Any], at: str) -> Iterator[str]:
    blocks = value.get("blocks")
    has_input = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if has_input and "submit" not in value:
        yield f"{at}: a modal with inputs needs submit"


_VIEW_COMMON: dict[str, Checker] = {
    "private_metadata": string(3000, shortest=0),
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
}
_VIEW = tagged(
    {
        "modal": record(
            required={
                "type": literal("modal"),
                "title": plain(24),
                "blocks": array(_BLOCK, 1, MOST_BLOCKS_IN_VIEW),
            },
            optional={
                **_VIEW_COMMON,
                "close": plain(24),
                "submit": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
            also=_submit_with_inputs,
        ),
        "home": record(
            required={"type": literal("home"), "blocks": array(_BLOCK, 1, MOST_BLOCKS_IN_VIEW)},
            optional=_VIEW_COMMON,
        ),
    }
)


def elements_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the interactive elements of a block, in the order in which they are shown."""
    found = [*block.get("elements", []), block.get("accessory"), block.get("element")]
    passive = ("image", "mrkdwn", "plain_text")
    return [each for each in found if isinstance(each, dict) and each.get("type") not in passive]


def _duplicates(blocks: list[Any], at: str) -> Iterator[str]:
    whole = [block for block in blocks if isinstance(block, dict)]
    for block_id, count in Counter(block.get("block_id") for block in whole).items():
        if block_id is not None and count > 1:
            yield f"{at}: block_id {block_id!r} is there {count} times"
    for index, block in enumerate(whole):
        elements = elements_of(block) if isinstance(block.get("elements", []), list) else []
        for action_id, count in Counter(each.get("action_id") for each in elements).items():
            if action_id is not None and count > 1:
                yield f"{at}/{index}: action_id {action_id!r} is there {count} times"
    focused = sum(
        each.get("focus_on_load") is True
        for block in whole
        if isinstance(block.get("elements", []), list)
        for each in elements_of(block)
    )
    if focused > 1:
        yield f"{at}: {focused} elements want focus_on_load, one may"


def problems(surface: Any) -> list[str]:
    """Return what Slack would refuse, one sentence each, in a message's blocks or in a view.

    A list is taken as the blocks of a message, anything else as a view (modal or home).
    """
    if isinstance(surface, list):
        found = list(array(_BLOCK, 0, MOST_BLOCKS_IN_MESSAGE)(surface, "/blocks"))
        return [*found, *_duplicates(surface, "/blocks")]
    found = list(_VIEW(surface, "/view"))
    if isinstance(surface, dict) and isinstance(surface.get("blocks"), list):
        found += _duplicates(surface["blocks"], "/view/blocks")
    return found
