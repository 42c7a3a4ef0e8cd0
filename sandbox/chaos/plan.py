"""The plan of a run: a pure function of its seed, its length and its cast."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sandbox.chaos.happenings import (
    ApiErrors,
    Ask,
    Budget,
    ByHand,
    Clash,
    Cut,
    Event,
    Forget,
    GiveBack,
    Happening,
    Kill,
    Late,
    LostReplies,
    NewPod,
    NodeSilent,
    RedisDies,
    RedisStalls,
    Silent,
    SlackErrors,
    Slow,
    Steer,
    Still,
    Term,
    Watches,
)

__all__ = ["Cast", "Plan", "plan"]

Chance = random.Random
PEOPLE = ("ana", "bo", "cy")
HOUR = 3600.0
_SLACK_METHODS = ("chat.postMessage", "chat.update", "chat.postEphemeral")
# An own time-out ends in a question; a canary soaks before the others begin.
_FLAGS = (
    "", "", "", "", "--timeout=20s", "--canary 1 --soak 2s", "--max-failures 1", "--then wait",
    "--then wait --for 5s",
)  # fmt: skip
_API_STATUS = (429, 500, 503)


@dataclass(frozen=True)
class Cast:
    """Who takes part. `pace` is how often something happens: 1 is the usual."""

    workers: int = 2
    slots: int = 2
    bots: int = 2
    nodes: int = 8
    budgets: tuple[str, ...] = ("api", "db", "queue")
    pace: float = 1.0

    @property
    def wires(self) -> tuple[str, ...]:
        """All connections that can be harmed, by who makes them and to whom."""
        workers = (f"worker-{n}:{to}" for n in range(self.workers) for to in ("redis", "cluster"))
        bots = (f"bot-{n}:{to}" for n in range(self.bots) for to in ("redis", "slack"))
        return (*workers, *bots, "slack:bots")


@dataclass(frozen=True)
class Plan:
    """What happens when. `clocks` is by how many seconds each worker's clock is wrong."""

    seed: int
    seconds: float
    cast: Cast
    clocks: tuple[float, ...]
    events: tuple[Event, ...]

    def __str__(self) -> str:
        off = ", ".join(f"{seconds:+g} s" for seconds in self.clocks)
        head = f"seed {self.seed}, {self.seconds:g} s; the workers' clocks are off by {off}"
        return "\n".join((head, *map(str, self.events)))


def plan(seed: int, seconds: float, cast: Cast | None = None) -> Plan:
    """Return what the seed says; a longer run begins as a shorter one does."""
    cast = cast or Cast()
    streams = (
        _stream(seed, seconds, cast, _FAULTS, mean=1.5),
        _stream(seed, seconds, cast, _WORLD, mean=2.0),
        _stream(seed, seconds, cast, _ACTS, mean=0.6),
    )
    found = sorted((event for stream in streams for event in stream), key=lambda event: event.at)
    chance = Chance(f"{seed}:clocks")
    clocks = tuple(chance.choice((0.0, HOUR, -HOUR)) for _ in range(cast.workers))
    events = tuple(replace(event, number=number) for number, event in enumerate(found))
    return Plan(seed, seconds, cast, clocks, events)


_Make = Callable[[Chance, Cast], Happening]
_Stream = tuple[str, Sequence[tuple[_Make, float]]]


def _stream(
    seed: int, seconds: float, cast: Cast, stream: _Stream, *, mean: float
) -> Iterator[Event]:
    name, kinds = stream
    chance = Chance(f"{seed}:{name}")
    makers, weights = [make for make, _ in kinds], [weight for _, weight in kinds]
    at = 0.0
    while (at := at + chance.expovariate(cast.pace / mean)) < seconds:
        make = chance.choices(makers, weights)[0]
        yield Event(round(at, 2), 0, make(chance, cast))


def _between(chance: Chance, low: float, high: float) -> float:
    return round(chance.uniform(low, high), 2)


def _pick(chance: Chance) -> float:
    return round(chance.random(), 4)


def _kill(chance: Chance, cast: Cast) -> Happening:
    role = chance.choice(("slot", "slot", "slot", "keeper", "watcher", "worker", "bot"))
    return Kill(role, chance.randrange(cast.bots if role == "bot" else cast.workers))  # type: ignore[arg-type]


def _still(chance: Chance, cast: Cast) -> Happening:
    role = chance.choice(("slot", "slot", "keeper", "watcher", "worker", "bot"))
    host = chance.randrange(cast.bots if role == "bot" else cast.workers)
    return Still(role, host, _between(chance, 2.5, 6))  # type: ignore[arg-type]


