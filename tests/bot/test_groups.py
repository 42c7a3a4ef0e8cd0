import threading
from collections.abc import Callable

import pytest
from redis import Redis

from bot.groups import (
    FRESH_SECONDS,
    USABLE_SECONDS,
    Directory,
    GroupStore,
    NotTold,
    People,
    Person,
    Refresher,
)
from bot.web_client import SlackAway
from jobs.errors import StateUnavailable

TEAM, ANA, EVE = "T01DEMO", "U01ANA", "U03EVE"
NOW = 1_700_000_000.0


class FakeSlack:
    """User groups and guests, and a way to be away."""

    def __init__(self, groups: dict[str, set[str]]) -> None:
        self.groups = groups
        self.guests: set[str] = set()
        self.away: SlackAway | None = None
        self.asked: list[str] = []

    def members(self, group: str) -> frozenset[str]:
        self.asked.append(group)
        if self.away:
            raise self.away
        return frozenset(self.groups.get(group, set()))

    def outsider(self, user: str) -> str:
        self.asked.append(user)
        return "guests" if user in self.guests else ""


class FakeLease:
    def __init__(self) -> None:
        self.ours = True
        self.released = False

    def hold(self) -> bool:
        return self.ours

    def release(self) -> None:
        self.released = True


def refresher(
    slack: FakeSlack,
    store: GroupStore,
    *,
    lease: FakeLease | None = None,
    clock: Callable[[], float] = lambda: NOW,
) -> Refresher:
    return Refresher(
        slack,
        store,
        lease or FakeLease(),
        wanted=["S1", "S2"],
        users=[ANA],
        every=300,
        pauses=(0, 0),
        clock=clock,
    )


def test_a_pass_stores_members_and_guests_for_every_copy_of_the_bot(redis: Redis) -> None:
    slack = FakeSlack({"S1": {ANA, EVE}, "S2": set()})
    slack.guests = {EVE}
    store = GroupStore(redis, TEAM)
    assert refresher(slack, store).turn(threading.Event()) == 300
    directory = Directory(GroupStore(redis, TEAM), ["S1", "S2"], clock=lambda: NOW + 60)
    ana = directory.principal(TEAM, ANA)
    assert (ana.groups, ana.groups_known) == (frozenset({"S1"}), True)
    assert (ana.groups_at, ana.groups_stale) == (int(NOW * 1000), False)
    assert directory.principal(TEAM, EVE).groups == frozenset()  # a guest is nobody's approver
    assert (directory.outsider(EVE), directory.outsider(ANA)) == ("guests", "")


@pytest.mark.parametrize(
    ("age", "known"),
    [(0, True), (FRESH_SECONDS, True), (FRESH_SECONDS + 1, False), (-30, True), (-61, False)],
)
def test_what_is_older_than_ten_minutes_is_unknown_and_grants_nothing(
    redis: Redis, age: float, *, known: bool
) -> None:
    store = GroupStore(redis, TEAM)
    store.save(People(at=NOW, groups={"S1": frozenset({EVE})}))
    eve = Directory(store, ["S1"], clock=lambda: NOW + age).principal(TEAM, EVE)
    assert (bool(eve.groups), eve.groups_known) == (known, known)


@pytest.mark.parametrize(
    ("age", "away", "granted"),
    [
        (FRESH_SECONDS, 0, "fresh"),
        (FRESH_SECONDS + 1, 0, ""),  # nobody has asked Slack since: it may be there
        (FRESH_SECONDS + 1, 5, "stale"),
        (USABLE_SECONDS, 5, "stale"),
        (USABLE_SECONDS + 1, 5, ""),
        (USABLE_SECONDS, 601, ""),  # that was long ago
        (-61, 5, ""),
    ],
)
def test_while_slack_is_away_what_was_known_counts_for_a_day_and_is_marked(
    redis: Redis, age: float, away: float, granted: str
) -> None:
    store = GroupStore(redis, TEAM)
    store.save(People(at=NOW - age, groups={"S1": frozenset({EVE})}))
    if away:
        store.note_away(NOW - away)
    eve = Directory(store, ["S1"], clock=lambda: NOW).principal(TEAM, EVE)
    assert (bool(eve.groups), eve.groups_known, eve.groups_stale) == (
        bool(granted), bool(granted), granted == "stale",
    )  # fmt: skip
    assert eve.groups_at == (int((NOW - age) * 1000) if granted else 0)


def test_whoever_asks_notes_that_slack_is_away_and_that_it_does_not_tell(redis: Redis) -> None:
    store, slack, clock = GroupStore(redis, TEAM), FakeSlack({}), [NOW]
    store.save(People(at=NOW - 700, groups={"S1": frozenset({EVE}), "S2": frozenset()}))
    asking = refresher(slack, store, clock=lambda: clock[0])
    eve = Directory(store, ["S1", "S2"], clock=lambda: clock[0])
    slack.away = SlackAway("Slack can't be reached")
    asking.turn(threading.Event())
    clock[0] += 2
    assert eve.principal(TEAM, EVE).groups_stale
    slack.away = NotTold("usergroups.users.list: missing_scope", 60)
    asking.turn(threading.Event())
    clock[0] += 2
    assert not eve.principal(TEAM, EVE).groups_known  # a lookup that fails otherwise denies


