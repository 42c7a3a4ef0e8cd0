"""The modes of a node as one table: which may follow which, and what each asks of work on the node.

Pure: it judges, and keeps nothing. :mod:`jobs.nodes` changes a node's mode along this table, and
:mod:`jobs.workload` follows it. The names of modes, events and actions are stable: others store
and match them.

ModeError                a change that may not be; nothing has changed
├── NotInTable           no row of the table leads there
└── NotTheMode           it begins in another mode than the node is in
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from jobs.errors import DrainbotError


class Mode(StrEnum):
    """How far a node is out of service."""

    ACCEPTING = "accepting"
    DRAINING = "draining"
    DRAINED = "drained"
    MAINTENANCE = "maintenance"
    RETURNING = "returning"
    FENCE_LOST = "fence_lost"


GONE = "gone"  # how a node's record ends; no mode, because nothing follows it


class Action(StrEnum):
    """What a workload on the node is asked to do; nothing else is ever asked."""

    ACCEPT = "accept"
    CHECKPOINT_AND_DRAIN = "checkpoint_and_drain"
    PERSIST_FINAL_CHECKPOINT = "persist_final_checkpoint"
    QUIESCE = "quiesce"
    RESUME_FROM_CHECKPOINT = "resume_from_checkpoint"
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class Row:
    """One change of mode that may be: its name as an event, and what it asks."""

    came_from: Mode
    to: Mode
    event: str
    action: Action


class ModeError(DrainbotError):
    """A change of mode that may not be. `came_from` and `to` are the modes that it names."""

    def __init__(self, message: str, came_from: Mode, to: Mode) -> None:
        super().__init__(message)
        self.came_from = came_from
        self.to = to


class NotInTable(ModeError):  # noqa: N818  (what the change is, not a bug)
    """No row of the table leads from the one mode to the other."""

    def __init__(self, came_from: Mode, to: Mode) -> None:
        may = ", ".join(row.to for row in TABLE if row.came_from is came_from)
        super().__init__(
            f"A node never goes from {came_from} to {to}. From {came_from} it goes to: {may}.",
            came_from,
            to,
        )


class NotTheMode(ModeError):  # noqa: N818
    """The change begins in a mode in which the node is not; `current` is the one it is in."""

    def __init__(self, current: Mode, came_from: Mode, to: Mode) -> None:
        super().__init__(
            f"The node is {current}, so it can't go from {came_from} to {to}.", came_from, to
        )
        self.current = current


def _rows() -> tuple[Row, ...]:
    mode, do = Mode, Action
    return (
        Row(mode.ACCEPTING, mode.DRAINING, "drain_started", do.CHECKPOINT_AND_DRAIN),
        Row(mode.DRAINING, mode.DRAINED, "drain_confirmed", do.PERSIST_FINAL_CHECKPOINT),
        Row(mode.DRAINED, mode.MAINTENANCE, "maintenance_started", do.QUIESCE),
        Row(mode.MAINTENANCE, mode.RETURNING, "maintenance_ended", do.QUIESCE),
        Row(mode.RETURNING, mode.ACCEPTING, "returned_to_service", do.RESUME_FROM_CHECKPOINT),
        Row(mode.DRAINED, mode.FENCE_LOST, "fence_lost_when_drained", do.HALT),
        Row(mode.FENCE_LOST, mode.DRAINING, "drain_started_again", do.HALT),
        Row(mode.FENCE_LOST, mode.DRAINED, "declared_valid", do.HALT),
        Row(mode.DRAINING, mode.RETURNING, "drain_given_up", do.QUIESCE),
        Row(mode.DRAINED, mode.RETURNING, "maintenance_skipped", do.QUIESCE),
        Row(mode.RETURNING, mode.MAINTENANCE, "return_failed", do.QUIESCE),
        Row(mode.DRAINING, mode.FENCE_LOST, "fence_lost_while_draining", do.HALT),
        Row(mode.MAINTENANCE, mode.FENCE_LOST, "fence_lost_in_maintenance", do.HALT),
        Row(mode.FENCE_LOST, mode.RETURNING, "given_back", do.HALT),
    )


TABLE: tuple[Row, ...] = _rows()
REPEATED = "mode_repeated"

# What a mode asks while it lasts: of whoever looks at it for the first time, or again.
ASKS: Mapping[Mode, Action] = MappingProxyType(
    {
        Mode.ACCEPTING: Action.ACCEPT,
        Mode.DRAINING: Action.CHECKPOINT_AND_DRAIN,
        Mode.DRAINED: Action.PERSIST_FINAL_CHECKPOINT,
        Mode.MAINTENANCE: Action.QUIESCE,
        Mode.RETURNING: Action.QUIESCE,
        Mode.FENCE_LOST: Action.HALT,
    }
)
_BY_MODES = {(row.came_from, row.to): row for row in TABLE}


def judge(current: Mode, came_from: Mode, to: Mode) -> Row:
    """Return the row of a change from one mode to another, of a node that is in `current`.

    A mode to itself is a repeat: it asks what the mode asks. Raises :class:`NotTheMode` and
    :class:`NotInTable`.
    """
    if current is not came_from:
        raise NotTheMode(current, came_from, to)
    if came_from is to:
        return Row(to, to, REPEATED, ASKS[to])
    row = _BY_MODES.get((came_from, to))
    if row is None:
        raise NotInTable(came_from, to)
    return row


def following(mode: Mode, *, was_drained: bool) -> tuple[Row, ...]:
    """Return the changes that a node in this mode may make next.

    A lost fence is declared valid only on a node that had been drained before.
    """
    return tuple(
        row
        for row in TABLE
        if row.came_from is mode and (was_drained or row.event != "declared_valid")
    )


def route(came_from: str, to: str) -> tuple[str, ...]:
    """Return the modes through which a node record gets from one mode to another, in order.

    It is the one change of the table, nothing for a repeat, and through `returning` to `accepting`
    where a node is given back in one go. Any mode may end as :data:`GONE`; nothing follows that.
    Raises :class:`NotInTable`; ValueError for what is no mode.
    """
    if came_from == to:
        return ()
    start = Mode(came_from)
    if to == GONE:
        return (GONE,)
    end = Mode(to)
    if (start, end) not in _BY_MODES and end is Mode.ACCEPTING:
        judge(start, start, Mode.RETURNING)
        return (Mode.RETURNING.value, end.value)
    judge(start, start, end)
    return (end.value,)


def names_of(came_from: Iterable[str], to: str) -> dict[str, str]:
    """Return the names of the changes on the routes from some modes to one, by `FROM>TO`."""
    names: dict[str, str] = {}
    for begin in came_from:
        at = begin
        for mode in route(begin, to):
            row = None if mode == GONE else _BY_MODES.get((Mode(at), Mode(mode)))
            names[f"{at}>{mode}"] = row.event if row else mode
            at = mode
    return names
