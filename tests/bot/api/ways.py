"""The ways in to drainbot, side by side: a person does the same thing in each of them."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import cli
from bot.app import Identity, make_app
from bot.listeners import Deps
from bot.listeners.within import Aside, Within
from bot.outbox import Note
from jobs.durable import Question, Store
from jobs.durable.records import Token
from jobs.durable.store import nonce
from jobs.models import DrainRequest
from jobs.workflows.inputs import OperationInput
from tests.bot.api.calling import PEOPLE, Api, publish, token_of
from tests.bot.listeners.deliveries import (
    click_payload,
    signed,
    slash_form,
    submission_payload,
)
from tests.bot.listeners.looks import FakeLooks
from tests.jobs.harness import NAME

OPERATION = "test-7f3k9q"
CHOICES = ("retry", "wait", "skip", "force", "abort")


@dataclass(frozen=True)
class Act:
    """One thing that people do: how it is typed in Slack and in a shell, and sent over HTTP.

    `form` is what is typed into the dialog that a button opens in Slack.
    """

    name: str
    slack: str
    shell: tuple[str, ...]
    http: tuple[str, Any]
    before: Callable[["Ways"], Any] = lambda _ways: None
    form: tuple[tuple[str, str], ...] = ()


@dataclass
class Done:
    """What came of it: whether it was refused, in which words, and what changed."""

    refused: bool
    words: str
    effect: Any


class Ways:
    """A cluster without a worker, which each way in finds as it was before."""

    def __init__(
        self,
        api: Api,
        redis: Any,
        redis_url: str,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.api = api
        self.redis = redis
        self.service: Any = api.parts.desk.client
        self.question = ""
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        policy = folder / "policy.yaml"
        policy.write_text(yaml.safe_dump(file_of(api)), encoding="utf-8")
        for name, value in (
            ("DRAINBOT_REDIS_URL", redis_url),
            ("DRAINBOT_POLICY", str(policy)),
            ("DRAINBOT_CLUSTER", NAME),
        ):
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def do(self, way: str, act: Act, by: str) -> Done:
        """Do it in a fresh cluster."""
        self.redis.flushall()
        publish(self.redis, "node-1", "node-2")
        act.before(self)
        how = {"slack": self._slack, "shell": self._shell, "remote": self._remote}.get(way)
        refused, words = how(act, by) if how else self._http(act, by)
        return Done(refused, plain(words), self.state())

    def begin(self) -> None:
        """Have an operation of Ana's on node-1."""
        request = DrainRequest(cluster=NAME, nodes=("node-1",), channel="C01")
        input = OperationInput(request=request, requester=f"T01:{PEOPLE['ana']}")
        Store(self.redis, NAME).start(
            OPERATION, "operation", input.model_dump(mode="json"), dedup="before"
        )

    def pause(self) -> None:
        """Have one that is paused."""
        self.begin()
        Store(self.redis, NAME).control(OPERATION, "pause", by=f"T01:{PEOPLE['ana']}", call=nonce())

    def ask(self) -> None:
        """Have one that waits for an answer."""
        self._ask(Question("block", {"node": "node-1"}, CHOICES, stop_after=600))

    def ask_approval(self) -> None:
        """Have one that waits for an approval."""
        self._ask(Question("approval", {}, ("approve", "deny"), stop_after=600))

    def ask_maintenance(self) -> None:
        """Have one that waits until a node's maintenance is done."""
        choices = ("return", "keep_out", "abort")
        self._ask(Question("maintenance", {"node": "node-1"}, choices))

    def maintain(self) -> None:
        """Have one that waits so, and tends the node."""
        self.ask_maintenance()
        record = {
            "uid": "uid-node-1", "owner": OPERATION, "tended": OPERATION, "mode": "maintenance",
            "counter": 1, "since": 1, "by": "", "why": "",
        }  # fmt: skip
        self.redis.hset(f"{Store(self.redis, NAME).prefix}node:node-1", mapping=record)

    def ask_anyway(self) -> None:
        """Have one that waits for a word on a pod that it may not touch by itself."""
        self._ask(Question("refusal", {"node": "node-1"}, ("evict_anyway", "wait", "skip")))

    def ask_of_fence(self) -> None:
        """Have one that waits for what is to become of a fence that was lost."""
        choices = ("drain_again", "declare_valid", "give_back")
        self._ask(Question("fence_lost", {"node": "node-1"}, choices))

    def drained(self) -> None:
        """Have a node that an operation drained which has ended."""
        self.begin()
        store = Store(self.redis, NAME)
        token = Token(store.group, OPERATION, 1, nonce())
        store.acquire(OPERATION, 1, owner="slot", lease=600, token=token.nonce)
        store.fenced_call("finish", token, state="done", outcome="{}")
        self._own("drained")

    def take(self) -> None:
        """Have one that is at work on node-1."""
        self.begin()
        self._own("draining")

    def _own(self, mode: str) -> None:
        record = {
            "uid": "uid-node-1", "owner": OPERATION, "mode": mode, "counter": 1, "since": 1,
            "by": "", "why": "",
        }  # fmt: skip
        store = Store(self.redis, NAME)
        self.redis.hset(f"{store.prefix}node:node-1", mapping=record)
        self.redis.sadd(f"{store.prefix}owned", "node-1")

    def _ask(self, question: Question) -> None:
        self.begin()
        store = Store(self.redis, NAME)
        record = store.workflow(OPERATION)
        assert record is not None
        token = Token(store.group, OPERATION, record.epoch, nonce())
        store.acquire(OPERATION, record.epoch, owner="slot", lease=600, token=token.nonce)
        asked = store.ask(question)
        part = {"name": "answer", "kind": "question", "question": asked["id"]}
        wait = {"key": "ask", "fp": "f", "interruptible": True, "parts": [part]}
        store.fenced_call("suspend", token, wait=wait, questions=[asked])
        self.question = str(asked["id"])

    def state(self) -> Any:
        """All that any of the acts changes, without what is new each time."""
        found = [
            {
                "who": view.requester,
                "nodes": [node.name for node in view.nodes],
                "why": view.reason,
                "where": view.channel,
                "plan": view.plan_only,
                "options": view.options,
                "paused": view.paused_by,
                "aborted": (view.aborted_by, view.aborted_reason),
                "tends": self._tends(view.id),
                "answers": [
                    (each.state, [(vote.by, vote.choice, vote.note) for vote in each.votes],
                     [(wait.by, wait.choice) for wait in each.waits])
                    for each in view.questions
                ],
            }
            for view in self.service.operations(NAME)
        ]  # fmt: skip
        freeze = self.service.frozen(NAME)
        return found, freeze and (freeze.by, freeze.reason)

    def _tends(self, operation: str) -> tuple[Any, Any]:
        """How an operation begins that tends a node, and for how long it is to be away."""
        record = Store(self.redis, NAME).workflow(operation)
        asked = record.input if record is not None else {}
        return asked.get("begin"), asked.get("expected")

    def history(self, by: str) -> list[tuple[bool, Any]]:
        """What each way in shows of the node's history: whether it refuses, and the entries."""
        shown = Act("", "/drain history node-1", ("history", "node-1", "--json"), ("", None))
        answer = self.api.get("/nodes/node-1/history", by=by)
        refused = answer.status == 403
        over_http = answer.problem["detail"] if refused else answer.json["entries"]
        found: list[tuple[bool, Any]] = [(refused, over_http)]
        for way in (self._shell, self._remote):
            refused, said = way(shown, by)
            found.append((refused, said.strip() if refused else json.loads(said)["entries"]))
        refused, said = self._slack(shown, by)
        return [*found, (refused, plain(said))]

    def _slack(self, act: Act, by: str) -> tuple[bool, str]:
        notes: list[Note] = []
        opened: list[Any] = []

        def open_view(_trigger: str, view: Any) -> str:
            opened.append(view)
            return ""

        class Notes:
            def queue_note(self, note: Note) -> None:
                notes.append(note)

        deps = Deps(
            self.api.parts.desk, "", Notes(), Within(20), Aside(),
            open_view, lambda _url, _message: None, FakeLooks(self.service),
        )  # fmt: skip
        app = make_app(Identity("T01", "U0BOT"), deps, signing_secret=_SECRET)
        try:
            if act.slack.startswith("/drain"):
                words = act.slack.removeprefix("/drain ").format(op=OPERATION)
                form = slash_form(words, team_id="T01", user_id=PEOPLE[by], channel_id="C01")
                said = json.loads(app.dispatch(signed(form)).body)["text"]
            else:
                self._click(app, act.slack, by)
                deps.aside.close()  # what it opens is there then
                self._fill_in(app, opened, act, by)
                said = notes[-1].text if notes else ""
        finally:
            deps.within.close()
            deps.aside.close()
        return bool(re.search(r"You can't|needs|does not list|changed\.|started\.", said)), said

    def _fill_in(self, app: Any, opened: list[Any], act: Act, by: str) -> None:
        for view in opened:
            team = {"id": "T01", "domain": "demo"}
            payload = submission_payload(view, dict(act.form), user=PEOPLE[by], team=team)
            payload["user"]["team_id"] = "T01"
            answer = app.dispatch(signed({"payload": json.dumps(payload)}))
            assert "errors" not in str(answer.body), answer.body

    def _click(self, app: Any, choice: str, by: str) -> None:
        value = json.dumps({"q": self.question, "c": choice})
        team = {"id": "T01", "domain": "demo"}
        payload = click_payload(
            f"decide:{choice}", value, user=PEOPLE[by], user_team="T01", team=team,
            channel={"id": "C01", "name": "ops"},
        )  # fmt: skip
        app.dispatch(signed({"payload": json.dumps(payload)}))

    def _shell(self, act: Act, by: str) -> tuple[bool, str]:
        self._monkeypatch.setenv("DRAINBOT_TOKEN", token_of(by))
        words = [each.format(op=OPERATION, q=self.question) for each in act.shell]
        self._monkeypatch.setattr(sys, "argv", ["drainbot", *words])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self._capsys.readouterr()
        code = int(ended.value.code or 0)
        assert code in {0, 3}, (code, out, err)
        return code == 3, err.removeprefix("drainbot: ") if code else out

    def _remote(self, act: Act, by: str) -> tuple[bool, str]:
        with self._monkeypatch.context() as patched:
            patched.setenv("DRAINBOT_SERVER", self.api.url)
            patched.delenv("DRAINBOT_REDIS_URL")
            patched.delenv("DRAINBOT_POLICY")
            return self._shell(act, by)

    def _http(self, act: Act, by: str) -> tuple[bool, str]:
        path, body = act.http
        path = path.format(op=OPERATION, q=self.question)
        answer = self.api.post(path, body, by=by)
        if answer.status < 400:
            return False, answer.json["message"]
        assert answer.status in {403, 409}, answer
        return True, answer.problem["detail"]


_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def file_of(api: Api) -> Any:
    """The policy as a file would say it, with its tokens."""
    shown = api.get("/policy").json
    kept = {name: value for name, value in shown.items() if value}
    for rule in kept["rules"]:
        for name in [name for name, value in rule.items() if value is None]:
            del rule[name]
    tokens = [token.model_dump(mode="json") for token in api.policy.tokens]
    return kept | {"tokens": tokens}


def plain(words: str) -> str:
    """Words without the marks of a medium, and without what is new each time."""
    words = re.sub(r"<@([^>|]+)>", r"\1", words)
    words = re.sub(r"<!date\^\d+[^>]*>", "00:00 UTC", words)
    words = re.sub(r"\bop [0-9A-Z]{6}\b", "op OP", words)
    words = re.sub(r"\d\d:\d\d(:\d\d)? UTC", "TIME", words)
    return " ".join(words.replace("*", "").split())
