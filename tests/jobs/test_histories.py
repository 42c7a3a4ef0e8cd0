"""The history of a story: who asked, who decided on what grounds, what they saw, and the end."""

from typing import Any

import pytest
from redis import Redis

from jobs.audit import Chainer
from jobs.errors import DrainbotError
from jobs.models import AuditEntry, History, Memberships, OperationEnd, Principal, Refused
from jobs.service import Service
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, NAME, policy_with
from tests.jobs.story import Story, block

CY = Principal(team="T01", user="U04CY")
STRANGER = Principal(team="T99", user="U99")
AT = 1_790_000_000_000
GROUPS = Memberships(groups={"S0SRE": frozenset({"U02BO", "U04CY"})}, known=True, at=AT, stale=True)
TWO = {"force": {"by": ["S0SRE"], "votes": 2, "reason": "required"}, "decide": ["S0SRE", "sre"]}


def link(story: Story) -> None:
    Chainer(story.worker.store, owner="test").tick()


def entries(found: History | Refused) -> tuple[AuditEntry, ...]:
    assert isinstance(found, History)
    return found.entries


def votes(found: History | Refused) -> list[AuditEntry]:
    return [entry for entry in entries(found) if entry.what == "vote"]


@pytest.fixture
def forced(play: Play, redis: "Redis") -> tuple[Story, str]:
    """A drain with a force by two people, who are in a group that is known from yesterday."""
    policy = policy_with(rule=TWO)
    story = play(policy=policy)
    story.service = Service(redis, policy, people=lambda: GROUPS)
    block(story)
    operation = story.submit("node-1", reason="disk swap")
    asked = story.question(operation)
    for user in ("U02BO", "U04CY"):
        decided = story.decide(asked, "force", by=GROUPS.principal("T01", user), note="moved")
        assert not decided.reason, decided
    assert story.finish(operation).end is OperationEnd.DRAINED
    return story, operation


def test_a_force_by_two_people_has_a_history_with_both_and_their_grounds(
    forced: tuple[Story, str],
) -> None:
    story, operation = forced
    link(story)
    told = entries(story.service.histories.of_operation(ANA, NAME, operation))
    started = told[0]
    assert (started.what, started.by, started.note, started.nodes) == (
        "started", ANA.id, "disk swap", ("node-1",),
    )  # fmt: skip
    assert started.grounds is not None
    assert (started.grounds.rests_on, started.grounds.rules) == (("user:U01ANA",), (1,))
    first, second = (entry for entry in told if entry.what == "vote")
    assert (first.by, first.result, second.by, second.result) == (
        BO.id, "voted", CY.id, "settled",
    )  # fmt: skip
    assert set(second.counted) == {BO.id, CY.id}
    for vote in (first, second):
        assert vote.note == "moved"
        assert vote.grounds is not None
        assert vote.grounds.rests_on == ("group:S0SRE",)
        assert (vote.grounds.groups_at, vote.grounds.groups_stale) == (AT, True)
        assert vote.shown is not None
        assert (vote.shown.pods, vote.shown.budgets) == (("payments/db-0",), ("payments/db",))
        assert len(vote.shown.pods_digest) == 64
    words = [entry.word for entry in told if entry.what == "told"]
    assert {"cordoned", "forced", "drained"} <= set(words)
    modes = [e.fields["to"] for e in told if e.what == "node_mode"]
    assert modes == ["draining", "drained"]
    assert (told[-1].what, told[-1].fields["end"]) == ("ended", "drained")
    times = [entry.at for entry in told if entry.what != "told"]
    assert times == sorted(times)


def test_an_approval_is_kept_with_the_digest_and_the_facts_of_the_plan_that_was_shown(
    play: Play,
) -> None:
    story = play(policy=policy_with(rule={"approve": {"by": ["sre"], "votes": 1}}))
    story.cluster.add_workload("Deployment", "shop", "web", replicas=1, on=["node-1"])
    operation = story.submit("node-1")
    asked = story.question(operation)
    plan = story.view(operation).plan
    assert plan is not None
    story.decide(asked, "approve")
    story.finish(operation)
    (vote,) = votes(story.service.histories.of_operation(ANA, NAME, operation))
    assert (vote.kind, vote.choice, vote.result) == ("approval", "approve", "settled")
    assert vote.shown is not None
    assert (vote.shown.digest, vote.shown.evict) == (plan.digest, plan.evict)
    assert vote.shown.single_replicas == ("shop/web",)
    assert vote.asked_at == asked.opened_at


