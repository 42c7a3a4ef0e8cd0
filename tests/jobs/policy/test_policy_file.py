from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jobs.options import FLAGS
from jobs.policy import FileError, Mistake, Policy, PolicyError, load_policy, parse_policy
from jobs.policy.fields import Destructive

EXAMPLE = Path(__file__).with_name("policy.example.yaml")
SMALL = "team: T1\nclusters: {prod: {}}\n"
LABEL = "{}: at most 63 letters, digits, -, _ and . that begin and end with a letter or digit"


def mistakes(text: str) -> dict[str, str]:
    """Return the mistakes of a policy as `line key` → words."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    return {f"{wrong.line} {wrong.key}": wrong.message for wrong in caught.value.mistakes}


def test_the_example_is_understood_whole() -> None:
    policy = load_policy(EXAMPLE)
    db, rest = policy.rules
    assert policy.team == "T01DEMO"
    assert policy.channels["C01OPS"].cluster == "prod-eu"
    assert policy.groups == {"sre": ("S0SRE", "U02BOB"), "oncall": ("S0ONCALL",)}
    assert policy.tokens[0].scopes == ("read", "request", "decide")
    assert (db.match.cluster, db.match.labels) == ("prod-eu", {"pool": "db"})
    assert db.start == "confirm"
    assert db.approve is not None
    assert (db.approve.by, db.approve.votes, db.approve.lapses) == (("oncall",), 2, 3600)
    assert db.force is not None
    assert (db.force.votes, db.force.reason) == (2, "required")
    assert db.options == ("delete-emptydir-data",)
    assert (rest.match.cluster, rest.match.labels) == (None, {})
    assert rest.start == "when_noteworthy"
    assert rest.max_share_of_pool == Decimal(10)
    assert rest.approve is None
    assert policy.owners["payments"].force_needs_vote
    assert policy.questions.escalate is not None
    assert (policy.questions.remind, policy.questions.escalate.to) == (900, "C03ESC")
    assert policy.defaults.keep_finished == 30 * 86400
    assert policy.fallback_channel == "C01OPS"
    assert policy.break_glass == ("U09LEAD",)
    assert policy.pagers[0].secret_env == "PAGER_SECRET"


def test_the_examples_times_and_rates_are_the_defaults() -> None:
    example, least = load_policy(EXAMPLE), parse_policy(SMALL)
    assert least.defaults == example.defaults
    assert (least.questions.remind, least.questions.stop_after) == (900, 3600)
    assert (len(least.rules), len(least.tokens), len(least.break_glass)) == (0, 0, 0)


def test_a_policy_is_frozen() -> None:
    policy = parse_policy(SMALL)
    with pytest.raises(ValidationError, match="frozen"):
        policy.team = "T2"  # type: ignore[misc]  # what the test is about


def test_the_options_that_a_rule_may_grant_are_the_flags_that_need_a_right() -> None:
    assert set(get_args(Destructive)) == {flag.name for flag in FLAGS if flag.needs_right}


def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"No such file.*Set DRAINBOT_POLICY") as caught:
        load_policy(tmp_path / "policy.yaml")
    assert caught.value.mistakes == ()


def test_a_file_of_bytes_is_told_not_to_be_text(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"team: \xff\xfe")
    with pytest.raises(PolicyError, match="not UTF-8"):
        load_policy(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"\ufeff{SMALL}", encoding="utf-8")
    assert load_policy(str(path)).team == "T1"


def test_every_mistake_is_named_at_once_with_its_line_and_key() -> None:
    assert mistakes(
        "team: demo\n"
        "clusters: {prod-eu: {}, Xx: {}}\n"
        "channels:\n"
        "  C01OPS: {cluster: prod-us}\n"
        "  ops: {cluster: prod-eu}\n"
        "groups: {sre: [S0SRE, bob], Ops: [U1]}\n"
        "tokens:\n"
        "  - {sha256: abc, user: S0SRE, scopes: [read, write]}\n"
        "rules:\n"
        "  - match: {cluster: prod-er, labels: {pool: 1, _x: b}}\n"
        "    request: [sree]\n"
        "    strat: confirm\n"
        "    start: maybe\n"
        "    approve: {by: [U1], votes: 2, lapses: 60}\n"
        "    force: {by: [], votes: 0, reason: always}\n"
        "    max_share_of_pool: 10\n"
        "    control_plane: yes please\n"
        "    options: [timeout]\n"
        "owners: {payments: {group: pay}}\n"
        "questions: {remind: 15, stop_after: 1 hour}\n"
        "defaults: {nodes_away: 0, node_timeout: 0s, evictions_per_second: fast}\n"
        "break_glas: [U1]\n"
        "pagers: [{url: 'http://pager.example.com', secret_env: pager}]\n"
    ) == {
        "1 team": "`demo` is not a Slack workspace (T…)",
        "2 clusters.Xx": (
            "`Xx` is not a cluster's name: lower-case letters, digits and -, at most 40"
        ),
        "4 channels.C01OPS.cluster": (
            "no cluster `prod-us` stands in clusters. Did you mean prod-eu?"
        ),
        "5 channels.ops": "`ops` is not a Slack channel's id (C…)",
        "6 groups.sre[1]": "`bob` is not a Slack user (U… or W…) or a Slack user group (S…)",
        "6 groups.Ops": "`Ops` is not a group's name: lower-case letters, digits, -, _ and .",
        "8 tokens[0].sha256": "expected a SHA-256 in hex, 64 digits: printf %s TOKEN | sha256sum",
        "8 tokens[0].user": "`S0SRE` is not a Slack user (U… or W…)",
        "8 tokens[0].scopes[1]": "expected 'read', 'request', 'decide' or 'force'",
        "10 rules[0].match.cluster": (
            "no cluster `prod-er` stands in clusters. Did you mean prod-eu?"
        ),
        "10 rules[0].match.labels.pool": "expected text; put it in quotes",
        "10 rules[0].match.labels._x": LABEL.format("`_x` is not a label's key"),
        "11 rules[0].request[0]": "no group `sree` stands in groups. Did you mean sre?",
        "12 rules[0].strat": "is not a key here; did you mean start?",
        "13 rules[0].start": "expected 'confirm', 'at_once' or 'when_noteworthy'",
        "14 rules[0].approve.votes": "2 votes can't come together: 1 person may vote",
        "14 rules[0].approve.lapses": ("expected a duration with its unit, such as 30s, 15m or 1h"),
        "15 rules[0].force.by": "is empty: name at least one",
        "15 rules[0].force.votes": "expected at least 1",
        "15 rules[0].force.reason": "expected 'required' or 'optional'",
        "16 rules[0].max_share_of_pool": "expected a percentage such as 10%",
        "17 rules[0].control_plane": "expected true or false",
        "18 rules[0].options[0]": (
            "expected 'delete-emptydir-data', 'disable-eviction', 'force' or 'grace-period'"
        ),
        "19 owners.payments.group": "no group `pay` stands in groups.",
        "20 questions.remind": "expected a duration with its unit, such as 30s, 15m or 1h",
        "20 questions.stop_after": (
            "expected a duration with its unit, such as 30s, 15m, 1h30m or 30d"
        ),
        "21 defaults.nodes_away": "expected at least 1",
        "21 defaults.node_timeout": "expected a duration longer than 0",
        "21 defaults.evictions_per_second": "expected a number",
        "22 break_glas": "is not a key here; did you mean break_glass?",
        "23 pagers[0].url": "expected https: what goes there names nodes and people",
        "23 pagers[0].secret_env": "`pager` is not a variable's name such as PAGER_SECRET",
    }


def test_the_error_is_readable_as_it_stands() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy("team: T1\n\nclustres: {}\n", source="/etc/policy.yaml")
    assert str(caught.value) == (
        "/etc/policy.yaml has 2 mistakes:\n"
        "  line 1, clusters: is missing\n"
        "  line 3, clustres: is not a key here; did you mean clusters?"
    )


def test_a_key_that_stands_twice_is_a_mistake_with_both_lines() -> None:
    found = mistakes(f"{SMALL}rules: []\nowners: {{}}\nrules: []\n")
    assert found == {"5 rules": "the key stands here twice; the first is on line 3"}


def test_nested_keys_that_stand_twice_are_found() -> None:
    found = mistakes(f"{SMALL}rules:\n- match: {{}}\n  request: []\n  request: [U1]\n")
    assert found["6 rules[0].request"].endswith("the first is on line 5")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("[1, 2]", 1, "expected keys with values"),
        ("team: T1\nclusters: [\n", 3, "not YAML"),
        ("team: T1\n\tclusters: {}\n", 2, "not YAML"),
        ("team: *gone", 1, "not YAML: found undefined alias"),
        ("team: T1\n---\nteam: T2\n", 2, "not YAML: expected a single document"),
        ("team: T1\nx: \x00", 2, "not YAML"),
        ("[" * 3000, 1, "nested too deeply"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    assert caught.value.mistakes[0].line == line
    assert said in caught.value.mistakes[0].message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("owners: !!python/object/apply:os.system ['true']", "no meaning here; remove the tag"),
        ("fallback_channel: !secret x", "no meaning here; remove the tag"),
        ("owners: !!set {a, b}", "no meaning here"),
        ("fallback_channel: !!binary aGk=", "no meaning here"),
        ("fallback_channel: !!int many", "can't be read"),
        ("break_glass: &a [*a]", "unfolds without end"),
        ('fallback_channel: "C\\ud800"', "is broken text"),
        ("1: x", "is not text"),
        ("<<: {rules: []}", "<< is not understood"),
        ("? [a]\n: x", "is not text"),
    ],
)
def test_only_yamls_plain_types_pass(line: str, said: str) -> None:
    assert any(said in words for words in mistakes(f"{SMALL}{line}\n").values())


def test_aliases_that_unfold_into_millions_are_stopped() -> None:
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    found = mistakes(f"{SMALL}a0: &a0 [x]\n{layers}")
    assert any("unfolds without end" in words for words in found.values())


def test_an_alias_may_repeat_a_part() -> None:
    policy = parse_policy(
        f"{SMALL}rules:\n- {{match: {{labels: {{a: b}}}}, request: &who [U1], decide: *who}}\n"
    )
    assert policy.rules[0].decide == ("U1",)


def test_a_cluster_needs_no_settings() -> None:
    assert list(parse_policy("team: T1\nclusters:\n  prod-eu:\n  prod-us: {}\n").clusters) == [
        "prod-eu",
        "prod-us",
    ]
    assert mistakes("team: T1\nclusters: {prod: {x: 1}}\n") == {
        "2 clusters.prod.x": "takes no keys"
    }
    assert mistakes("team: T1\nclusters: {}\n") == {"2 clusters": "is empty: name at least one"}


def test_numbers_and_text_are_not_taken_for_each_other() -> None:
    found = mistakes(
        f"{SMALL}rules:\n- match: {{labels: {{a: true}}}}\n  max_nodes: '2'\n  control_plane: 1\n"
        "  request: sre\n"
    )
    assert found == {
        "4 rules[0].match.labels.a": "expected text; put it in quotes",
        "5 rules[0].max_nodes": "expected a whole number",
        "6 rules[0].control_plane": "expected true or false",
        "7 rules[0].request": "expected a list",
    }


def test_a_labels_key_and_value_can_both_be_wrong() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{SMALL}rules: [{{match: {{labels: {{_x: b_}}}}}}]")
    assert [wrong.message for wrong in caught.value.mistakes] == [
        LABEL.format("`_x` is not a label's key"),
        LABEL.format("`b_` is not a label's value"),
    ]


def test_a_date_in_a_label_is_text() -> None:
    policy = parse_policy(f"{SMALL}rules:\n- match: {{labels: {{built: 2026-01-02}}}}\n")
    assert policy.rules[0].match.labels == {"built": "2026-01-02"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pager.example.com/",
        "pager.example.com",
        "https://",
        "https://u:secret@pager.example.com/",
        "https://[::1",
        "https://pager.example.com/a b",
        "http://127.0.0.1.example.com/",
    ],
)
def test_a_pager_is_reached_safely_or_not_at_all(url: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{SMALL}pagers: [{{url: '{url}', secret_env: S}}]\n")
    assert caught.value.mistakes[0].key == "pagers[0].url"
    assert "secret@" not in str(caught.value)


def test_a_pager_on_loopback_needs_no_tls() -> None:
    text = f"{SMALL}pagers: [{{url: 'http://127.0.0.1:8080/x', secret_env: S}}]\n"
    assert parse_policy(text).pagers[0].url == "http://127.0.0.1:8080/x"


@pytest.mark.parametrize("share", ["0%", "101%", "-1%", "10", "'10 %'", "x%", "1e1%"])
def test_a_share_is_a_percentage(share: str) -> None:
    (key,) = mistakes(f"{SMALL}rules: [{{match: {{}}, max_share_of_pool: {share}}}]\n")
    assert key == "3 rules[0].max_share_of_pool"


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.dates(),
        st.sampled_from(["U1", "S1", "sre", "prod", "15m", "10%", "C1"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(list(Policy.model_fields))
RULES = st.dictionaries(
    st.sampled_from(["match", "request", "approve", "force", "decide", "max_nodes"]),
    st.one_of(JSON, st.dictionaries(st.sampled_from(["by", "votes", "labels", "cluster"]), JSON)),
)


@given(st.dictionaries(KEYS, st.one_of(JSON, st.lists(RULES, max_size=3))))
def test_data_of_any_shape_is_a_policy_or_has_mistakes_with_lines(data: dict[str, object]) -> None:
    text = yaml.safe_dump({"team": "T1", "clusters": {"prod": None}} | data)
    try:
        parse_policy(text)
    except PolicyError as error:
        lines = text.count("\n") + 1
        assert all(1 <= wrong.line <= lines for wrong in error.mistakes)  # noqa: PT017  or a policy
        assert error.mistakes  # noqa: PT017  the same


@given(st.text())
def test_any_text_is_a_policy_or_has_mistakes(text: str) -> None:
    with pytest.raises(PolicyError) as caught:  # no text of chance names a team and a cluster
        parse_policy(text)
    assert caught.value.mistakes


def test_mistakes_are_told_in_the_order_of_the_file() -> None:
    error = FileError("bad:", [Mistake(9, "b", "x"), Mistake(2, "c", "y"), Mistake(2, "", "z")])
    assert str(error) == "bad:\n  line 2: z\n  line 2, c: y\n  line 9, b: x"
