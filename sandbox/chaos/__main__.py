"""`python -m sandbox.chaos`: plays what a seed says, and tells what did not hold."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from sandbox.chaos.plan import Cast, plan
from sandbox.chaos.playing import play


def main() -> int:
    """Play; returns 0 only if all held."""
    options = _options()
    cast = Cast(workers=options.workers, slots=options.slots, bots=options.bots, pace=options.pace)
    planned = plan(options.seed, options.minutes * 60, cast)
    if options.print_plan:
        print(planned)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory = Path(tempfile.mkdtemp(prefix=f"drainbot-chaos-{options.seed}-", dir=options.keep))
    (directory / "plan.txt").write_text(f"{planned}\n")
    print(f"{str(planned).splitlines()[0]}; {len(planned.events)} events", flush=True)
    began = time.monotonic()
    outcome = play(planned, directory, lambda line: print(line, flush=True))
    figures = ", ".join(f"{count} {what}" for what, count in outcome.figures.items())
    print(f"[{time.monotonic() - began:6.1f} s] {figures}")
    if not outcome.wrong:
        print(f"seed {options.seed}: all held")
        if options.keep is None:
            shutil.rmtree(directory)
        return 0
    print(f"seed {options.seed}: {len(outcome.wrong)} things do not hold; logs in {directory}")
    for sentence in outcome.wrong:
        print(f"    {sentence}")
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what happens; the same plan each time")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long it happens")
    parser.add_argument("--workers", type=int, default=2, help="workers, each a host of its own")
    parser.add_argument("--slots", type=int, default=2, help="slots of each worker")
    parser.add_argument("--bots", type=int, default=2, help="bots")
    parser.add_argument("--pace", type=float, default=1.0, help="how often something happens")
    parser.add_argument("--print-plan", action="store_true", help="only show the plan")
    parser.add_argument("--keep", type=Path, help="a directory in which logs are always kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
