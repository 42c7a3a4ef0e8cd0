"""What a performance leaves behind, read once and kept as plain values for the judges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from redis import Redis

from bot.message_store import MessageStore, Record
from jobs.durable import Store
from jobs.durable.records import QuestionRecord, StepRecord, WorkflowRecord
from jobs.models import OperationView
from jobs.nodes import NodeStore
from jobs.nodes.store import NodeRecord
from sandbox.certify.scene import NODE, SPARE
from sandbox.certify.theatre import Theatre, key_of
from sandbox.cluster import Cluster, Entry

__all__ = ["Evidence", "Told", "collect", "gather"]


@dataclass(frozen=True)
class Told:
    """A message of the bot's: the key and operation of its metadata."""

    ts: str
    key: str
    operation: str


@dataclass(frozen=True)
class Evidence:
    """All that is looked at. `pods` are name → uid of the story's pods at the beginning.

    `commits` are (workflow, step, epoch) as processes noted them when a script had stored one.
    """

    pods: Mapping[str, str]
    requests: tuple[Entry, ...]
    left_on_node: tuple[str, ...]
    nodes: Mapping[str, Mapping[str, Any]]
    node_records: Mapping[str, NodeRecord]
    operations: tuple[OperationView, ...]
    workflows: tuple[WorkflowRecord, ...]
    steps: Mapping[str, Mapping[str, StepRecord]]
    questions: tuple[QuestionRecord, ...]
    events: tuple[Mapping[str, str], ...]
    commits: tuple[tuple[str, str, int], ...]
    messages: tuple[Told, ...]
    records: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()


def gather(theatre: Theatre, redis: Redis, pods: Mapping[str, str], commits: list[Any]) -> Evidence:
    """Read everything of the story."""
    return collect(
        redis, theatre.cluster, theatre.operations(), theatre.messages(), commits,
        nodes=(NODE, SPARE), pods=pods, emptied=NODE,
    )  # fmt: skip


def collect(
    redis: Redis,
    cluster: Cluster,
    operations: Sequence[OperationView],
    messages: Iterable[dict[str, Any]],
    commits: Iterable[Any],
    *,
    nodes: Sequence[str],
    pods: Mapping[str, str] | None = None,
    emptied: str = "",
) -> Evidence:
    """Read everything about these operations and nodes; `messages` are what Slack shows."""
    store = Store(redis, "demo")
    ids = [id for view in operations for id in _family(store, view.id)]
    workflows = [found for id in ids if (found := store.workflow(id)) is not None]
    asked = [question for id in ids for question in store.question_ids(id)]
    questions = [each for id in asked if (each := store.question(id)) is not None]
    stream = cast("list[Any]", redis.xrange(f"{store.prefix}events"))
    known = NodeStore(store)
    records = MessageStore(redis)
    left = cluster.list("Pod", node=emptied) if emptied else []
    return Evidence(
        pods=pods or {},
        requests=tuple(cluster.requests()),
        left_on_node=tuple(pod["metadata"]["name"] for pod in left),
        nodes={name: cluster.get("Node", "", name) or {} for name in nodes},
        node_records={name: record for name in nodes if (record := known.record(name)) is not None},
        operations=tuple(operations),
        workflows=tuple(workflows),
        steps={record.id: store.steps(record.id) for record in workflows},
        questions=tuple(questions),
        events=tuple(fields for _, fields in stream),
        commits=tuple((id, step, epoch) for id, step, epoch in commits),
        messages=tuple(_told(messages)),
        records={view.id: records.read(view.id) for view in operations},
        waiting=tuple(store.running()) + tuple(store.live()),
    )


def _family(store: Store, id: str) -> list[str]:
    return [id, *(found for child in store.children(id) for found in _family(store, child.id))]


def _told(messages: Iterable[dict[str, Any]]) -> Iterator[Told]:
    for message in messages:
        if key := key_of(message):
            operation = message["metadata"]["event_payload"]["operation"]
            yield Told(message["ts"], key, operation)
