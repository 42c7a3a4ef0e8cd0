"""Plays a plan: lets it happen, heals everything, has people end what is open, and judges."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.errors import StateUnavailable
from jobs.ids import short
from jobs.models import OperationState, OperationView, QuestionKind, QuestionView
from sandbox.certify.evidence import Evidence, collect
from sandbox.certify.theatre import messages_in, read_lines
from sandbox.chaos.happenings import Act
from sandbox.chaos.invariants import Seen, broken, cordons, emptied
from sandbox.chaos.plan import Plan
from sandbox.chaos.stage import Stage, standing
from sandbox.chaos.troubles import Troubles

__all__ = ["Outcome", "play"]

Note = Callable[[str], None]
START_WITHIN = 60.0  # seconds until the nodes are known
END_WITHIN = 150.0  # seconds, when all is well again, until every operation has ended
LAG = 45.0  # seconds that telling may lag behind
PROGRESS_EVERY = 15.0
STALLED = 25.0  # seconds, when all is well again, in which something must happen to an operation
_TICK = 0.02
_ANSWER_EVERY = 1.5  # seconds between two looks of people who end what is open
_PATIENT = 2  # answers of one kind that a node gets before it is skipped
_MOST = 10_000
_FIRST = {
    QuestionKind.START: "start", QuestionKind.APPROVAL: "approve",
    QuestionKind.REFUSAL: "evict_anyway", QuestionKind.UNWELL: "go_on",
    QuestionKind.VOLUMES: "go_on", QuestionKind.CANARY: "go_on",
    QuestionKind.OWN: "go_on", QuestionKind.MAINTENANCE: "return",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `wrong` is empty where all held; `figures` count what happened.

    `seen` is what was judged; None where it did not come to that.
    """

    wrong: tuple[str, ...]
    figures: dict[str, int] = field(default_factory=dict)
    seen: Seen | None = field(default=None, repr=False)


def play(plan: Plan, directory: Path, say: Note) -> Outcome:
    """Play a plan; logs and evidence go into the directory."""
    began = time.monotonic()
    with (directory / "events.log").open("w", encoding="utf-8", buffering=1) as log:

        def note(line: str) -> None:
            log.write(f"{time.strftime('%H:%M:%S')} {time.monotonic() - began:8.2f}  {line}\n")

        with standing(plan, directory, note) as stage:
            return _Play(stage, Troubles(stage, note), note, say).run()


