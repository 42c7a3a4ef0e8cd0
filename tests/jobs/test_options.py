import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs import selectors
from jobs.models import DrainOptions
from jobs.options import (
    COMMAND_FLAGS,
    FLAGS,
    LONGEST,
    SHORTEST,
    DrainCommand,
    UsageError,
    options_from,
    parse_drain,
    parse_tokens,
    render_options,
    rights_needed,
    split_node,
    usage,
)


def options_of(flags: str) -> DrainOptions:
    return parse_drain(f"node-1 {flags}").options


def test_every_option_of_a_drain_has_its_flag_spelled_as_kubectl_does() -> None:
    assert [flag.field for flag in FLAGS] == list(DrainOptions.model_fields)
    others = {flag.name: flag.field for flag in FLAGS if flag.name.replace("-", "_") != flag.field}
    assert others == {"for": "expected"}  # as in `/drain maintenance NODE --for 2h`
    assert {flag.field for flag in COMMAND_FLAGS} <= set(DrainCommand.model_fields)


def test_nodes_are_kept_in_their_order_once_each() -> None:
    assert parse_drain("node-2 node-1  node-2 prod-eu/node-1").nodes == (
        "node-2",
        "node-1",
        "prod-eu/node-1",
    )


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ("", {}),
        ("--force", {"force": True}),
        ("--force=true", {"force": True}),
        ("--force=F", {}),
        ("--delete-emptydir-data", {"delete_emptydir_data": True}),
        ("--ignore-daemonsets", {}),
        ("--ignore-daemonsets=false", {"ignore_daemonsets": False}),
        ("--grace-period=30", {"grace_period": 30}),
        ("--grace-period 30", {"grace_period": 30}),
        ("--grace-period 0", {"grace_period": 0}),
        ("--grace-period -1", {"grace_period": -1}),
        ("--timeout=5m", {"timeout": 300}),
        ("--timeout 1h30m", {"timeout": 5400}),
        ("--timeout=0", {}),
        ("--timeout=1.5h", {"timeout": 5400}),
        ("--pod-selector=app=web", {"pod_selector": "app=web"}),
        ("--pod-selector 'app in (a, b)'", {"pod_selector": "app in (a,b)"}),
        ('--pod-selector="app!=web"', {"pod_selector": "app!=web"}),
        ("--skip-wait-for-delete-timeout=60", {"skip_wait_for_delete_timeout": 60}),
        ("--disable-eviction", {"disable_eviction": True}),
        ("--timeout=5m --timeout=300s", {"timeout": 300}),
        ("--canary 1 --soak 10m", {"canary": 1, "soak": 600}),
        ("--canary=2", {"canary": 2}),
        ("--then wait", {"then": "wait"}),
        ("--then=wait --for 2h", {"then": "wait", "expected": 7200}),
        ("--max-failures 0", {"max_failures": 0}),
        ("--max-failures=-1", {}),
        ("--expect-gone --no-wait-volumes", {"expect_gone": True, "no_wait_volumes": True}),
    ],
)
def test_flags_are_read_as_kubectl_reads_them(flags: str, options: dict[str, object]) -> None:
    assert options_of(flags) == DrainOptions.model_validate(options)
    assert parse_drain(f"{flags} node-1").nodes == ("node-1",)


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("—force", {"force": True}),
        ("–force", {"force": True}),  # noqa: RUF001  an en dash, as some keyboards make of --
        ("—grace‑period=5", {"grace_period": 5}),  # noqa: RUF001  a non-breaking hyphen
        ("—pod-selector=“app in (a)”", {"pod_selector": "app in (a)"}),
        ("--pod-selector ‘app’", {"pod_selector": "app"}),  # noqa: RUF001  typographic quotes
    ],
)
def test_typographic_dashes_and_quotes_are_what_was_typed(
    typed: str, options: dict[str, object]
) -> None:
    assert options_of(typed) == DrainOptions.model_validate(options)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("n reason disk swap, INC-4711", "disk swap, INC-4711"),
        ("n --reason disk swap", "disk swap"),
        ("n —reason disk swap", "disk swap"),
        ("n --reason=disk swap", "disk swap"),
        ('n --reason="disk swap"', "disk swap"),
        ("n reason “disk swap”", "disk swap"),
        ("n reason don't panic", "don't panic"),
        ("n --reason=don't panic", "don't panic"),
        ('n reason "a" and "b"', '"a" and "b"'),
        ("n reason  two \n\t lines\x07", "two lines"),
        ("n reason 'because of --force'", "because of --force"),
        ("n reason swap - it is broken — soon", "swap - it is broken — soon"),
        ("n reason the reason is secret", "the reason is secret"),
        ("n reason <!here> & @all", "<!here> & @all"),
        ("n", ""),
    ],
)
def test_the_reason_is_everything_behind_its_word(text: str, reason: str) -> None:
    command = parse_drain(text)
    assert command.reason == reason
    assert command.nodes == ("n",)