def test_the_history_of_a_node_outlives_the_operations_on_it(forced: tuple[Story, str]) -> None:
    story, operation = forced
    store = story.worker.store
    story.give_back("node-1")
    link(story)
    before = entries(story.service.histories.of_node(ANA, NAME, "node-1"))
    assert {entry.fields.get("name") for entry in before} >= {"operation", "give_back"}
    while store.forget(store.now() + 1):
        pass
    assert story.service.operation(operation) is None
    assert entries(story.service.histories.of_node(ANA, NAME, "node-1")) == before
    assert entries(story.service.histories.of_operation(ANA, NAME, operation))


def test_pods_are_named_where_the_operation_is_told_and_to_their_owners_alone(
    play: Play, redis: "Redis"
) -> None:
    owners = {"payments": {"group": "sre", "channel": "C0PAY", "force_needs_vote": False}}
    policy = policy_with(
        owners=owners, channels={"C01": {"cluster": NAME}, "C02": {"cluster": NAME}}
    )
    story = play(policy=policy)
    block(story)
    operation = story.submit("node-1", reason="db-0 is ill")
    story.decide(story.question(operation), "force", note="db-0 may go")
    story.finish(operation)
    histories = story.service.histories

    def said(channel: str | None) -> str:
        return str(entries(histories.of_node(ANA, NAME, "node-1", channel=channel)))

    assert "payments/db-0" in said("C01")
    assert "db-0 is ill" in said("C01")
    assert "payments/db-0" in said(None)
    assert "db-0" not in said("C02")
    owners_see = said("C0PAY")
    assert "payments/db-0" in owners_see
    assert "db-0 is ill" not in owners_see
    assert "forced" in said("C02")  # what was done is told everywhere


def test_people_of_another_workspace_see_no_history(forced: tuple[Story, str]) -> None:
    story, operation = forced
    histories = story.service.histories
    for answer in (
        histories.of_operation(STRANGER, NAME, operation),
        histories.of_node(STRANGER, NAME, "node-1"),
        histories.entries(STRANGER, NAME),
        histories.verify(STRANGER, NAME),
        histories.of_node(ANA, "nowhere", "node-1"),
    ):
        assert isinstance(answer, Refused)


def test_a_real_story_is_linked_and_whole_and_each_way_of_tampering_is_found(
    forced: tuple[Story, str],
) -> None:
    story, _ = forced
    histories, redis = story.service.histories, story.worker.redis
    waiting = histories.verify(ANA, NAME)
    assert not isinstance(waiting, Refused)
    assert (waiting.linked, waiting.waiting) == (0, waiting.written)
    assert waiting.waiting_since
    link(story)
    report = histories.verify(ANA, NAME)
    assert not isinstance(report, Refused)
    assert (report.findings, report.waiting) == ((), 0)
    (head,) = histories.heads()
    assert (head.anchor, head.seq) == (report.head, report.linked)
    key = f"drainbot:{NAME}:audit"
    third: Any = redis.lindex(key, 2)
    redis.lset(key, 2, str(third).replace("T01", "T02"))
    found = histories.verify(ANA, NAME, [report.head])
    assert not isinstance(found, Refused)
    assert [(f.kind, f.seq) for f in found.findings] == [("changed", 3)]
    redis.lset(key, 2, third)
    for name in (key, f"{key}:chain"):
        redis.ltrim(name, 0, 4)
    found = histories.verify(ANA, NAME)
    assert not isinstance(found, Refused)
    assert found.findings == ()  # nothing inside tells it
    found = histories.verify(ANA, NAME, [report.head])
    assert not isinstance(found, Refused)
    assert [(f.kind, f.seq) for f in found.findings] == [("cut_off", 6)]


def test_what_is_no_anchor_is_said(forced: tuple[Story, str]) -> None:
    story, _ = forced
    with pytest.raises(DrainbotError, match="SEQ:HASH"):
        story.service.histories.verify(ANA, NAME, ["5"])


def test_the_log_is_shown_from_its_end_or_from_a_number_on(forced: tuple[Story, str]) -> None:
    story, _ = forced
    link(story)
    histories = story.service.histories
    last = histories.entries(ANA, NAME, count=2)
    assert not isinstance(last, Refused)
    assert last[-1].what == "ended"
    assert len(last[-1].hash) == 64
    first = histories.entries(ANA, NAME, first=1, count=2)
    assert not isinstance(first, Refused)
    assert [entry.seq for entry in first] == [1, 2]
