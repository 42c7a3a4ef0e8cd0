"""The form of a drain: within Slack's limits for any nodes, and readable whatever comes back."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.form import RequestForm, node_options, read_request, request_modal
from jobs.models import ClusterNode
from jobs.options import COMMAND_FLAGS, FLAGS
from sandbox.slack.blockkit import problems
from sandbox.slack.blockkit_elements import suggestion_problems

WORDS = st.text(max_size=80) | st.sampled_from(
    ["<!channel>", "\u202eabc", "مرحبا", "a&b<c>", "🙂" * 40]
)
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]{1,60}){0,3}", fullmatch=True)
CLUSTERS = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
MODES = st.sampled_from(["accepting", "draining", "drained", "maintenance", "fence_lost"])
SOME_NODES = st.lists(
    st.builds(
        ClusterNode,
        name=NAMES,
        uid=st.uuids().map(str),
        labels=st.dictionaries(WORDS, WORDS, max_size=5),
        ready=st.booleans(),
        cordoned=st.booleans(),
        mode=MODES,
    ),
    max_size=20,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("nodes", "typed", "cluster", "reason", "options", "flags")


@given(st.dictionaries(CLUSTERS, st.tuples(SOME_NODES, st.integers(0, 10**6)), max_size=4))
def test_any_nodes_are_offered_within_slacks_limits(
    found: dict[str, tuple[list[ClusterNode], int]],
) -> None:
    counted = {name: (nodes, len(nodes) + more) for name, (nodes, more) in found.items()}
    answer = node_options(counted)
    assert suggestion_problems(answer) == []
    groups = answer.get("option_groups") or [answer]
    assert sum(len(group["options"]) for group in groups) == sum(len(n) for n, _ in found.values())
    assert "<!" not in str(answer)


@given(st.lists(CLUSTERS, min_size=1, max_size=130, unique=True))
def test_the_form_stays_within_slacks_limits_for_any_clusters(clusters: list[str]) -> None:
    flags = [flag for flag in (*FLAGS, *COMMAND_FLAGS) if flag.metavar]
    switches = [flag for flag in FLAGS if not flag.metavar]
    assert problems(request_modal(clusters[-1], clusters, switches, flags, channel="C01OPS")) == []
    assert problems(request_modal("", clusters, switches, [], channel="C01OPS")) == []


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.dictionaries(WORDS, JSON, max_size=2)),
    WORDS | st.none(),
)
def test_whatever_comes_back_is_read(values: dict[str, Any], metadata: str | None) -> None:
    view = {"private_metadata": metadata, "state": {"values": values}, "id": "V1"}
    form = read_request(view)
    assert isinstance(form, RequestForm)
    assert form.view == "V1"
    none: tuple[dict[str, Any], ...] = (
        {},
        {"state": None},
        {"state": {"values": []}},
        {"private_metadata": "[]"},
    )
    for broken in none:
        assert read_request(broken) == RequestForm()