@pytest.mark.parametrize(
    "text",
    [
        "n reason swap --plan",
        "n --reason swap --force now",
        "n reason swap —plan",
        "n reason --plann",
    ],
)
def test_a_flag_in_the_reason_is_never_passed_over(text: str) -> None:
    with pytest.raises(UsageError, match="put flags before it"):
        parse_drain(text)


def test_labels_select_nodes() -> None:
    command = parse_drain("pool=blue zone=a --plan")
    assert command.pairs == (("pool", "blue"), ("zone", "a"))
    assert command.plan_only
    assert str(command.node_selector) == "pool=blue,zone=a"


@pytest.mark.parametrize("flag", ["-l", "--selector", "—selector", "--selector="])
def test_a_selector_of_nodes_is_kubectls(flag: str) -> None:
    blank = "" if flag.endswith("=") else " "
    command = parse_drain(f"zone=a {flag}{blank}'pool in (a, b)'")
    assert str(command.node_selector) == "zone=a,pool in (a,b)"


def test_named_nodes_have_no_selector() -> None:
    assert parse_drain("node-1").node_selector is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Name at least one node"),
        ("   ", "Name at least one node"),
        ("--force", "Name at least one node"),
        ("--selector=", "--selector is empty"),
        ("--selector= node-1", "--selector is empty"),
        ("reason disk", "Name at least one node"),
        ("n --forse", r"no flag `--forse`\. Did you mean --force\?"),
        ("n -force", r"no flag `-force`\. Did you mean --force\?"),
        ("n --Force", "Did you mean --force"),
        ("n --grace_period=3", "Did you mean --grace-period"),
        ("n --dry-run=client", "Did you mean --plan"),
        ("n --delete-local-data", "Did you mean --delete-emptydir-data"),
        ("n --xyz", "See help"),
        ("n --", "not a node's name"),
        ("n --grace-period", "needs a value: --grace-period=SECONDS"),
        ("n --grace-period=-5", "whole seconds, at least -1"),
        ("n --grace-period=5s", "whole seconds"),
        ("n --grace-period=٣", "whole seconds"),
        ("n --grace-period --force", "whole seconds"),
        ("n --grace-period=", "whole seconds"),
        ("n --grace-period=" + "9" * 5000, "whole seconds"),
        ("n --skip-wait-for-delete-timeout=-1", "at least 0"),
        ("n --timeout=5", "expected a duration with its unit"),
        ("n --timeout=-5m", "expected a duration"),
        ("n --timeout=500ms", "expected whole seconds"),
        ("n --timeout=99999d", "at most ten years"),
        ("n --force=maybe", "expected true or false"),
        ("n --force=", "expected true or false"),
        ("n --force false", "Write --force=false"),
        ("n --plan true", "Write --plan=true"),
        ("n --pod-selector=a===b", "label selector .* expected a value"),
        ("n --pod-selector='a in ()'", "the list is empty"),
        ("n --timeout=5m --timeout=6m", "--timeout stands there twice"),
        ("n --force --force=false", "--force stands there twice"),
        ("n reason", "The reason is empty"),
        ("n --reason=", "The reason is empty"),
        ("n reason ''", "The reason is empty"),
        ("n reason " + "x" * 501, "too long: at most 500"),
        ('n "--reason" x', "without quotes"),
        ('n "x', "A quote is never closed"),
        ("n o'brien", "A quote is never closed"),
        ("pool=blue pool=red", "No node has two values of `pool`"),
        ("pool!=blue", "--selector takes others"),
        ("a=b,c=d", "--selector takes others"),
        ("-a=b", "no flag"),
        ("pool=b_", "not a label's value"),
        ("=b", "--selector takes others"),
        ("node-1 pool=blue", "not both"),
        ("node-1 -l pool=blue", "not both"),
        ("Node-1", r"lower case\. Did you mean node-1\?"),
        ("node_1", "not a node's name"),
        ("node-1,node-2", "Put blanks between nodes"),
        ("a..b", "not a node's name"),
        ("n" * 254, "at most 253"),
        ("Prod/node-1", "not a cluster's name"),
        ("a.b/node-1", "not a cluster's name"),
        ("/node-1", "not a node's name"),
        ("prod/", "not a node's name"),
        ("a/b/c", "not a node's name"),
        ("''", "not a node's name"),
    ],
)
def test_what_is_not_understood_is_an_error_that_helps(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_drain(text)


@pytest.mark.parametrize(
    "word",
    ["<!here>", "<!channel>", "@here", "<@U02BOB>", "*bold*", "`x`", "<http://x|node-1>", "&lt;"],
)
def test_a_node_name_with_markup_is_refused_without_pinging_anybody(word: str) -> None:
    with pytest.raises(UsageError, match="not a node's name") as caught:
        parse_drain(f"node-1 {word}")
    assert not set("<>&@") & set(str(caught.value))


def test_four_hundred_nodes_are_read() -> None:
    names = [f"node-{number}" for number in range(400)]
    assert parse_drain(" ".join(names)).nodes == tuple(names)


def test_nodes_are_of_one_cluster() -> None:
    command = parse_drain("node-1 prod-eu/node-1 prod-eu/node-2")
    assert command.in_one_cluster("prod-eu") == ("prod-eu", ("node-1", "node-2"))
    assert parse_drain("prod-us/n").in_one_cluster("prod-eu") == ("prod-us", ("n",))
    assert parse_drain("pool=blue").in_one_cluster("prod-eu") == ("prod-eu", ())
    with pytest.raises(UsageError, match="several clusters, prod-us and prod-eu"):
        command.in_one_cluster("prod-us")
    with pytest.raises(UsageError, match="Say the cluster too"):
        parse_drain("node-1").in_one_cluster("")


def test_a_node_may_name_its_cluster() -> None:
    assert split_node("prod-eu/node-1") == ("prod-eu", "node-1")
    assert split_node("node-1") == ("", "node-1")


def test_a_shells_words_are_read_alike() -> None:
    tokens = [
        "node-1",
        "--timeout",
        "5m",
        "--pod-selector",
        "app in (a, b)",
        "--reason",
        "disk swap",
    ]
    assert parse_tokens(tokens) == parse_drain(
        "node-1 --timeout 5m --pod-selector 'app in (a, b)' reason disk swap"
    )
    assert parse_tokens(["n", "--reason=disk swap"]).reason == "disk swap"
    assert parse_tokens(["n", "reason", "don't", "panic"]).reason == "don't panic"
    with pytest.raises(UsageError, match="put flags before it"):
        parse_tokens(["n", "--reason", "swap", "--plan"])


def test_options_are_made_of_texts_by_field() -> None:
    read = options_from({"timeout": "5m", "force": "true", "grace_period": "0"})
    assert read == DrainOptions(timeout=300, force=True, grace_period=0)
    with pytest.raises(UsageError, match="--timeout=`soon`"):
        options_from({"timeout": "soon"})


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({}, ()),
        ({"ignore_daemonsets": False, "timeout": 5, "pod_selector": "a"}, ()),
        ({"grace_period": 0}, ("grace-period",)),
        ({"grace_period": 86400}, ("grace-period",)),
        (
            {"force": True, "delete_emptydir_data": True, "disable_eviction": True},
            ("force", "delete-emptydir-data", "disable-eviction"),
        ),
    ],
)
def test_what_bypasses_a_budget_loses_data_or_shortens_grace_needs_a_right(
    options: dict[str, object], needed: tuple[str, ...]
) -> None:
    assert rights_needed(DrainOptions.model_validate(options)) == needed


