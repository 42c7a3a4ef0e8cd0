"""Actors for the stateful test: each rule sends a call to Redis and to the model, often twice."""

import itertools
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
)
from redis import Redis

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group
from tests.jobs.durable.model import BARREN_LIMIT, Model, State, Wait, Workflow

LEASE = 3000
STUCK = calls.STUCK | {"choices": '["retry","restart","abort"]'}
PEOPLE = ["T:U1", "T:U2", "T:U3"]
PARTS = ["question", "timer", "signal", "children", "shield"]
pick = st.integers(min_value=0, max_value=10**6)
twice = st.sampled_from([1, 2])


class Actors(RuleBasedStateMachine):
    """Whoever calls the scripts, in any order; what they are told is what the model says."""

    redis: "Redis"

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.group = Group(self.redis)
        self.model = Model()
        self.model.now = self.group.clock.at
        self.names = itertools.count(1)
        self.old_tokens: list[Token] = []
        self.generations: dict[str, int] = {}

    # -- how a call is sent ------------------------------------------------------------------

    def send(self, script: str, times: int, **arguments: Any) -> dict[str, Any]:
        if times == 2:
            return self.group.twice(script, **arguments)
        sent = {"group": self.group.name, "call": f"once-{next(self.names)}"} | arguments
        return self.group.store.scripts.call(script, **sent)

    def name(self, kind: str) -> str:
        return f"{kind}-{next(self.names)}"

    def having(self, *states: State) -> list[Workflow]:
        return [w for w in self.model.workflows.values() if w.state in states]

    def choose(self, n: int, *states: State) -> Workflow:
        found = self.having(*states)
        return found[n % len(found)]

    def token(self, workflow: Workflow) -> dict[str, Any]:
        token = Token(self.group.name, workflow.id, workflow.epoch, workflow.nonce)
        self.old_tokens.append(token)
        return token.arguments()

    # -- activations -------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.workflows) < 4)
    @rule(times=twice)
    def start(self, times: int) -> None:
        id = self.name("op")
        given = {"name": "drain", "input": "null", "hash": "h", "dedup": id}
        assert self.send("start", times, id=id, **given) == {"result": "started", "id": id}
        self.model.start(id)

    @precondition(lambda self: self.having("ready"))
    @rule(n=pick, times=twice, doorbell=st.sampled_from(["answered", "still rings"]))
    def acquire(self, n: int, times: int, doorbell: str) -> None:
        workflow = self.choose(n, "ready")
        job = self.group.hash(f"wf:{workflow.id}")["job"]
        if doorbell == "answered":
            self.group.redis.lrem(self.group.queue, 1, job)
        self.take(workflow, times, job=job if doorbell == "answered" else "")

    def take(self, workflow: Workflow, times: int, *, job: str) -> None:
        nonce, stuck = self.name("nonce"), self.name("q")
        reply = self.send(
            "acquire", times, id=workflow.id, epoch=workflow.epoch, nonce=nonce, owner="slot",
            lease=LEASE, job=job, barren_limit=BARREN_LIMIT, stuck=STUCK | {"id": stuck},
        )  # fmt: skip
        if workflow.restart:
            self.generations[workflow.id] = self.generations.get(workflow.id, 0) + 1
        assert reply["result"] == self.model.acquire(workflow, nonce, LEASE, stuck)

    @precondition(lambda self: self.model.workflows)
    @rule(n=pick, late=st.integers(min_value=1, max_value=3), times=twice)
    def answer_an_old_doorbell(self, n: int, late: int, times: int) -> None:
        workflow = list(self.model.workflows.values())[n % len(self.model.workflows)]
        reply = self.send(
            "acquire", times, id=workflow.id, epoch=workflow.epoch - late, nonce="old",
            owner="slot", lease=LEASE, job="old", barren_limit=BARREN_LIMIT, stuck=calls.STUCK,
        )  # fmt: skip
        assert reply == {"result": "stale"}

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, key=st.sampled_from("abcdef"), times=twice)
    def commit(self, n: int, key: str, times: int) -> None:
        workflow = self.choose(n, "running")
        given = {"step": key, "fp": "f", "status": "ok", "value": "1", "view": self.name('"v"')}
        reply = self.send("commit", times, **self.token(workflow), **given)
        assert reply["result"] == self.model.commit(workflow, key)

    @precondition(lambda self: self.having("running") and len(self.model.workflows) < 8)
    @rule(n=pick, times=twice)
    def spawn(self, n: int, times: int) -> None:
        workflow, id = self.choose(n, "running"), self.name("child")
        child = {"group": self.group.name, "id": id, "name": "node", "input": "null"}
        given = {"step": f"spawn-{id}", "fp": "f", "child": child}
        assert self.send("spawn", times, **self.token(workflow), **given)["result"] == "ok"
        self.model.start(id, workflow)
        self.model.commit(workflow, f"spawn-{id}")

    @precondition(lambda self: self.having("running"))
    @rule(
        n=pick,
        times=twice,
        parts=st.sets(st.sampled_from(PARTS), min_size=1),
        need=st.integers(min_value=1, max_value=3),
        cause=st.sampled_from(["", "budget db", "budget web"]),
    )
    def suspend(self, n: int, times: int, parts: set[str], need: int, cause: str) -> None:
        workflow = self.choose(n, "running")
        wait = Wait(self.name("wait"), interruptible="shield" not in parts)
        sent, asked = [], []
        if "question" in parts:
            wait.question = self.name("q")
            notices = [{"name": "remind", "after": 2000}]
            votes = '{"force":2}'
            why = {"cause": cause, "joins": "the same budget"} if cause else {}
            payload = f'"{workflow.id}"'
            asked = [
                calls.question(
                    wait.question, votes_needed=votes, notices=notices, payload=payload, **why
                )
            ]
            sent.append(calls.ANSWER | {"question": wait.question})
        if "timer" in parts:
            wait.deadline = self.model.now + 5000
            sent.append(calls.timer(seconds=5, movable=True))
        if "signal" in parts:
            wait.signal = True
            sent.append(calls.signal())
        if workflow.children and "children" in parts:
            wait.children = tuple(workflow.children)
            wait.need = min(need, len(wait.children))
            refs = [f"{self.group.name}|{id}" for id in wait.children]
            sent.append(calls.children(*refs, need=wait.need))
        if not sent:
            return
        given = calls.wait(*sent, key=wait.key, interruptible=wait.interruptible)
        reply = self.send("suspend", times, **self.token(workflow), wait=given, questions=asked)
        assert reply["result"] == self.model.suspend(workflow, wait, cause)

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice, seconds=st.integers(0, 4), seen=st.sampled_from(["now", "before"]))
    def rest(self, n: int, times: int, seconds: int, seen: str) -> None:
        workflow = self.choose(n, "running")
        until = self.model.now + seconds * 1000 if seconds else 0
        known = set(workflow.flags) if seen == "now" else set()
        flags = {"abort": "abort" in known, "pause": "pause" in known}
        given = {"yield": {"until": until}, "seen": flags, "watching": "{}"}
        reply = self.send("suspend", times, **self.token(workflow), **given)
        assert reply["result"] == self.model.take_rest(workflow, until, known)

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice, how=st.sampled_from(["hand over", "crash", "diverge"]))
    def release(self, n: int, times: int, how: str) -> None:
        workflow = self.choose(n, "running")
        after = 2000 if how == "crash" else 0
        stuck = self.name("q") if how == "diverge" else None
        given = {"crash": "" if how == "hand over" else how, "after": after}
        if stuck:
            given["stuck"] = STUCK | {"id": stuck}
        assert self.send("release", times, **self.token(workflow), **given) == {"result": "ok"}
        self.model.release(workflow, after, stuck)

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice)
    def continue_as(self, n: int, times: int) -> None:
        workflow = self.choose(n, "running")
        self.send("continue_as", times, **self.token(workflow), input="1")
        self.model.continue_as(workflow)
        self.generations[workflow.id] = self.generations.get(workflow.id, 0) + 1

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice, state=st.sampled_from(["done", "failed", "aborted"]))
    def finish(self, n: int, times: int, state: State) -> None:
        workflow = self.choose(n, "running")
        self.send("finish", times, **self.token(workflow), state=state, outcome="1")
        self.model.finish(workflow, state)

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice)
    def reap(self, n: int, times: int) -> None:
        workflow = self.choose(n, "running")
        assert self.send("reap", times, **self.token(workflow)) == {"result": "reaped"}
        self.model.reap(workflow)

    @precondition(lambda self: self.old_tokens)
    @rule(
        n=pick,
        times=twice,
        script=st.sampled_from(["commit", "suspend", "finish", "release", "renew", "permit"]),
    )
    def write_without_the_fence(self, n: int, times: int, script: str) -> None:
        token = self.old_tokens[n % len(self.old_tokens)]
        workflow = self.model.workflows[token.id]
        if (workflow.state, workflow.epoch) == ("running", token.epoch):
            return
        given: dict[str, Any] = {
            "commit": {"step": "stale", "fp": "f", "status": "ok", "value": "1"},
            "suspend": {"wait": calls.wait(calls.timer(), key="stale")},
            "finish": {"state": "done", "outcome": "1"},
            "release": {"crash": "", "after": 0},
            "renew": {"lease": 10**6},
            "permit": {"bucket": "b", "rate": 0, "burst": 0, "shielded": True},
        }
        reply = self.send(script, times, **token.arguments(), **given[script])
        assert reply == {"result": "fenced"}

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice)
    def renew(self, n: int, times: int) -> None:
        workflow = self.choose(n, "running")
        assert self.send("renew", times, **self.token(workflow), lease=LEASE)["result"] == "ok"
        workflow.lease = self.model.now + LEASE

    # -- people and the outside --------------------------------------------------------------

    @precondition(lambda self: self.model.questions)
    @rule(
        n=pick,
        times=twice,
        choice=st.sampled_from(["retry", "restart", "force", "abort"]),
        by=st.sampled_from(PEOPLE),
    )
    def settle(self, n: int, times: int, choice: str, by: str) -> None:
        id = list(self.model.questions)[-1 - n % min(4, len(self.model.questions))]
        given = {"question": id, "choice": choice, "by": by, "note": "", "evidence": ""}
        reply = self.send("settle", times, **given)
        assert reply["result"] == self.model.settle(id, choice, by)

    @precondition(lambda self: self.model.questions)
    @rule(n=pick, times=twice)
    def postpone(self, n: int, times: int) -> None:
        id = list(self.model.questions)[-1 - n % min(4, len(self.model.questions))]
        given = {"question": id, "by": "T:U1", "note": "", "ms": 4000, "choice": "wait"}
        reply = self.send("postpone", times, **given)
        assert reply["result"] == self.model.postpone(id, 4000)

    @precondition(lambda self: self.model.questions)
    @rule(n=pick, times=twice)
    def amend(self, n: int, times: int) -> None:
        id = list(self.model.questions)[-1 - n % min(4, len(self.model.questions))]
        question = self.model.questions[id]
        member = question.members[n % len(question.members)]
        facts = f'"{member} {self.name("facts")}"'
        reply = self.send("amend", times, question=id, id=member, payload=facts)
        waits = question.state == "open" and member in question.waiting
        assert reply == {"result": "ok" if waits else "closed"}

    @precondition(lambda self: self.having("running"))
    @rule(n=pick, times=twice, shielded=st.booleans())
    def ask_for_leave(self, n: int, times: int, *, shielded: bool) -> None:
        workflow = self.choose(n, "running")
        given = {"bucket": "b", "rate": 0, "burst": 0, "shielded": shielded}
        reply = self.send("permit", times, **self.token(workflow), **given)
        assert reply["result"] == self.model.permit(workflow, shielded=shielded)

    @precondition(lambda self: self.model.workflows)
    @rule(n=pick, times=twice)
    def signal(self, n: int, times: int) -> None:
        workflow = list(self.model.workflows.values())[n % len(self.model.workflows)]
        reply = self.send("signal", times, id=workflow.id, signal="freed", value="1")
        assert reply["result"] == self.model.signal(workflow)

    @precondition(lambda self: self.model.workflows)
    @rule(n=pick, times=twice, action=st.sampled_from(["abort", "pause", "resume"]))
    def control(self, n: int, times: int, action: str) -> None:
        workflow = list(self.model.workflows.values())[n % len(self.model.workflows)]
        reply = self.send("control", times, id=workflow.id, action=action, by="T:U1", reason="")
        assert reply["result"] == self.model.control(workflow, action)

    # -- time, losses, keepers ---------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1, 2, 5]))
    def wait(self, seconds: float) -> None:
        self.group.clock.advance(seconds)
        self.model.now = self.group.clock.at

    @rule()
    def sweep(self) -> None:
        notices = {m for m in self.group.members("timers") if m.startswith("notice|")}
        done = self.group.sweep()
        timers, leases = self.model.sweep()
        given = len(notices - set(self.group.members("timers")))
        assert timers <= done["timers"] <= timers + given
        assert done["leases"] == leases
        again = self.group.sweep()
        assert (again["timers"], again["leases"], again["doorbells"]) == (0, 0, 0)

    @rule(how=st.sampled_from(["dropped", "popped"]))
    def lose_a_doorbell(self, how: str) -> None:
        if how == "dropped":
            self.group.redis.lpop(self.group.queue)
        else:
            queue = self.group.queue
            self.group.redis.lmove(queue, f"{queue}:intermediate", "LEFT", "RIGHT")
