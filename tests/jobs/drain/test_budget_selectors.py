from jobs.drain.selectors import EVERYTHING, NOTHING, from_object

LABELS = {"app": "web", "tier": "front"}


def test_a_budget_without_a_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert from_object(None) == NOTHING
    assert not NOTHING.match(LABELS)
    assert not NOTHING.match({})
    assert from_object({}) == EVERYTHING
    assert EVERYTHING.match({})


def test_labels_and_expressions_of_a_budgets_selector_must_all_hold() -> None:
    selector = from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front"]},
                {"key": "tier", "operator": "Exists"},
                {"key": "zone", "operator": "NotIn", "values": ["a"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.match(LABELS)
    assert not selector.match({**LABELS, "old": "1"})
    assert not selector.match({**LABELS, "zone": "a"})
    assert not selector.match({"app": "web"})


def test_an_operator_from_the_future_selects_nothing() -> None:
    odd = {"matchExpressions": [{"key": "a", "operator": "Near", "values": ["b"]}]}
    assert from_object(odd) == NOTHING
