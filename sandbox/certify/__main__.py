"""`python -m sandbox.certify`: dies at every boundary, and writes down what came of it."""

import argparse
import signal
import sys
import time
from pathlib import Path

from sandbox.certify.certifying import boundaries, certify, recoveries
from sandbox.certify.deaths import Verdict, deaths_at, sample
from sandbox.certify.lane import lane
from sandbox.certify.matrix import summary, written

DOCUMENT = Path(__file__).parents[2] / "docs" / "certificate.md"


def main() -> int:
    """Certify; returns 0 only if every death was survived."""
    options = _options()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with lane() as stage:
        found = boundaries(stage)
        second = recoveries(stage, found)
    deaths = [death for death in (*deaths_at(found), *second) if options.only in str(death)]
    deaths = list(sample(deaths, every=options.every, seed=options.seed))
    places = len(found) + len(second)
    print(f"{places} boundaries found, {len(deaths)} deaths to die", flush=True)
    verdicts: list[Verdict] = []
    for one in certify(deaths, lanes=options.lanes):
        verdicts.append(one)
        if one.wrong:
            _tell(one)
        if len(verdicts) % 25 == 0:
            print(
                f"[{time.monotonic() - began:6.1f} s] {len(verdicts)} of {len(deaths)}", flush=True
            )
    if options.every == 1 and not options.only:
        DOCUMENT.write_text(written(verdicts), encoding="utf-8")
    print(summary(verdicts))
    return 0 if verdicts and not any(one.wrong for one in verdicts) else 1


def _tell(one: Verdict) -> None:
    print(f"\nNOT SURVIVED  {one.death}")
    for sentence in one.wrong:
        print(f"    {sentence}")
    for line in one.said:
        print(f"        {line}")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox.certify", description=__doc__)
    parser.add_argument("--lanes", type=int, default=2, help="stories played at once")
    parser.add_argument("--every", type=int, default=1, help="a sample: every n-th death")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--only", default="", help="deaths whose description holds this text")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
