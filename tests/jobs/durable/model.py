"""What the scripts should do, in plain Python: a small model to hold them against.

It knows nothing of Redis. Each method says what the script of its name answers, and changes the
model as the script changes Redis. Times are in ms.
"""

from dataclasses import dataclass, field
from typing import Literal

State = Literal["ready", "running", "suspended", "stuck", "done", "failed", "aborted"]
BARREN_LIMIT = 3
NEEDED = {"retry": 1, "force": 2}


@dataclass
class Question:
    """A question, the workflows that wait for it, and who voted for what.

    Those of one root and one cause are one: `cause` names both.
    """

    members: list[str]
    stuck: bool = False
    cause: tuple[str, str] | None = None
    state: Literal["open", "settled", "closed"] = "open"
    votes: list[tuple[str, str]] = field(default_factory=list)
    left: set[str] = field(default_factory=set)

    @property
    def waiting(self) -> list[str]:
        return [id for id in self.members if id not in self.left]


@dataclass
class Wait:
    """What a workflow waits for: the first of some of these. None: not for this one."""

    key: str
    interruptible: bool = True
    question: str | None = None
    deadline: int | None = None
    children: tuple[str, ...] = ()
    need: int = 0
    signal: bool = False


@dataclass
class Workflow:
    """A workflow as it should stand. `rest` is the time of an activity's rest (0: no time)."""

    id: str
    parent: str | None = None
    state: State = "ready"
    epoch: int = 1
    nonce: str = ""
    lease: int = 0
    barren: int = 0
    steps: dict[str, str] = field(default_factory=dict)
    wait: Wait | None = None
    rest: int | None = None
    flags: set[str] = field(default_factory=set)
    restart: bool = False
    children: list[str] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return self.state in {"done", "failed", "aborted"}


