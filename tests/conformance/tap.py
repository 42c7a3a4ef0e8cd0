"""The worker's connection, with a tap: what it sends is noted, and what it gets can be scripted.

So the same cases can look at requests and script faults on any cluster, also on a real one.
"""

import io
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import SplitResult

import urllib3

from jobs.kubernetes.connection import Stream
from tests.conformance.api import Bounded, Bounds, Json, OutOfBoundsError

EVICTION = re.compile(r"/namespaces/(?P<namespace>[^/]+)/pods/(?P<pod>[^/]+)/eviction$")
DELETION = re.compile(r"/namespaces/(?P<namespace>[^/]+)/pods/(?P<pod>[^/]+)$")


@dataclass(frozen=True)
class Sent:
    """One request of the worker. `at` in seconds since the epoch; `status` 0: no answer came."""

    at: float
    method: str
    path: str
    body: Json
    status: int

    @property
    def pod(self) -> str:
        """`namespace/name` of the pod that an eviction or a deletion names."""
        found = EVICTION.search(self.path) or DELETION.search(self.path)
        return f"{found['namespace']}/{found['pod']}" if found else ""

    @property
    def uid(self) -> str:
        """The uid that an eviction or a deletion carries as its precondition."""
        options = self.body.get("deleteOptions") or self.body
        return str((options.get("preconditions") or {}).get("uid", ""))


@dataclass
class Fault:
    """What happens to the next requests that match; without an answer the connection breaks."""

    method: str
    path: re.Pattern[str]
    times: int | None
    answer: Json | None  # {status, headers, body}
    carried_out: bool


@dataclass
class Script:
    """The faults that are set."""

    faults: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if re.fullmatch(fault.method, method) and fault.path.search(path):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self.faults.remove(fault)
                    return fault
        return None


class Tap(Bounded):
    """A bounded connection that notes and can be scripted. A watch is a request `WATCH`."""

    def __init__(self, kubeconfig: str, bounds: Bounds) -> None:
        super().__init__(kubeconfig, bounds, pool=64)
        self.sent: list[Sent] = []
        self.violations: list[str] = []
        self._script = Script()
        self._streams: list[Stream] = []
        self._before: list[tuple[re.Pattern[str], Callable[[], Any]]] = []

    # -- what it does ------------------------------------------------------------------------

    def on_the_wire(
        self, method: str, target: SplitResult, body: Json, really: Callable[[], Any]
    ) -> Any:
        verb = "WATCH" if "watch=" in target.query else method
        self._let_happen(verb, target.path)
        at, status = time.time(), 0
        try:
            fault = self._script.take(verb, target.path)
            if fault is None or fault.carried_out:
                answer = super().on_the_wire(method, target, body, really)
            if fault is not None:
                answer = _scripted(fault)
            status = answer.response.status
        except OutOfBoundsError as error:
            self.violations.append(str(error))
            raise
        finally:
            self.sent.append(Sent(at, verb, target.path, body, status))
        return answer

    def stream(self, path: str, query: Mapping[str, str], *, idle: float) -> Stream:
        stream = super().stream(path, query, idle=idle)
        self._streams.append(stream)
        return stream

    def _let_happen(self, method: str, path: str) -> None:
        with self._script.lock:
            due = [each for each in self._before if each[0].search(f"{method} {path}")][:1]
            self._before = [each for each in self._before if each not in due]
        for _, act in due:
            act()

    # -- what a case asks of it --------------------------------------------------------------

    def answer(
        self,
        status: int,
        message: str = "",
        *,
        method: str = "POST",
        path: str = "/eviction$",
        times: int | None = 1,
        retry_after: int | None = None,
        causes: Mapping[str, str] | None = None,
        name: str = "",
    ) -> None:
        """Let the next requests that match have this answer in the server's place."""
        details: Json = {"name": name}
        details["causes"] = [{"reason": k, "message": v} for k, v in (causes or {}).items()]
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = {"kind": "Status", "message": message, "details": details}
        scripted: Json = {"status": status, "headers": headers, "body": body}
        self._add(Fault(method, re.compile(path), times, scripted, carried_out=False))

    def cut(
        self, *, method: str = "POST", path: str = "/eviction$", times: int | None = 1,
        carried_out: bool = False,
    ) -> None:  # fmt: skip
        """Let the connection of the next requests that match break off."""
        self._add(Fault(method, re.compile(path), times, None, carried_out))

    def before(self, request: str, act: Callable[[], Any]) -> None:
        """Let something happen right before the next request that matches `METHOD /path`."""
        with self._script.lock:
            self._before.append((re.compile(request), act))

    def _add(self, fault: Fault) -> None:
        with self._script.lock:
            self._script.faults.append(fault)

    def clear(self) -> None:
        """Take all faults away."""
        with self._script.lock:
            self._script.faults.clear()

    def break_watches(self) -> None:
        """Break every watch that is open."""
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.interrupt()

    def requests(self, method: str, path: str) -> list[Sent]:
        """What was sent, by method and a regular expression in the path."""
        wanted = re.compile(path)
        return [one for one in list(self.sent) if one.method == method and wanted.search(one.path)]

    def evictions(self) -> list[Sent]:
        return self.requests("POST", EVICTION.pattern)

    def deletions(self) -> list[Sent]:
        return self.requests("DELETE", DELETION.pattern)


def _scripted(fault: Fault) -> Any:
    if fault.answer is None:
        raise urllib3.exceptions.ProtocolError("the connection broke off, as scripted")
    raw = io.BytesIO(json.dumps(fault.answer["body"]).encode())
    response = urllib3.HTTPResponse(
        raw, status=fault.answer["status"], headers=fault.answer["headers"], preload_content=False
    )
    return SimpleNamespace(response=response)