def test_the_help_has_one_line_for_each_flag() -> None:
    lines = usage().splitlines()
    assert lines[0] == "/drain NODE… [flags] [reason …]"
    for flag in (*FLAGS, *COMMAND_FLAGS):
        (line,) = [
            line
            for line in lines
            if line.lstrip().startswith(f"--{flag.name}")
            and line.lstrip()[len(flag.name) + 2] in "= "
        ]
        assert flag.help in line
        assert ("needs the force right" in line) is flag.needs_right
    example_line = next(line for line in lines if line.startswith("For example: "))
    assert parse_drain(example_line.removeprefix("For example: /drain ")).reason == "disk swap"
    assert usage("drainbot drain").startswith("drainbot drain NODE…")


OPTIONS = st.builds(
    DrainOptions,
    force=st.booleans(),
    delete_emptydir_data=st.booleans(),
    ignore_daemonsets=st.booleans(),
    grace_period=st.integers(-1, 999_999_999),
    timeout=st.integers(0, 10 * 365 * 86400),
    pod_selector=st.sampled_from(["", "app=web", "a in (b,),!c,d!=e", "a>1"]).map(
        lambda text: str(selectors.parse(text))
    ),
    skip_wait_for_delete_timeout=st.integers(0, 999_999_999),
    disable_eviction=st.booleans(),
    expect_gone=st.booleans(),
    max_failures=st.integers(-1, 999_999_999),
    canary=st.integers(1, 999_999_999),
    soak=st.integers(0, 10 * 365 * 86400),
    then=st.just("wait"),
    expected=st.one_of(st.just(0), st.integers(SHORTEST, LONGEST)),
)


