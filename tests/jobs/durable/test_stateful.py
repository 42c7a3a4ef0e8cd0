"""The scripts against a model: any order of calls by any number of actors, often sent twice."""

import json

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from jobs.durable.records import Token
from tests.jobs.durable.actors import Actors
from tests.jobs.durable.model import Workflow


class Scripts(Actors):
    """Compares, after each call, how Redis stands with how the model stands."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[tuple[str, str], str] = {}
        self.versions: dict[str, int] = {}

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def redis_stands_as_the_model_says(self) -> None:
        for workflow in self.model.workflows.values():
            fields = self.group.hash(f"wf:{workflow.id}")
            assert (fields["state"], int(fields["epoch"])) == (workflow.state, workflow.epoch)
            assert ("wait" in fields) == (workflow.wait is not None)
            for flag in ("abort", "pause"):
                assert (flag in fields) == (flag in workflow.flags)
            steps = self.group.hash(f"wf:{workflow.id}:steps")
            assert {k: json.loads(v)["status"] for k, v in steps.items()} == workflow.steps
        for id, question in self.model.questions.items():
            record = self.group.asked(id)
            assert record.state == question.state
            assert [each.workflow for each in record.members] == question.members
            if question.state != "closed":  # of one that is, nobody asks who was the last
                assert {each.workflow for each in record.members if each.left} == question.left
            for each in record.members if not question.stuck else ():
                assert each.payload.startswith(each.workflow)  # each of them says its own

    @invariant()
    def whoever_waits_for_a_question_is_asked_about_in_it(self) -> None:
        waits = {(w.id, w.wait.question) for w in self.model.workflows.values() if w.wait}
        asked = {
            (member, id)
            for id, question in self.model.questions.items()
            for member in (question.waiting if question.state == "open" else ())
            if not question.stuck
        }
        assert asked == {(workflow, id) for workflow, id in waits if id}
        for workflow, id in waits:
            parts = json.loads(self.group.hash(f"wf:{workflow}")["wait"])["parts"]
            assert [part["question"] for part in parts if part["kind"] == "question"] == (
                [id] if id else []
            )

    @invariant()
    def of_one_cause_there_is_one_question(self) -> None:
        causes = {
            f"{q.cause[0]}|{q.cause[1]}": id
            for id, q in self.model.questions.items()
            if q.cause and q.state == "open"
        }
        assert self.group.hash("causes") == causes

    @invariant()
    def a_step_is_stored_once_and_a_question_settled_once(self) -> None:
        for workflow in self.model.workflows.values():
            generation = self.generations.get(workflow.id, 0)
            for key, raw in self.group.hash(f"wf:{workflow.id}:steps").items():
                known = self.stored.setdefault((f"{workflow.id}.{generation}", key), raw)
                assert raw == known
        for id in self.model.questions:
            fields = self.group.hash(f"q:{id}")
            for name in ("winner", "closed_because"):
                if name in fields:
                    assert self.stored.setdefault((id, name), fields[name]) == fields[name]
            assert not {"winner", "closed_because"} <= fields.keys()

    @invariant()
    def nothing_is_lost(self) -> None:
        sets = {name: self.group.members(name) for name in ("ready", "running", "open", "timers")}
        awake = {state: {w.id for w in self.having(state)} for state in ("ready", "running")}
        assert sets["ready"].keys() == awake["ready"]
        leases = {w.id: w.lease for w in self.having("running")}
        assert sets["running"] == leases
        questions = self.model.questions.items()
        assert sets["open"].keys() == {id for id, q in questions if q.state == "open"}
        due = {}
        for workflow in self.having("suspended"):
            wait = workflow.wait
            assert (wait is None) != (workflow.rest is None)
            if wait and wait.deadline is not None:
                due[f"wf|{workflow.id}|{wait.key}|stop"] = wait.deadline
            if workflow.rest:
                due[f"yield|{workflow.id}"] = workflow.rest
        kept = {m: at for m, at in sets["timers"].items() if not m.startswith("notice|")}
        assert kept == due
        notices = {m.split("|")[1] for m in sets["timers"].keys() - kept.keys()}
        assert notices <= sets["open"].keys()
        for workflow in self.having("stuck"):
            mine = [q for _, q in questions if q.members == [workflow.id] and q.stuck]
            assert mine[-1].state == "open"
        suspended = {w.id for w in self.having("suspended")}
        assert self.group.store.watching().keys() <= suspended

    @invariant()
    def versions_only_grow_with_every_event(self) -> None:
        for workflow in self.model.workflows.values():
            version = int(self.group.hash(f"wf:{workflow.id}").get("version", 0))
            assert version >= self.versions.get(workflow.id, 0)
            self.versions[workflow.id] = version
        assert sum(self.versions.values()) == len(self.group.events())

    def teardown(self) -> None:
        """Whatever happened, all can be brought to an end, and then nothing is left of it."""
        for _ in range(40):
            self.group.clock.advance(10)
            self.model.now = self.group.clock.at
            self.sweep()
            for workflow in self.having("stuck"):
                self.control(list(self.model.workflows).index(workflow.id), 1, "abort")
            for id, question in list(self.model.questions.items()):
                if question.state == "open":
                    self.model.settle(id, "retry", "T:U9")
                    assert self.group.store.settle(id, "retry", by="T:U9", call=id) == "settled"
            for workflow in self.having("suspended"):
                if workflow.rest is not None or (workflow.wait and workflow.wait.signal):
                    self.group.store.signal(workflow.id, "freed")
                    self.model.signal(workflow)
            for workflow in self.having("ready"):
                job = self.group.hash(f"wf:{workflow.id}")["job"]
                assert job in self.group.doorbells() or self.group.sweep()["doorbells"]
                self.group.redis.lrem(self.group.queue, 1, job)
                self.take(workflow, 1, job=job)
            for workflow in self.having("running"):
                self.group.store.fenced_call(
                    "finish", Token(**self.token(workflow)), state="done", outcome="1"
                )
                self.model.finish(workflow, "done")
        self.redis_stands_as_the_model_says()
        assert all(workflow.final for workflow in self.model.workflows.values())
        self.nothing_is_left()

    def nothing_is_left(self) -> None:
        for job in [*self.group.doorbells(), *self.group.doorbells("intermediate")]:
            self.group.redis.lrem(self.group.queue, 1, job)
            id, epoch, _ = job.rsplit("-", 2)
            given = {"id": id, "epoch": int(epoch), "nonce": "late", "job": job, "owner": "slot"}
            assert self.send("acquire", 1, **given) == {"result": "stale"}
        while self.group.store.forget(self.group.clock.at):
            pass
        left = {key for key in self.group.dump() if self.group.redis.ttl(key) < 0}
        kept = {f"drainbot:prod-eu:{name}" for name in ("events", "audit", "counts")}
        assert left <= kept | {"rq:queues"}


class OfOneCause(Scripts):
    """The same, but it begins where one question is asked of three children of a workflow."""

    CHILDREN = 3

    @initialize()
    def begin(self) -> None:
        self.start(1)
        self.take_next()
        for _ in range(self.CHILDREN):
            self.spawn(0, 1)
        self.suspend(0, 1, {"children"}, self.CHILDREN, "")
        for _ in range(self.CHILDREN):
            self.ask_of_next()

    @precondition(lambda self: self.having("ready"))
    @rule()
    def ask_of_next(self) -> None:
        """Let a workflow run to the question that all of them have in common."""
        workflow = self.take_next()
        if workflow.state == "running" and workflow.parent:
            which = self.having("running").index(workflow)
            self.suspend(which, 2, {"question", "timer", "signal"}, 1, "budget db")

    def take_next(self) -> Workflow:
        workflow = self.choose(0, "ready")
        job = self.group.hash(f"wf:{workflow.id}")["job"]
        self.group.redis.lrem(self.group.queue, 1, job)
        self.take(workflow, 1, job=job)
        return workflow


@pytest.mark.parametrize("actors", [Scripts, OfOneCause])
def test_the_scripts_do_what_the_model_says_in_any_order(
    redis: "Redis", actors: type[Scripts]
) -> None:
    class OnThatRedis(actors):  # type: ignore[valid-type, misc]
        pass

    OnThatRedis.redis = redis
    run_state_machine_as_test(
        OnThatRedis,
        settings=settings(
            max_examples=60 if actors is Scripts else 30,
            stateful_step_count=40,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
