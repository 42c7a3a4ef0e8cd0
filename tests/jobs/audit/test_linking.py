"""One writer links what the scripts wrote; two at once, a crash and a failover do no harm."""

import threading
from typing import Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from jobs.audit import Anchor, AuditLog, Chainer, entry_of, examine, genesis, link
from jobs.audit.chainer import LEASE, SAY_EVERY
from jobs.audit.log import PAGE
from jobs.durable import Store
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)


class Hand:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def write(group: Group, count: int) -> None:
    """Let the scripts write entries."""
    group.redis.rpush(
        f"drainbot:{group.name}:audit",
        *(f'{{"at":{n},"what":"vote","op":"op-1","node":"node-{n % 3}"}}' for n in range(count)),
    )


def chainer(group: Group, owner: str = "one", clock: Hand | None = None) -> Chainer:
    return Chainer(group.store, owner=owner, clock=clock or Hand())


def intact(group: Group, *anchors: Anchor) -> bool:
    hashes, entries = AuditLog(group.store).pages()
    return examine(entries, hashes, genesis(group.name), anchors).intact


def linked(group: Group) -> int:
    head = AuditLog(group.store).head()
    return head.anchor.seq if head.anchor else 0


def said(logs: list[Any], event: str) -> list[Any]:
    return [each for each in logs if each["event"] == event]


def test_entries_are_linked_as_anybody_can_do_again(group: Group) -> None:
    write(group, 3)
    chainer(group).tick()
    hashes, entries = AuditLog(group.store).pages()
    before = genesis(group.name)
    for seq, entry in enumerate(entries, 1):
        before = link(before, seq, entry)
        assert hashes[seq - 1] == before
    assert len(hashes) == 3


def test_a_backlog_of_several_pages_is_linked_at_once(group: Group) -> None:
    write(group, 2 * PAGE + 7)
    chainer(group).tick()
    assert (linked(group), intact(group)) == (2 * PAGE + 7, True)
    assert AuditLog(group.store).head().waiting == 0


def test_what_was_written_before_a_crash_is_linked_by_the_next_writer(group: Group) -> None:
    hand = Hand()
    write(group, 2)
    chainer(group, "one", hand).tick()
    write(group, 2)  # and the writer dies here
    group.clock.advance(LEASE + 1)
    chainer(group, "two", hand).tick()
    assert (linked(group), intact(group)) == (4, True)


def test_only_the_holder_of_the_lease_links(group: Group) -> None:
    write(group, 1)
    chainer(group, "one").tick()
    write(group, 1)
    other = chainer(group, "two")
    other.tick()
    assert linked(group) == 1


def test_two_that_link_the_same_entries_at_once_fork_nothing(group: Group, redis_url: str) -> None:
    write(group, 5 * PAGE)
    start = threading.Barrier(4)

    def race() -> None:
        with Redis.from_url(redis_url, decode_responses=True) as redis:
            log = AuditLog(Store(redis, group.name))
            start.wait()
            head = log.head().anchor
            while (head.seq if head else 0) < 5 * PAGE:
                log.link_more(head)
                head = log.head().anchor

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (linked(group), intact(group)) == (5 * PAGE, True)
    numbers = group.dump()[f"drainbot:{group.name}:audit:of:op:op-1"]
    assert [int(number) for number in numbers] == list(range(1, 5 * PAGE + 1))


def test_whoever_is_behind_adds_nothing(group: Group) -> None:
    write(group, 2)
    log = AuditLog(group.store)
    assert log.link_more(None) is not None
    write(group, 1)
    assert log.link_more(None) is None
    assert log.link_more(Anchor(2, "0" * 64)) == Anchor(2, "0" * 64)
    assert linked(group) == 2


def test_a_link_that_is_sent_twice_is_answered_alike(group: Group) -> None:
    write(group, 2)
    sent: dict[str, Any] = {
        "from": 0, "before": "", "hashes": ["a", "b"], "about": [["op:op-1", 1], ["op:op-1", 2]],
    }  # fmt: skip
    scripts = AuditLog(group.store)._scripts
    first = scripts.call("chain", group=group.name, **sent)
    after = group.dump()
    assert scripts.call("chain", group=group.name, **sent) == first
    assert group.dump() == after


