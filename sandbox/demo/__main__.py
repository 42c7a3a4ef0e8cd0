"""`python -m sandbox.demo`: see the package."""

import argparse
import sys


def main() -> int:
    """Run the demo; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--script", action="store_true", help="play the story by itself, checked")
    options = parser.parse_args()
    if options.script:
        from sandbox.demo.script import play  # noqa: PLC0415  the browser's part is not needed

        return play()
    from sandbox.demo.live import live  # noqa: PLC0415  nor the script's

    return live()


sys.exit(main())
