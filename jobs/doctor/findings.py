"""What the doctor says of one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    UNKNOWN = "unknown"  # it can't be told from here: somebody has to look
    UNSAFE = "unsafe"  # work, a decision or a cordon may be lost, or more is allowed than needed


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what is true of it, and what to do where it is not safe."""

    part: str
    level: Level
    what: str
    mend: str = ""


def ok(part: str, what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(part, Level.OK, what)


def unsafe(part: str, what: str, mend: str) -> Finding:
    """Say that something is dangerous, and how to mend it."""
    return Finding(part, Level.UNSAFE, what, mend)


def unknown(part: str, what: str, mend: str) -> Finding:
    """Say that something can't be told, and who could."""
    return Finding(part, Level.UNKNOWN, what, mend)
