"""The commands that people type instead of talking to the bot; each acts as its token's person.

A drain's flags are read by :mod:`jobs.options`, as in Slack; what only makes sense in a shell
(`--wait`, `--json`) is Typer's. What they do is in :mod:`bot.cli_acts`, imported when one runs:
neither `--help` nor a worker should wait for it or keep it in memory.
"""

from typing import Annotated

import typer

from jobs.options import FLAGS

__all__ = ["register"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Print progress; end with 0 only if every node was drained.")
]
Cluster = Annotated[
    str, typer.Option("--cluster", help="The cluster, where it is not DRAINBOT_CLUSTER's.")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="Such as 7F3K9Q or prod-eu-7f3k9q.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is told to everybody.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    # Unknown options are the drain's own flags: its grammar reads them, and refuses the rest.
    app.command("drain", context_settings={"ignore_unknown_options": True}, epilog=_flags())(_drain)
    app.command("plan", context_settings={"ignore_unknown_options": True}, epilog=_flags())(_plan)
    app.command("status")(_status)
    app.command("list")(_list)
    app.command("decide")(_decide)
    app.command("webhook")(_webhook)
    hooks = typer.Typer(help="Look at webhooks, and take them back.", no_args_is_help=True)
    hooks.command("list")(_hooks)
    hooks.command("revoke")(_revoke)
    app.add_typer(hooks, name="hooks")
    app.command("abort")(_abort)
    app.command("pause")(_pause)
    app.command("resume")(_resume)
    app.command("freeze")(_freeze)
    app.command("thaw")(_thaw)
    app.command("uncordon")(_uncordon)
    app.command("maintenance")(_maintenance)
    app.command("return")(_return)
    app.command("who")(_who)
    app.command("orphans")(_orphans)
    app.command("history")(_history)
    audit = typer.Typer(help="Look at the audit log, and examine it.", no_args_is_help=True)
    audit.command("show")(_audit_show)
    audit.command("verify")(_audit_verify)
    app.add_typer(audit, name="audit")


def _flags() -> str:
    lines = ["\b", "kubectl's flags, with kubectl's meaning:"]
    for flag in FLAGS:
        value = f"={flag.metavar}" if flag.metavar else ""
        right = " (needs the force right)" if flag.needs_right else ""
        lines.append(f"  --{flag.name}{value}: {flag.help}{right}")
    lines.append("  --selector=SELECTOR, -l: drain the nodes with these labels")
    lines.append("  --plan: show what would happen, and change nothing, as the command plan does")
    return "\n".join(lines)


def _drain(
    words: Annotated[
        list[str],
        typer.Argument(metavar="NODE…", help="Nodes, CLUSTER/NODE, or labels such as pool=blue."),
    ],
    *,
    reason: Reason = "",
    wait: Wait = False,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Drain nodes: cordon them, then evict their pods."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.drain(words, reason, cluster, wait=wait, as_json=as_json)


def _plan(
    words: Annotated[
        list[str],
        typer.Argument(metavar="NODE…", help="Nodes, CLUSTER/NODE, or labels such as pool=blue."),
    ],
    *,
    reason: Reason = "",
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Show what a drain would do: nothing is changed.

    Waits for a worker to look, prints the plan, and ends with 0 whatever stands in it; with 3 if
    it was refused, and with 1 if it could not be made. --json prints the operation with its plan.
    The time is an estimate, and what people take to answer is not in it.
    """
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.drain(words, reason, cluster, wait=True, as_json=as_json, plan_only=True)


def _uncordon(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Such as node-1 or lab/node-1.")],
    *,
    wait: Wait = False,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Give back a node that an ended operation left cordoned."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.uncordon(node, cluster, wait=wait, as_json=as_json)


def _maintenance(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Such as node-1 or lab/node-1.")],
    *,
    expected: Annotated[
        str, typer.Option("--for", metavar="2h", help="How long it should take.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for everybody to read.")] = "",
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Say that work on a drained node begins; it stays cordoned until it returns."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.maintain(node, cluster, expected=expected, reason=reason, as_json=as_json)


def _return(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Such as node-1 or lab/node-1.")],
    *,
    wait: Wait = False,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Give a node back once it is what it was before its drain."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.return_node(node, cluster, wait=wait, as_json=as_json)


def _who(
    node: Annotated[
        str, typer.Argument(metavar="[NODE]", help="Such as node-1; without it each rule's.")
    ] = "",
    *,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Say who may ask, approve, decide and force by the policy, and what you may."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.who(node, cluster, as_json=as_json)


def _orphans(
    nodes: Annotated[
        list[str] | None, typer.Argument(metavar="[NODE…]", help="With --undo: these nodes.")
    ] = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Undo them: our own cordon only.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --undo: all of them.")] = False,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """List cordons of drainbot's that no operation stands behind, and undo them."""
    from bot import cli_orphans  # noqa: PLC0415  see the module

    cli_orphans.orphans(nodes or [], cluster, undo=undo, everything=everything, as_json=as_json)


def _status(
    id: Annotated[
        str, typer.Argument(metavar="[ID]", help="Such as 7F3K9Q; without it all that run.")
    ] = "",
    *,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Show what an operation does now, or all that run."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    if id:
        cli_acts.status(id, cluster, as_json=as_json)
    else:
        cli_acts.show_all(cluster, live_only=True, as_json=as_json)


def _list(*, as_json: Json = False, cluster: Cluster = "") -> None:
    """Show the last operations, the newest first."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.show_all(cluster, live_only=False, as_json=as_json)


def _decide(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="Its id, as status shows.")],
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="Such as retry, skip, force.")],
    *,
    note: Annotated[str, typer.Option("--note", help="Why; needed where the policy says so.")] = "",
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Answer a question."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.decide(question, choice, note, cluster, as_json=as_json)


def _webhook(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="Its id, as status shows.")],
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="Such as retry or skip.")],
    *,
    expires: Annotated[str, typer.Option("--expires", help="From 1m to 7d.")] = "1d",
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Let an outside system give one answer in your name: once, until it expires.

    Prints where to POST, behind the address of the HTTP API. Whoever knows it may use it.
    """
    from bot import cli_hooks  # noqa: PLC0415  see the module

    cli_hooks.webhook(question, choice, expires, cluster, as_json=as_json)


def _hooks(*, as_json: Json = False, cluster: Cluster = "") -> None:
    """List the webhooks that are open or ended in the last week, the newest first.

    The words that they are used with are told nobody.
    """
    from bot import cli_hooks  # noqa: PLC0415  see the module

    cli_hooks.show(cluster, as_json=as_json)


def _revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
    *,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Take a webhook back: who made it may, and whoever may answer so themselves.

    Ends with 1 if it was used or has expired before.
    """
    from bot import cli_hooks  # noqa: PLC0415  see the module

    cli_hooks.revoke(id, cluster, as_json=as_json)


def _abort(id: Id, *, reason: Reason = "", as_json: Json = False, cluster: Cluster = "") -> None:
    """Abort an operation: no further eviction; nodes without one are given back."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.steer("abort", id, reason, cluster, as_json=as_json)


def _pause(id: Id, *, as_json: Json = False, cluster: Cluster = "") -> None:
    """Pause an operation: no new node, no new eviction; questions stay open."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.steer("pause", id, "", cluster, as_json=as_json)


def _resume(id: Id, *, as_json: Json = False, cluster: Cluster = "") -> None:
    """Let a paused operation go on."""
    from bot import cli_acts  # noqa: PLC0415  see the module

    cli_acts.steer("resume", id, "", cluster, as_json=as_json)


def _freeze(
    words: Annotated[
        list[str], typer.Argument(metavar="[CLUSTER] REASON…", help="Why; everybody is told.")
    ],
    *,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Freeze a cluster: nothing more is evicted anywhere in it, until somebody thaws it."""
    from bot import cli_freeze  # noqa: PLC0415  see the module

    cli_freeze.hold("freeze", words, cluster, as_json=as_json)


def _thaw(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[CLUSTER] [REASON…]", help="Which, and why.")
    ] = None,
    *,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """End a freeze: what waited goes on."""
    from bot import cli_freeze  # noqa: PLC0415  see the module

    cli_freeze.hold("thaw", words or [], cluster, as_json=as_json)


def _history(
    about: Annotated[
        str, typer.Argument(metavar="NODE|ID", help="Such as node-1, lab/node-1 or 7F3K9Q.")
    ],
    *,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Show who did what to a node or in an operation, on what grounds, and what they saw.

    It is read from the audit log: that of a node goes back further than its operations are kept.
    """
    from bot import cli_audit  # noqa: PLC0415  see the module

    cli_audit.history(about, cluster, as_json=as_json)


def _audit_show(
    *,
    first: Annotated[int, typer.Option("--from", min=0, help="Begin with this number.")] = 0,
    most: Annotated[int, typer.Option("--most", min=0, help="So many; 0 is all of them.")] = 50,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Show entries of the audit log, the last ones unless --from says otherwise."""
    from bot import cli_audit  # noqa: PLC0415  see the module

    cli_audit.show(cluster, first=first, most=most, as_json=as_json)


def _audit_verify(
    *,
    anchor: Annotated[
        list[str] | None,
        typer.Option(
            "--anchor", metavar="SEQ:HASH", help="A head that was noted outside Redis; repeatable."
        ),
    ] = None,
    as_json: Json = False,
    cluster: Cluster = "",
) -> None:
    """Find entries of the audit log that were changed, moved, added or taken out; ends with 1 then.

    Anchors are in the worker's log (audit_head) and in the daily message in Slack. Without one, a
    log that was cut off, or written anew from some entry on, can't be told from a whole one.
    """
    from bot import cli_audit  # noqa: PLC0415  see the module

    cli_audit.verify(cluster, anchor or [], as_json=as_json)
