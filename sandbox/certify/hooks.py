"""The interceptors: they stand at each boundary of a process, note it, and may be its end.

They go into the clients of Redis, Kubernetes and Slack, and only into processes that the
certificate starts.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import slack_bolt
from redis import Redis
from redis.client import Pipeline
from slack_sdk import WebhookClient
from slack_sdk.web.base_client import BaseClient

from jobs.durable.activation import Runner
from jobs.durable.context import Context
from jobs.durable.scripts import Scripts
from jobs.kubernetes.connection import Cluster
from jobs.worker import _Worker
from sandbox.certify.boundaries import (
    Boundary,
    Phase,
    kubernetes_shape,
    redis_shape,
    slack_shape,
    without_chance,
)

ROOT = Path(__file__).parents[2]
_OURS = tuple(f"{ROOT / name}{os.sep}" for name in ("jobs", "bot"))
# What only passes a command on: the one who wanted it is further up.
_PIPES = (
    "jobs/durable/scripts.py", "jobs/durable/store.py", "jobs/durable/connection.py",
    "jobs/kubernetes/connection.py", "jobs/leases.py", "bot/slack_api.py", "bot/message_store.py",
    "bot/web_client.py", "jobs/durable/context.py:Context._call",
    "jobs/durable/context.py:Context._commit",
)  # fmt: skip
# Threads that belong to no step.
_APART = ("lease", "lease-watch", "notifier lease", "aside", "polling")


class _Watch:
    """What one process knows of itself. Forked children go on with a copy."""

    def __init__(self, role: str, watch: Mapping[str, Any]) -> None:
        self.role = "supervisor" if role == "worker" else role
        self.step = ""
        self.here = threading.local()
        self._seen: set[Boundary] = set()
        self._deaths = [(Boundary.read(raw), whole) for raw, whole in watch["deaths"]]
        self._graves = [Path(grave) for grave in watch["graves"]]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._blind = not watch["notes"]  # sees commits only
        self._notes = os.open(watch["notes"] or os.devnull, flags, 0o600)
        self._commits = os.open(watch["commits"], flags, 0o600)

    def reach(self, client: str, shape: str, phase: Phase) -> None:
        """Stand at a boundary: note it the first time, and die if it is the one."""
        if self._blind:
            return
        thread = threading.current_thread().name
        step = "" if thread in _APART else self.step
        boundary = Boundary(self.role, client, shape, _site(sys._getframe(1)), step, phase)  # noqa: SLF001
        if boundary not in self._seen:
            self._seen.add(boundary)
            os.write(self._notes, (json.dumps(asdict(boundary)) + "\n").encode())
        for number, (place, whole) in enumerate(self._deaths):
            if boundary == place and all(grave.exists() for grave in self._graves[:number]):
                self._die(self._graves[number], whole=whole)

    def committed(self, script: str, sent: Mapping[str, Any], answer: Any) -> None:
        """Note a step that was stored, so that one stored twice is found."""
        if script not in {"commit", "spawn"} or not sent.get("step"):
            return
        reply = json.loads(answer)
        if reply.get("result") == "ok":
            line = json.dumps([sent["id"], sent["step"], sent["epoch"]])
            os.write(self._commits, (line + "\n").encode())

    def _die(self, grave: Path, *, whole: bool) -> None:
        try:  # whoever comes after the dead one must live
            os.close(os.open(grave, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return
        if whole or self.role == "supervisor":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def _site(frame: FrameType | None) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_OURS):
            name = frame.f_code.co_qualname.split(".<locals>")[0]
            site = f"{Path(file).relative_to(ROOT).as_posix()}:{name}"
            if not site.startswith(_PIPES):
                return site
        frame = frame.f_back
    return "-"


def install(role: str, watch: Mapping[str, Any]) -> None:
    """Put the interceptors into this process. `watch` says what to note where, and where to die."""
    eyes = _Watch(role, watch)
    _into_redis(eyes)
    _into_scripts(eyes)
    _into_kubernetes(eyes)
    _into_slack(eyes)
    _into_workflows(eyes)
    if role == "worker":
        for name in ("slot", "keeper", "watcher"):
            _name_child(eyes, name)


def _name_child(eyes: _Watch, name: str) -> None:
    main: Callable[[Any, int], int] = getattr(_Worker, name)

    def named(worker: Any, before: int) -> int:
        eyes.role = name
        Path("/proc/self/comm").write_text(name)  # who looks from outside knows it by that
        return main(worker, before)

    setattr(_Worker, name, named)


def _into_redis(eyes: _Watch) -> None:
    ask: Any = Redis._send_command_parse_response  # noqa: SLF001

    def asked(self: Any, conn: Any, name: str, *args: Any, **options: Any) -> Any:
        script, sent = getattr(eyes.here, "script", ("", {}))
        script = script if args[0] in {"EVALSHA", "EVAL"} else ""
        eyes.reach("redis", redis_shape(args, script=script), "before")
        answer = ask(self, conn, name, *args, **options)
        eyes.committed(script, sent, answer)
        eyes.reach("redis", redis_shape(args, script=script, answer=answer or ()), "after")
        return answer

    def piped(run: Callable[..., Any]) -> Callable[..., Any]:
        def through(self: Any, connection: Any, commands: Any, raise_on_error: Any) -> Any:
            shape = " + ".join(redis_shape(args) for args, _ in commands)[:120]
            eyes.reach("redis", shape, "before")
            answer = run(self, connection, commands, raise_on_error)
            eyes.reach("redis", shape, "after")
            return answer

        return through

    _put(Redis, "_send_command_parse_response", asked)
    for name in ("_execute_transaction", "_execute_pipeline"):
        _put(Pipeline, name, piped(getattr(Pipeline, name)))


def _into_scripts(eyes: _Watch) -> None:
    call = Scripts.call

    def called(self: Any, name: str, /, **arguments: Any) -> dict[str, Any]:
        eyes.here.script = (name, arguments)
        try:
            return call(self, name, **arguments)
        finally:
            eyes.here.script = ("", {})

    _put(Scripts, "call", called)


def _into_kubernetes(eyes: _Watch) -> None:
    send, stream = Cluster.send, Cluster.stream

    def sent(self: Cluster, method: str, path: str, **request: Any) -> Any:
        shape = kubernetes_shape(method, path, request.get("query"))
        eyes.reach("kubernetes", shape, "before")
        answer = send(self, method, path, **request)
        eyes.reach("kubernetes", shape, "after")
        return answer

    def streamed(self: Cluster, path: str, query: Mapping[str, str], *, idle: float) -> Any:
        shape = kubernetes_shape("GET", path, {"watch": "1", **query})
        eyes.reach("kubernetes", shape, "before")
        answer = stream(self, path, query, idle=idle)
        eyes.reach("kubernetes", shape, "after")
        return answer

    _put(Cluster, "send", sent)
    _put(Cluster, "stream", streamed)


def _into_slack(eyes: _Watch) -> None:
    call, send, dispatch = BaseClient.api_call, WebhookClient.send, slack_bolt.App.dispatch

    def called(self: Any, api_method: str, **request: Any) -> Any:
        arguments = request.get("json") or request.get("params") or request.get("data") or {}
        shape = slack_shape(api_method, arguments)
        eyes.reach("slack", shape, "before")
        answer = call(self, api_method, **request)
        eyes.reach("slack", shape, "after")
        return answer

    def hooked(self: Any, **request: Any) -> Any:
        eyes.reach("slack", "response_url", "before")
        answer = send(self, **request)
        eyes.reach("slack", "response_url", "after")
        return answer

    def dispatched(self: Any, req: Any) -> Any:
        shape = f"delivery of {_delivered(req.body)}"
        eyes.reach("slack", shape, "before")
        answer = dispatch(self, req)
        eyes.reach("slack", shape, "after")
        return answer

    _put(BaseClient, "api_call", called)
    _put(WebhookClient, "send", hooked)
    _put(slack_bolt.App, "dispatch", dispatched)


def _delivered(body: Mapping[str, Any]) -> str:
    if "command" in body:
        return str(body["command"])
    actions = [str(action.get("action_id")) for action in body.get("actions", [])]
    return without_chance(" ".join([str(body.get("type", "something")), *actions]))


def _into_workflows(eyes: _Watch) -> None:
    replay, answer = Context._replay, Runner.answer  # noqa: SLF001

    def replayed(self: Any, key: str, print_: str) -> Any:
        eyes.step = f"{self._record.name} {key}"
        return replay(self, key, print_)

    def answered(self: Any, doorbell: Any, **more: Any) -> str:
        try:
            return answer(self, doorbell, **more)
        finally:
            eyes.step = ""

    _put(Context, "_replay", replayed)
    _put(Runner, "answer", answered)


def _put(owner: type, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)
