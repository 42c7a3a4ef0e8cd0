"""What a worker and a bot do with Redis, each act as a function: the product's own code at work."""

from collections.abc import Callable
from typing import Any

from bot.groups import GroupStore, People
from bot.home_store import HomeStore
from bot.message_store import MessageStore, Record
from bot.outbox import Note, Outbox
from bot.page_store import PageStore, pager_key
from jobs.audit import AuditLog, Chainer
from jobs.beginnings import Beginnings
from jobs.durable import Activity, Context, Question, Quota, Registry, Runner, Signal, Store, Timer
from jobs.durable.intake import Intake
from jobs.durable.keeper import Keeper, reap_dead
from jobs.durable.records import Token
from jobs.durable.slot import Slot
from jobs.durable.store import nonce
from jobs.hosts import Lives, Standing, hosts_of
from jobs.hosts.follower import Follower
from jobs.inventory import InventoryStore
from jobs.models import (
    ClusterNode,
    DrainRequest,
    LostState,
    Principal,
    QuestionKind,
    QuestionView,
    Refused,
)
from jobs.nodes import NodeStore, Reservation, Reserved
from jobs.policy import parse_policy
from jobs.service import Service
from jobs.threads import ThreadStore
from jobs.webhooks import Webhooks
from jobs.workflows.inputs import OperationInput
from jobs.workload import Gone, begin, observe
from tests.manifests.conftest import GuardedRedis

CLUSTER = "prod-eu"
OPERATION = "prod-eu-7f3k9q"
POLICY = parse_policy(f"team: T01DEMO\nclusters: {{{CLUSTER}: {{}}}}\n")
ANA = Principal(team="T01DEMO", user="U01ANA", via="cli")
NODE = ClusterNode(name="node-1", uid="u1")
INPUT = OperationInput(
    request=DrainRequest(cluster=CLUSTER, nodes=("node-1",)), requester="T01DEMO:U1"
)


def start(store: Store, id: str = OPERATION) -> None:
    store.start(id, "ask", INPUT.model_dump(mode="json"), dedup=id, view={"state": "running"})


def take(store: Store, id: str = OPERATION, *, lease: float = 60) -> Token:
    record = store.workflow(id)
    assert record is not None
    token = Token(store.group, id, record.epoch, nonce())
    reply = store.acquire(id, record.epoch, owner="slot", lease=lease, token=token.nonce)
    assert reply["result"] == "acquired"
    return token


def _count(act: Activity[Any]) -> None:
    """Take places of a quota, in both of its ways."""
    for of in (None, ("b", "c")):
        quota = Quota(name="web", member=f"a-{of}", room=2, since=0, of=of)
        assert act.permit(bucket="evict", rate=0, burst=0, quota=quota).leave == "ok"


def _everything(ctx: Context[Any], _input: Any) -> Any:
    """A workflow that uses all of the durable core that writes."""
    ctx.log("began")
    ctx.step("one", lambda: 1)
    ctx.activity("two", lambda act: act.permit(bucket="evict", rate=100, burst=10).leave)
    ctx.activity("quota", _count)
    child = ctx.spawn("child", "child", {}, view={"name": "node-1"})
    ctx.wait_for("ended", [child], need=1)
    question = Question("block", {}, ("retry",), notices={"remind": 60}, stop_after=600)
    ctx.first(
        "ask", watching={"node": "node-1", "uid": "u1"}, answer=question, freed=Signal("freed"),
        stop=Timer(600, movable=True),
    )  # fmt: skip
    return "done"


def _answer_doorbells(
    guarded: GuardedRedis, store: Store, *, shut: Callable[[], bool] = lambda: False, **how: Any
) -> None:
    registry = Registry()
    registry.workflow("ask")(_everything)
    registry.workflow("child")(lambda ctx, _: ctx.log("was here"))
    runner: Runner[Any] = Runner(store, registry, None, owner="slot", lease=60)
    raw = guarded.of("worker", text=False)
    slot = Slot(raw, lambda _slot: runner, CLUSTER, name=f"slot-{nonce()}", shut=shut)
    slot.work(logging_level="ERROR", **how)


def run_workflows(guarded: GuardedRedis) -> None:
    """Run a workflow to its end on a slot: steps, a child, a question that frees itself."""
    store = Store(guarded.of("worker"), CLUSTER)
    start(store)
    _answer_doorbells(guarded, store, burst=True)
    assert store.watching().keys() == {OPERATION}
    assert store.signal(OPERATION, "freed") == "woken"
    _answer_doorbells(guarded, store, max_idle_time=1)  # blocks until a doorbell rings, as slots do
    ended = store.workflow(OPERATION)
    assert ended is not None
    assert ended.state == "done", ended.crash
    assert store.forget(store.now() + 1) == 1


