from typing import Any

import pytest

from sandbox.slack.blockkit import problems
from tests.sandbox.slack.making import actions, button, modal, section, written


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(value: str = "a") -> dict[str, Any]:
    return {"text": plain(value), "value": value}


def select(**more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "s", "options": [option()], **more}


CONFIRM = {"title": plain("Sure?"), "text": plain("Really."), "confirm": plain("Yes")}


def test_everything_that_is_within_the_limits_passes() -> None:
    blocks = [
        {"type": "header", "text": plain("h" * 150), "block_id": "b" * 255},
        {**section("s" * 3000), "accessory": select(placeholder=plain("p" * 150))},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "f" * 2000}] * 10},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "c"}] * 10},
        {"type": "divider"},
        {"type": "image", "image_url": "https://x/y.png", "alt_text": "y", "title": plain("t")},
        actions(*[button(f"a{n}", "t" * 75, value="v" * 2000) for n in range(25)]),
        actions(button(confirm={**CONFIRM, "deny": plain("No"), "style": "danger"})),
        actions(
            {"type": "overflow", "action_id": "o", "options": [option(str(n)) for n in "12345"]}
        ),
        written(optional=True, hint=plain("hint"), dispatch_action=False),
    ]
    assert problems(blocks) == []
    assert problems(modal(*blocks, close=plain("c" * 24), private_metadata="m" * 3000)) == []
    assert problems({"type": "home", "blocks": [section()] * 100}) == []


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (section("s" * 3001), "at most 3000"),
        (section(""), "at least 1"),
        ({"type": "section"}, "needs text or fields"),
        ({"type": "section", "fields": [plain("f" * 2001)]}, "at most 2000"),
        ({"type": "section", "fields": [plain("f")] * 11}, "1 to 10 items, has 11"),
        ({**section(), "fieldz": []}, "unknown key 'fieldz'"),
        ({**section(), "block_id": "b" * 256}, "at most 255"),
        ({**section(), "accessory": {"type": "plain_text_input"}}, "not allowed here"),
        ({"type": "header", "text": plain("h" * 151)}, "at most 150"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "h"}}, "not allowed here"),
        ({"type": "context", "elements": [plain("c")] * 11}, "has 11"),
        ({"type": "context", "elements": []}, "has 0"),
        ({"type": "context", "elements": [button()]}, "not allowed here"),
        (actions(), "1 to 25 items, has 0"),
        (actions(*[button(str(n)) for n in range(26)]), "has 26"),
        (actions(button(text="t" * 76)), "at most 75"),
        (actions(button(value="v" * 2001)), "at most 2000"),
        (actions(button(style="warning")), "primary, danger"),
        (actions(button("a" * 256)), "at most 255"),
        (actions(button("a"), button("a", "Other")), "'a' is there 2 times"),
        (actions(button(confirm=CONFIRM)), "misses the required key 'deny'"),
        (actions(button(confirm={**CONFIRM, "deny": plain("d" * 31)})), "at most 30"),
        (actions({"type": "button", "action_id": "x"}), "misses the required key 'text'"),
        (actions(written()["element"]), "not allowed here"),
        (actions(select(options=[option(str(n)) for n in range(101)])), "has 101"),
        (actions(select(options=[option("v" * 76)])), "at most 75"),
        (actions(select(option_groups=[])), "either options or option_groups"),
        (actions(select(initial_option=option("b"))), "not among the options"),
        (actions({"type": "datepicker", "initial_date": "tomorrow"}), "a date YYYY-MM-DD"),
        ({"type": "image", "alt_text": "y"}, "either image_url or slack_file"),
        ({"type": "table", "rows": []}, "'table' is not allowed here"),
        ({"text": "no type"}, "None is not allowed here"),
        ("text", "must be an object"),
        (
            written(element={"type": "plain_text_input", "min_length": 5, "max_length": 2}),
            "min_length is above",
        ),
        (written(element=button()), "not allowed here"),
    ],
)
def test_what_slack_refuses_is_refused_and_named(block: Any, complaint: str) -> None:
    found = problems([block])
    assert any(complaint in each for each in found), found


def test_a_message_has_50_blocks_and_a_view_100() -> None:
    assert problems([section()] * 50) == []
    assert problems([section()] * 51) == ["/blocks: must have 0 to 50 items, has 51"]
    assert problems(modal(*[section()] * 101)) == [
        "/view/blocks: must have 1 to 100 items, has 101"
    ]


def test_a_block_id_is_there_once() -> None:
    twice = [{**section(), "block_id": "b"}, {**section(), "block_id": "b"}]
    assert problems(twice) == ["/blocks: block_id 'b' is there 2 times"]


def test_an_action_id_may_come_again_in_another_block() -> None:
    assert problems([actions(button("a")), actions(button("a"))]) == []


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (modal(title=plain("t" * 25)), "at most 24"),
        (modal(submit=plain("t" * 25)), "at most 24"),
        (modal(private_metadata="m" * 3001), "at most 3000"),
        (modal(callback_id="c" * 256), "at most 255"),
        (modal(colour="red"), "unknown key 'colour'"),
        ({k: v for k, v in modal(written()).items() if k != "submit"}, "needs submit"),
        ({k: v for k, v in modal().items() if k != "title"}, "misses the required key 'title'"),
        ({"type": "home", "blocks": []}, "has 0"),
        ({"type": "workflow_step", "blocks": []}, "not allowed here"),
        (None, "must be an object"),
    ],
)
def test_a_view_that_slack_refuses_is_refused(view: Any, complaint: str) -> None:
    found = problems(view)
    assert any(complaint in each for each in found), found
