"""What a worker costs, as proportional set size: shared pages count for each process in part."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.bench.figures import report, say
from sandbox.bench.rig import Rig, rig
from sandbox.cluster import nodes
from sandbox.processes import Process

FEW, MANY = 1, 9
_LOOK_EVERY = 1.0  # seconds; a look at a process costs it about a millisecond
_NAMES = tuple(f"node-{number}" for number in range(30))


def slot_memory() -> None:
    """Compare a worker with one slot with one of nine, each after some drains."""
    say(f"memory of {FEW} and of {MANY} slots")
    few, many = _measure(FEW), _measure(MANY)
    report("slot_extra_memory_mb", (many - few) / (MANY - FEW), "MB", MANY - FEW)


def _measure(slots: int) -> float:
    with rig(nodes(*_NAMES, name="demo")) as stand:
        worker = stand.stage.start_worker(slots=slots)
        stand.wait_for("node-1", "node-01")
        for name in _NAMES[:20]:
            stand.slack.slash("ana", "ops", "/drain", name)
        _drained(stand, 10)
        return pss(worker)


def _drained(stand: Rig, enough: int) -> None:
    def cordoned(view: object) -> bool:
        found = stand_nodes(view)
        return sum(bool(node["spec"].get("unschedulable")) for node in found) >= enough

    stand.cluster.wait_for(cordoned, within_s=30)


def stand_nodes(view: object) -> list[dict[str, dict[str, object]]]:
    """Return the nodes of a view of the cluster."""
    return view.list("Node")  # type: ignore[attr-defined, no-any-return]  # a View


def pss(worker: Process) -> float:
    """Return the MB of a worker and all its children."""
    total = 0
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    for pid in [str(worker.pid), *children]:
        with suppress(FileNotFoundError, ProcessLookupError):  # a child that ended meanwhile
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


class Peak:
    """The most MB that were seen, in how many looks."""

    def __init__(self) -> None:
        self.mb = 0.0
        self.looks = 0


@contextmanager
def peak_memory(worker: Process) -> Iterator[Peak]:
    """See how much a worker and all its children take, for as long as the context lasts."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY):
            peak.mb = max(peak.mb, pss(worker))
            peak.looks += 1

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
