"""`python -m sandbox.slack`: the stand-in as a process, until SIGTERM or SIGINT."""

import argparse
from pathlib import Path

import yaml

from sandbox.slack.clock import Clock
from sandbox.slack.running import listen, serve
from sandbox.slack.server import Server
from sandbox.slack.workspace import Workspace, demo_workspace


def main() -> None:
    """Serve; the one line that is printed has the address."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.slack", description="A strict stand-in for Slack on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--workspace", type=Path, help="a YAML or JSON file; else the demo's")
    parser.add_argument("--no-rate-limits", action="store_true", help="never answer 429")
    options = parser.parse_args()
    workspace = demo_workspace()
    if options.workspace is not None:
        workspace = Workspace.model_validate(yaml.safe_load(options.workspace.read_text()))
    listener = listen(options.port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Server(workspace, clock=Clock(), base_url=url, rate_limits=not options.no_rate_limits)
    print(f"Slack: {url}", flush=True)  # noqa: T201  the line that its starter waits for
    serve(listener, server).run([listener])
    server.close()


main()
