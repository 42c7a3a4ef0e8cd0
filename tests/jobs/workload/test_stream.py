"""A node watched through Redis: every change once, in order, and no gap goes unnoticed."""

import threading
from dataclasses import dataclass, field

import pytest
from redis import Redis

from jobs.durable import Token
from jobs.modes import Action
from jobs.nodes import NodeStore, Reservation, Reserved
from jobs.workload import Life, Step, clear
from jobs.workload.stream import PAGE, StreamObserver
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

NODE = "node-1"


@dataclass
class Drainbot:
    """Changes the modes of nodes, as an operation does."""

    group: Group
    uid: str = "uid-1"
    mode: str = "accepting"
    token: Token = field(init=False)

    def __post_init__(self) -> None:
        calls.start(self.group, "op-1")
        self.token = self.group.take("op-1")
        self.nodes = NodeStore(self.group.store)
        self.reserve()

    def reserve(self, node: str = NODE) -> None:
        wanted = [Reservation(node, self.uid, 0)]
        answer = self.nodes.reserve(self.token, "op-1", wanted, max_away=99, by="ana", why="kernel")
        assert answer == Reserved()

    def move(self, *modes: str, release: bool = False) -> None:
        for mode in modes:
            assert self.nodes.change(
                self.token,
                "op-1",
                NODE,
                came_from=[self.mode],
                to=mode,
                release=release and mode == modes[-1],
            )
            self.mode = mode

    def noise(self, count: int) -> None:
        """Many other events, as other operations make them."""
        pipe = self.group.redis.pipeline(transaction=False)
        for _ in range(count):
            pipe.xadd(f"{self.group.store.prefix}events", {"wf": "x", "root": "x", "kind": "told"})
        pipe.execute()

    def forget_events(self, *, but: int) -> None:
        self.group.redis.xtrim(f"{self.group.store.prefix}events", maxlen=but, approximate=False)


@pytest.fixture
def group(redis: "Redis") -> Group:
    group = Group(redis)
    redis.set(f"{group.store.prefix}born", "1")
    return group


@pytest.fixture
def drainbot(group: Group) -> Drainbot:
    return Drainbot(group)


def observer(group: Group) -> StreamObserver:
    return StreamObserver(group.redis, group.store.group, NODE)


def steps(observer: StreamObserver, life: Life) -> tuple[list[Step], Life]:
    """All that is to be done now, in order."""
    found: list[Step] = []
    while step := observer.next(life):
        found.append(step)
        life = step.life
    return found, life


def events(found: list[Step]) -> list[str]:
    return [step.event for step in found]


def test_every_change_is_seen_once_in_order_among_others(group: Group, drainbot: Drainbot) -> None:
    watching = observer(group)
    life = watching.begin().life
    assert life.state.accepts_new_work
    drainbot.move("draining", "drained")
    drainbot.noise(PAGE + 3)
    drainbot.move("maintenance", "returning", "accepting")
    found, life = steps(watching, life)
    assert [step.action.value for step in found] == [
        "checkpoint_and_drain", "persist_final_checkpoint", "quiesce", "quiesce",
        "resume_from_checkpoint",
    ]  # fmt: skip
    assert watching.next(life) is None
    drainbot.move("draining")
    assert events(steps(watching, life)[0]) == ["drain_started"]


def test_a_change_whose_step_was_not_stored_is_said_again(group: Group, drainbot: Drainbot) -> None:
    watching = observer(group)
    life = watching.begin().life
    drainbot.move("draining", "drained")
    first = watching.next(life)
    assert first is not None
    assert watching.next(first.life) is not None
    assert watching.next(life) == first  # it was killed, and begins from what it had stored
    assert events(steps(observer(group), life)[0]) == ["drain_started", "drain_confirmed"]


def test_who_starts_again_finds_what_happened_meanwhile(group: Group, drainbot: Drainbot) -> None:
    stored = observer(group).begin().life.to_json()
    drainbot.move("draining", "returning", "accepting")
    found, _ = steps(observer(group), Life.from_json(stored))
    assert events(found) == ["drain_started", "drain_given_up", "returned_to_service"]


def test_a_stream_that_was_cut_short_is_no_gap_unless_a_change_is_missing(
    group: Group, drainbot: Drainbot
) -> None:
    life = observer(group).begin().life
    drainbot.noise(5)
    drainbot.move("draining")
    drainbot.forget_events(but=0)
    # One change is known from where it led.
    found, life = steps(observer(group), life)
    assert events(found) == ["drain_started"]
    drainbot.move("drained", "maintenance")
    drainbot.forget_events(but=1)
    found, life = steps(observer(group), life)
    assert events(found) == ["transitions_missed"]
    assert (found[0].action, life.state.mode) == (Action.HALT, "maintenance")
    drainbot.move("returning")
    found, life = steps(observer(group), life)
    assert [(step.event, step.action) for step in found] == [("maintenance_ended", Action.HALT)]
    freed = clear(life, by="ana", why="its work was done elsewhere").life
    drainbot.move("accepting")
    found, _ = steps(observer(group), freed)
    assert [step.action for step in found] == [Action.RESUME_FROM_CHECKPOINT]


