"""`drainbot`: the command line, and the composition root of every process.

What a command needs is imported when it runs: importing Bolt, RQ and the Kubernetes client takes
about a second, which `drainbot status` should not wait for, and the bot must not be able to reach
the cluster's package by accident.

Exit codes: 0 done; 1 done, but not as asked (with --wait: a node was not drained; somebody else
was first; no such operation); 2 a wrong command, setting or file; 3 refused; 4 Redis is away, or
the server; 130 interrupted.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import cli_client, cli_operate
from bot.cli_exit import AWAY, INTERRUPTED, USAGE, Exit, fail
from bot.cli_help import settings_help
from jobs.errors import DrainbotError, StateUnavailable

__all__ = ["app", "main"]

app = typer.Typer(
    name="drainbot",
    help="Takes Kubernetes nodes out of service and back, with people deciding where a machine "
    "must not.",
    epilog=settings_help(),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
policy_app = typer.Typer(help="Look at the policy file.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
cli_client.register(app)
cli_operate.register(app)


@app.command()
def bot() -> None:
    """Run the bot: it takes what people say in Slack, and tells them what happens."""
    from bot import logs  # noqa: PLC0415  see the module
    from bot.settings import BotSettings, load  # noqa: PLC0415

    settings = load(BotSettings)
    logs.configure(settings.log_format)
    from bot.bot_process import run_bot  # noqa: PLC0415

    code = run_bot(settings)
    sys.stderr.flush()
    # A thread may still wait for an answer that nobody needs any more; a normal exit would join it.
    os._exit(code)


@app.command()
def api(*, under_bot: Annotated[bool, typer.Option("--under-bot", hidden=True)] = False) -> None:
    """Run the HTTP API by itself; the bot runs it where DRAINBOT_HTTP_LISTEN is set."""
    from bot import logs  # noqa: PLC0415  see the module
    from bot.settings import ApiSettings, load  # noqa: PLC0415

    settings = load(ApiSettings)
    logs.configure(settings.log_format)
    from bot.api_process import run_api  # noqa: PLC0415

    code = run_api(settings, under_bot=under_bot)
    sys.stderr.flush()
    os._exit(code)  # as the bot does


@app.command()
def worker(
    slots: Annotated[
        int, typer.Option(min=1, max=256, help="How many operations it works on at once.")
    ] = 4,
) -> None:
    """Run a worker: it drains the nodes of one cluster."""
    from bot import logs  # noqa: PLC0415  see the module
    from bot.settings import WorkerSettings, load  # noqa: PLC0415

    settings = load(WorkerSettings)
    logs.configure(settings.log_format)
    from jobs.worker import WorkerConfig, halt_of, run_worker  # noqa: PLC0415

    config = WorkerConfig(
        redis_url=settings.redis_url.get_secret_value(),
        cluster=settings.cluster,
        kubeconfig=settings.kubeconfig,
        policy_path=Path(settings.policy) if settings.policy else None,
        guardrails_path=Path(settings.guardrails) if settings.guardrails else None,
        slots=slots,
        node_name=settings.node_name,
        lease_seconds=settings.lease_seconds,
    )
    helpers = {}
    if settings.probe_listen is not None:
        from bot.worker_probes import answering  # noqa: PLC0415
        from jobs.policy import load_policy  # noqa: PLC0415

        policy = load_policy(settings.policy) if settings.policy else None
        helpers["probes"] = answering(
            settings.probe_listen, config.redis_url, config.cluster, policy,
            {"node": halt_of(config)} if config.node_name else {},
        )  # fmt: skip
    raise Exit(run_worker(config, helpers=helpers))


@policy_app.command("check")
def policy_check(
    file: Annotated[Path, typer.Argument(help="The policy file (YAML).", show_default=False)],
) -> None:
    """Check a policy file; every mistake is named with its line."""
    from jobs.policy import load_policy  # noqa: PLC0415  see the module

    policy = load_policy(file)
    typer.echo(
        f"{file} is right: {len(policy.clusters)} clusters, {len(policy.channels)} channels, "
        f"{len(policy.rules)} rules, {len(policy.tokens)} tokens."
    )


@policy_app.command("explain")
def policy_explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="Such as U02BOB.")],
    node: Annotated[str, typer.Argument(metavar="NODE", help="Such as node-1 or lab/node-1.")],
    *,
    file: Annotated[
        str, typer.Option("--policy", help="The policy file; DRAINBOT_POLICY's without.")
    ] = "",
    cluster: Annotated[str, typer.Option("--cluster", help="Where it is not the only one.")] = "",
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="In place of the node's own labels."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="S…", help="In place of the person's own Slack groups."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which rule a node falls under, what somebody may do to it and why, or who may.

    Needs no token: it tells what the file says. The labels and the groups are those that worker
    and Slack told last (DRAINBOT_REDIS_URL), or those that are given.
    """
    from bot import cli_policy  # noqa: PLC0415  see the module

    cli_policy.explained(
        user, node, file=file, cluster=cluster, labels=label or [], groups=group or [],
        as_json=as_json,
    )  # fmt: skip


def _take_server(words: list[str]) -> None:
    """Take `--server URL` out of a command line, wherever it stands: it is for all commands.

    The rest of the program reads it as DRAINBOT_SERVER.
    """
    for place, word in enumerate(words):
        if word == "--":
            return
        if word == "--server" or word.startswith("--server="):
            if word == "--server" and len(words) == place + 1:
                fail("--server needs an address, such as http://127.0.0.1:8070.", USAGE)
            url = words[place + 1] if word == "--server" else word.partition("=")[2]
            del words[place : place + (2 if word == "--server" else 1)]
            os.environ["DRAINBOT_SERVER"] = url
            return


def main() -> None:
    """Run the command line; the entry point of `drainbot`. Ends the process with an exit code."""
    _take_server(sys.argv)
    try:
        app(standalone_mode=True)
    except StateUnavailable as error:
        remote = os.environ.get("DRAINBOT_SERVER")
        what = str(error) if remote else "Redis can't be reached (DRAINBOT_REDIS_URL)."
        fail(f"{what} Whether it was recorded is unknown; doing it again does no harm.", AWAY)
    except DrainbotError as error:  # a setting, a file, or a command that can't be understood
        fail(str(error), USAGE)
    except KeyboardInterrupt:
        fail("Interrupted.", INTERRUPTED)


if __name__ == "__main__":
    main()
