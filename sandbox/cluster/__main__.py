"""`python -m sandbox.cluster`: a simulated cluster as a process of its own."""

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.cluster.cluster import SimulatedCluster
from sandbox.cluster.errors import ClusterFailedError
from sandbox.cluster.front import Front
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.cluster.scenario import Scenario, ScenarioError
from sandbox.cluster.scenarios import NAMED, load
from sandbox.cluster.server import listen

_PR_SET_PDEATHSIG = 1  # prctl(2)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a speed: it must be above 0")
    return speed


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.cluster",
        description="Run a simulated Kubernetes cluster on loopback and print its address.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one (default)")
    parser.add_argument(
        "--scenario",
        default="demo",
        metavar="FILE|NAME",
        help=f"a YAML file, or one of {', '.join(sorted(NAMED))} (default: demo)",
    )
    parser.add_argument("--speed", type=_speed, default=1.0, help="how many times as fast as usual")
    parser.add_argument("--seed", type=int, help="makes uids and generated names come again")
    parser.add_argument("--kubeconfig", type=Path, metavar="OUT", help="write a kubeconfig there")
    parser.add_argument("--port-file", type=Path, metavar="OUT", help="write the port there")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when the parent process does (Linux)"
    )
    return parser.parse_args(given)


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM at the parent's end.

    The parent may have ended before: then init, or a reaper in its place, is the parent already,
    which the caller must compare with what it was at the start.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _serve(scenario: Scenario, arguments: argparse.Namespace) -> int:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    inside = SimulatedCluster(scenario, seed=arguments.seed)
    inside.start()
    server = await listen(Front(inside).answer, arguments.port)
    url = f"http://127.0.0.1:{server.port}"
    if arguments.kubeconfig:
        write_kubeconfig(arguments.kubeconfig, url, name=scenario.name)
    if arguments.port_file:
        arguments.port_file.write_text(f"{server.port}\n", encoding="utf-8")
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    await end.wait()
    inside.stop()
    await server.close()
    return 1 if inside.failures else 0


def main(given: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit status, 1 if the stand-in itself failed."""
    parent = os.getppid()
    arguments = _arguments(given)
    if arguments.die_with_parent:
        _die_with_parent()
        if os.getppid() != parent:
            return 1
    try:
        scenario = load(arguments.scenario).at_speed(arguments.speed)
        return asyncio.run(_serve(scenario, arguments))
    except (ScenarioError, ClusterFailedError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
