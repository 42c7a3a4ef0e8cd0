"""Who has a node, in the words that everybody is told it in."""

from collections.abc import Mapping

from jobs.ids import short

__all__ = ["taken_words"]


def taken_words(takers: Mapping[str, str]) -> str:
    """Name, by node, the operations that have it; to whoever asked for these nodes."""
    names = ", ".join(f"{node} by op {short(operation)}" for node, operation in takers.items())
    return f"Taken by other operations: {names}. Nothing was started."