class Model:
    """All workflows and questions of a group."""

    def __init__(self) -> None:
        self.now = 0
        self.workflows: dict[str, Workflow] = {}
        self.questions: dict[str, Question] = {}

    def start(self, id: str, parent: Workflow | None = None) -> None:
        workflow = Workflow(id, parent.id if parent else None)
        if parent:
            workflow.flags |= parent.flags
            parent.children.append(id)
        self.workflows[id] = workflow

    # -- activations -------------------------------------------------------------------------

    def acquire(self, workflow: Workflow, nonce: str, lease: int, stuck: str) -> str:
        if workflow.restart:
            self._begin_anew(workflow)
            return "stale"
        workflow.barren += 1
        if workflow.barren > BARREN_LIMIT:
            self._park(workflow, stuck)
            return "stuck"
        workflow.state, workflow.nonce, workflow.lease = "running", nonce, self.now + lease
        return "acquired"

    def commit(self, workflow: Workflow, key: str) -> str:
        if key in workflow.steps:
            return "diverged"
        self._store(workflow, key, "ok")
        return "ok"

    def suspend(self, workflow: Workflow, wait: Wait, cause: str = "") -> str:
        workflow.wait, workflow.barren = wait, 0
        if wait.question:
            self._ask(workflow, wait.question, (self.root(workflow), cause) if cause else None)
        if self._try_close(workflow):
            return "decided"
        workflow.state = "suspended"
        return "suspended"

    def take_rest(self, workflow: Workflow, until: int, seen: set[str]) -> str:
        workflow.state, workflow.rest, workflow.barren = "suspended", until, 0
        if workflow.flags != seen:
            self._make_ready(workflow)
        return "suspended"

    def release(self, workflow: Workflow, after: int, stuck: str | None) -> None:
        """Hand over (nothing given), crash (`after`), or diverge (`stuck`)."""
        if stuck:
            self._park(workflow, stuck)
        elif after:
            workflow.state, workflow.rest = "suspended", self.now + after
        else:
            workflow.barren -= 1
            self._make_ready(workflow)

    def permit(self, workflow: Workflow, *, shielded: bool) -> str:
        if workflow.lease <= self.now:
            return "fenced"
        for flag, refusal in (("abort", "aborted"), ("pause", "paused")):
            if flag in workflow.flags and not shielded:
                return refusal
        return "ok"

    def reap(self, workflow: Workflow) -> None:
        self._make_ready(workflow)

    def continue_as(self, workflow: Workflow) -> None:
        workflow.steps.clear()
        workflow.barren = 0
        self._make_ready(workflow)

    def finish(self, workflow: Workflow, state: State) -> None:
        workflow.state = state
        parent = self.workflows.get(workflow.parent or "")
        if parent and parent.wait:
            self._wake(parent)

    # -- people and the outside --------------------------------------------------------------

    def settle(self, id: str, choice: str, by: str) -> str:
        question = self.questions[id]
        if question.state != "open":
            return "already_settled" if question.state == "settled" else "closed"
        choices = {"retry", "restart", "abort"} if question.stuck else set(NEEDED)
        if choice not in choices:
            return "not_a_choice"
        if (choice, by) in question.votes:
            return "already_voted"
        question.votes.append((choice, by))
        needed = 1 if question.stuck else NEEDED[choice]
        if [vote for vote, _ in question.votes].count(choice) < needed:
            return "voted"
        question.state = "settled"
        workflow = self.workflows[question.members[0]]
        if not question.stuck:
            for member in question.waiting:
                self._close(self.workflows[member], "ok")
                self._make_ready(self.workflows[member])
        elif choice == "abort":
            self._set(workflow, "abort")
        else:
            workflow.restart = choice == "restart"
            workflow.barren = 0
            self._make_ready(workflow)
        return "settled"

    def postpone(self, id: str, ms: int) -> str:
        question = self.questions[id]
        if question.state != "open":
            return "already_settled" if question.state == "settled" else "closed"
        for wait in self._waits(question):
            wait.deadline = max(wait.deadline or 0, self.now) + ms
        return "postponed"

    def signal(self, workflow: Workflow) -> str:
        if workflow.state != "suspended":
            return "ignored"
        if workflow.rest is None:
            if not (workflow.wait and workflow.wait.signal):
                return "ignored"
            self._close(workflow, "ok")
        self._make_ready(workflow)
        return "woken"

    def control(self, workflow: Workflow, action: str) -> str:
        if workflow.final:
            return "ended"
        flag = "abort" if action == "abort" else "pause"
        if (action == "resume") == (flag not in workflow.flags):
            return "unchanged"
        self._set(workflow, flag, on=action != "resume")
        return "changed"

    # -- keepers -----------------------------------------------------------------------------

    def sweep(self) -> tuple[int, int]:
        """Fire what is due; returns how many timers (without notices) and leases."""
        timers = leases = 0
        for workflow in self.workflows.values():
            wait, rest = workflow.wait, workflow.rest
            if wait and wait.deadline is not None and wait.deadline <= self.now:
                timers += 1
                self._close(workflow, "ok")
                self._make_ready(workflow)
            elif rest and rest <= self.now:
                timers += 1
                self._make_ready(workflow)
            elif workflow.state == "running" and workflow.lease <= self.now:
                leases += 1
                self._make_ready(workflow)
        return timers, leases

    # -- inside ------------------------------------------------------------------------------

    def root(self, workflow: Workflow) -> str:
        parent = self.workflows.get(workflow.parent or "")
        return self.root(parent) if parent else workflow.id

    def _ask(self, workflow: Workflow, id: str, cause: tuple[str, str] | None) -> None:
        asked = Question([workflow.id], cause=cause)
        for known, old in list(self.questions.items()):
            if cause is None or old.cause != cause or old.state != "open":
                continue
            for member in old.waiting:
                wait = self.workflows[member].wait
                assert wait is not None
                assert wait.question == known
                wait.question = id
            asked.members = [*old.waiting, workflow.id]
            old.state = "closed"
        self.questions[id] = asked
        waits = self._waits(asked)
        for wait in waits:
            wait.deadline = max(each.deadline or 0 for each in waits)

    def _waits(self, question: Question) -> list[Wait]:
        """Return the waits for a question that end at some time."""
        waits = (self.workflows[member].wait for member in question.waiting)
        return [wait for wait in waits if wait and wait.deadline is not None]

    def _make_ready(self, workflow: Workflow) -> None:
        workflow.state, workflow.rest, workflow.nonce = "ready", None, ""
        workflow.epoch += 1

    def _store(self, workflow: Workflow, key: str, status: str) -> None:
        assert key not in workflow.steps
        workflow.steps[key] = status
        workflow.barren = 0

    def _begin_anew(self, workflow: Workflow) -> None:
        """From its input, once the children that it has under way have ended."""
        workflow.restart, workflow.barren = False, 0
        workflow.steps.clear()
        live = tuple(id for id in workflow.children if not self.workflows[id].final)
        if not live:
            self._make_ready(workflow)
            return
        workflow.state = "suspended"
        workflow.wait = Wait("~restart", children=live, need=len(live))
        for id in live:
            self._set(self.workflows[id], "abort")

    def _park(self, workflow: Workflow, question: str) -> None:
        workflow.state = "stuck"
        self.questions[question] = Question([workflow.id], stuck=True)

    def _close(self, workflow: Workflow, status: str) -> None:
        wait = workflow.wait
        assert wait is not None
        question = self.questions.get(wait.question or "")
        if question and question.state == "open":
            if question.waiting == [workflow.id]:
                question.state = "closed"
            else:
                question.left.add(workflow.id)
        workflow.wait = None
        self._store(workflow, wait.key, status)

    def _try_close(self, workflow: Workflow) -> bool:
        wait = workflow.wait
        assert wait is not None
        ended = sum(self.workflows[id].final for id in wait.children)
        if "abort" in workflow.flags and wait.interruptible:
            self._close(workflow, "aborted")
        elif wait.children and ended >= wait.need:
            self._close(workflow, "ok")
        else:
            return False
        return True

    def _wake(self, workflow: Workflow) -> None:
        if workflow.state != "suspended":
            return
        if workflow.wait and not self._try_close(workflow):
            return
        self._make_ready(workflow)

    def _set(self, workflow: Workflow, flag: str, *, on: bool = True) -> None:
        if workflow.final:
            return
        if on:
            workflow.flags.add(flag)
        else:
            workflow.flags.discard(flag)
        for child in workflow.children:
            self._set(self.workflows[child], flag, on=on)
        if flag == "abort" and workflow.state == "stuck":
            for question in self.questions.values():
                if question.waiting == [workflow.id] and question.state == "open":
                    question.state = "closed"
            workflow.barren = 0
            self._make_ready(workflow)
        self._wake(workflow)
