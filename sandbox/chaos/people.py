"""The people of a run: they type, click, fill in forms, all by the plan, through Slack alone.

What they choose among is what is there when they look: a pick between 0 and 1 says which of it.
Each act is noted, so that it can be told later whether whoever came too late was told.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bot.message_store import MessageStore
from bot.messages.progress import PARENT
from bot.messages.question import question_key
from jobs.errors import StateUnavailable
from jobs.ids import short
from jobs.models import OperationState, OperationView, QuestionKind, QuestionView
from jobs.service import Service
from sandbox.chaos.happenings import Act, Ask, Clash, GiveBack, Late, Steer
from sandbox.slack import Delivery, PersonError, Slack

__all__ = ["OPS", "People", "Press", "picked"]

T = TypeVar("T")
OPS = "ops"
FORM_WITHIN = 2.0  # seconds that somebody waits for a form
_LOOK = 0.05
_CAREFUL = 0.8  # picks below it are of nodes that nobody has
_OPERATION = re.compile(r"op [0-9A-Z]{6}")
_WITH_FORM = frozenset({"force", "abort"})


@dataclass(frozen=True)
class Press:
    """Somebody's answer to a question. Times in seconds since the epoch.

    `acknowledged`: Slack took it as delivered, so only drainbot can tell what became of it.
    """

    who: str
    user: str
    question: str
    choice: str
    thread: str
    at: float
    acknowledged: bool


class People:
    """Those who act; each does one thing after the other, and several do so at once."""

    def __init__(
        self, slack: Slack, service: Service, messages: MessageStore, note: Callable[[str], None]
    ) -> None:
        self._slack = slack
        self._service = service
        self._messages = messages
        self._note = note
        self._threads = ThreadPoolExecutor(12, thread_name_prefix="person")
        self._busy = {name: threading.Lock() for name in ("ana", "bo", "cy")}
        self._users = {user.name: user.id for user in slack.workspace().users}
        self._pending: list[Future[None]] = []
        self.presses: list[Press] = []
        self.twice: list[str] = []
        self._deliveries: list[Delivery] = []

    def act(self, act: Act) -> None:
        """Begin an act; it goes on by itself."""
        self._pending = [each for each in self._pending if not each.done()]
        if isinstance(act, Clash):
            question = picked(self._questions(), act.pick)
            if question is not None:
                self.answer(question, act.choices, doubled=act.doubled)
            return
        self._begin(lambda: self._do(act))

    def answer(
        self,
        question: tuple[OperationView, QuestionView],
        choices: Sequence[tuple[str, float]],
        *,
        doubled: bool = False,
    ) -> None:
        """Have people answer a question at once; a pick says which choice each of them takes."""
        view, asked = question
        # An abort ends most that others could clash about: it is chosen less often.
        weighed = [each for each in asked.choices for _ in range(1 if each == "abort" else 3)]
        for who, pick in choices:
            choice = picked(weighed, pick)
            if choice is not None:
                self._begin(self._press_by(who, view, asked, choice, doubled=doubled))

    def decide(self, who: str, view: OperationView, question: QuestionView, choice: str) -> None:
        """Have one answer a question with a choice of its own."""
        self._begin(self._press_by(who, view, question, choice, doubled=False))

    def type(self, who: str, text: str, *, doubled: bool = False) -> None:
        """Have somebody type a command."""
        self._begin(lambda: self._type(who, text, doubled=doubled))

    def rest(self, within: float) -> None:
        """Wait until all that was begun is over."""
        end = time.monotonic() + within
        for each in self._pending:
            each.result(max(0.1, end - time.monotonic()))
        self._pending.clear()

    def go(self) -> None:
        """Let them go home."""
        self._threads.shutdown(cancel_futures=True)

    def _begin(self, work: Callable[[], None]) -> None:
        def patiently() -> None:
            try:
                work()
            except (PersonError, StateUnavailable) as error:  # not there any more, or Redis is away
                self._note(f"    (not done: {str(error)[:100]})")

        self._pending.append(self._threads.submit(patiently))

    def _do(self, act: Ask | Steer | GiveBack | Late) -> None:
        if isinstance(act, Ask):
            nodes = self._service.inventory("demo").nodes
            free = [node for node in nodes if not node.owner and not node.cordoned]
            # Most ask for what is free, as people do; some for what somebody else has.
            among = [free if free and pick < _CAREFUL else nodes for pick in act.picks]
            chosen = [picked(some, pick) for some, pick in zip(among, act.picks, strict=True)]
            names = {node.name for node in chosen if node is not None}
            if names:
                plan = "plan " if act.plan_only else ""
                # Of several nodes one may go first: of one it may not.
                flags = act.flags if len(names) > 1 or "canary" not in act.flags else ""
                words = f"{plan}{' '.join(sorted(names))} {flags}".rstrip()
                self._type(act.who, words, doubled=act.doubled)
        elif isinstance(act, Steer):
            views = [view for view in self._live() if act.verb != "resume" or view.paused_by]
            view = picked(views, act.pick)
            if view is not None:
                self._type(act.who, f"{act.verb} {short(view.id)}", doubled=False)
        elif isinstance(act, GiveBack):
            owned = [node for node in self._service.inventory("demo").nodes if node.owner]
            busy = {node.name for view in self._live() for node in view.nodes}
            left = [node for node in owned if node.name not in busy]
            node = picked(left if left and act.pick < _CAREFUL else owned, act.pick)
            if node is not None:
                self._type(act.who, f"{act.verb} {node.name}", doubled=False)
        else:
            old = picked(self._deliveries, act.pick)
            if old is not None:
                self._again(old)

    def _type(self, who: str, text: str, *, doubled: bool) -> None:
        with self._busy[who]:
            delivery = self._slack.slash(who, OPS, "/drain", text)
            self._deliveries.append(delivery)
            shown = (delivery.shown or delivery.failure or "").replace("\n", " ")
            self._note(f"    {who}: /drain {text} → {shown[:110]}")
            if doubled:
                self._again(delivery)

    def _again(self, delivery: Delivery) -> None:
        """Let a delivery come once more: it must not begin a second operation."""
        again = self._slack.redeliver(delivery)
        first, second = (begun(each.shown or "") for each in (delivery, again))
        if first and second and first != second:
            self.twice.append(f"one command began {first} and, when it came again, {second}")

    def _press_by(
        self, who: str, view: OperationView, question: QuestionView, choice: str, *, doubled: bool
    ) -> Callable[[], None]:
        def press() -> None:
            with self._busy[who]:
                self._press(who, view, question, choice, doubled=doubled)

        return press

    def _press(
        self, who: str, view: OperationView, question: QuestionView, choice: str, *, doubled: bool
    ) -> None:
        records = self._messages.read(view.id)
        key = PARENT if question.kind is QuestionKind.START else question_key(question)
        record, parent = records.get(key), records.get(PARENT)
        if record is None or not record.ts or parent is None:
            return  # nobody was asked yet
        form_needed = choice in _WITH_FORM
        if form_needed:
            self._slack.close(who, all_of_them=True) if self._slack.modals(who) else None
        at = time.time()
        button = f"decide:{choice}"
        delivery = self._slack.click(who, OPS, record.ts, button)
        self._deliveries.append(delivery)
        press = Press(
            who, self._users[who], question.id, choice, parent.ts, at, delivery.acknowledged
        )
        told = delivery.failure or "acknowledged"
        if doubled:
            self._again(delivery)
        if form_needed:
            form = self._form(who, question.id)
            if form is None:
                self._note(f"    {who}: {choice} on {question.id}: {told}, no form came")
                return
            delivery = self._slack.submit(who, _filled(form, question), form["id"])
            self._deliveries.append(delivery)
            wrong = delivery.body.get("errors") if isinstance(delivery.body, dict) else None
            told = f"{told}, form {delivery.failure or wrong or 'acknowledged'}"
            press = replace(press, at=time.time(), acknowledged=delivery.acknowledged and not wrong)
        self.presses.append(press)
        self._note(f"    {who}: {choice} on {question.id} ({question.kind}): {told}")

    def _form(self, who: str, question: str) -> dict[str, Any] | None:
        end = time.monotonic() + FORM_WITHIN
        while time.monotonic() < end:
            for form in reversed(self._slack.modals(who)):
                if question in str(form.get("private_metadata", "")):
                    return form
            time.sleep(_LOOK)
        return None

    def _questions(self) -> list[tuple[OperationView, QuestionView]]:
        try:
            return [(view, asked) for view in self._live() for asked in view.open_questions]
        except StateUnavailable:
            return []

    def _live(self) -> list[OperationView]:
        views = self._service.operations("demo", live_only=True)
        return [view for view in views if view.state is not OperationState.ENDED]


def begun(shown: str) -> str:
    """Return the operation that an answer says it began; a refusal names at most who was sooner."""
    found = _OPERATION.search(shown)
    return found[0] if found and "Nothing was started" not in shown else ""


def picked(among: Sequence[T], pick: float) -> T | None:
    """Return what a pick between 0 and 1 says, or None where there is nothing."""
    return among[min(int(pick * len(among)), len(among) - 1)] if among else None


def _filled(form: dict[str, Any], question: QuestionView) -> dict[str, str]:
    """Fill in a form: a reason, and the end of a name where one must be typed."""
    tail = str(json.loads(form.get("private_metadata") or "{}").get("tail", ""))
    answers: dict[str, str] = {}
    for block in form["blocks"]:
        if block["type"] == "input":
            name = str(block["block_id"])
            answers[name] = f"chaos at {' and '.join(question.nodes)}" if "reason" in name else tail
    return answers
