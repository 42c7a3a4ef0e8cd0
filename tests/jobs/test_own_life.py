"""A worker's eye on its own node: what it keeps of it in Redis, and when it takes work."""

import json

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from jobs.durable.intake import Intake
from jobs.durable.keeper import Keeper
from jobs.hosts import Hosts, Lives, Standing, hosts_of
from jobs.hosts.follower import Follower
from jobs.hosts.lives import readable
from jobs.modes import Mode
from jobs.workload import HaltStands, Life
from tests.jobs.durable.harness import Group
from tests.jobs.workload.test_stream import Drainbot

NODE, OTHER = "node-1", "node-2"


@pytest.fixture
def group(redis: "Redis") -> Group:
    group = Group(redis)
    redis.set(f"{group.store.prefix}born", "1")
    return group


@pytest.fixture
def drainbot(group: Group) -> Drainbot:
    return Drainbot(group)


class Host:
    """A worker on a node: its keeper's presence, its follower and its intake."""

    def __init__(self, group: Group, node: str = NODE, name: str = "keeper-1") -> None:
        self.group = group
        self.node = node
        self.keeper = Keeper(group.store, name=name, keep_for=60, host=node)
        self.intake = Intake()
        self.start()

    def start(self, *, fresh: bool = True) -> Standing:
        """Begin to follow, as after a start of the worker, or of what follows alone."""
        self.follower = Follower(self.group.store, self.node, self.intake, fresh=fresh)
        return self.look()

    def look(self) -> Standing:
        self.keeper.tick()
        return self.follower.look()

    @property
    def life(self) -> Life:
        life = readable(Lives(self.group.store).kept(self.node))
        assert life is not None
        return life


@pytest.fixture
def host(group: Group, drainbot: Drainbot) -> Host:
    return Host(group)


@pytest.fixture
def other(group: Group, drainbot: Drainbot) -> Host:
    return Host(group, OTHER, "keeper-2")


def miss(group: Group, drainbot: Drainbot) -> None:
    """Let changes go by of which the stream keeps nothing."""
    drainbot.move("draining", "returning", "accepting")
    drainbot.noise(1)
    drainbot.forget_events(but=1)


def test_a_worker_rests_from_the_drain_of_its_node_until_it_is_back(
    host: Host, other: Host, drainbot: Drainbot
) -> None:
    assert (host.look(), host.intake.shut) == (Standing.TAKES, False)
    for mode in ("draining", "drained", "maintenance", "returning"):
        drainbot.move(mode)
        assert (host.look(), host.intake.shut) == (Standing.RESTS, True)
        assert host.life.state.mode is Mode(mode)
    drainbot.move("accepting", release=True)
    assert (host.look(), host.intake.shut) == (Standing.TAKES, False)
    assert other.look() is Standing.TAKES


def test_a_worker_whose_node_drains_goes_on_while_nobody_else_takes_work(
    host: Host, group: Group, drainbot: Drainbot
) -> None:
    drainbot.move("draining")
    with capture_logs() as logs:
        assert (host.look(), host.intake.shut) == (Standing.ALONE, False)
        assert host.look() is Standing.ALONE
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["worker_is_alone"]
    second = Host(group, OTHER, "keeper-2")
    assert (host.look(), host.intake.shut) == (Standing.RESTS, True)
    second.keeper.run(lambda _: True)  # it ends, and says so
    assert (host.look(), host.intake.shut) == (Standing.ALONE, False)


