"""The home tab as people find it: over a real Redis and the strict stand-in of Slack."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import redis as redis_client
from slack_sdk import WebClient

import sandbox.slack
from bot.commands import Desk, NodeBook
from bot.groups import Directory, People, SlackPeople
from bot.home import HomePages
from bot.home_store import HomeStore
from bot.sender import Sender
from bot.telling import links_of
from jobs.client import Client
from jobs.models import ClusterNode, Freeze, Inventory, Vote
from jobs.policy import parse_policy
from sandbox.slack import Fault, Slack, User
from tests.bot.listeners.listening import FixedStore
from tests.bot.messages import samples
from tests.bot.telling_bench import TOKEN, WORKSPACE, Bench, running, view

ANA, BO, CY, GUS = "U01ANA", "U02BOB", "U03CY", "U09GUS"
POLICY = parse_policy(
    """
team: T0SANDBOX
clusters: {prod-eu: {}}
channels: {C01OPS: {cluster: prod-eu}}
groups: {sre: [U02BOB], asks: [U01ANA, U02BOB]}
rules:
  - match: {}
    request: [asks]
    decide: [sre]
    force: {by: [sre], votes: 1}
"""
)


class _Clients:
    """The bench's client, with nodes as well."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.freeze: Freeze | None = None
        self.nodes: dict[str, ClusterNode] = {
            name: ClusterNode(name=name, uid=name) for name in ("node-17", "node-18")
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bench.client, name)

    def inventory(self, cluster: str) -> Inventory:
        return Inventory(cluster=cluster, nodes=tuple(self.nodes.values()), as_of=1)

    def frozen(self, cluster: str) -> Freeze | None:
        return self.freeze if cluster == "prod-eu" else None

    def worker_seen(self, cluster: str) -> bool:
        return cluster == "prod-eu"


@dataclass
class Homes:
    """A notifier with home tabs."""

    bench: Bench
    clients: _Clients

    def look(self, user: str = BO) -> None:
        HomeStore(self.bench.redis).looked(user)

    def words(self, user: str = BO) -> str:
        """All that stands in somebody's home tab, or "" if nothing was published."""
        return str((self.bench.slack.home(user) or {}).get("blocks", ""))

    def buttons(self, user: str = BO) -> list[str]:
        home = self.bench.slack.home(user) or {"blocks": []}
        rows = [block["elements"] for block in home["blocks"] if block["type"] == "actions"]
        return [element["text"]["text"] for row in rows for element in row]

    def published(self) -> list[str]:
        return [
            call["arguments"].get("user_id", "") for call in self.bench.slack.calls("views.publish")
        ]

    def another(self) -> None:
        """Put another notifier in the place of this one."""
        client: Any = self.clients
        typed: Client = client
        bench, redis = self.bench, self.bench.redis
        directory = Directory(FixedStore(People()), [], clock=bench.clock)

        def beside(sender: Sender) -> tuple[HomePages, ...]:
            web = WebClient(TOKEN, base_url=bench.slack.api_url, retry_handlers=[])
            home = HomePages(
                Desk(typed, POLICY, directory, NodeBook(typed, clock=bench.clock)),
                HomeStore(redis),
                bench.api(),
                SlackPeople(web, POLICY.team),
                sender,
                clock=bench.clock,
                links=lambda each: links_of(
                    each, bench.store.read(each.id), "https://sandbox.slack.com/"
                ),
            )
            return (home,)

        bench.notifier = bench.another(beside=beside)


@pytest.fixture
def homes(slack: Slack, redis: "redis_client.Redis") -> Homes:
    bench = Bench(slack, redis)
    made = Homes(bench, _Clients(bench))
    made.another()
    return made


def test_who_looks_sees_what_runs_and_what_waits_for_them_with_its_buttons(homes: Homes) -> None:
    homes.bench.client.put(view())
    homes.bench.ticks(6)
    homes.look(BO)
    homes.bench.ticks(2)
    assert "1 pod on node-17 can't move" in homes.words()
    assert homes.buttons() == [
        "Refresh",
        "Retry",
        "Wait 1 h",
        "Skip node-17",
        "Force 1 pod…",
        "Abort…",
    ]
    assert "as of <!date^" in homes.words()
    assert "archives/C01OPS/p" in homes.words()


def test_nobody_is_published_to_who_does_not_look(homes: Homes) -> None:
    homes.bench.client.put(view())
    homes.bench.ticks(30)
    assert homes.published() == []


def test_no_pod_is_named_there(homes: Homes) -> None:
    homes.bench.client.put(view())
    homes.look(BO)
    homes.bench.ticks(4)
    assert homes.words()
    assert "db-2" not in homes.words()


def test_what_somebody_may_only_abort_does_not_wait_for_them(homes: Homes) -> None:
    homes.bench.client.put(view())  # asked for by Ana, who decides nothing
    homes.look(ANA)
    homes.bench.ticks(2)
    assert "Nothing waits for a decision of yours" in homes.words(ANA)
    assert homes.buttons(ANA) == ["Refresh"]
    assert "Waiting for people" in homes.words(ANA)


def test_a_vote_that_was_given_waits_for_the_others(homes: Homes) -> None:
    asked = samples.question(
        choices=("force",),
        votes_needed={"force": 2},
        votes=(Vote(choice="force", by=f"T0SANDBOX:{BO}", at=samples.T0),),
    )
    homes.bench.client.put(view(questions=(asked,)))
    homes.look(BO)
    homes.bench.ticks(2)
    assert "Nothing waits for a decision of yours" in homes.words()


