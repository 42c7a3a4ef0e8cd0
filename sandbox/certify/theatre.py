"""One performance: the parts are started and kept alive, people act, and what was seen is kept."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jobs.models import OperationState, OperationView, QuestionState, QuestionView
from jobs.service import Service
from sandbox.certify.nursery import Nursery
from sandbox.certify.scene import NODE
from sandbox.cluster import Cluster
from sandbox.slack import PersonError, Slack

__all__ = [
    "PATIENCE",
    "StuckError",
    "Theatre",
    "Troupe",
    "key_of",
    "messages_in",
    "play",
    "read_lines",
]

T = TypeVar("T")
OPS = "ops"
PATIENCE = 60.0  # seconds until what must happen counts as failed
AGAIN = 1.2  # seconds after which a person who was not answered tries again
_TICK = 0.01


class StuckError(AssertionError):
    """What must happen did not; the text says what."""


@dataclass
class Troupe:
    """The bot and the worker: whichever ends is started again, as an orchestrator would."""

    nursery: Nursery
    watch: dict[str, Any]
    environments: dict[str, dict[str, str]]
    directory: Path
    pids: dict[str, int] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)

    def look(self) -> None:
        """Start what is not running."""
        for role, environment in self.environments.items():
            pid = self.pids.get(role)
            if pid is None or self.nursery.ended(pid):
                log = self.logs[role] = self.directory / f"{role}-{time.monotonic_ns()}.log"
                self.pids[role] = self.nursery.start(role, environment, log, self.watch)

    def at_work(self) -> bool:
        """Whether the bot that runs now does the telling: it may have been started just now."""
        log = self.logs["bot"]
        return log.exists() and "notifier_begins" in log.read_text(errors="replace")

    def stop(self) -> None:
        """Kill whatever runs."""
        for pid in self.pids.values():
            self.nursery.kill(pid)


@dataclass
class Theatre:
    """Where people act and look. Looking keeps the troupe alive."""

    troupe: Troupe
    slack: Slack
    cluster: Cluster
    service: Service

    def until(self, what: str, look: Callable[[], T | None], *, within: float = PATIENCE) -> T:
        """Look until there is something. Raises :class:`StuckError`."""
        end = time.monotonic() + within
        while True:
            self.troupe.look()
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                raise StuckError(f"{what}: not within {within:g} s")
            time.sleep(_TICK)

    def may_happen(self, look: Callable[[], T | None], *, within: float = AGAIN) -> T | None:
        """Look for a while; None if it does not happen."""
        try:
            return self.until("it may happen", look, within=within)
        except StuckError:
            return None

    def messages(self) -> list[dict[str, Any]]:
        """Return what is said in the channel and its threads, each message once."""
        return messages_in(self.slack)

    def operations(self) -> tuple[OperationView, ...]:
        """Return all operations, the oldest first."""
        return tuple(reversed(self.service.operations("demo")))

    def question(self) -> QuestionView | None:
        """Return the question about the block, once it was asked."""
        for view in self.operations():
            for question in view.questions:
                if question.node == NODE:
                    return question
        return None


def play(theatre: Theatre) -> None:
    """Play the story to its end. Raises :class:`StuckError` where it does not come to it."""
    theatre.until("the nodes are known", lambda: theatre.service.inventory("demo").as_of)
    _ask_for_a_drain(theatre)
    message = theatre.until("the question is asked in Slack", lambda: _question(theatre))
    theatre.until("people are reminded", lambda: _reminder(theatre))
    _decide(theatre, message["ts"])
    theatre.until(
        "every operation ends",
        lambda: all(view.state is OperationState.ENDED for view in theatre.operations()),
    )


def _ask_for_a_drain(theatre: Theatre) -> None:
    """Type the command, again where nothing seems to come of it: what a person would do."""

    def begun() -> bool:
        told = any(NODE in str(m.get("blocks")) for m in theatre.slack.messages(OPS))
        return told or bool(theatre.operations())

    def asked() -> bool:
        delivery = theatre.slack.slash("ana", OPS, "/drain", f"{NODE} reason disk swap")
        if re.search(r"op [0-9A-Z]{6}", delivery.shown or ""):
            return True
        return bool(theatre.may_happen(begun))

    theatre.until("somebody asks for a drain", asked)


def _question(theatre: Theatre) -> dict[str, Any] | None:
    for message in reversed(theatre.slack.messages(OPS)):
        asks = "Decision needed" in message["text"] and NODE in message["text"]
        if asks and any(block["type"] == "actions" for block in message["blocks"]):
            return message
    return None


def _reminder(theatre: Theatre) -> bool:
    return any(key_of(message).startswith("notice:") for message in theatre.messages())


def _decide(theatre: Theatre, ts: str) -> None:
    """Force the pod past its budget: a click, a form, a reason. Again where no answer comes."""

    def settled() -> bool:
        question = theatre.question()
        return question is not None and question.state is not QuestionState.OPEN

    def decided() -> bool:
        if settled():
            return True
        try:
            if not theatre.slack.modals("bo"):
                theatre.slack.click("bo", OPS, ts, "decide:force")
            form = theatre.may_happen(lambda: theatre.slack.modals("bo"))
            if not form:
                return False
            theatre.slack.submit("bo", _answers(form[-1]))
        except PersonError:  # the button went away meanwhile: the message was brought up to date
            pass
        return bool(theatre.may_happen(settled))

    theatre.until("the question is settled", decided)


def _answers(form: dict[str, Any]) -> dict[str, str]:
    """Fill in a form's inputs by what their names say."""
    answers: dict[str, str] = {}
    for block in form["blocks"]:
        if block["type"] == "input":
            name = str(block["block_id"])
            answers[name] = "primary moved" if "reason" in name else NODE[-4:]
    return answers


def messages_in(slack: Slack) -> list[dict[str, Any]]:
    """Return what is said in the channel and its threads, each message once."""
    found: dict[str, dict[str, Any]] = {}
    for parent in slack.messages(OPS):
        found |= {message["ts"]: message for message in slack.thread(OPS, parent["ts"])}
    return list(found.values())


def key_of(message: dict[str, Any]) -> str:
    """Return the key in a message's metadata, or ""."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return str(payload.get("key", ""))


def read_lines(path: Path) -> list[Any]:
    """Return what processes noted, a JSON text a line; a line that a kill cut off is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith(("}", "]"))]
