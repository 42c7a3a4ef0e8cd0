"""`python -m sandbox.bench [NAME…]`: all figures, or those of some benches."""

import argparse
import logging
import sys

from bot import logs
from sandbox.bench.acks import slash_acks
from sandbox.bench.clicks import click_to_eviction
from sandbox.bench.decisions import crowd_of_suspended, settle_to_resumed
from sandbox.bench.drains import drain_crowd, drain_fleet, drain_paced, drain_team
from sandbox.bench.freezes import freeze_to_last_eviction
from sandbox.bench.handovers import handover_after_sigterm, resume_after_silent_host
from sandbox.bench.http import http_load
from sandbox.bench.kills import resume_after_sigkill
from sandbox.bench.memory import slot_memory
from sandbox.bench.outages import back_at_work
from sandbox.bench.steps import replay_long_history, steps_per_second
from sandbox.bench.telling import acks_during_429, click_to_visible, updates_of_thirty

BENCHES = {
    "acks": slash_acks,
    "http": http_load,
    "clicks": click_to_eviction,
    "freezes": freeze_to_last_eviction,
    "visible": click_to_visible,
    "updates": updates_of_thirty,
    "limited": acks_during_429,
    "kills": resume_after_sigkill,
    "memory": slot_memory,
    "steps": steps_per_second,
    "replay": replay_long_history,
    "settle": settle_to_resumed,
    "crowded": crowd_of_suspended,
    "handover": handover_after_sigterm,
    "silence": resume_after_silent_host,
    "outages": back_at_work,
    "crowd": drain_crowd,
    "paced": drain_paced,
    "team": drain_team,
    "fleet": drain_fleet,
}


def main() -> int:
    """Run the benches that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    names = parser.parse_args().names or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {unknown[0]}; known: {', '.join(BENCHES)}")
    logs.configure("console", level=logging.WARNING)  # standard output is for figures alone
    for name in names:
        BENCHES[name]()
    return 0


sys.exit(main())
