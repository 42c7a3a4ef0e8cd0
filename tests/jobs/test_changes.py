"""Changes, as readers are told of them: without a gap, and once where they fell behind."""

import pytest

from jobs.durable import Store
from jobs.service import Service
from tests.jobs.harness import NAME
from tests.jobs.test_service import service, store, submitted

__all__ = ["service", "store"]  # pytest finds them here


def test_changes_are_told_from_now_on_without_a_gap(service: Service) -> None:
    submitted(service, dedup="d1")
    (begun,) = service.changes({NAME: "$"}, wait=0)
    assert (begun.operations, begun.lost) == (frozenset(), False)
    second = submitted(service, "node-2", dedup="d2")
    (told,) = service.changes({NAME: begun.cursor}, wait=5)
    assert told.operations == {second}
    assert service.changes({NAME: told.cursor}, wait=0.01) == ()


def test_changes_from_an_empty_stream_begin_with_the_first(service: Service) -> None:
    (begun,) = service.changes({NAME: "$"}, wait=0)
    first = submitted(service)
    (told,) = service.changes({NAME: begun.cursor}, wait=5)
    assert told.operations == {first}


def test_a_reader_that_fell_behind_is_told_once(service: Service, store: Store) -> None:
    submitted(service, dedup="d1")
    (begun,) = service.changes({NAME: "$"}, wait=0)
    last = submitted(service, "node-2", dedup="d2")
    submitted(service, "node-3", dedup="d3")
    store.redis.xtrim(f"{store.prefix}events", maxlen=1, approximate=False)
    (told,) = service.changes({NAME: begun.cursor}, wait=0)
    assert told.lost
    assert last not in told.operations
    assert service.changes({NAME: told.cursor}, wait=0) == ()


@pytest.mark.parametrize("left", [0, 1])
def test_a_stream_that_began_anew_is_told_once(service: Service, store: Store, left: int) -> None:
    ahead = f"{store.now() + 3_600_000}-0"
    for n in range(left):
        submitted(service, dedup=f"d{n}")
    (told,) = service.changes({NAME: ahead}, wait=0)
    assert told.lost
    assert service.changes({NAME: told.cursor}, wait=0) == ()
