"""The scripts against a model: any order of calls by any number of actors, often sent twice."""

import json

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from redis import Redis

from jobs.durable.records import Token
from tests.jobs.durable.actors import Actors


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
            assert self.group.asked(id).state == question.state

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
            mine = [q for _, q in questions if q.workflow == workflow.id and q.stuck]
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
                    workflow = self.model.workflows[question.workflow]
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


def test_the_scripts_do_what_the_model_says_in_any_order(redis: "Redis") -> None:
    class OnThatRedis(Scripts):
        pass

    OnThatRedis.redis = redis
    run_state_machine_as_test(
        OnThatRedis,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
