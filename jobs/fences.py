"""The watcher's look at fences: of nodes that are out of service while nobody is at work on them.

A node that was drained stays cordoned, ours, the same, and empty. Whatever breaks that is said at
once, by the operation that tends the node, or by one that begins for it; nothing is done alone.
Nodes are judged by the watch of all of them that is there anyway, pods by one list a fenced node.
An API server that is away breaks no fence.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from jobs.activities.modes import write_mode
from jobs.drain.fencing import KEPT_IN, node_evidence, pods_evidence
from jobs.durable.guard import uptime
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.pods import list_pods_on
from jobs.nodes import NodeRecord
from jobs.resources import Resources
from jobs.submitting import is_live, start_new
from jobs.tending import WORKFLOW, drain_of
from jobs.tidying import Present
from jobs.workflows.inputs import LifeInput
from jobs.workflows.life import LOST

log = structlog.get_logger(__name__)
NODES_EVERY = 1.0  # seconds between two looks at what the watch of nodes has shown
AT_ONCE = 4  # fences that are looked at at the same time
PODS_EVERY = 30.0  # seconds between two lists of the pods of a fenced node
SHOWN_WITHIN = 5_000  # ms until a node should show a mode that has changed
UNSEEN_AFTER = 120.0  # seconds without an answer until it is said that nobody looks


@dataclass
class _Kept:
    """One fence: when its pods were listed last, and when somebody last could look at it."""

    pods_at: float = 0.0
    seen_at: float = 0.0
    said: bool = False
    look: "Future[str | None] | None" = None
    told: int = -1  # the count of changes at which its loss was told
    failing: bool = False  # whether its last look got no answer


@dataclass
class Fences:
    """Looks at all fences of a cluster, from the watcher's thread; requests go from others.

    `seconds` is on a clock that only goes forward; `random` is where ids come from.
    """

    resources: Resources
    random: Callable[[int], bytes]
    seconds: Callable[[], float] = uptime
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _next: float = float("-inf")
    _why: str = ""
    _found: dict[str, str] = field(default_factory=dict)  # what was seen since `again`, by node

    @property
    def due(self) -> bool:
        """Whether it is time for a look."""
        return self.seconds() >= self._next

    def look(self, present: Mapping[str, Present]) -> list[str]:
        """Look at all nodes that are out of service; returns those whose loss was told just now.

        `present` are all nodes of the cluster as the watch shows them.
        """
        if not self.due:
            return []
        now = self.seconds()
        self._next = now + NODES_EVERY
        fenced = [
            each
            for each in self._records()
            if self._is_kept(each) or self._is_left(each, present.get(each.name))
        ]
        self._kept = {each.name: self._kept.get(each.name, _Kept(now, now)) for each in fenced}
        lost = [each.name for each in fenced if self._lost(each, present.get(each.name), now)]
        if any(kept.look is not None for kept in self._kept.values()):
            self._next = now  # an answer is on its way: what it says is said at once
        return lost

    def pending(self, node: str) -> "Future[str | None] | None":
        """Return the look at a node's fence that is under way or not taken up yet, or None."""
        kept = self._kept.get(node)
        return None if kept is None else kept.look

    @property
    def failing(self) -> str:
        """What the API server answered instead, where a fence could not be looked at; or ""."""
        return self._why if any(kept.failing for kept in self._kept.values()) else ""

    def again(self) -> None:
        """Have every fence looked at anew, at once: while nobody saw them, anything may be."""
        self._found.clear()
        for kept in self._kept.values():
            kept.pods_at, kept.look = float("-inf"), None  # nor is an answer from before taken up

    def found(self) -> dict[str, str] | None:
        """Return what was seen since :meth:`again`; None while there are fences left to look at.

        By node: the evidence of a fence that is lost, or "" for one that holds.
        """
        return dict(self._found) if self._kept.keys() <= self._found.keys() else None

    def kept(self) -> tuple[NodeRecord, ...]:
        """Return the nodes whose fence is kept, as they stand now."""
        return tuple(record for record in self._records() if self._is_kept(record))

    def close(self) -> None:
        """Begin no look any more; one that is under way ends by itself, and is not taken up."""
        self._kept.clear()
        self._found.clear()

    def _records(self) -> list[NodeRecord]:
        nodes = self.resources.nodes
        records = (nodes.record(name) for name in nodes.owned())
        return [record for record in records if record is not None]

    def _is_left(self, record: NodeRecord, seen: Present | None) -> bool:
        """Whether people are asked about a lost fence of a node that is not there any more.

        Deleted, or made anew under the same name: what they are asked can't be done now.
        """
        there = seen is not None and seen.uid == record.uid
        return record.mode == LOST and not there and self._tended(record)

    def _is_kept(self, record: NodeRecord) -> bool:
        """Whether nobody is at work on a node that is out of service.

        An operation that drains a node which another one had drained before is at work on it.
        """
        if record.mode not in KEPT_IN:
            return False
        done = record.owner in {record.tended, record.noted.get("drained_by")}
        return done or not is_live(self.resources.store, record.owner)

    def _lost(self, record: NodeRecord, seen: Present | None, now: float) -> bool:
        kept = self._kept[record.name]
        if kept.look is not None:
            return kept.look.done() and self._answered(record, kept, now)
        gone = seen is None and bool(record.tended)
        broken = gone or (seen is not None and not seen.fenced(record))
        repair = seen is not None and not broken and self._unshown(seen, record)
        if broken or repair or now - kept.pods_at >= PODS_EVERY:
            self._begin(kept, record, repair=repair)
        return False

    def _answered(self, record: NodeRecord, kept: _Kept, now: float) -> bool:
        """Take up what a look brought: evidence, "" for a fence that holds, None for no answer."""
        look, kept.look = kept.look, None  # first: what it raises is met once
        evidence = None if look is None else look.result()
        kept.failing = evidence is None
        if evidence is None:
            self._unseen(record, kept, now)
            return False
        self._found[record.name] = evidence
        kept.pods_at = kept.seen_at = now
        if kept.said:
            log.info("fence_seen_again", node=record.name)
            kept.said = False
        current = self.resources.nodes.record(record.name)
        same = current is not None and current.mode_seq == record.mode_seq
        if not evidence or not same or kept.told == record.mode_seq:
            return False
        if self._tell(record, evidence):
            kept.told = record.mode_seq
            return True
        return False

    def _unseen(self, record: NodeRecord, kept: _Kept, now: float) -> None:
        if now - kept.seen_at >= UNSEEN_AFTER and not kept.said:
            kept.said = True
            log.error(
                "fence_is_not_seen", node=record.name, seconds=int(now - kept.seen_at),
                message=f"Nobody can look at the fence of {record.name}: the API server has not "
                "answered for 2 minutes. It is not lost by that.",
            )  # fmt: skip

    def _begin(self, kept: _Kept, record: NodeRecord, *, repair: bool) -> None:
        """Begin a look in a thread that nobody waits for, unless too many are under way."""
        if sum(each.look is not None for each in self._kept.values()) >= AT_ONCE:
            return  # its turn comes at one of the next looks
        look: Future[str | None] = Future()

        def run() -> None:
            try:
                look.set_result(self._look_at(record, repair=repair))
            except Exception as error:  # noqa: BLE001  whoever takes it up meets it
                look.set_exception(error)

        kept.look = look
        threading.Thread(target=run, name=f"fence-{record.name}", daemon=True).start()

    def _unshown(self, seen: Present, record: NodeRecord) -> bool:
        """Whether the node should long have shown its mode: what wrote it died before it did."""
        if seen.shows(record):
            return False
        return self.resources.store.now() - record.since > SHOWN_WITHIN

    def _look_at(self, record: NodeRecord, *, repair: bool) -> str | None:
        """Ask the API server itself; "" for a fence that holds, None where it does not answer."""
        try:
            node = find_node(self.resources.cluster, record.name)
            owners = frozenset({record.owner, record.before} - {""})
            evidence = node_evidence(node, uid=record.uid, owners=owners)
            if evidence:  # a node that is gone is let go of, unless people wait for it: see tidying
                return evidence if node is not None or self._tended(record) else ""
            if repair:
                self._show(record.name)
            pods, _ = list_pods_on(self.resources.cluster, record.name)
        except KubernetesError as error:
            log.info("fence_look_failed", node=record.name, error=str(error))
            self._why = str(error)
            return None
        return pods_evidence(pods, record.noted, now=self.resources.store.now())

    def _show(self, node: str) -> None:
        try:
            write_mode(self.resources, node)
        except KubernetesError as error:  # such as a missing right: no matter of the fence
            log.warning("mode_is_not_shown", node=node, error=str(error))

    def _tended(self, record: NodeRecord) -> bool:
        """Whether an operation waits for the node while it is out of service."""
        return bool(record.tended) and is_live(self.resources.store, record.tended)

    def _tell(self, record: NodeRecord, evidence: str) -> bool:
        """Tell the operation that tends the node, or begin one; whether anybody was told."""
        store = self.resources.store
        log.warning("fence_lost", node=record.name, evidence=evidence, operation=record.owner)
        if self._tended(record):
            return store.signal(record.tender, LOST, evidence) == "woken"
        requester, channel, options, requirements = drain_of(store, record.owner)
        life = LifeInput(
            cluster=store.group, node=record.name, uid=record.uid, requester=requester,
            channel=channel, reason=record.why, begin="fence_lost", evidence=evidence,
            options=options, requirements=requirements,
        )  # fmt: skip
        facts = {"by": "", "nodes": [record.name], "note": evidence, "begin": LOST}
        start_new(
            store, WORKFLOW, life.model_dump(mode="json"), facts, random=self.random,
            dedup=f"fence:{record.name}:{record.uid}:{record.mode_seq}",
        )  # fmt: skip
        return True
