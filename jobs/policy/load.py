"""Reads the policy file (DRAINBOT_POLICY)."""

from pathlib import Path

from jobs.policy.check import check_policy
from jobs.policy.document import FileError, read_text
from jobs.policy.model import Policy
from jobs.policy.schema import parse_file

__all__ = ["PolicyError", "load_policy", "parse_policy"]


class PolicyError(FileError):
    """The policy can't be read or has mistakes; nothing is allowed without it."""


def load_policy(path: Path | str) -> Policy:
    """Return the policy of a file, or raise :class:`PolicyError` with the line of each mistake."""
    hint = "Set DRAINBOT_POLICY to the policy file: nothing is allowed without it."
    return parse_policy(read_text(Path(path), PolicyError, hint), source=str(path))


def parse_policy(text: str, *, source: str = "the policy") -> Policy:
    """Return the policy of a text; as :func:`load_policy`, where `source` stands for the path."""
    return parse_file(text, Policy, source=source, error=PolicyError, check=check_policy)