def test_what_slack_says_after_its_return_ends_what_was_known_before(redis: Redis) -> None:
    store, slack, clock = GroupStore(redis, TEAM), FakeSlack({}), [NOW]
    store.save(People(at=NOW - 700, groups={"S1": frozenset({EVE}), "S2": frozenset()}))
    store.note_away(NOW)
    directory = Directory(store, ["S1", "S2"], clock=lambda: clock[0])
    assert directory.principal(TEAM, EVE).groups == {"S1"}
    refresher(slack, store, clock=lambda: clock[0]).turn(threading.Event())  # she has left
    clock[0] += 2
    eve = directory.principal(TEAM, EVE)
    assert (eve.groups, eve.groups_known, eve.groups_stale) == (frozenset(), True, False)


def test_a_group_that_the_policy_names_and_nobody_asked_about_makes_all_unknown(
    redis: Redis,
) -> None:
    store = GroupStore(redis, TEAM)
    store.save(People(at=NOW, groups={"S1": frozenset({EVE})}))
    eve = Directory(store, ["S1", "S9"], clock=lambda: NOW).principal(TEAM, EVE)
    assert (eve.groups, eve.groups_known) == (frozenset(), False)


def test_groups_that_the_policy_does_not_name_are_left_out(redis: Redis) -> None:
    store = GroupStore(redis, TEAM)
    store.save(People(at=NOW, groups={"S1": frozenset({EVE}), "S9": frozenset({EVE})}))
    eve = Directory(store, ["S1"], clock=lambda: NOW).principal(TEAM, EVE)
    assert eve.groups == frozenset({"S1"})


def test_a_policy_without_user_groups_needs_no_slack(redis: Redis) -> None:
    ana = Directory(GroupStore(redis, TEAM), [], clock=lambda: NOW).principal(TEAM, ANA)
    assert ana.groups_known


def test_nothing_stored_or_something_unreadable_grants_nothing(redis: Redis) -> None:
    store = GroupStore(redis, TEAM)
    assert not Directory(store, ["S1"], clock=lambda: NOW).principal(TEAM, EVE).groups_known
    redis.set(f"drainbot:bot:people:{TEAM}", '{"groups": 5}')
    assert not Directory(store, ["S1"], clock=lambda: NOW).principal(TEAM, EVE).groups_known


def test_a_pass_that_slack_cut_short_stores_nothing_and_waits_as_slack_says(redis: Redis) -> None:
    store = GroupStore(redis, TEAM)
    store.save(People(at=NOW - 400, groups={"S1": frozenset({EVE})}))
    slack = FakeSlack({})
    slack.away = SlackAway("ratelimited", retry_after=77)
    assert refresher(slack, store).turn(threading.Event()) == 77
    assert store.load().groups == {"S1": frozenset({EVE})}


def test_one_copy_asks_and_none_asks_twice_within_the_time(redis: Redis) -> None:
    slack, store = FakeSlack({}), GroupStore(redis, TEAM)
    others = FakeLease()
    others.ours = False
    assert refresher(slack, store, lease=others).turn(threading.Event()) < 300
    assert slack.asked == []
    refresher(slack, store).turn(threading.Event())
    asked = len(slack.asked)
    assert refresher(slack, store, clock=lambda: NOW + 10).turn(threading.Event()) == 290
    assert len(slack.asked) == asked
    refresher(slack, store, clock=lambda: NOW + 301).turn(threading.Event())
    assert len(slack.asked) == 2 * asked


def test_a_copy_that_lost_its_lease_in_between_stores_nothing(redis: Redis) -> None:
    lease, slack = FakeLease(), FakeSlack({"S1": {EVE}})
    members = slack.members

    def members_then_lose(group: str) -> frozenset[str]:
        lease.ours = False
        return members(group)

    slack.members = members_then_lose  # type: ignore[method-assign]  # the race, on purpose
    store = GroupStore(redis, TEAM)
    refresher(slack, store, lease=lease).turn(threading.Event())
    assert store.load() == People()


def test_the_thread_stops_at_once_and_gives_the_lease_up(redis: Redis) -> None:
    lease, stop = FakeLease(), threading.Event()
    runner = refresher(FakeSlack({}), GroupStore(redis, TEAM), lease=lease)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert lease.released


def test_while_redis_is_away_a_membership_is_neither_known_nor_guessed() -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:1/0", socket_timeout=0.1)
    store = GroupStore(nowhere, TEAM)
    with pytest.raises(StateUnavailable):
        Directory(store, ["S1"]).principal(TEAM, EVE)
    assert refresher(FakeSlack({}), store).turn(threading.Event()) == 5
    nowhere.close()


def test_listeners_do_not_ask_redis_for_every_click(redis: Redis) -> None:
    class Counting(GroupStore):
        loads = 0

        def load(self) -> People:
            self.loads += 1
            return super().load()

    store = Counting(redis, TEAM)
    clock = [NOW]
    directory = Directory(store, ["S1"], clock=lambda: clock[0])
    for _ in range(50):
        directory.principal(TEAM, EVE)
    assert store.loads == 1
    clock[0] += 6
    directory.principal(TEAM, EVE)
    assert store.loads == 2


def test_a_person_is_remembered_as_what_they_are(redis: Redis) -> None:
    store = GroupStore(redis, TEAM)
    people = People(at=NOW, persons={EVE: Person(outsider="bots")})
    store.save(people)
    assert store.load() == people
