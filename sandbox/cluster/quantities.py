"""Kubernetes quantities (`250m`, `1Gi`) as whole numbers."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["Requests", "milli", "requests_of", "units"]

_SUFFIXES: Mapping[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


@lru_cache(maxsize=1024)
def _decimal(text: str) -> Decimal:
    for length in (2, 1):
        factor = _SUFFIXES.get(text[-length:])
        if factor is not None:
            text = text[:-length]
            break
    else:
        factor = Decimal(1)
    try:
        return Decimal(text) * factor
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a quantity such as 250m, 2 or 1Gi") from error


def units(quantity: str | int) -> int:
    """Return a quantity in its own unit (bytes, pods), rounded up. Raises ValueError."""
    return int(_decimal(str(quantity)).to_integral_value(ROUND_CEILING))


def milli(quantity: str | int) -> int:
    """Return a quantity in thousandths (of a CPU), rounded up. Raises ValueError."""
    return int((_decimal(str(quantity)) * 1000).to_integral_value(ROUND_CEILING))


class Requests(NamedTuple):
    """What a pod asks for, or a node can give: thousandths of a CPU, bytes, pods."""

    cpu_m: int
    memory: int
    pods: int = 1

    def plus(self, other: "Requests") -> "Requests":
        """Return the sum of both."""
        return Requests(
            self.cpu_m + other.cpu_m, self.memory + other.memory, self.pods + other.pods
        )

    def minus(self, other: "Requests") -> "Requests":
        """Return what is left when the other is taken away."""
        return Requests(
            self.cpu_m - other.cpu_m, self.memory - other.memory, self.pods - other.pods
        )


def requests_of(containers: Iterable[Mapping[str, Any]]) -> Requests:
    """Return the sum of what the containers of one pod ask for."""
    cpu_m = memory = 0
    for container in containers:
        asked = container.get("resources", {}).get("requests") or {}
        cpu_m += milli(asked.get("cpu", 0))
        memory += units(asked.get("memory", 0))
    return Requests(cpu_m, memory)
