"""The commands of whoever runs drainbot: whether it is safe, and whether it may be deployed.

They need no token: they read what the environment gives them access to, and change nothing. All but
`clear-halt`, which acts for the person of the token.
"""

from typing import Annotated

import typer

__all__ = ["register"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("doctor")(_doctor)
    app.command("replay-check")(_replay_check)
    app.command("token")(_token)
    app.command("clear-halt")(_clear_halt)


def _doctor(*, as_json: Json = False) -> None:
    """Look at Redis, the workers, the cluster's rights, Slack's scopes and the clocks.

    Changes nothing. Looks at what the environment names: DRAINBOT_REDIS_URL, DRAINBOT_CLUSTER,
    KUBECONFIG (or the service account), SLACK_BOT_TOKEN, DRAINBOT_POLICY. Ends with 1 if anything
    is unsafe.
    """
    from bot import doctor  # noqa: PLC0415  see bot.cli
    from bot.settings import DoctorSettings, load  # noqa: PLC0415

    raise typer.Exit(doctor.run(load(DoctorSettings), as_json=as_json))


def _replay_check(*, as_json: Json = False) -> None:
    """Replay what is under way against this version, without acting; before it is deployed.

    Lists each workflow of DRAINBOT_CLUSTER that would stop for a person. Ends with 1 if any would.
    """
    from bot import doctor  # noqa: PLC0415  see bot.cli
    from bot.settings import Settings, load  # noqa: PLC0415

    raise typer.Exit(doctor.replay(load(Settings), as_json=as_json))


def _token(
    *,
    user: Annotated[str, typer.Option("--user", help="Whose it is: the id of a Slack user.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help="read, request, decide or force; repeatable.")
    ],
    as_json: Json = False,
) -> None:
    """Make a token for the command line or the HTTP API, and the lines that the policy needs.

    It is shown once and stored nowhere: the policy holds its SHA-256.
    """
    from bot import cli_hooks  # noqa: PLC0415  see bot.cli

    cli_hooks.token(user, tuple(scope), as_json=as_json)


def _clear_halt(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node that its workers run on.")],
    *,
    why: Annotated[str, typer.Option("--why", help="What was looked at, and is well.")],
    cluster: Annotated[str, typer.Option("--cluster", help="Where it is not the only one.")] = "",
    as_json: Json = False,
) -> None:
    """Let the workers on a node that are halted take work again; `drainbot doctor` names them.

    Speaks to Redis itself, for the person of the token.
    """
    from bot import cli_halt  # noqa: PLC0415  see bot.cli

    cli_halt.clear(node, cluster, why=why, as_json=as_json)
