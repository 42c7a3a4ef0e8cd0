"""What the commands of :mod:`bot.cli_client` do, for the person of the token."""

import re
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Literal, NoReturn

from bot import commands
from bot.cli_exit import NOT_AS_ASKED, REFUSED, USAGE, Exit, fail
from bot.cli_session import Session, opened
from bot.cli_show import follow, looks, say, say_json
from bot.grammar import Steer, Steering, expected_length, parse_node
from bot.messages.buttons import word
from bot.messages.decisions import outcome_line, wait_line
from bot.messages.ephemeral import (
    acted_words,
    decided_words,
    refused_words,
    submitted_words,
    tended_words,
    uncordon_words,
)
from bot.messages.finish import finish_text
from bot.messages.plain import list_line, status_lines
from bot.messages.style import PLAIN
from bot.messages.who import who_lines
from jobs.errors import StateUnavailable
from jobs.ids import IdError, parse_operation
from jobs.models import Decided, OperationEnd, Outcome, Refused, Submitted
from jobs.options import DrainCommand, UsageError, parse_tokens

__all__ = [
    "decide",
    "drain",
    "maintain",
    "return_node",
    "show_all",
    "status",
    "steer",
    "uncordon",
    "who",
]

_PAST: dict[Steering, str] = {"abort": "aborted", "pause": "paused", "resume": "resumed"}
_COUNTED = {Outcome.SETTLED, Outcome.VOTED, Outcome.POSTPONED, Outcome.ALREADY_VOTED}
_CODES = {Outcome.REFUSED: REFUSED, Outcome.NOT_A_CHOICE: USAGE}
_SHORT_QUESTION = re.compile(r"[0-9a-z]{12}")


def drain(
    words: list[str],
    reason: str,
    cluster: str,
    *,
    wait: bool,
    as_json: bool,
    plan_only: bool = False,
) -> None:
    """Ask for a drain; with `wait` follow it to its end. A plan is always waited for, and shown."""
    command = _understood([*words, *(["--reason", reason] if reason else [])], cluster)
    command = command.model_copy(update={"plan_only": plan_only or command.plan_only})
    session = opened()
    place = session.place(command.in_one_cluster(cluster or session.cluster)[0])
    asked = commands.drain(session.desk, session.principal, command, place, dedup=session.once())
    if isinstance(asked.answer, Refused):
        _refuse(asked.answer)
    if command.plan_only:
        _show_plan(session, asked.answer, as_json=as_json)
        return
    if as_json:
        say_json(asked.answer)
    else:
        say(submitted_words(asked.answer, asked.request, PLAIN))
    _wait(session, asked.answer, wait=wait, as_json=as_json)


def _understood(words: list[str], cluster: str) -> DrainCommand:
    """Read a drain; where a word of it is nobody's name, say which may have been meant."""
    try:
        return parse_tokens(words)
    except UsageError as error:
        if not error.word:
            raise
        session = opened()
        with suppress(StateUnavailable):  # then without a hint
            inventory = session.desk.nodes.of(cluster or session.cluster)
            raise UsageError(commands.meant(error, inventory)) from error
        raise


def who(node: str, cluster: str, *, as_json: bool) -> None:
    """Print who may do what: to one node, or by each rule of the cluster."""
    named, name = parse_node(node) if node else ("", "")
    session = opened()
    place = session.place(named or cluster)
    found = commands.who(session.desk, session.principal, name, place)
    if as_json:
        for each in found:
            rule = each.rule.model_dump(mode="json") if each.rule else None
            say_json({**asdict(each), "rule": rule, "cluster": place.cluster})
        return
    say(*who_lines(found, session.desk.policy, place.cluster, PLAIN))


def uncordon(node: str, cluster: str, *, wait: bool, as_json: bool) -> None:
    """Ask for a node back; with `wait` until it is."""
    named, name = parse_node(node)
    session = opened()
    place = session.place(named or cluster)
    given = commands.uncordon(session.desk, session.principal, name, place, dedup=session.once())
    if isinstance(given, Refused):
        _refuse(given)
    if as_json:
        say_json(given)
    else:
        say(uncordon_words(given, place.cluster, name, PLAIN))
    _wait(session, given, wait=wait, as_json=as_json)


def maintain(node: str, cluster: str, *, expected: str, reason: str, as_json: bool) -> None:
    """Say that work on a drained node begins. It lasts, so it is not waited for."""
    seconds = expected_length(expected) if expected else 0
    _tend("maintenance", node, cluster, expected=seconds, reason=reason, as_json=as_json)


def return_node(node: str, cluster: str, *, wait: bool, as_json: bool) -> None:
    """Ask for a node back once it is what it was; with `wait` until it is."""
    _tend("return", node, cluster, wait=wait, as_json=as_json)


