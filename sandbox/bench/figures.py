"""Figures: how they are printed, and how samples become one."""

import json
import os
import sys
from collections.abc import Sequence

REACH_FOR = {
    "slash_ack_p50_ms": 30.0,
    "slash_ack_p99_ms": 100.0,
    "http_p99_ms": 100.0,
    "event_lag_p99_ms": 500.0,
    "slash_ack_p99_ms_under_http_load": 100.0,
    "click_to_visible_p95_ms": 1000.0,
    "updates_per_minute_at_30_operations": 45.0,  # at most; Slack takes 50
    "ack_p99_ms_during_429": 100.0,
    "click_to_first_eviction_p50_ms": 100.0,
    "click_to_first_eviction_p99_ms": 300.0,
    "freeze_to_last_eviction_ms": 1000.0,
    "resume_after_sigkill_p50_s": 0.6,
    "resume_after_sigkill_p95_s": 1.0,
    "resume_after_sigkill_max_s": 2.0,
    "slot_extra_memory_mb": 25.0,
    "resume_after_silent_host_max_s": 4.0,  # a lease of 3 s, and one more
    "back_after_redis_killed_max_s": 2.0,  # after a minute of each
    "back_after_redis_silent_max_s": 2.0,
    "back_after_api_away_max_s": 2.0,
    "handover_after_sigterm_p95_ms": 50.0,
    "settle_to_resumed_p50_ms": 20.0,
    "settle_to_resumed_p95_ms": 40.0,
    "steps_per_second_always_1_client": 2000.0,
    "steps_per_second_always_8_clients": 6000.0,
    "steps_per_second_everysec_8_clients": 12000.0,
    "replay_1000_steps_ms": 10.0,
    "bytes_per_suspended_operation": 4000.0,
    "slots_held_by_10000": 0.0,
    "keeper_cpu_share": 0.05,
    "settle_to_resumed_p95_ms_among_10000": 60.0,
    "drain_220_pods_over_floor": 1.15,
    "drain_220_pods_of_kubectl": 0.1,
    "requests_per_pod_at_220": 1.1,
    "budget_paced_20_pods_over_floor": 1.15,
    "ten_nodes_at_once_over_floor": 1.15,
    "seconds_for_all_nodes_over_floor": 1.15,
    "budget_freed_to_eviction_p50_ms": 300.0,
    "budget_freed_to_eviction_p95_ms": 300.0,
}


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the sample below which `percent` of them are (nearest rank)."""
    ordered = sorted(samples)
    rank = max(0, min(len(ordered) - 1, round(percent / 100 * len(ordered) + 0.5) - 1))
    return ordered[rank]


def report(figure: str, value: float, unit: str, samples: int) -> None:
    """Print one figure beside what it reaches for."""
    line = {"figure": figure, "value": round(value, 3), "unit": unit, "samples": samples}
    if figure in REACH_FOR:
        line["reach_for"] = REACH_FOR[figure]
    print(json.dumps(line), flush=True)


def say(words: str) -> None:
    """Say what is being done, beside the figures."""
    print(words, file=sys.stderr, flush=True)


def tell(who: str, line: str) -> None:
    """Pass on what programs complain about: a bench that fails should say why."""
    if "[error" in line or "Traceback" in line or os.environ.get("BENCH_VERBOSE"):
        say(f"{who}: {line}")
