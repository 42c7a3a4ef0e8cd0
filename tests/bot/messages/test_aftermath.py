"""What is said of volumes that stay attached and of workloads that are not well again."""

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.aftermath import after_words, unwell_lines, volume_lines
from bot.messages.log import log_words
from bot.messages.style import MRKDWN, PLAIN
from bot.messages.text import size
from jobs.models import LogEntry, NodeStatus, NotReady, OwnerRef, Unwell
from tests.bot.messages.samples_after import ATTACHED, BATCH, DRAINED, WAITS, WEB
from tests.bot.messages.test_any_input import moments, names, numbers, words

unwells = st.builds(
    Unwell,
    owner=st.builds(
        OwnerRef, kind=names, namespace=names, name=names, uid=names, replicas=numbers,
        ready=numbers,
    ),
    ready_before=numbers,
    needed=numbers,
    why=words,
    pods=st.lists(st.builds(NotReady, pod=names, since=moments, why=words), max_size=10).map(tuple),
)  # fmt: skip


def test_a_workload_is_named_with_its_counts_and_the_schedulers_reason() -> None:
    first, *rest = unwell_lines([WEB, BATCH], PLAIN)
    assert first == (
        "shop/web (Deployment): 1 of the 3 wanted ready, 3 were before its drain."
    )  # fmt: skip
    assert "shop/web-5d-x2" in rest[0]
    assert "2 Insufficient cpu" in rest[0]
    assert "exceeded quota" in rest[-1]


def test_of_many_workloads_some_are_counted() -> None:
    lines = unwell_lines([BATCH] * 9, PLAIN)
    assert lines[-1] == "… and 4 more workloads."


def test_while_it_waits_a_node_says_for_what() -> None:
    assert after_words(WAITS, PLAIN) == (
        "its workloads are not well again yet: shop/web 1 of 3 ready"
    )
    assert after_words(ATTACHED, PLAIN) == "2 volumes still attached"
    assert after_words(DRAINED, PLAIN) == ""
    over = WAITS.model_copy(update={"ended_at": 5})
    assert after_words(over, PLAIN) == ""
    given_up = ATTACHED.model_copy(update={"status": NodeStatus.SKIPPED})
    assert after_words(given_up, PLAIN) == ""


def test_the_story_tells_what_happened_after_a_node_was_empty() -> None:
    def said(what: str, **fields: str) -> str:
        entry = LogEntry(key="k", what=what, at=0, node="node-17", fields=dict(fields))
        return log_words(entry, PLAIN)

    dead = said("node_is_dead", by="T01:U02BOB")
    assert dead.startswith("node-17 was declared dead by U02BOB: it is marked as out of service")
    assert said("not_dead", why="it is Ready again") == (
        "node-17 was not marked as dead: it is Ready again."
    )
    assert "pv-data" in said("attached_anyway", by="T01:U02BOB", volumes="pv-data")
    assert said("unwell_anyway", by="T01:U02BOB", workloads="shop/web 1 of 2 ready") == (
        "Went on after node-17 though not all is well: shop/web 1 of 2 ready by U02BOB."
    )
    assert "payments/db-0" in said("freed_late", pods="payments/db-0")
    for what in ("detached", "well", "unwell_unanswered"):
        assert "node-17" in said(what)
        assert "_" not in said(what)  # told in words, not by its own name


@given(st.lists(unwells, max_size=8), st.lists(names, max_size=30))
def test_nothing_of_it_pings_anybody_or_grows_without_end(
    told: list[Unwell], volumes: list[str]
) -> None:
    lines = [*unwell_lines(told, MRKDWN), *volume_lines(volumes, MRKDWN)]
    text = "\n".join(lines).replace("<!date^", "")  # a moment, which pings nobody
    assert "<!" not in text
    assert "<@" not in text
    assert all(size(line) < 3_000 for line in lines)