def test_a_redis_that_lost_its_last_writes_halts(group: Group, drainbot: Drainbot) -> None:
    watching = observer(group)
    drainbot.move("draining")
    life = watching.begin().life
    drainbot.move("drained")
    _, life = steps(watching, life)
    group.redis.hset(f"{group.store.prefix}node:{NODE}", "mode_seq", 1)
    group.redis.hset(f"{group.store.prefix}node:{NODE}", "mode", "draining")
    assert events(steps(watching, life)[0]) == ["transitions_missed"]


def test_a_redis_that_came_back_empty_halts_once(group: Group, drainbot: Drainbot) -> None:
    life = observer(group).begin().life
    drainbot.move("draining")
    group.redis.flushall()
    watching = observer(group)
    found, life = steps(watching, life)
    assert [(step.event, step.action) for step in found] == [("state_was_lost", Action.HALT)]
    group.redis.set(f"{group.store.prefix}born", "2")
    assert steps(watching, life) == ([], life)
    assert clear(life, by="ana", why="it was idle").action is Action.ACCEPT


def test_a_record_that_nobody_needed_for_weeks_is_no_gap(group: Group, drainbot: Drainbot) -> None:
    watching = observer(group)
    life = watching.begin().life
    drainbot.move("draining")
    drainbot.move("accepting", release=True)
    _, life = steps(watching, life)
    assert life.seq == 3
    group.redis.delete(f"{group.store.prefix}node:{NODE}")
    found, life = steps(watching, life)
    assert [(step.event, step.action) for step in found] == [("record_forgotten", Action.ACCEPT)]
    drainbot.reserve()
    drainbot.move("draining")
    assert events(steps(watching, life)[0]) == ["drain_started"]


def test_who_begins_on_a_node_that_nobody_has_used_yet_follows_it_from_its_first_change(
    group: Group,
) -> None:
    watching = observer(group)
    life = watching.begin().life
    assert (life.uid, life.seq, life.asks) == ("", 0, Action.ACCEPT)
    drainbot = Drainbot(group)
    assert watching.next(life) is None
    drainbot.move("draining")
    found, life = steps(watching, life)
    assert (events(found), life.uid) == (["drain_started"], "uid-1")


def test_who_begins_on_a_node_under_way_is_asked_what_its_mode_asks(
    group: Group, drainbot: Drainbot
) -> None:
    drainbot.move("draining", "fence_lost")
    step = observer(group).begin()
    assert (step.action, step.event, step.life.seq) == (Action.HALT, "life_begun", 2)
    drainbot.move("draining")
    assert [s.action for s in steps(observer(group), step.life)[0]] == [Action.HALT]


@pytest.mark.parametrize("known", ["given", "listed", "from the record"])
def test_a_node_that_was_made_anew_under_its_name_begins_anew(
    group: Group, drainbot: Drainbot, known: str
) -> None:
    old = observer(group).begin().life
    drainbot.move("draining", "gone", release=True)
    if known == "listed":
        group.redis.hset(f"{group.store.prefix}inventory", NODE, '{"uid": "uid-2"}')
    watching = observer(group)
    young = watching.begin("uid-2" if known == "given" else "").life
    assert (young.asks, young.seq, young.predecessor) == (Action.ACCEPT, 0, "uid-1")
    assert watching.next(young) is None
    drainbot.uid, drainbot.mode = "uid-2", "accepting"
    drainbot.reserve()
    drainbot.move("draining")
    assert events(steps(watching, young)[0]) == ["drain_started"]
    # And whoever still follows the old one is told.
    assert events(steps(observer(group), old)[0]) == ["drain_started", "node_gone"]


def test_a_node_that_was_replaced_without_a_word_halts(group: Group, drainbot: Drainbot) -> None:
    life = observer(group).begin().life
    drainbot.uid = "uid-2"
    drainbot.reserve()
    assert events(steps(observer(group), life)[0]) == ["node_replaced"]


def test_a_gone_node_halts(group: Group, drainbot: Drainbot) -> None:
    life = observer(group).begin().life
    drainbot.move("draining", "gone", release=True)
    assert events(steps(observer(group), life)[0]) == ["drain_started", "node_gone"]


def test_who_waits_is_woken_by_the_change(group: Group, drainbot: Drainbot) -> None:
    watching = observer(group)
    life = watching.begin().life
    found: list[Step | None] = []
    waiting = threading.Thread(target=lambda: found.append(watching.next(life, wait=60)))
    waiting.start()
    drainbot.noise(1)
    drainbot.move("draining")
    waiting.join(timeout=30)
    assert [step.event for step in found if step] == ["drain_started"]


def test_a_client_that_answers_in_bytes_is_refused(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, pytest.raises(ValueError, match="decode_responses"):
        StreamObserver(client, "prod-eu", NODE)