def test_changes_are_shown_once_in_ten_seconds_at_most_and_for_fifteen_minutes(
    homes: Homes, redis: "redis_client.Redis"
) -> None:
    homes.look()
    for gone in range(40):
        homes.bench.client.put(running(gone=gone % 20, version=gone + 1))
        homes.bench.ticks(1, seconds=1)
    times = [call["at"] for call in homes.bench.slack.calls("views.publish")]
    assert len(times) >= 4
    assert min(later - one for one, later in itertools.pairwise(times)) >= 9.9
    before = len(homes.published())
    redis.hset("drainbot:slack:home:looked", BO, 1)
    homes.bench.client.put(running(gone=7, version=99))
    homes.bench.ticks(20, seconds=1)
    assert len(homes.published()) == before


def test_a_page_that_would_say_the_same_is_published_once_a_minute(homes: Homes) -> None:
    homes.look()
    homes.bench.ticks(100, seconds=1)
    assert 2 <= len(homes.published()) <= 3


def test_refresh_publishes_though_nothing_changed(homes: Homes) -> None:
    homes.look()
    homes.bench.ticks(15, seconds=1)
    assert len(homes.published()) == 1
    homes.bench.redis.hincrby("drainbot:slack:home:looked", BO, 5)  # a later look
    homes.bench.ticks(2, seconds=1)
    assert len(homes.published()) == 2


def test_guests_strangers_and_bots_are_told_that_there_is_nothing_for_them(
    homes: Homes,
) -> None:
    homes.bench.client.put(view())
    homes.look(GUS)
    homes.bench.ticks(2)
    assert "nothing to see for you" in homes.words(GUS)
    assert "guests" in homes.words(GUS)
    assert "node-17" not in homes.words(GUS)


def test_one_of_two_notifiers_publishes_and_the_next_one_goes_on(homes: Homes) -> None:
    homes.look()
    homes.bench.ticks(3)
    first = homes.bench.notifier
    homes.another()
    homes.bench.ticks(3)
    assert homes.published() == [BO]
    homes.bench.pass_time(60)
    homes.bench.client.put(running())
    homes.bench.ticks(3)
    first.tick()
    assert homes.published() == [BO, BO]


def test_a_freeze_and_a_node_that_stays_cordoned_and_an_unanswered_question_are_shown(
    homes: Homes,
) -> None:
    homes.clients.freeze = Freeze(
        cluster="prod-eu", by=samples.CY, at=samples.T0, reason="network trouble"
    )
    ended = samples.ended(id="prod-eu-000009", questions=(), log=(), nodes=(samples.NODE_18,))
    homes.bench.client.put(ended)
    homes.bench.client.put(view(questions=(samples.question(reminded=("remind",)),)))
    kept = ClusterNode(name="node-18", uid="u", mode="drained", owner="prod-eu-000009")
    homes.clients.nodes["node-18"] = kept
    homes.look()
    homes.bench.ticks(2)
    assert "prod-eu is frozen" in homes.words()
    assert "network trouble" in homes.words()
    assert "node-18 in prod-eu is drained since" in homes.words()
    assert "Unanswered since" in homes.words()


def test_what_came_of_a_press_stands_at_the_top(homes: Homes) -> None:
    homes.look()
    HomeStore(homes.bench.redis).tell(BO, "Already settled: Skip by Cy.")
    homes.bench.ticks(2)
    assert "Already settled: Skip by Cy." in homes.words()


def test_a_home_tab_that_is_switched_off_in_slack_holds_up_nothing(homes: Homes) -> None:
    homes.bench.slack.fault(
        Fault(method="views.publish", kind="error", error="not_enabled", times=50)
    )
    homes.look()
    homes.bench.client.put(view())
    homes.bench.ticks(60, seconds=1)
    assert len(homes.published()) == 1
    assert homes.bench.keys() == ["parent", "q:node-17-block"]


def test_a_429_for_pages_keeps_no_question_waiting(homes: Homes) -> None:
    homes.bench.slack.fault(Fault(method="views.publish", kind="ratelimited", retry_after=300))
    homes.look()
    homes.bench.ticks(2)
    homes.bench.client.put(view())
    homes.bench.ticks(4)
    assert homes.bench.keys() == ["parent", "q:node-17-block"]
    homes.bench.ticks(20, seconds=20)
    assert "can't move" in homes.words()


def test_forty_people_who_look_are_served_within_what_slack_takes(
    redis: "redis_client.Redis",
) -> None:
    people = [f"U{number:05d}X" for number in range(40)]
    crowd = WORKSPACE.model_copy(
        update={"users": (*WORKSPACE.users, *(User(id=name, name=name.lower()) for name in people))}
    )
    with sandbox.slack.running(crowd, rate_limits=True) as slack:
        bench = Bench(slack, redis)
        homes = Homes(bench, _Clients(bench))
        homes.another()
        for name in people:
            homes.look(name)
        for gone in range(120):
            bench.client.put(running(gone=gone % 20, version=gone + 1))
            bench.ticks(1, seconds=1)
        calls = slack.calls("views.publish")
        assert all(call["answer"]["ok"] for call in slack.calls())
        assert {call["arguments"]["user_id"] for call in calls} == set(people)
