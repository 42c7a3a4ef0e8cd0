"""Any mix of pods, owners, volumes, budgets, readiness and API faults: what holds for all drains.

`ANY_DRAINS` says how many of them are tried.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from redis import Redis

from jobs.activities import empty, forcing
from jobs.drain.filters import DO_NOT_DISRUPT
from jobs.models import DrainOptions, OperationEnd, Outcome, QuestionView
from jobs.service import Service
from sandbox.cluster import Fault, running
from sandbox.cluster.objects import Json
from tests.jobs.harness import Worker, policy_with, resources, until, working
from tests.jobs.story import Story
from tests.jobs.workflows.any_drain import (
    FAULTS,
    NODE,
    REPLICATED,
    Consent,
    Owner,
    Scene,
    Witness,
    named,
    put,
    scenes,
    start,
)

DRAINS = int(os.environ.get("ANY_DRAINS", "12"))
IMPATIENT = {"terminating_slack": "200ms", "owners_well_within": "500ms"}
ORDINARY = Owner(
    kind="Deployment", here=2, elsewhere=1, emptydir=False, spared=False, ready=True, stuck=False,
    claims=0, budgets=(("max_unavailable", 1),),
)  # fmt: skip
OPTIONS = {"force": False, "delete_emptydir_data": False, "ignore_daemonsets": True,
           "disable_eviction": False}  # fmt: skip


@settings(
    max_examples=DRAINS,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scene=scenes)
@example(scene=Scene((ORDINARY,), ("answer lost",), OPTIONS, (), breaks=True))
def test_whatever_it_meets_a_drain_ends_or_asks_and_touches_only_what_it_may(
    scene: Scene, redis: "Redis", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forcing, "NEXT_AFTER", 300)  # a forced pod that stays is waited for so long
    monkeypatch.setattr(empty, "TRY_AGAIN", 1000)
    redis.flushall()
    redis.script_flush()
    with running(start()) as cluster:
        put(cluster, scene)
        acts = resources(redis, str(cluster.kubeconfig(tmp_path / "kubeconfig")))
        with (
            working(Worker(redis, acts)) as worker,
            Witness().watching(cluster) as witness,
        ):
            story = Story(cluster, worker, Service(redis, policy_with(IMPATIENT)))
            play(story, scene, witness)


def play(story: Story, scene: Scene, witness: Witness) -> None:
    """Drain the node, answer what is asked, and look at all that was done."""
    cluster = story.cluster
    there = {pod["metadata"]["uid"]: pod for pod in cluster.list("Pod", node=NODE)}
    until(lambda: story.service.inventory("test").as_of, what="the inventory")
    for fault in scene.faults:
        cluster.fault(Fault.model_validate(FAULTS[fault]))
    operation = story.submit(NODE, options=DrainOptions.model_validate(scene.options))
    if scene.breaks:
        cluster.forget_history()
        cluster.close_watches()
    consent = answered(story, operation, scene.answers)
    view = story.view(operation)
    assert view.end is not None

    touched = [
        entry
        for entry in cluster.requests()
        if entry.carried_out and (entry.resource == "pods/eviction" or entry.verb == "delete")
    ]
    for entry in touched:
        assert entry.node == NODE
        assert entry.object_uid == entry.uid_precondition
        assert entry.object_uid in there
    deleted = {entry.object_uid for entry in touched if entry.verb == "delete"}
    if not scene.options["disable_eviction"]:
        assert deleted <= consent.forced  # all else went past the budgets' own server
    for entry in touched:
        refused_unless_allowed(scene, there[str(entry.object_uid)], consent)
    gone = {str(entry.object_uid) for entry in touched}
    nobody_is_left_alone(scene, witness, gone, consent, named(view))
    if view.end is OperationEnd.DRAINED:
        left = {pod["metadata"]["uid"] for pod in cluster.list("Pod", node=NODE)}
        assert {uid for uid in left & set(there) if not of_daemonset(there[uid])} == set()


def answered(story: Story, operation: str, answers: tuple[int, ...]) -> Consent:
    """Answer each question in turn, then abort; returns what people let happen."""
    consent, asked = Consent(), list[QuestionView]()
    for number in (*answers, None):

        def ended_or_asked() -> bool:
            view = story.view(operation)
            return view.end is not None or bool(new(view.open_questions))

        def new(questions: tuple[QuestionView, ...]) -> list[QuestionView]:
            return [each for each in questions if each.id not in {known.id for known in asked}]

        until(ended_or_asked, within=60, what="its end or a question")
        view = story.view(operation)
        if view.end is not None:
            return consent
        (question, *_) = new(view.open_questions) or [asked[-1]]
        asked.append(question)
        offered = [choice for choice in question.choices if choice != "wait"]
        if number is None:
            break
        choice = offered[number % len(offered)]
        # All that people are shown until then is what they agree to.
        decided = story.decide(question, choice, note="so be it")
        if decided.outcome is Outcome.SETTLED:
            consent.given(decided.question or question, choice)
    story.abort(operation)
    story.finish(operation)
    return consent


def of_daemonset(pod: Json) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner["kind"] == "DaemonSet" for owner in owners)


def refused_unless_allowed(scene: Scene, pod: Json, consent: Consent) -> None:
    """A pod that a drain may not touch by itself went only if an option or a person said so."""
    uid, options = pod["metadata"]["uid"], scene.options
    if uid in consent.anyway | consent.forced:
        return
    owned = bool(pod["metadata"].get("ownerReferences"))
    emptydir = any("emptyDir" in volume for volume in pod["spec"].get("volumes") or ())
    assert not of_daemonset(pod)
    assert owned or options["force"]
    assert not emptydir or options["delete_emptydir_data"]
    assert DO_NOT_DISRUPT not in (pod["metadata"].get("annotations") or {})


def nobody_is_left_alone(
    scene: Scene, witness: Witness, gone: set[str], consent: Consent, told: set[str]
) -> None:
    """A workload without a budget lost its last ready pod only if that was named before."""
    covered = {f"shop/w{n}" for n, owner in enumerate(scene.owners) if owner.budgets}
    for workload, uid in witness.lonely:
        kind, _, name = workload.partition(" ")
        if uid in gone and kind in REPLICATED and name not in covered:
            assert name in told or uid in consent.anyway | consent.forced
