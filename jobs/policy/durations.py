"""Durations as people write them: `2s`, `15m`, `1h30m`, `30d`, as Go and kubectl do, plus days."""

import re

__all__ = ["parse_duration", "render_duration"]

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|[smhd])"
_WHOLE = re.compile(rf"(?:{_PART})+\Z")
_LONGEST = 10 * 365 * 86400  # ten years: more is a slip of the finger


def parse_duration(text: str) -> float:
    """Return seconds, to the millisecond. Raise ValueError, in words that need no more context."""
    if text == "0":  # Go's one duration without a unit
        return 0.0
    if not _WHOLE.match(text):
        raise ValueError("expected a duration with its unit, such as 30s, 15m, 1h30m or 30d")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
    if seconds > _LONGEST:
        raise ValueError("expected at most ten years")
    return round(seconds, 3)


def render_duration(seconds: int) -> str:
    """Return whole seconds as :func:`parse_duration` reads them, such as `1h30m`; 0 is `0s`."""
    parts = []
    for unit in ("h", "m", "s"):
        number, seconds = divmod(seconds, int(_SECONDS[unit]))
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
