"""For workloads of any kind: follow the mode of the node you run on, and move with your work.

Feed it what was seen of the node (:func:`observe`), get one of six actions, carry it out, and store
the life that came with it in the same transaction as your checkpoint. It needs nothing but Python;
:mod:`jobs.workload.stream` (drainbot's Redis) and :mod:`jobs.workload.annotation` (the Node) do the
looking, and are imported by who uses them. docs/workloads.md tells the whole.
"""

from jobs.modes import Action, Mode, ModeError, NotInTable, NotTheMode
from jobs.workload.life import (
    Forgotten,
    Gone,
    Life,
    Moved,
    Seen,
    Stands,
    Step,
    begin,
    clear,
    observe,
)
from jobs.workload.several import Summary, summarize
from jobs.workload.state import (
    Followed,
    HaltStands,
    State,
    UnreadableState,
    clear_halt,
    follow,
)

__all__ = [
    "Action",
    "Followed",
    "Forgotten",
    "Gone",
    "HaltStands",
    "Life",
    "Mode",
    "ModeError",
    "Moved",
    "NotInTable",
    "NotTheMode",
    "Seen",
    "Stands",
    "State",
    "Step",
    "Summary",
    "UnreadableState",
    "begin",
    "clear",
    "clear_halt",
    "follow",
    "observe",
    "summarize",
]
