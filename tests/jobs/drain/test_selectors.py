import pytest

from jobs.drain.selectors import EVERYTHING, NOTHING, SelectorError, from_object, parse

LABELS = {"app": "web", "tier": "front", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier=front", True),
        ("app!=web", False),
        ("missing!=x", True),
        ("app in (web, api),tier", True),
        ("tier notin (front,back)", False),
        ("missing notin (a)", True),
        ("app", True),
        ("!app", False),
        ("! missing", True),
        ("empty=", True),
        ("example.com/pool=blue", False),
    ],
)
def test_a_typed_selector_means_what_it_means_to_kubectl(text: str, matches: bool) -> None:  # noqa: FBT001  a parametrized value
    assert parse(text).matches(LABELS) is matches


@pytest.mark.parametrize("text", ["=x", "a=b=c", "a in b", "a in (b", ",", "a=b,", "a b", "a>1"])
def test_what_can_not_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SelectorError, match="Write it like"):
        parse(text)


def test_a_budget_without_a_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert from_object(None) == NOTHING
    assert not NOTHING.matches({})
    assert from_object({}) == EVERYTHING


def test_expressions_of_a_budgets_selector_must_all_hold() -> None:
    selector = from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.matches(LABELS)
    assert not selector.matches({**LABELS, "old": "1"})
    assert not selector.matches({"app": "web"})


def test_an_operator_from_the_future_selects_nothing() -> None:
    odd = {"matchExpressions": [{"key": "a", "operator": "Near", "values": ["b"]}]}
    assert from_object(odd) == NOTHING