def _term(chance: Chance, cast: Cast) -> Happening:
    if chance.random() < 0.7:  # noqa: PLR2004  most are workers
        return Term("worker", chance.randrange(cast.workers))
    return Term("bot", chance.randrange(cast.bots))


def _redis_stalls(chance: Chance, _cast: Cast) -> Happening:
    return RedisStalls(_between(chance, 0.5, 4))


def _redis_dies(chance: Chance, _cast: Cast) -> Happening:
    return RedisDies(_between(chance, 0.1, 4))


def _cut(chance: Chance, cast: Cast) -> Happening:
    return Cut(chance.choice(cast.wires), chance.choice((0.0, 0.0, _between(chance, 0.5, 5))))


def _slow(chance: Chance, cast: Cast) -> Happening:
    wire = chance.choice((*cast.wires, "slack:bots", "slack:bots"))
    return Slow(wire, _between(chance, 0.02, 0.8), _between(chance, 1, 8))


def _silent(chance: Chance, cast: Cast) -> Happening:
    return Silent(chance.choice(cast.wires), _between(chance, 1, 5))


def _lost(chance: Chance, cast: Cast) -> Happening:
    wires = [wire for wire in cast.wires if wire != "slack:bots"]
    return LostReplies(chance.choice(wires), chance.randint(1, 6))


def _api(chance: Chance, _cast: Cast) -> Happening:
    when = chance.choice(("before", "before", "after"))
    return ApiErrors(chance.choice(_API_STATUS), chance.randint(1, 12), when)  # type: ignore[arg-type]


def _watches(chance: Chance, _cast: Cast) -> Happening:
    return Watches(forget=chance.random() < 0.5)  # noqa: PLR2004


def _slack(chance: Chance, _cast: Cast) -> Happening:
    kind = chance.choice(("ratelimited", "status", "reset"))
    when = chance.choice(("before", "after")) if kind != "ratelimited" else "before"
    method = chance.choice(_SLACK_METHODS)
    return SlackErrors(method, kind, chance.randint(1, 3), when)  # type: ignore[arg-type]


def _budget(chance: Chance, cast: Cast) -> Happening:
    return Budget(chance.choice(cast.budgets), open=chance.random() < 0.45)  # noqa: PLR2004


def _new_pod(chance: Chance, _cast: Cast) -> Happening:
    return NewPod(f"bare-{chance.randrange(10**6):06d}", _pick(chance))


def _node_silent(chance: Chance, _cast: Cast) -> Happening:
    return NodeSilent(_pick(chance), _between(chance, 2, 12))


def _by_hand(chance: Chance, _cast: Cast) -> Happening:
    return ByHand(_pick(chance))


def _ask(chance: Chance, _cast: Cast) -> Happening:
    picks = tuple(_pick(chance) for _ in range(chance.choice((1, 1, 1, 2, 3))))
    flags = chance.choice(_FLAGS)
    return Ask(chance.choice(PEOPLE), picks, chance.random() < 0.1, flags, chance.random() < 0.3)  # noqa: PLR2004


def _clash(chance: Chance, _cast: Cast) -> Happening:
    people = chance.sample(PEOPLE, chance.randint(1, 3))
    choices = tuple((name, _pick(chance)) for name in people)
    return Clash(_pick(chance), choices, chance.random() < 0.3)  # noqa: PLR2004


def _steer(chance: Chance, _cast: Cast) -> Happening:
    verb = chance.choice(("pause", "pause", "resume", "resume", "resume", "abort"))
    return Steer(chance.choice(PEOPLE), verb, _pick(chance))  # type: ignore[arg-type]


def _give_back(chance: Chance, _cast: Cast) -> Happening:
    verb = chance.choice(("uncordon", "uncordon", "maintenance", "return"))
    return GiveBack(chance.choice(PEOPLE), verb, _pick(chance))  # type: ignore[arg-type]


def _late(chance: Chance, _cast: Cast) -> Happening:
    return Late(_pick(chance))


_FAULTS: _Stream = (
    "faults",
    (
        (_kill, 5), (_still, 3), (_redis_dies, 1), (_cut, 3), (_slow, 2), (_silent, 2),
        (_lost, 5), (_api, 3), (_slack, 3), (lambda _chance, _cast: Forget(), 0.5), (_term, 2),
        (_redis_stalls, 1), (_watches, 1.5),
    ),
)  # fmt: skip
_WORLD: _Stream = ("world", ((_budget, 6), (_new_pod, 2), (_by_hand, 1), (_node_silent, 1)))
_ACTS: _Stream = (
    "acts", ((_ask, 4), (_clash, 8), (_steer, 2), (_give_back, 4), (_late, 1)),
)  # fmt: skip
