"""Reads what is counted of a cluster.

In Redis: `drainbot:<cluster>:counts`, a hash of numbers that only grow: `reaped`,
`ended|WORKFLOW|END`, `eviction|ANSWER`. Scripts raise them.
"""

import json
from collections import Counter
from typing import Any, cast

from jobs.durable import Store
from jobs.models import Outage, Readings

LIVE_MOST = 1000  # operations whose state is looked at, the newest ones


def readings_of(store: Store) -> Readings:
    """Return the counts of a cluster, in two round trips."""
    pipe = store.redis.pipeline(transaction=False)
    pipe.hgetall(f"{store.prefix}counts")
    pipe.zrange(f"{store.prefix}live", 0, LIVE_MOST - 1, desc=True)
    pipe.zrange(f"{store.prefix}open", 0, -1, desc=True, withscores=True)
    pipe.hgetall(f"{store.prefix}outages")
    counts, live, open_, outages = cast(
        "tuple[dict[str, str], list[str], list[Any], dict[str, str]]", pipe.execute()
    )
    away = [each for each in map(Outage.model_validate_json, outages.values()) if each.away]
    for id in live:
        pipe.hmget(f"{store.prefix}wf:{id}", ["name", "view"])
    states = Counter(_state(view) for name, view in pipe.execute() if name == "operation")
    oldest = min((float(at) for _, at in open_), default=0.0)
    now = store.now()
    return Readings(
        cluster=store.group,
        live=dict(states),
        ended=_named(counts, "ended|operation|"),
        evictions=_named(counts, "eviction|"),
        open_questions=len(open_),
        oldest_question=max(0.0, (now - oldest) / 1000) if open_ else 0.0,
        reaped=int(counts.get("reaped", 0)),
        api_away=max((max(0.0, (now - each.since) / 1000) for each in away), default=0.0),
    )


def _named(counts: dict[str, str], prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): int(number)
        for name, number in sorted(counts.items())
        if name.startswith(prefix)
    }


def _state(view: str | None) -> str:
    return str(json.loads(view).get("state", "submitted")) if view else "submitted"
