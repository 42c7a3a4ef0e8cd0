"""Where a cluster's workers are alive, as their keepers say (:mod:`jobs.durable.keeper`)."""

from typing import Any, cast

from jobs.durable import Store
from jobs.hosts.lives import readable
from jobs.hosts.standing import Hosts
from jobs.modes import Mode

_LEAVING = frozenset(Mode) - {Mode.ACCEPTING}


def hosts_of(store: Store) -> Hosts:
    """Return where workers are alive now, and where they take work.

    One that died without a word counts for some seconds more. The node's record decides whether a
    node stays, not what its worker has seen of that so far.
    """
    found: Any = store.redis.zrangebyscore(f"{store.prefix}workers", store.now(), "+inf")
    nodes = sorted({member.partition("|")[0] for member in cast("list[str]", found)})
    pipe = store.redis.pipeline(transaction=False)
    for node in nodes:
        pipe.hget(f"{store.prefix}node:{node}", "mode")
        pipe.get(f"{store.prefix}host:{node}")
    told = pipe.execute() if nodes else []
    states = zip(nodes, told[::2], told[1::2], strict=True)
    able = [node for node, mode, life in states if not node or _able(mode, life)]
    return Hosts(frozenset(nodes), frozenset(able))


def _able(mode: str | None, text: str | None) -> bool:
    life = readable(text or "")
    return mode not in _LEAVING and not (life is not None and life.state.halted)
