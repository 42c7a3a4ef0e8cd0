"""Slack's rate limits: a sliding minute for a method, a bucket for posts to one channel."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

__all__ = ["BURST", "RateLimits"]

BURST = 4  # Slack: "short bursts of >1 allowed", without a figure
_MINUTE_S = 60.0


@dataclass
class _Bucket:
    tokens: float = BURST
    filled: float = 0.0


@dataclass
class RateLimits:
    """How often each key was called. A key names app, method and, for posts, the channel."""

    enabled: bool = True
    _windows: dict[tuple[str, ...], deque[float]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _buckets: dict[tuple[str, ...], _Bucket] = field(default_factory=dict)

    def per_minute(self, key: tuple[str, ...], limit: int, now: float) -> int | None:
        """Count a call; return None if it may pass, else the seconds for Retry-After."""
        if not self.enabled:
            return None
        window = self._windows[key]
        while window and window[0] <= now - _MINUTE_S:
            window.popleft()
        if len(window) >= limit:
            return max(1, math.ceil(window[0] + _MINUTE_S - now))
        window.append(now)
        return None

    def per_second(self, key: tuple[str, ...], now: float) -> int | None:
        """Count a post, of which there may be one a second and a short burst."""
        if not self.enabled:
            return None
        bucket = self._buckets.setdefault(key, _Bucket(filled=now))
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.filled))
        bucket.filled = now
        if bucket.tokens < 1:
            return max(1, math.ceil(1 - bucket.tokens))
        bucket.tokens -= 1
        return None
