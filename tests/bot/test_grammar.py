import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.grammar import (
    VERBS,
    Ask,
    Command,
    Drain,
    Help,
    Hold,
    List,
    Maintenance,
    Return,
    Status,
    Steer,
    Uncordon,
    Who,
    parse,
    parse_node,
    suggestion,
)
from jobs.options import UsageError

WORDS = st.sampled_from(
    [*VERBS, "7F3K9Q", "op", "node-1", "prod-eu/node-1", "reason", "--force", "—force", "«", '"']
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Ask()),
        ("\n", Ask()),
        ("HELP", Help()),
        ("help Abort", Help(form="abort")),
        ("help drain", Help(form="drain")),
        ("abort --help", Help(form="abort")),
        ("freeze —help", Help(form="freeze")),
        ("status", Status()),
        ("status 7f3k9q", Status(operation="prod-eu-7f3k9q")),
        ("Status\top 7F3K9Q", Status(operation="prod-eu-7f3k9q")),
        ("status lab/7F3K9Q", Status(operation="lab-7f3k9q")),
        ("list", List()),
        ("pause lab-7f3k9q", Steer(verb="pause", operation="lab-7f3k9q")),
        ("resume #7F3K9Q", Steer(verb="resume", operation="prod-eu-7f3k9q")),
        ("abort 7F3K9Q", Steer(verb="abort", operation="prod-eu-7f3k9q")),
        (
            "abort 7F3K9Q reason it's wrong",
            Steer(verb="abort", operation="prod-eu-7f3k9q", reason="it's wrong"),
        ),
        ("uncordon node-1", Uncordon(cluster="prod-eu", node="node-1")),
        ("uncordon lab/node-1", Uncordon(cluster="lab", node="node-1")),
        ("maintenance node-1", Maintenance(cluster="prod-eu", node="node-1")),
        (
            "maintenance lab/node-1 --for 2h reason new disk",
            Maintenance(cluster="lab", node="node-1", expected=7200, reason="new disk"),
        ),
        (
            "maintenance node-1 —for=90m new disk",
            Maintenance(cluster="prod-eu", node="node-1", expected=5400, reason="new disk"),
        ),
        ("return node-1", Return(cluster="prod-eu", node="node-1")),
        ("who", Who(cluster="prod-eu")),
        ("who lab/node-1", Who(cluster="lab", node="node-1")),
        ("freeze disks fail", Hold(verb="freeze", cluster="prod-eu", reason="disks fail")),
        ("freeze lab reason disks", Hold(verb="freeze", cluster="lab", reason="disks")),
        ("freeze reason lab is ill", Hold(verb="freeze", cluster="prod-eu", reason="lab is ill")),
        ("thaw", Hold(verb="thaw", cluster="prod-eu")),
        ("Thaw lab", Hold(verb="thaw", cluster="lab")),
    ],
)
def test_each_form_is_understood(text: str, meant: object) -> None:
    assert parse(text, cluster="prod-eu", clusters=("prod-eu", "lab")) == meant


def test_anything_else_is_a_drain_in_the_grammar_of_the_command_line() -> None:
    asked = parse("node-1 node-2 --timeout 5m reason status of the disk", cluster="prod-eu")
    assert isinstance(asked, Drain)
    assert asked.command.nodes == ("node-1", "node-2")
    assert asked.command.options.timeout == 300
    assert asked.command.reason == "status of the disk"


def test_a_plan_is_asked_for_with_a_verb_or_a_flag() -> None:
    by_verb = parse("plan node-1 --force reason disk swap", cluster="prod-eu")
    assert by_verb == parse("node-1 --force --plan reason disk swap", cluster="prod-eu")
    assert isinstance(by_verb, Drain)
    assert by_verb.command.plan_only
    never = parse("plan node-1 --plan=false", cluster="prod-eu")
    assert isinstance(never, Drain)
    assert never.command.plan_only  # of two words that contradict, the harmless one holds


def test_a_node_that_is_called_like_a_verb_is_written_with_its_cluster() -> None:
    asked = parse("prod-eu/list", cluster="prod-eu")
    assert isinstance(asked, Drain)
    assert asked.command.nodes == ("prod-eu/list",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plan", "Which nodes?"),
        ("plan --force", "Name at least one node"),
        ("abort", "Which operation?"),
        ("pause x", "is not an operation"),
        ("resume 7F3K9Q now", "`now` is too much"),
        ("list 5", "`5` is too much"),
        ("uncordon", "Which node?"),
        ("uncordon a b", "`b` is too much"),
        ("uncordon <!here>", "is not the name of a node"),
        ("abort 7F3K9Q " + "x" * 501, "at most 500"),
        ("who a b", "`b` is too much"),
        ("freeze", "Say why"),
        ("freeze prod-eu", "Say why"),
        ("freeze prod-us disks", "no cluster `prod-us`. Did you mean prod-eu"),
        ("help abrot", "Did you mean abort"),
        ("abrot 7F3K9Q", "There is no form `abrot`. Did you mean abort"),
        ("plam Node-1", "did you mean plan"),
        ("x" * 8001, "too long"),
    ],
)
def test_half_a_command_is_an_error_that_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text, cluster="prod-eu", clusters=("prod-eu", "lab"))


def test_what_is_to_be_frozen_needs_its_cluster_where_none_is_the_default() -> None:
    with pytest.raises(UsageError, match="Say which cluster"):
        parse("freeze reason disks", cluster="", clusters=("lab",))


def test_without_a_default_cluster_a_bare_id_needs_its_cluster() -> None:
    with pytest.raises(UsageError, match="cluster"):
        parse("status 7F3K9Q", cluster="")


@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=6).map(" ".join)))
@example("abort \u2028")
@example("uncordon a/b/c")
def test_no_text_ever_ends_otherwise_than_understood_or_as_a_usage_error(text: str) -> None:
    asked: Command | None = None
    said = "understood"
    try:
        asked = parse(text, cluster="prod-eu")
    except UsageError as error:
        said = str(error)
    assert said
    assert "<!" not in said
    first = next(iter(text.split(maxsplit=1)), "").lower()
    assert not isinstance(asked, Drain) or first not in VERBS or first == "plan"
    assert not isinstance(asked, Drain) or first != "plan" or asked.command.plan_only


def test_a_mistyped_verb_or_node_is_suggested() -> None:
    assert suggestion("abrot", ("node-1",)) == "Did you mean abort?"
    assert "node-17" in suggestion("nod-17", ("node-17",))
    assert suggestion("qqqqqq", ("node-1",)) == ""


def test_one_node_is_read_with_or_without_its_cluster() -> None:
    assert parse_node("node-1") == ("", "node-1")
    assert parse_node(" lab/node-1 ") == ("lab", "node-1")


@pytest.mark.parametrize("length", ["", "soon", "2", "59s", "91d", "-2h"])
def test_a_length_that_no_maintenance_has_is_refused(length: str) -> None:
    with pytest.raises(UsageError, match="no length for a maintenance"):
        parse(f"maintenance node-1 --for {length or 'x'}", cluster="prod-eu")
