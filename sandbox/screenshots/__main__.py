"""`python -m sandbox.screenshots`: see the package."""

import argparse
import sys
from pathlib import Path

from sandbox.local_slack import LocalSlackMissingError
from sandbox.screenshots.camera import CHROMIUM, camera
from sandbox.screenshots.surfaces import GOLDEN, IMAGES, of_the_documents, surfaces_of


def main() -> int:
    """Take the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.screenshots", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIRECTORY", help="every golden file's, there")
    parser.add_argument("files", nargs="*", type=Path, help="of these golden files, with --all")
    options = parser.parse_args()
    files = options.files or sorted(GOLDEN.glob("*.json"))
    found = [surface for file in files for surface in surfaces_of(file)]
    directory = options.all or IMAGES
    if options.all is None:
        found = of_the_documents()
    if not Path(CHROMIUM).exists():
        sys.stderr.write(f"There is no {CHROMIUM} (Debian: apt-get install chromium).\n")
        return 1
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with camera() as taking:
            for surface in found:
                names = [file.name for file in taking.take(surface, directory)]
                sys.stdout.write(f"{' '.join(names)}\n")
    except LocalSlackMissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0


sys.exit(main())