def keep(guarded: GuardedRedis) -> None:
    """Do what the keeper does, and the supervisor's children for each other."""
    store = Store(guarded.of("worker"), CLUSTER)
    start(store)
    store.renew(take(store), 60, {"gone": 1})
    Keeper(store, name="keeper", keep_for=3600).tick()
    reap_dead(store, "slot")
    take(store)
    assert store.control(OPERATION, "abort", by="T01DEMO:U1", call=nonce()) == "changed"
    assert store.lease("watcher", "me", 5) > 0


def link(guarded: GuardedRedis) -> None:
    """Link the entries of the audit log, and look back at what was linked."""
    store = Store(guarded.of("worker"), CLUSTER)
    start(store)
    chainer = Chainer(store, owner="keeper")
    chainer.tick()
    chainer.tick()
    assert AuditLog(store).head().waiting == 0


def sweep(guarded: GuardedRedis) -> None:
    """Ring a lost doorbell again, and take from an owner whose lease has lapsed."""
    store = Store(guarded.of("worker"), CLUSTER)
    start(store)
    with guarded.admin() as admin:
        admin.delete(f"rq:queue:drainbot-{CLUSTER}")
    assert store.sweep(grace=0)["doorbells"] == 1
    take(store, lease=0)
    assert store.sweep()["leases"] == 1


def keep_nodes(guarded: GuardedRedis) -> None:
    """Reserve a node, claim it, change its mode and let go of it."""
    store = Store(guarded.of("worker"), CLUSTER)
    start(store)
    token, nodes = take(store), NodeStore(store)
    wanted = [Reservation("node-1", "u1", 0)]
    reserved = nodes.reserve(token, OPERATION, wanted, max_away=5, by="T01DEMO:U1", why="disk")
    assert isinstance(reserved, Reserved)
    nodes.claim(token, OPERATION, "node-1", "u1")
    assert nodes.change(token, OPERATION, "node-1", came_from=["accepting"], to="draining")
    assert nodes.owned() == ("node-1",)
    assert ThreadStore(store).of(OPERATION) == ""
    nodes.budgets.note(token, OPERATION, [("shop", "web")])
    assert [who for who, _ in nodes.budgets.holders("shop", "web")] == [OPERATION]
    assert nodes.change(
        token, OPERATION, "node-1", came_from=["draining"], to="accepting", release=True
    )


def keep_inventory(guarded: GuardedRedis) -> None:
    """Publish the nodes of the cluster."""
    inventory = InventoryStore(Store(guarded.of("worker"), CLUSTER))
    inventory.replace([NODE], now=1)
    inventory.put(NODE, now=2)
    inventory.confirm(now=3)
    assert inventory.read().as_of == 3
    assert inventory.intact()
    inventory.remove("node-1", now=4)
    beginnings = Beginnings(Store(guarded.of("worker"), CLUSTER))
    beginnings.begin(5, LostState(cluster=CLUSTER, at=5, orphans=()))
    assert beginnings.known()


def settle(guarded: GuardedRedis) -> None:
    """Submit an operation, answer its question, pause, resume and abort it, and render it."""
    store = Store(guarded.of("bot"), CLUSTER)
    start(store)
    question = _asked(Store(guarded.of("worker"), CLUSTER))
    assert store.postpone(question, 60, by="T01DEMO:U1", call=nonce()) == "postponed"
    for action in ("pause", "resume"):
        assert store.control(OPERATION, action, by="T01DEMO:U1", call=nonce()) == "changed"
    for on in (True, False):
        assert store.freeze(on=on, by="T01DEMO:U1", reason="why", call=nonce())[0]
    assert store.settle(question, "retry", by="T01DEMO:U1", call=nonce()) == "settled"
    assert store.control(OPERATION, "abort", by="T01DEMO:U1", call=nonce()) == "changed"
    _read(Service(guarded.of("bot"), POLICY), question)


def _asked(worker: Store) -> str:
    question = Question("block", {}, ("retry",), notices={"remind": 60}, stop_after=600)
    asked = worker.ask(question)
    wait = {
        "key": "ask", "fp": "f", "interruptible": True, "parts": [
            {"name": "answer", "kind": "question", "question": asked["id"]},
            {"name": "stop", "kind": "timer", "after": 600_000, "movable": True},
        ],
    }  # fmt: skip
    worker.fenced_call("suspend", take(worker), wait=wait, questions=[asked])
    return str(asked["id"])


def _read(service: Service, question: str) -> None:
    assert service.question(question) is not None
    assert service.operations(CLUSTER)
    service.inventory(CLUSTER)
    service.worker_seen(CLUSTER)
    service.questions(CLUSTER)
    service.readings()
    service.orphans.lost()
    for found in (
        service.histories.of_operation(ANA, CLUSTER, OPERATION),
        service.histories.entries(ANA, CLUSTER),
        service.histories.verify(ANA, CLUSTER),
    ):
        assert not isinstance(found, Refused), found
    service.histories.heads()
    changes = service.changes({CLUSTER: "0"}, wait=0)
    service.changes({CLUSTER: changes[0].cursor}, wait=0.01)
    lease = service.lease("notifier", seconds=5)
    assert lease.hold()
    lease.release()