def _tend(
    verb: Literal["maintenance", "return"],
    node: str,
    cluster: str,
    *,
    expected: int = 0,
    reason: str = "",
    wait: bool = False,
    as_json: bool,
) -> None:
    named, name = parse_node(node)
    session = opened()
    place = session.place(named or cluster)
    answer = commands.tend(
        session.desk, session.principal, verb, name, place, expected=expected, reason=reason,
        dedup=session.once(),
    )  # fmt: skip
    if isinstance(answer, Refused):
        _refuse(answer)
    if as_json:
        say_json(answer)
    else:
        say(tended_words(answer, verb, place.cluster, name, PLAIN))
    _wait(session, answer, wait=wait, as_json=as_json)


def status(typed: str, cluster: str, *, as_json: bool) -> None:
    """Show one operation."""
    session = opened()
    id = _operation_id(typed, cluster, session)
    view = commands.operation(session.desk, session.principal, id)
    if isinstance(view, Refused):
        fail(refused_words(view, PLAIN), NOT_AS_ASKED)
    if as_json:
        say_json(view)
    else:
        say(*status_lines(view, session.desk.client.now()))


def show_all(cluster: str, *, live_only: bool, as_json: bool) -> None:
    """Show the operations of a cluster, and whether anybody works there."""
    session = opened()
    client, named = session.desk.client, cluster or session.cluster
    if named not in client.clusters():
        raise UsageError(
            f"The policy has no cluster {named}: there are {', '.join(client.clusters())}."
        )
    views = commands.operations(session.desk, session.principal, named, live_only=live_only)
    if isinstance(views, Refused):
        _refuse(views)
    for view in views:
        if as_json:
            say_json(view)
        else:
            say(list_line(view, client.now()))
    if as_json:
        return
    if not views:
        say(f"Nothing {'runs' if live_only else 'was asked yet'} in {named}.")
    if not client.worker_seen(named):
        say(f"No worker of {named} is alive: what is asked waits for one.")


def decide(question: str, choice: str, note: str, cluster: str, *, as_json: bool) -> None:
    """Answer a question."""
    session = opened()
    typed, chosen = question.strip().lower(), word(choice)
    if _SHORT_QUESTION.fullmatch(typed):
        typed = f"{cluster or session.cluster}-q-{typed}"
    decided = commands.decide(
        session.desk, session.principal, typed, chosen, note=note, nonce=session.once()
    )
    if as_json:
        say_json(decided)
    words = decided_words(decided, chosen, now_ms=session.desk.client.now(), style=PLAIN)
    if decided.outcome not in _COUNTED:
        fail(words, _CODES.get(decided.outcome, NOT_AS_ASKED))
    if not as_json:
        say(words or _settled(decided))


def _settled(decided: Decided) -> str:
    if decided.question is None:
        return "Recorded."
    return (
        outcome_line(decided.question, PLAIN) or wait_line(decided.question, PLAIN) or "Recorded."
    )


def steer(verb: Steering, typed: str, reason: str, cluster: str, *, as_json: bool) -> None:
    """Abort, pause or resume an operation."""
    session = opened()
    order = Steer(verb=verb, operation=_operation_id(typed, cluster, session), reason=reason)
    acted = commands.steer(session.desk, session.principal, order, nonce=session.once())
    if isinstance(acted, Refused):
        _refuse(acted)
    if as_json:
        say_json(acted)
    else:
        say(acted_words(acted, _PAST[verb]))


def _wait(session: Session, submitted: Submitted, *, wait: bool, as_json: bool) -> None:
    if not wait:
        return
    try:
        drained = follow(session, submitted.operation, as_json=as_json)
    except KeyboardInterrupt:
        fail(f"It goes on: drainbot abort {submitted.operation} would end it.", NOT_AS_ASKED)
    if not drained:
        raise Exit(NOT_AS_ASKED)


def _show_plan(session: Session, submitted: Submitted, *, as_json: bool) -> None:
    """Wait for a plan and print it; only that it could not be made ends with another code than 0.

    What is said meanwhile goes to standard error: on standard output there is the plan alone.
    """
    if not submitted.worker_seen:
        sys.stderr.write("drainbot: no worker is alive; waiting for one to make the plan.\n")
    view = None
    try:
        for look, _ in looks(session, submitted.operation):
            view = look
    except KeyboardInterrupt:
        fail(f"Not waited for: drainbot status {submitted.operation} shows it.", NOT_AS_ASKED)
    if view is None:
        fail(f"There is no operation {submitted.operation} any more: ask again.", NOT_AS_ASKED)
    if as_json:
        say_json(view)
    if view.end is not OperationEnd.PLANNED:
        code = REFUSED if view.end is OperationEnd.REFUSED else NOT_AS_ASKED
        fail(finish_text(view, PLAIN), code)
    if not as_json:
        say(*status_lines(view, session.desk.client.now()))


def _operation_id(typed: str, cluster: str, session: Session) -> str:
    try:
        return parse_operation(typed, cluster or session.cluster)
    except IdError as error:
        raise UsageError(str(error)) from error


def _refuse(refused: Refused) -> NoReturn:
    fail(refused_words(refused, PLAIN), REFUSED)
