"""A workload imports what it uses and nothing else."""

import subprocess
import sys

import pytest

HEAVY = ("pydantic", "rq", "redis", "kubernetes", "slack_sdk", "slack_bolt", "structlog", "yaml")


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("jobs.workload", set()),
        ("jobs.workload.stream", {"redis"}),
        ("jobs.workload.annotation", {"kubernetes", "pydantic", "structlog", "yaml"}),
    ],
)
def test_a_part_brings_only_the_packages_that_it_needs(module: str, needs: set[str]) -> None:
    look = f"import sys, {module}; print(*(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == needs
