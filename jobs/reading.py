"""Reads operations, questions and events: durable state, put together for who shows it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from jobs.durable import FreezeRecord, QuestionRecord, Store, WorkflowRecord
from jobs.models import (
    Changes,
    Freeze,
    LogEntry,
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionState,
    QuestionView,
    Requirements,
    Settlement,
    Vote,
)
from jobs.models.joint import joint_facts, joint_thread
from jobs.models.requests import DrainRequest

_FREEZES = 20  # freezes that are over and may stand in an operation's story, the latest ones
_NO_OPERATIONS = frozenset({"orphans"})  # workflows that nobody is told of
_SETTLING = frozenset({NodeStatus.DRAINED, NodeStatus.RETURNED})  # until its workloads are well
_BEGINNING = frozenset({"0", "0-0"})
_FACTS = (
    "refusals", "blocks", "wont_stop", "unwell", "volumes", "detail", "pods_left", "pods_total",
    "node", "by_node",
)  # fmt: skip


def operation_view(store: Store, id: str) -> OperationView | None:
    """Return an operation as it stands, or None. Two round trips, however many nodes it has."""
    root = store.workflow(id)
    if root is None or root.parent is not None or root.name in _NO_OPERATIONS:
        return None
    children = [handle.id for handle in store.children(id)]
    tree = [id, *children]
    pipe = store.redis.pipeline(transaction=False)
    for child in children:
        pipe.hgetall(f"{store.prefix}wf:{child}")
    for workflow in tree:
        pipe.lrange(f"{store.prefix}wf:{workflow}:questions", 0, -1)
        pipe.lrange(f"{store.prefix}wf:{workflow}:log", 0, -1)
    pipe.lrange(f"{store.prefix}wf:{id}:held", 0, -1)
    pipe.get(f"{store.prefix}freeze")
    pipe.lrange(f"{store.prefix}freezes", -_FREEZES, -1)
    *replies, held, frozen, freezes = pipe.execute()
    records = [
        WorkflowRecord.read(store.group, child, raw)
        for child, raw in zip(children, replies[: len(children)], strict=True)
        if raw
    ]
    lists = replies[len(children) :]
    asked = _questions(store, [qid for found in lists[::2] for qid in found])
    questions = tuple(sorted(asked, key=lambda each: each.opened_at))
    log = [_entry(raw) for lines in lists[1::2] for raw in lines]
    freeze = read_freeze(store.group, FreezeRecord.read(frozen)) if frozen else None
    over = [read_freeze(store.group, FreezeRecord.read(**json.loads(raw))) for raw in freezes]
    log += _freezes_met(root, [*over, *([freeze] if freeze else [])])
    log += [_held(number, json.loads(raw)) for number, raw in enumerate(held)]
    log.sort(key=lambda entry: entry.at)
    view = _assemble(root, records, questions, tuple(log))
    return view if root.final else view.model_copy(update={"frozen": freeze})


def freeze_now(store: Store) -> Freeze | None:
    """Return the freeze that holds a cluster, or None."""
    record = store.frozen()
    return None if record is None else read_freeze(store.group, record)


def read_freeze(cluster: str, record: FreezeRecord) -> Freeze:
    """Return a stored freeze as readers see it."""
    thawed = record.thawed
    return Freeze(
        cluster=cluster,
        by=record.frozen.by,
        at=record.frozen.at,
        reason=record.frozen.reason,
        thawed_by=thawed.by if thawed else "",
        thawed_at=thawed.at if thawed else 0,
        thawed_reason=thawed.reason if thawed else "",
    )


def _freezes_met(root: WorkflowRecord, freezes: Iterable[Freeze]) -> Iterator[LogEntry]:
    """Yield what the freezes of its cluster add to the story of an operation that met them."""
    if root.name != "operation":
        return
    for freeze in freezes:
        if (root.final and freeze.at > root.ended) or 0 < freeze.thawed_at < root.created:
            continue
        fields: dict[str, str | int] = {
            "cluster": freeze.cluster, "by": freeze.by, "reason": freeze.reason,
        }  # fmt: skip
        at = max(freeze.at, root.created)
        yield LogEntry(key=f"freeze:{freeze.at}", what="frozen", at=at, fields=fields)
        if freeze.thawed_at and not (root.final and freeze.thawed_at > root.ended):
            fields = {**fields, "by": freeze.thawed_by, "reason": freeze.thawed_reason}
            at = freeze.thawed_at
            yield LogEntry(key=f"thaw:{freeze.at}", what="thawed", at=at, fields=fields)


def _held(number: int, said: dict[str, Any]) -> LogEntry:
    """Return that somebody paused or resumed an operation, as a line of its story."""
    what = {"pause": "paused", "resume": "resumed"}[said["what"]]
    fields: dict[str, str | int] = {"by": said["by"]}
    return LogEntry(key=f"held:{number}", what=what, at=int(said["at"]), fields=fields)


def question_view(store: Store, id: str) -> QuestionView | None:
    """Return one question as it stands, or None."""
    record = store.question(id)
    return None if record is None else _question(record)


def open_questions(store: Store) -> tuple[QuestionView, ...]:
    """Return all questions that wait for a person, those that were asked first at first."""
    ids = cast("list[str]", store.redis.zrange(f"{store.prefix}open", 0, -1, desc=True))
    found = _questions(store, reversed(ids))
    return tuple(question for question in found if question.state is QuestionState.OPEN)


def changes_since(
    stores: Mapping[str, Store], cursors: Mapping[str, str], *, wait: float
) -> tuple[Changes, ...]:
    """Return what changed, by cluster, since the cursors, waiting up to `wait` seconds.

    A cursor that can't be gone on from (`$`, or one that fell behind) comes back as a position,
    so that nothing between two calls is missed. All stores are of one Redis.
    """
    positions = {c: _position(stores[c], cursor) for c, cursor in cursors.items()}
    lost = {c for c, (_, behind) in positions.items() if behind}
    entries = _entries(stores, {c: at for c, (at, _) in positions.items()}, 0 if lost else wait)
    found: list[Changes] = []
    for cluster, cursor in cursors.items():
        news, at = entries.get(cluster, []), positions[cluster][0]
        if news or cluster in lost or at != cursor:
            found.append(
                Changes(
                    cluster=cluster,
                    operations=frozenset(fields["root"] for _, fields in news),
                    cursor=news[-1][0] if news else at,
                    lost=cluster in lost,
                )
            )
    return tuple(found)


_Entries = list[tuple[str, dict[str, str]]]


def _entries(
    stores: Mapping[str, Store], positions: Mapping[str, str], wait: float
) -> dict[str, _Entries]:
    if not positions:
        return {}
    redis = stores[next(iter(positions))].redis
    # A call that blocks for longer than its socket does looks like a Redis that is away.
    patience = redis.connection_pool.connection_kwargs.get("socket_timeout")
    seconds = wait if patience is None else min(wait, patience / 2)
    streams: dict[Any, Any] = {f"{stores[c].prefix}events": at for c, at in positions.items()}
    block = max(1, int(seconds * 1000)) if wait > 0 else None
    reply = dict(
        cast("list[tuple[str, _Entries]]", redis.xread(streams, count=1000, block=block) or [])
    )
    return {c: reply.get(f"{stores[c].prefix}events", []) for c in positions}


def _position(store: Store, cursor: str) -> tuple[str, bool]:
    """Return where to read on from, and whether events before that were missed."""
    if cursor in _BEGINNING:
        return cursor, False
    key = f"{store.prefix}events"
    newest = cast("list[tuple[str, Any]]", store.redis.xrevrange(key, count=1))
    end = newest[0][0] if newest else "0-0"
    if cursor == "$":
        return end, False
    at = _parts(cursor)
    if _parts(end) < at:  # the stream began anew
        return end, True
    oldest = cast("list[tuple[str, Any]]", store.redis.xrange(key, count=1))
    return cursor, bool(oldest) and _parts(oldest[0][0]) > at


def _parts(id: str) -> tuple[int, int]:
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _questions(store: Store, ids: Iterable[str]) -> tuple[QuestionView, ...]:
    wanted = list(ids)
    pipe = store.redis.pipeline(transaction=False)
    for qid in wanted:
        pipe.hgetall(f"{store.prefix}q:{qid}")
    raws = pipe.execute() if wanted else []
    return tuple(
        _question(QuestionRecord.read(store.group, qid, raw))
        for qid, raw in zip(wanted, raws, strict=True)
        if raw
    )


def _assemble(
    root: WorkflowRecord,
    children: list[WorkflowRecord],
    questions: tuple[QuestionView, ...],
    log: tuple[LogEntry, ...],
) -> OperationView:
    shown = root.view or {}
    request, requester, requirements = _asked(root.input)
    nodes = _nodes(root, children, request, shown)
    abort, pause = root.flags.abort, root.flags.pause
    state = OperationState.ENDED if root.final else shown.get("state", OperationState.SUBMITTED)
    return OperationView(
        id=root.id,
        cluster=root.group,
        state=OperationState(state),
        end=OperationEnd(shown["end"]) if shown.get("end") else _broken_end(root),
        detail=shown.get("detail", "") or _why_failed(root),
        requester=requester,
        reason=request.reason,
        channel=request.channel,
        options=request.options,
        requirements=requirements,
        nodes=nodes,
        plan=shown.get("plan"),
        plan_only=request.plan_only,
        questions=questions,
        log=log,
        created_at=root.created,
        ended_at=root.ended,
        waited_for_people=sum(_waited(question) for question in questions),
        life=shown.get("life"),
        soaking_until=0 if root.final else shown.get("soaking_until", 0),
        paused_by=pause.by if pause else "",
        aborted_by=abort.by if abort else "",
        aborted_reason=abort.reason if abort else "",
        version=root.version,
    )


def _asked(input: Any) -> tuple[DrainRequest, str, Requirements]:
    if "request" in input:
        return (
            DrainRequest.model_validate(input["request"]),
            input["requester"],
            Requirements.model_validate(input["requirements"]),
        )
    request = DrainRequest(
        cluster=input["cluster"], nodes=(input["node"],), channel=input["channel"],
        reason=input.get("reason", ""),
    )  # fmt: skip
    return request, input["requester"], Requirements.model_validate(input.get("requirements", {}))


def _nodes(
    root: WorkflowRecord,
    children: list[WorkflowRecord],
    request: DrainRequest,
    shown: dict[str, Any],
) -> tuple[NodeView, ...]:
    views: dict[str, NodeView] = {name: NodeView(name=name) for name in request.nodes}
    for name, status in shown.get("statuses", {}).items():
        detail = shown.get("details", {}).get(name, "")
        views[name] = NodeView(name=name, status=status, detail=detail)
    for child in children:
        view = NodeView.model_validate({**(child.view or {}), **_progress(child)})
        if root.final and not view.status.final:
            view = view.model_copy(update={"ended_at": root.ended})
        views[view.name] = view
    return tuple(views.values())


def _progress(child: WorkflowRecord) -> dict[str, Any]:
    """Return what an activity reported since the view was stored, as far as it still counts."""
    view, reported = child.view or {}, (child.progress or {}).get("view", {})
    live = {NodeStatus.DRAINING, *_SETTLING}
    if not child.final and view.get("status") in live:
        # What was reported of a stage before says nothing of this one.
        return dict(reported) if reported.get("status") == view["status"] else {}
    if not view.get("pods_total"):  # no activity came to an end: all there is is its last report
        return {key: reported[key] for key in ("pods_total", "pods_gone") if key in reported}
    return {}


def _why_failed(root: WorkflowRecord) -> str:
    return str((root.result or {}).get("error", "")) if root.state == "failed" else ""


def _broken_end(root: WorkflowRecord) -> OperationEnd | None:
    return {"failed": OperationEnd.FAILED, "aborted": OperationEnd.ABORTED}.get(root.state)


def _waited(question: QuestionView) -> int:
    if question.kind in {QuestionKind.START, QuestionKind.MAINTENANCE}:
        return 0  # work on a node is no wait for a word
    end = question.settled.at if question.settled else question.closed_at
    return max(0, end - question.opened_at) if end else 0


def _question(record: QuestionRecord) -> QuestionView:
    # Of one that closed by itself nobody is left who waits: it was about all of them.
    about = [m.payload for m in record.members if not m.left or record.state == "closed"]
    payload = joint_facts(about)
    winner = record.winner
    return QuestionView(
        id=record.id,
        cluster=record.group,
        operation=record.root,
        kind=QuestionKind(record.kind),
        state=QuestionState(record.state),
        choices=record.choices,
        votes_needed=dict(record.votes_needed),
        roles_needed={choice: dict(roles) for choice, roles in record.roles_needed.items()},
        votes=tuple(_vote(vote) for vote in record.votes),
        waits=tuple(_vote(wait) for wait in record.waits),
        reminded=record.reminded,
        opened_at=record.opened_at,
        stop_at=record.stop_at,
        thread_key=_thread(record),
        settled=None
        if winner is None
        else Settlement(
            choice=winner["choice"],
            by=tuple(winner["by"]),
            at=int(winner["at"]),
            note=winner.get("note") or "",
        ),
        closed_because=record.closed_because,
        closed_at=record.closed_at,
        superseded_by=record.superseded_by,
        superseded_because=record.superseded_because,
        version=record.version,
        **{key: payload[key] for key in _FACTS if key in payload},
    )


def _thread(record: QuestionRecord) -> str:
    keys = [member.payload.get("thread_key") or record.id for member in record.members]
    alone = record.members[0].payload.get("thread_alone") if len(keys) == 1 else ""
    return alone or joint_thread(keys)


def _vote(raw: Any) -> Vote:
    return Vote(
        choice=raw["choice"],
        by=raw["by"],
        at=int(raw["at"]),
        note=raw.get("note") or "",
        **_evidence(raw.get("evidence") or ""),
    )


def _evidence(stored: str) -> dict[str, Any]:
    """Read what :func:`jobs.policy.grounds.evidence` wrote; nothing of what another version did."""
    try:
        said = json.loads(stored or "{}")
    except ValueError:
        return {}
    known = ("via", "rests_on", "stale", "groups_at", "roles")
    return {name: said[name] for name in known if name in said} if isinstance(said, dict) else {}


def _entry(raw: str) -> LogEntry:
    stored = json.loads(raw)
    fields = dict(stored["fields"])
    return LogEntry(
        key=stored["key"],
        what=stored["what"],
        at=stored["at"],
        node=str(fields.pop("node", "")),
        fields=fields,
    )