def test_no_hash_is_stored_for_an_entry_that_is_not_there(group: Group) -> None:
    write(group, 1)
    sent: dict[str, Any] = {"from": 0, "before": "", "hashes": ["a", "b"], "about": []}
    reply = AuditLog(group.store)._scripts.call("chain", group=group.name, **sent)
    assert reply == {"result": "behind", "length": 0}


def test_the_head_is_said_in_the_log_once_a_minute_and_only_if_it_moved(group: Group) -> None:
    hand = Hand()
    one = chainer(group, clock=hand)
    with capture_logs() as logs:
        for _ in range(3):
            write(group, 1)
            one.tick()
        hand.at += SAY_EVERY
        one.tick()
        hand.at += SAY_EVERY
        one.tick()
    heads = said(logs, "audit_head")
    assert [head["seq"] for head in heads] == [1, 3]
    assert intact(group, *(Anchor.parse(head["anchor"]) for head in heads))


def test_a_head_that_was_not_said_yet_is_said_at_the_end(group: Group) -> None:
    turns = iter([False, False, True])
    one = chainer(group)

    def stopping(_seconds: float) -> bool:
        write(group, 1)
        return next(turns)

    with capture_logs() as logs:
        one.run(stopping)
    assert [head["seq"] for head in said(logs, "audit_head")] == [1, 2]


@pytest.mark.parametrize("how", ["cut", "changed", "emptied"])
def test_the_writer_says_at_once_that_its_chain_was_changed(group: Group, how: str) -> None:
    key = f"drainbot:{group.name}:audit:chain"
    write(group, 3)
    one = chainer(group)
    one.tick()
    match how:
        case "cut":
            group.redis.ltrim(key, 0, 1)
        case "changed":
            group.redis.lset(key, 2, "0" * 64)
        case _:
            group.redis.flushall()
    with capture_logs() as logs:
        one.tick()
    assert [each["anchor"].split(":")[0] for each in said(logs, "audit_chain_was_changed")] == ["3"]
    with capture_logs() as logs:
        one.tick()
    assert said(logs, "audit_chain_was_changed") == []


def test_an_entry_that_can_not_be_read_is_linked_like_any_other(group: Group) -> None:
    odd = ("", "{", "null", "[]", '{"what":1}', '{"at":1,"what":"told","facts":{"fields":3}}')
    group.redis.rpush(f"drainbot:{group.name}:audit", *odd)
    chainer(group).tick()
    assert (linked(group), intact(group)) == (6, True)


def test_entries_about_a_node_and_an_operation_are_found_linked_or_not(group: Group) -> None:
    write(group, 7)
    log = AuditLog(group.store)
    chainer(group).tick()
    write(group, 3)  # not linked yet
    of_node, earlier = log.about("node:node-0", 10)
    assert ([seq for seq, _ in of_node], earlier) == ([1, 4, 7, 8], 0)
    of_all, earlier = log.about("op:op-1", 4)
    assert ([seq for seq, _ in of_all], earlier) == ([7, 8, 9, 10], 6)
    assert log.about("node:other", 4) == ([], 0)


def test_a_log_is_read_page_by_page_and_as_long_as_it_was(group: Group) -> None:
    write(group, PAGE + 2)
    _, entries = AuditLog(group.store).pages()
    write(group, 5)
    assert len(entries) == PAGE + 2
    assert len(list(entries)) == PAGE + 2
    assert entries[PAGE + 1] == entries[-1:][0]
    with pytest.raises(IndexError):
        entries[PAGE + 2]


def test_a_workflow_that_runs_leaves_its_story_and_its_end(group: Group) -> None:
    @group.workflow
    def drain(ctx: Any, _: Any) -> Any:
        ctx.log("cordoned", node="node-1")
        ctx.step("act", lambda: 1)
        ctx.log("drained", node="node-1")
        return {"end": "drained"}

    group.start("drain")
    group.work()
    entries = AuditLog(group.store).numbered(1, 100)
    read = [entry_of(text, seq) for seq, text in entries]
    assert [(e.what, e.word, e.nodes) for e in read] == [
        ("started", "", ()), ("told", "cordoned", ("node-1",)), ("told", "drained", ("node-1",)),
        ("ended", "", ()),
    ]  # fmt: skip
    assert read[-1].fields == {"state": "done", "end": "drained"}


def test_a_long_result_is_not_kept_for_good(group: Group) -> None:
    calls.start(group)
    calls.finish(group, group.take(), outcome='"' + "x" * 3000 + '"')
    assert len(AuditLog(group.store).numbered(2, 1)[0][1]) < 200
