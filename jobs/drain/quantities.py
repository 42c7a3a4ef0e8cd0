"""Kubernetes' quantities and durations, and what a pod requests, as the scheduler sums it."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

Json = Mapping[str, Any]
_UNITS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6, "G": Decimal(10) ** 9, "T": Decimal(10) ** 12, "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18, "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20, "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40, "Pi": Decimal(2) ** 50, "Ei": Decimal(2) ** 60,
}  # fmt: skip
_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_DURATION = re.compile(rf"\+?(?:{_PART})+\Z")
_MILLISECONDS = {
    "ns": Decimal("1e-6"), "us": Decimal("1e-3"), "µs": Decimal("1e-3"), "μs": Decimal("1e-3"),
    "ms": Decimal(1), "s": Decimal(1000), "m": Decimal(60_000), "h": Decimal(3_600_000),
}  # fmt: skip


def go_duration(text: str) -> int:
    """Return a positive duration as Go writes it (`1h30m`) in ms, rounded up; 0 for what is none.

    https://pkg.go.dev/time#ParseDuration
    """
    if not _DURATION.match(text):
        return 0
    parts = re.findall(_PART, text)
    return math.ceil(sum(Decimal(number) * _MILLISECONDS[unit] for number, unit in parts))


def quantity(text: Any) -> Decimal:
    """Return a Kubernetes quantity (`100m`, `1Gi`) as a number; 0 for what is none."""
    raw = str(text)
    for suffix in (raw[-2:], raw[-1:]):
        if suffix in _UNITS:
            return _number(raw[: -len(suffix)]) * _UNITS[suffix]
    return _number(raw)


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def cpu_and_memory(amounts: Json) -> tuple[int, int]:
    """Return thousandths of a core and bytes of a map of resources, each rounded up."""
    return (
        math.ceil(quantity(amounts.get("cpu", 0)) * 1000),
        math.ceil(quantity(amounts.get("memory", 0))),
    )


def requests(spec: Json) -> tuple[int, int]:
    """Return thousandths of a core and bytes that a pod's spec requests.

    As k8s.io/component-helpers/resource, PodRequests: all containers and sidecars together, or
    any one init container with the sidecars that were started before it, whichever is more; what
    the pod requests as a whole in place of that; and the overhead.
    """
    whole = wanted(spec)
    totals = []
    for name, scale in (("cpu", 1000), ("memory", 1)):
        needed = quantity(whole[name]) if name in whole else _of_containers(spec, name)
        needed += quantity((spec.get("overhead") or {}).get(name, 0))
        totals.append(math.ceil(needed * scale))
    return totals[0], totals[1]


def _of_containers(spec: Json, name: str) -> Decimal:
    at_work = Decimal(0)
    for container in spec.get("containers") or ():
        at_work += quantity(wanted(container).get(name, 0))
    sidecars = at_start = Decimal(0)
    for container in spec.get("initContainers") or ():
        asks = quantity(wanted(container).get(name, 0))
        at_start = max(at_start, sidecars + asks)
        if container.get("restartPolicy") == "Always":
            sidecars += asks
    return max(at_work + sidecars, at_start)


def wanted(container: Json) -> Json:
    """Return the requests of a container, or of a pod's spec as a whole."""
    return (container.get("resources") or {}).get("requests") or {}