class _Play:
    def __init__(self, stage: Stage, troubles: Troubles, note: Note, say: Note) -> None:
        self._stage = stage
        self._troubles = troubles
        self._note = note
        self._say = say
        self._answered: Counter[str] = Counter()
        self._asked_for: dict[str, float] = {}
        self._moved: dict[str, tuple[str, float]] = {}
        self._stalled: dict[str, str] = {}

    def run(self) -> Outcome:
        if not self._until(self._known, START_WITHIN):
            return Outcome(("the nodes are not known, before anything went wrong",))
        self._let_it_happen()
        self._say("all is well again; people answer what is open")
        self._note("ALL IS WELL AGAIN")
        self._troubles.heal()
        wrong: list[str] = []
        if not self._until(self._all_ended, END_WITHIN):
            wrong.append(f"not all has ended {END_WITHIN:g} s after all was well again")
        elif not self._until(lambda: not self._cordons(), LAG):
            wrong += self._cordons()
        elif not self._until(self._all_given_back, END_WITHIN):
            wrong.append(f"not every node was given back within {END_WITHIN:g} s")
        self._stage.people.rest(30)
        self._until(lambda: not broken(self._seen()), LAG, every=1.0)
        seen = self._seen()
        wrong += [*broken(seen), *self._stage.people.twice, *self._stalled.values()]
        self._keep(seen)
        return Outcome(tuple(dict.fromkeys(wrong)), self._figures(seen), seen)

    def _let_it_happen(self) -> None:
        began, told = time.monotonic(), 0.0
        for event in self._stage.plan.events:
            self._until(lambda at=event.at: time.monotonic() - began >= at, event.at + 60)  # type: ignore[misc]
            if time.monotonic() - began - told > PROGRESS_EVERY:
                told = time.monotonic() - began
                self._say(f"[{told:6.1f} s] {self._progress()}")
            self._note(str(event))
            if isinstance(event.what, Act):
                self._stage.people.act(event.what)
            else:
                self._troubles.befall(event.what)
        self._until(lambda: time.monotonic() - began >= self._stage.plan.seconds, 600)

    def _until(self, true: Callable[[], Any], within: float, *, every: float = 0.0) -> bool:
        """Look until it is true, and keep the crew alive; whether it came true in time."""
        end, look_at = time.monotonic() + within, 0.0
        while time.monotonic() < end:
            self._stage.crew.look()
            self._troubles.look()
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + every
                try:
                    if true():
                        return True
                except StateUnavailable:
                    pass  # Redis is away: nothing can be told
            time.sleep(_TICK)
        return False

    def _known(self) -> bool:
        return bool(self._stage.service.inventory("demo").as_of)

    def _operations(self) -> tuple[OperationView, ...]:
        return tuple(reversed(self._stage.service.operations("demo", limit=_MOST)))

    def _all_ended(self) -> bool:
        live = self._stage.service.operations("demo", live_only=True)
        live = tuple(view for view in live if view.state is not OperationState.ENDED)
        for view in live:
            self._see_it_move(view)
            if view.paused_by and self._may_ask(view.id):
                self._stage.people.type("ana", f"resume {short(view.id)}")
            elif view.state is OperationState.RUNNING and self._for_once(view.id):
                # Once more, now that nothing else can be the reason why it doesn't go on.
                self._stage.people.type("cy", f"pause {short(view.id)}")
                # It is resumed about when its drains free their slots: at no moment may that be
                # slept over.
                later = 0.5 + len(self._answered) % 20 / 10
                self._asked_for[view.id] = time.monotonic() + later
            for question in view.open_questions:
                if self._may_ask(question.id):
                    self._end(view, question)
        return not live

    def _end(self, view: OperationView, question: QuestionView) -> None:
        """Answer so that it goes on; and skip the node if that did not help."""
        key = f"{view.id} {' '.join(question.nodes)} {question.kind}"
        self._answered[key] += 1
        wanted = _FIRST.get(question.kind, "retry")
        if self._answered[key] > _PATIENT and "skip" in question.choices:
            wanted = "skip"
        choice = wanted if wanted in question.choices else question.choices[-1]
        if choice == "abort" and "skip" in question.choices:
            choice = "skip"
        self._stage.people.decide("bo", view, question, choice)

    def _see_it_move(self, view: OperationView) -> None:
        """Note an operation that waits for nobody, and to which nothing happens."""
        now = time.monotonic()
        stand = f"{view.version} {[(n.status, n.pods_gone, n.terminating) for n in view.nodes]}"
        known, since = self._moved.get(view.id, ("", now))
        if stand != known or view.open_questions or view.paused_by:
            since = now
        self._moved[view.id] = (stand, since)
        if now - since > STALLED and view.id not in self._stalled:
            nodes = ", ".join(f"{node.name} is {node.status}" for node in view.nodes)
            self._stalled[view.id] = f"{view.id} did nothing for {STALLED:g} s: {nodes}"
            self._note(f"STALLED {self._stalled[view.id]}")

    def _for_once(self, what: str) -> bool:
        """Whether it is the first time."""
        self._answered[what] += 1
        return self._answered[what] == 1

    def _may_ask(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._asked_for.get(what, float("-inf")) < _ANSWER_EVERY:
            return False
        self._asked_for[what] = now
        return True

    def _all_given_back(self) -> bool:
        ended = self._all_ended()
        owned = [name for name, record in self._evidence().node_records.items() if record.owner]
        for name in owned:
            if ended and self._may_ask(name):
                self._stage.people.type("ana", f"uncordon {name}")
        return ended and not owned and not self._cordons()

    def _cordons(self) -> list[str]:
        found = self._evidence()
        return [*cordons(found), *emptied(found, self._stage.cluster.list("Pod"))]

    def _evidence(self, *, told: bool = False) -> Evidence:
        stage = self._stage
        nodes = [node["metadata"]["name"] for node in stage.cluster.list("Node")]
        messages = messages_in(stage.slack) if told else []
        commits = read_lines(stage.directory / "commits")
        return collect(
            stage.redis, stage.cluster, self._operations(), messages, commits, nodes=nodes
        )

    def _seen(self) -> Seen:
        stage = self._stage
        evidence = self._evidence(told=True)
        notes = [
            (user.id, str(message.get("thread_ts", "")), str(message["text"]))
            for user in stage.slack.workspace().users
            for message in stage.slack.ephemerals(user.id)
        ]
        return Seen(
            evidence, tuple(stage.people.presses), tuple(notes), tuple(self._troubles.held),
            tuple(messages_in(stage.slack)),
        )  # fmt: skip

    def _progress(self) -> str:
        try:
            views = self._operations()
        except StateUnavailable:
            return "Redis is away"
        live = [view for view in views if view.state is not OperationState.ENDED]
        asked = sum(len(view.open_questions) for view in live)
        starts = sum(host.starts for host in self._stage.crew.hosts.values())
        return (
            f"{len(views)} operations, {len(live)} under way, {asked} open questions, "
            f"{starts} starts, {self._stage.wires.lost} replies lost"
        )

    def _figures(self, seen: Seen) -> dict[str, int]:
        found = seen.evidence
        ends = Counter(f"ended {view.end}" for view in found.operations)
        kinds = Counter(f"asked {question.kind}" for question in found.questions)
        return {
            "operations": len(found.operations), **dict(sorted(ends.items())),
            **dict(sorted(kinds.items())), "answers": len(seen.presses),
            "steps": len(found.commits), "messages": len(found.messages),
            "starts": sum(host.starts for host in self._stage.crew.hosts.values()),
            "replies lost": self._stage.wires.lost,
        }  # fmt: skip

    def _keep(self, seen: Seen) -> None:
        """Write down what was judged, for whoever looks into it."""
        directory, found = self._stage.directory, seen.evidence
        views = [view.model_dump(mode="json") for view in found.operations]
        (directory / "operations.json").write_text(json.dumps(views, indent=1))
        entries = (entry.model_dump_json() for entry in found.requests)
        (directory / "requests.jsonl").write_text("\n".join(entries))
        (directory / "messages.json").write_text(json.dumps(seen.messages, indent=1))
        (directory / "calls.json").write_text(json.dumps(self._stage.slack.calls(), indent=1))
        presses = "\n".join(map(str, seen.presses))
        (directory / "presses.txt").write_text(presses)
        (directory / "notes.txt").write_text("\n".join(map(str, seen.notes)))
        (directory / "events.txt").write_text("\n".join(map(str, found.events)))
