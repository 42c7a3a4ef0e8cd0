"""`kubectl drain` as a bench times it, where there is a kubectl."""

import shutil
import subprocess
import time
from collections.abc import Sequence

from sandbox.bench.arena import Arena
from sandbox.bench.figures import say
from sandbox.bench.ours import Took

_LIMIT = 300.0  # seconds


def kubectl() -> str | None:
    """Return the path of kubectl, or say once more that its figures are missing without one."""
    found = shutil.which("kubectl")
    if found is None:
        say("there is no kubectl on the PATH: its figures are missing")
    return found


def kubectl_drain(program: str, arena: Arena, nodes: Sequence[str]) -> Took:
    """Drain nodes with one kubectl each, all at once; returns what they took until the last ended.

    From before they are started. Raises RuntimeError if one of them fails.
    """
    options = ["--kubeconfig", str(arena.kubeconfig), "--ignore-daemonsets"]
    before = arena.asked()
    began = time.monotonic()
    running = [
        subprocess.Popen(
            [program, "drain", node, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for node in nodes
    ]
    said = [one.communicate(timeout=_LIMIT)[0] for one in running]
    took = time.monotonic() - began
    failed = [words for one, words in zip(running, said, strict=True) if one.returncode]
    if failed:
        raise RuntimeError(f"kubectl drain failed:\n{failed[0][-2000:]}")
    return Took(took, arena.asked() - before)
