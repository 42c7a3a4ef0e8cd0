"""What commands print: lines for people, or one JSON object a line for programs."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import typer
from pydantic import BaseModel

from bot.cli_session import Session
from bot.commands import operation as look_at
from bot.messages.plain import log_line, progress_line, status_lines
from jobs.errors import StateUnavailable
from jobs.models import OperationEnd, OperationState, OperationView, Refused

__all__ = ["Followed", "follow", "looks", "say", "say_json"]

_LOOK_SECONDS = 0.5
_AWAY_SECONDS = 2.0


def say(*lines: str) -> None:
    """Print lines for a person."""
    for line in lines:
        typer.echo(line)


def say_json(value: BaseModel | dict[str, Any]) -> None:
    """Print one object on one line."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    typer.echo(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


class Followed:
    """Prints what is new in an operation each time it is looked at."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told: set[str] = set()
        self._last = ""

    def show(self, view: OperationView, now_ms: int) -> None:
        """Print the lines that were not printed yet, or the view if it changed."""
        if self._as_json:
            shown = view.model_dump_json()
            if shown != self._last:
                say_json(view)
            self._last = shown
            return
        for entry in view.log:
            if entry.key not in self._told:
                self._told.add(entry.key)
                say(log_line(entry))
        line = progress_line(view, now_ms)
        if view.state is OperationState.ENDED:
            say(*status_lines(view.model_copy(update={"log": ()}), now_ms))
        elif line != self._last:
            say(line)
        self._last = line


def follow(
    session: Session,
    operation: str,
    *,
    as_json: bool,
) -> bool:
    """Print an operation's progress until it ends; return whether every node was drained.

    Redis may go away meanwhile: that is said once, and the operation goes on without us.
    """
    followed, view = Followed(as_json=as_json), None
    for view, now_ms in looks(session, operation):
        followed.show(view, now_ms)
    return view is not None and view.end is OperationEnd.DRAINED


def looks(session: Session, operation: str) -> Iterator[tuple[OperationView, int]]:
    """Yield an operation and Redis' time (ms) again and again, the last time when it has ended."""
    away = False
    while True:
        try:
            view = look_at(session.desk, session.principal, operation)
            now_ms = session.desk.client.now()
        except StateUnavailable:
            if not away:
                sys.stderr.write(f"drainbot: {session.behind} is away; waiting for it.\n")
            away = True
            time.sleep(_AWAY_SECONDS)
            continue
        away = False
        if isinstance(view, Refused):
            return
        yield view, now_ms
        if view.state is OperationState.ENDED:
            return
        time.sleep(_LOOK_SECONDS)
