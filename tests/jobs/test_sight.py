"""An API server that is away: said after two minutes, once, and what was seen when it is back."""

from pathlib import Path

import pytest
from redis import Redis

from jobs import outages as rules
from jobs.durable import Store
from jobs.metering import readings_of
from jobs.models import Outage
from jobs.outages import SAID_AFTER, Outages, Sight, after_a_look
from jobs.sight import ApiSight, Seen
from sandbox.cluster import nodes, running
from tests.jobs.harness import resources, until
from tests.jobs.test_fences import Held, held, land
from tests.jobs.test_watcher import watching

__all__ = ["held"]  # pytest finds it here
T0 = 1_790_000_000_000
WHY = "GET /api/v1/nodes: the API server did not answer"
EVERY = Seen({"node-1": ""}, (), 2)


def silent(at: int, for_ms: int = 0, why: str = WHY) -> Sight:
    return Sight(T0 + at, for_ms, why, hears=False)


def heard(at: int) -> Sight:
    return Sight(T0 + at)


def followed(*sights: Sight) -> Outage | None:
    outage = None
    for sight in sights:
        outage = after_a_look(outage, "test", sight)
    return outage


def test_nothing_is_said_within_two_minutes() -> None:
    found = followed(silent(0), silent(SAID_AFTER - 1))
    assert found is not None
    assert (found.since, found.said_at) == (T0, 0)
    assert followed(silent(0), silent(60_000), heard(61_000)) is None


def test_after_two_minutes_it_is_said_with_what_the_last_try_brought() -> None:
    found = followed(silent(0), silent(SAID_AFTER, why="another"))
    assert found is not None
    assert (found.said_at, found.why) == (T0 + SAID_AFTER, "another")
    assert found.away


def test_a_connection_that_was_silent_before_it_broke_counts_from_its_last_word() -> None:
    found = followed(silent(90_000, for_ms=90_000), silent(SAID_AFTER))
    assert found is not None
    assert (found.since, found.said_at) == (T0, T0 + SAID_AFTER)


def test_who_has_not_tried_yet_says_nothing_of_a_long_silence() -> None:
    assert followed(silent(0, why="")) is None
    begun = Outage(cluster="test", since=T0 - 3_600_000)
    waiting = after_a_look(begun, "test", silent(0, why=""))
    assert waiting is not None
    assert not waiting.said_at
    tried = after_a_look(begun, "test", silent(1_000))
    assert tried is not None
    assert tried.said_at


def test_one_that_goes_away_again_before_all_was_looked_at_was_not_back() -> None:
    found = followed(silent(0), silent(SAID_AFTER), heard(130_000), silent(131_000))
    assert found is not None
    assert found.away


class Looking:
    """A watcher's look at whether its cluster answers, by hand."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.store: Store = held.acts.store
        self.looks = 0
        self.sight = self.another()

    def another(self) -> ApiSight:
        return ApiSight(self.held.acts, self.held.fences.kept)

    def look(self, sight: Sight, seen: Seen = EVERY) -> None:
        self.sight.look(sight, lambda: seen, self.again)

    def again(self) -> None:
        self.looks += 1

    @property
    def outage(self) -> Outage:
        (found,) = Outages(self.store).all()
        return found


def test_those_are_told_whose_node_is_kept_though_they_have_ended(held: Held) -> None:
    looking = Looking(held)
    looking.look(silent(0))
    looking.look(silent(SAID_AFTER))
    assert looking.outage.operations == (held.record.owner,)
    assert looking.outage.nodes == ("node-1",)


def test_a_watcher_that_dies_neither_repeats_nor_forgets_it(held: Held) -> None:
    looking = Looking(held)
    looking.look(silent(0))
    looking.sight = looking.another()
    looking.look(silent(SAID_AFTER - 1))
    assert looking.outage.since == T0
    looking.sight = looking.another()
    looking.look(silent(SAID_AFTER))
    said = looking.outage
    looking.sight = looking.another()
    looking.look(silent(SAID_AFTER + 60_000))
    assert looking.outage == said
    looking.sight = looking.another()
    looking.look(heard(200_000))
    assert (looking.outage.back_at, looking.outage.over) == (T0 + 200_000, False)
    looking.sight = looking.another()
    looking.look(heard(201_000))
    assert (looking.outage.back_at, looking.outage.over) == (T0 + 200_000, True)
    looking.sight = looking.another()
    looking.look(heard(260_000))
    assert looking.outage.back_at == T0 + 200_000


def test_its_end_waits_until_every_fence_was_looked_at(held: Held) -> None:
    looking = Looking(held)
    looking.look(silent(0))
    looking.look(silent(SAID_AFTER))
    looking.look(heard(200_000), Seen(None, (), 2))
    assert looking.looks == 1
    assert not looking.outage.over
    looking.look(heard(202_000), Seen({"node-1": "shop/web landed on it"}, ("node-2",), 2))
    assert looking.looks == 1
    assert looking.outage.lost == {"node-1": "shop/web landed on it"}
    assert (looking.outage.not_ready, looking.outage.unready) == (("node-2",), 1)


def test_a_fence_that_cannot_be_looked_at_does_not_keep_the_end_back_for_long(held: Held) -> None:
    looking = Looking(held)
    looking.look(silent(0))
    looking.look(silent(SAID_AFTER))
    looking.look(heard(200_000), Seen(None, (), 2))
    looking.look(heard(200_000 + rules.LOOKS_MOST), Seen(None, (), 2))
    assert looking.outage.over


def test_fences_looked_at_anew_say_what_they_found(held: Held) -> None:
    held.fences.again()
    assert held.fences.found() is None
    land(held)
    assert held.look() == ["node-1"]
    found = held.fences.found()
    assert found is not None
    assert "landed on it" in found["node-1"]


def test_what_was_away_is_counted_from_two_minutes_on(held: Held) -> None:
    looking = Looking(held)
    now = looking.store.now()
    outage = Outage(cluster="test", since=now - 300_000)
    Outages(looking.store).keep(outage)
    assert readings_of(looking.store).api_away == 0
    Outages(looking.store).keep(outage.model_copy(update={"said_at": now}))
    assert readings_of(looking.store).api_away >= 300
    Outages(looking.store).keep(outage.model_copy(update={"said_at": now, "back_at": now}))
    assert readings_of(looking.store).api_away == 0


def test_the_latest_ones_are_kept(held: Held) -> None:
    kept = Outages(held.acts.store)
    for at in range(30):
        kept.keep(Outage(cluster="test", since=T0 + at, said_at=T0 + at, over=True))
    assert [each.since - T0 for each in kept.all()] == list(range(10, 30))


def test_the_watcher_follows_a_real_connection(
    redis: "Redis", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "SAID_AFTER", 0)
    with running(nodes("node-1", "node-2")) as cluster:
        acts = resources(redis, str(cluster.kubeconfig(tmp_path / "kubeconfig")))
        kept = Outages(acts.store)
        with watching(acts, "one"):
            until(lambda: cluster.watches() == 1, what="the watch")
            assert kept.all() == ()
            cluster.answer_next(503, path="/api/v1", times=None)
            cluster.close_watches()
            until(lambda: any(each.away for each in kept.all()), what="an API server that is away")
            cluster.set_node_ready("node-2", ready=False)
            cluster.clear_faults()
            until(lambda: all(each.over for each in kept.all()), what="its end")
        (outage,) = kept.all()
        assert "nodes" in outage.why
        assert (outage.total, outage.not_ready) == (2, ("node-2",))
