"""Moments and durations in words. Moments are milliseconds since the epoch, Redis' time."""

from datetime import UTC, datetime

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000


def utc(ms: int, *, seconds: bool = False, day: bool = False) -> str:
    """Return the time of day, with its zone: `14:19 UTC`; of a `day`: `2026-09-21 14:19 UTC`."""
    moment = datetime.fromtimestamp(ms / _SECOND, tz=UTC)
    date = "%Y-%m-%d " if day else ""
    return moment.strftime(f"{date}%H:%M:%S UTC" if seconds else f"{date}%H:%M UTC")


def date_token(ms: int, *, seconds: bool = False, day: bool = False) -> str:
    """Return Slack's token for a moment, which shows to each person in their own zone.

    A `day` reads as `today`, `yesterday` or `Sep 21, 2026` there.
    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    form = "{time_secs}" if seconds else "{time}"
    form = f"{{date_short_pretty}} at {form}" if day else form
    return f"<!date^{ms // _SECOND}^{form}|{utc(ms, seconds=seconds, day=day)}>"


def duration(ms: int) -> str:
    """Return a duration in at most two units: `45 s`, `5 min`, `1 h 5 min`, `2 d 3 h`."""
    ms = max(ms, 0)
    if ms < _MINUTE:
        return f"{ms // _SECOND} s"
    if ms < _HOUR:
        return f"{ms // _MINUTE} min"
    big, small, names = (_HOUR, _MINUTE, ("h", "min")) if ms < _DAY else (_DAY, _HOUR, ("d", "h"))
    rest = ms % big // small
    return f"{ms // big} {names[0]}" + (f" {rest} {names[1]}" if rest else "")