def test_a_worker_that_died_without_a_word_is_not_counted_on_after_some_seconds(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    drainbot.move("draining")
    group.clock.advance(4)
    assert host.look() is Standing.RESTS
    group.clock.advance(2)
    assert host.look() is Standing.ALONE


def test_two_workers_on_nodes_that_both_drain_hand_nothing_to_each_other(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    drainbot.move("draining")
    for field, value in (("uid", "u2"), ("mode", "draining"), ("mode_seq", "1")):
        group.redis.hset(f"{group.store.prefix}node:{OTHER}", field, value)
    assert hosts_of(group.store) == Hosts(frozenset({NODE, OTHER}), frozenset())
    assert [host.look(), other.look()] == [Standing.ALONE] * 2


def test_a_worker_that_is_told_no_node_counts_as_elsewhere(
    host: Host, group: Group, drainbot: Drainbot
) -> None:
    Keeper(group.store, name="keeper-2", keep_for=60).tick()
    drainbot.move("draining")
    assert host.look() is Standing.RESTS


def test_a_missed_change_halts_and_only_a_person_ends_that(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    miss(group, drainbot)
    with capture_logs() as logs:
        assert (host.look(), host.intake.shut) == (Standing.HALTED, True)
    (said,) = [line for line in logs if line["event"] == "worker_halted"]
    assert "were missed" in said["why"]
    assert said["mend"] == "drainbot clear-halt node-1 --why '…'"
    assert hosts_of(group.store).able == {OTHER}  # nobody counts on it
    assert host.start() is host.start(fresh=False) is Standing.HALTED

    Lives(group.store).clear(NODE, by="T01:U01ANA", why="looked at it")
    assert (host.look(), host.intake.shut) == (Standing.TAKES, False)
    assert hosts_of(group.store).able == {NODE, OTHER}
    told = map(json.loads, group.dump()[f"{group.store.prefix}audit"])
    (entry,) = [each for each in told if each["what"] == "halt_cleared"]
    assert (entry["node"], entry["by"], entry["why"]) == (NODE, "T01:U01ANA", "looked at it")


def test_a_halt_is_not_cleared_where_there_is_none_or_the_fence_is_lost(
    host: Host, group: Group, drainbot: Drainbot
) -> None:
    lives = Lives(group.store)
    with pytest.raises(HaltStands, match="no halt"):
        lives.clear(NODE, by="ana", why="so")
    with pytest.raises(HaltStands, match="No worker of prod-eu is known on node-9"):
        lives.clear("node-9", by="ana", why="so")
    drainbot.move("draining", "fence_lost")
    host.look()
    with pytest.raises(HaltStands, match="fence_lost"):
        lives.clear(NODE, by="ana", why="so")


def test_a_worker_alone_under_a_lost_fence_goes_on_since_nobody_else_could_mend_it(
    host: Host, drainbot: Drainbot
) -> None:
    drainbot.move("draining", "fence_lost")
    assert host.look() is Standing.ALONE
    drainbot.move("returning")
    assert host.look() is Standing.ALONE
    drainbot.move("accepting", release=True)
    assert host.look() is Standing.HALTED  # now a person can clear it
    assert host.life.state.halted_because == "The node went from draining to fence_lost."


def test_a_worker_that_starts_begins_with_its_node_as_it_stands(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    miss(group, drainbot)  # while none ran there: it had nothing that could have missed it
    assert host.start() is Standing.TAKES
    drainbot.move("draining")
    assert host.start() is Standing.RESTS


def test_what_follows_the_node_goes_on_where_it_was_when_it_alone_is_started_again(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    drainbot.move("draining")
    assert host.start(fresh=False) is Standing.RESTS
    drainbot.move("returning", "accepting", "draining", "returning", "accepting")
    drainbot.noise(1)
    drainbot.forget_events(but=1)
    assert host.start(fresh=False) is Standing.HALTED


def test_another_node_under_the_name_begins_anew_where_the_old_one_was_halted(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    miss(group, drainbot)
    assert host.look() is Standing.HALTED
    group.redis.hset(f"{group.store.prefix}inventory", NODE, '{"uid": "uid-9"}')
    assert host.start() is Standing.TAKES
    assert host.life.uid == "uid-9"


def test_what_is_kept_is_lost_with_the_state_that_it_was_about(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    drainbot.move("draining")
    assert host.look() is Standing.RESTS
    group.redis.flushdb()
    group.redis.set(f"{group.store.prefix}born", "2")
    assert (host.look(), host.intake.shut) == (Standing.TAKES, False)


def test_two_workers_of_a_node_share_what_they_know_of_it(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    twin = Host(group, NODE, "keeper-3")
    drainbot.move("draining")
    assert [each.look() for each in (host, twin, host)] == [Standing.RESTS] * 3
    drainbot.move("drained", "returning", "accepting")
    assert [each.look() for each in (twin, host)] == [Standing.TAKES] * 2


def test_nobody_undoes_what_somebody_else_has_kept_meanwhile(
    host: Host, other: Host, group: Group, drainbot: Drainbot
) -> None:
    lives = Lives(group.store)
    was = lives.kept(NODE)
    miss(group, drainbot)
    host.look()
    halted = lives.kept(NODE)
    assert not lives.keep(NODE, was, host.life)
    lives.clear(NODE, by="ana", why="so")
    assert not lives.keep(NODE, halted, readable(halted) or host.life)
    assert not host.life.state.halted


def test_what_is_kept_stays_while_a_worker_runs_there(
    host: Host, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"{group.store.prefix}host:{NODE}"
    group.redis.pexpire(key, 60_000)
    host.look()
    assert group.redis.pttl(key) <= 60_000
    monkeypatch.setattr("jobs.hosts.follower.WRITE_EVERY", 0)
    host.start(fresh=False)
    assert group.redis.pttl(key) > 60_000


def test_a_redis_that_is_away_leaves_the_intake_as_it_is(
    host: Host, other: Host, drainbot: Drainbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    drainbot.move("draining")
    host.look()
    turns = iter([False, True])
    monkeypatch.setattr(host.follower._lives, "kept", _away)
    stopping = type("Stopping", (), {"wait": lambda _self, _seconds: next(turns)})()
    with capture_logs() as logs:
        host.follower.run(stopping)
    assert [line["event"] for line in logs] == ["own_node_not_looked_at"]
    assert host.intake.shut


def _away(_node: str) -> str:
    raise RedisConnectionError("Redis is away")
