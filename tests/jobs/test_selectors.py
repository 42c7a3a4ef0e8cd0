import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.selectors import Operator, Requirement, Selector, SelectorError, check_label, parse

LABELS = {"pool": "blue", "zone": "a", "empty": "", "cores": "8", "example.com/x": "y"}


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "  ",
        "pool=blue",
        "pool==blue",
        "pool = blue , zone=a",
        "pool!=red",
        "missing!=red",
        "pool in (red, blue)",
        "pool notin (red)",
        "missing notin (red,blue)",
        "pool",
        "!missing",
        "! missing",
        "empty=",
        "empty in (,x)",
        "empty in (,)",
        "empty==,pool",
        "cores>7",
        "cores < 9",
        "example.com/x=y",
        "example.com/x in (y),pool,!missing,zone!=b",
        "\tpool\n",
    ],
)
def test_what_kubernetes_would_select_is_selected(selector: str) -> None:
    assert parse(selector).match(LABELS)


@pytest.mark.parametrize(
    "selector",
    [
        "pool=red",
        "pool=",
        "missing=",
        "missing",
        "!pool",
        "pool!=blue",
        "pool notin (blue)",
        "missing in (blue)",
        "missing in (,)",
        "pool=blue,zone=b",
        "cores>8",
        "cores<8",
        "pool>1",
        "missing<1",
        "in",
    ],
)
def test_what_kubernetes_would_not_select_is_not(selector: str) -> None:
    assert not parse(selector).match(LABELS)


def test_operators_are_keys_where_a_key_stands() -> None:
    assert parse("in in (in, notin)").match({"in": "notin"})
    assert parse("notin").match({"notin": ""})


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        (",", "expected a label's key, found `,`"),
        ("a,", "expected a label's key, found the end"),
        ("a,,b", "expected a label's key, found `,`"),
        ("=b", "expected a label's key, found `=`"),
        ("!", "expected a label's key, found the end"),
        ("a b", "expected an operator"),
        ("a in", "expected a list such as"),
        ("a in b", "expected a list such as"),
        ("a in ()", "the list is empty"),
        ("a in (b", r"expected a comma or \), found the end"),
        ("a in (b c)", r"expected a comma or \), found `c`"),
        ("a=b c", "expected a comma or the end, found `c`"),
        ("a===b", "expected a value, found `=`"),
        ("a=(b)", r"expected a value, found `\(`"),
        ("a)", "expected an operator"),
        ("!a=b", "expected a comma or the end, found `=`"),
        ("a>b", "expected a whole number, found `b`"),
        ("a>-1", "expected a whole number"),
        ("a>", "expected a whole number, found the end"),
        ("-a=b", "not a label's key"),
        ("a=b_", "not a label's value"),
        ("A_/x=b", "no DNS name"),
        ("/x", "no DNS name"),
        ("a=" + "b" * 64, "at most 63"),
        ("a" * 64, "at most 63"),
        ("a in (b,-)", "`-` is not a label's value"),
        ("pool=<!here>", "expected a value, found `\u2039`"),  # not `<`: it would ping
    ],
)
def test_a_mistake_says_what_was_expected_where(selector: str, said: str) -> None:
    with pytest.raises(SelectorError, match=said) as caught:
        parse(selector)
    assert "<" not in str(caught.value)


@given(st.one_of(st.text(), st.text(alphabet="ab1,=!()<>in not", max_size=30)))
def test_any_text_is_read_or_refused_and_reads_back_alike(text: str) -> None:
    try:
        selector = parse(text)
    except SelectorError:
        return
    assert parse(str(selector)) == selector


NAMES = st.from_regex(r"[a-z]([-a-z0-9_.]{0,8}[a-z0-9])?", fullmatch=True)
VALUES = st.one_of(st.just(""), NAMES)


def several(operator: Operator) -> st.SearchStrategy[Requirement]:
    values = st.lists(VALUES, min_size=1, max_size=4, unique=True).map(tuple)
    return st.builds(Requirement, NAMES, st.just(operator), values)


def one(operator: Operator) -> st.SearchStrategy[Requirement]:
    return st.builds(Requirement, NAMES, st.just(operator), st.tuples(VALUES))


def alone(operator: Operator) -> st.SearchStrategy[Requirement]:
    return st.builds(Requirement, NAMES, st.just(operator))


REQUIREMENTS = st.one_of(
    one("="), one("!="), several("in"), several("notin"), alone("exists"), alone("!")
)


@given(st.lists(REQUIREMENTS, max_size=4).map(tuple))
def test_a_selector_survives_being_written(requirements: tuple[Requirement, ...]) -> None:
    assert parse(str(Selector(requirements))).requirements == requirements


@given(REQUIREMENTS, st.dictionaries(NAMES, VALUES, max_size=3))
def test_each_condition_and_its_opposite_part_all_objects(
    requirement: Requirement, labels: dict[str, str]
) -> None:
    opposites: dict[Operator, Operator] = {"=": "!=", "in": "notin", "exists": "!"}
    opposites |= {there: here for here, there in opposites.items()}
    opposite = Requirement(requirement.key, opposites[requirement.operator], requirement.values)
    assert requirement.match(labels) != opposite.match(labels)


def test_a_good_label_is_not_complained_about() -> None:
    assert check_label("node-role.kubernetes.io/worker") == ""
    assert check_label("a", "B.1_c-d") == ""