def test_a_soak_without_canaries_is_half_a_wish() -> None:
    with pytest.raises(UsageError, match="say with --canary how many go first"):
        parse_drain("node-1 node-2 --soak 10m")


@given(OPTIONS)
def test_options_survive_being_written_as_flags(options: DrainOptions) -> None:
    flags = render_options(options)
    assert parse_tokens([*flags, "node-1"]).options == options
    assert parse_drain(" ".join(f"'{flag}'" for flag in flags) + " node-1").options == options


def test_defaults_need_no_flags() -> None:
    assert render_options(DrainOptions()) == []


PIECES = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="-—–'\"“”‘’=,/<>!@& \tabl1", max_size=12),  # noqa: RUF001  what chats send
    st.sampled_from([f"--{flag.name}" for flag in (*FLAGS, *COMMAND_FLAGS)]),
    st.sampled_from(
        ["node-1", "pool=blue", "reason", "-l", "true", "5m", "-1", "—force", "\ud800"]
    ),
)


@settings(max_examples=2000)
@given(st.lists(PIECES, max_size=8), st.sampled_from(["", " "]))
@example(["n ", "--reason", "\ud800"], "")
def test_any_text_is_a_command_or_an_error_for_a_person(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    try:
        command = parse_drain(text)
    except UsageError as error:
        said = str(error)
        assert not set("<>&@\n") & set(said)
        return
    assert command.nodes or command.node_selector is not None
    unquoted = "".join(char for char in text if char not in "'\"“”‘’„‟«»‚‛")  # noqa: RUF001  all quotes
    assert all(node in unquoted for node in command.nodes)  # none is made up
    if command.node_selector is not None:  # never everything by accident
        assert command.node_selector.requirements
    command.reason.encode()


@given(st.lists(PIECES, max_size=8))
def test_any_words_are_a_command_or_an_error_for_a_person(words: list[str]) -> None:
    try:
        assert parse_tokens(words)
    except UsageError:
        return