def steer(guarded: GuardedRedis) -> None:
    """Pause an operation that waits for its nodes, and let it go on."""
    store, worker = Store(guarded.of("bot"), CLUSTER), Store(guarded.of("worker"), CLUSTER)
    start(store)
    child = {"group": CLUSTER, "id": f"{OPERATION}-1", "name": "child", "input": "{}"}
    token = take(worker)
    worker.fenced_call("spawn", token, step="node", fp="f", child=child)
    part = {"name": "c", "kind": "children", "ids": [f"{CLUSTER}|{OPERATION}-1"], "need": 1}
    wait = {"key": "ended", "fp": "f", "interruptible": True, "parts": [part]}
    worker.fenced_call("suspend", token, wait=wait)
    for action in ("pause", "resume", "abort"):
        assert store.control(OPERATION, action, by="T01DEMO:U1", call=nonce()) == "changed"


def tell(guarded: GuardedRedis) -> None:
    """Keep the notes to single persons, where each message is, and who is in which group."""
    redis = guarded.of("bot")
    outbox = Outbox(redis)
    outbox.queue_note(Note(user="U1", channel="C1", text="You can't decide this."))
    assert outbox.take() is not None
    assert outbox.recover() == 1
    again = outbox.take()
    assert again is not None
    outbox.done(again)
    ThreadStore(Store(redis, CLUSTER)).note(OPERATION, "https://acme.slack.com/archives/C1/p12")
    messages = MessageStore(redis)
    messages.write(1, OPERATION, {"parent": Record(channel="C1", ts="1.2")})
    assert messages.read(OPERATION)
    home = HomeStore(redis)
    home.looked("U1")
    home.tell("U1", "Already settled.")
    assert home.lookers()[0].told == "Already settled."
    home.heard("U1")
    pages = PageStore(redis, ["https://pager.example.com/x"])
    pager = pager_key("https://pager.example.com/x")
    assert pages.note(OPERATION, "q1:open", {"about": "q1"})
    (page,) = pages.waiting(pager)
    assert pages.change(pager, page)
    pages.done(pager, page.id)
    webhooks = Webhooks({CLUSTER: Store(redis, CLUSTER)})
    ana = Principal(team="T01DEMO", user="U1")
    asked = QuestionView(
        id=f"{CLUSTER}-q-0",
        cluster=CLUSTER,
        operation=OPERATION,
        kind=QuestionKind.BLOCK,
        choices=("skip",),
    )
    token, made = webhooks.make(ana, asked, "skip", seconds=60, now=1)
    assert webhooks.revoke(CLUSTER, made.id, by="T01DEMO:U1", now=2)
    week = 8 * 86_400_000
    token, made = webhooks.make(ana, asked, "skip", seconds=60, now=week)  # the old one is dropped
    webhooks.used(token, made, week + 2)
    assert webhooks.find(token)
    groups = GroupStore(redis, "T01DEMO")
    groups.save(People(at=1))
    assert groups.load().at == 1


def follow_its_node(guarded: GuardedRedis) -> None:
    """Follow the node that it runs on, and leave a doorbell to another worker."""
    store = Store(guarded.of("worker"), CLUSTER)
    keeper = Keeper(store, name="keeper-1", keep_for=60, host="node-1")
    keeper.tick()
    assert Follower(store, "node-1", Intake(), fresh=True).look() is Standing.TAKES
    assert hosts_of(store).able == {"node-1"}
    start(store)
    shuts = iter([False, True])  # while the slot waits for a doorbell
    _answer_doorbells(guarded, store, max_jobs=1, shut=lambda: next(shuts))
    record = store.workflow(OPERATION)
    assert record is not None
    assert record.state == "ready"
    keeper.run(lambda _: True)
    assert hosts_of(store).alive == frozenset()


def clear_halt(guarded: GuardedRedis) -> None:
    """Let workers take work again that were halted, at the command line."""
    halted = observe(begin("node-1", "u1", "accepting", 0).life, Gone("Node node-1 is gone."))
    assert halted is not None
    assert Lives(Store(guarded.of("worker"), CLUSTER)).keep("node-1", "", halted.life)
    step = Lives(Store(guarded.of("bot"), CLUSTER)).clear("node-1", by="T01DEMO:U1", why="well")
    assert step.life.state.accepts_new_work


OF_A_WORKER = (run_workflows, keep, link, sweep, keep_nodes, keep_inventory, follow_its_node)
OF_A_BOT = (settle, steer, tell, clear_halt)
