"""The help of `/drain`: all its forms on one screen, and each by itself."""

import textwrap
from dataclasses import dataclass

from jobs.options import usage

__all__ = ["DRAIN", "FORMS", "Form", "form_named", "form_text", "help_text"]


@dataclass(frozen=True)
class Form:
    """One form of the command. `verb` is its first word; that which drains has none.

    `examples` are what somebody types after the command's name; each of them is understood.
    """

    verb: str
    operands: str
    does: str
    more: str = ""
    examples: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What `help` calls it."""
        return self.verb or DRAIN


DRAIN = "drain"
_WIDTH = 90
_IDS = "An operation is named as in 7F3K9Q, op 7F3K9Q, prod-eu/7F3K9Q or prod-eu-7f3k9q."

FORMS: tuple[Form, ...] = (
    Form(
        "",
        "NODE… [flags] [reason …]",
        "drain these nodes",
        "Without anything behind it the command opens a form with the same fields. Labels such as "
        "pool=blue zone=a, or --selector, take all nodes that have them. CLUSTER/NODE is a node "
        "of another cluster than this channel's. The reason goes on to the end.",
        (
            "node-1 node-2 --timeout=30m reason disk swap",
            "node-1 node-2 --then wait --for 2h reason new disks",
            "pool=blue zone=a",
            "lab/node-1 reason it's loud",
        ),
    ),
    Form(
        "plan",
        "NODE… [flags]",
        "what a drain would do; nothing is changed",
        "It takes all that a drain takes: what moves, is refused and stays, which budgets block, "
        "what would be refused by the policy's limits, and about how long it takes.",
        ("plan node-1", "plan pool=blue --force"),
    ),
    Form(
        "status",
        "[ID]",
        "what an operation does now; without ID: all that run",
        _IDS,
        ("status", "status 7F3K9Q"),
    ),
    Form("list", "", "the last operations", "The newest first.", ("list",)),
    Form(
        "abort",
        "ID [reason …]",
        "no further eviction; nodes without one are given back",
        f"Nodes of which a pod was evicted stay cordoned, until uncordon. {_IDS}",
        ("abort 7F3K9Q", "abort 7F3K9Q wrong rack"),
    ),
    Form(
        "pause",
        "ID",
        "no new node, no new eviction; questions stay open",
        f"Deadlines run on. {_IDS}",
        ("pause 7F3K9Q",),
    ),
    Form("resume", "ID", "go on", f"After pause. {_IDS}", ("resume 7F3K9Q",)),
    Form(
        "uncordon",
        "NODE",
        "give back a node that an ended operation left cordoned",
        "Only drainbot's own cordon is undone, never somebody else's.",
        ("uncordon node-1", "uncordon lab/node-1"),
    ),
    Form(
        "maintenance",
        "NODE [--for 2h] [reason …]",
        "say that work on a drained node begins, and for how long",
        "The node stays cordoned. When it is past its expected end, that is said here, on the home "
        "tab and to pagers.",
        ("maintenance node-1 --for 2h new disk", "maintenance lab/node-1"),
    ),
    Form(
        "return",
        "NODE",
        "give back a node that is out of service, once it is what it was",
        "It waits until the node is Ready, its DaemonSets run and it has what it had for pods; "
        "else people are asked. Only drainbot's own cordon is undone.",
        ("return node-1", "return lab/node-1"),
    ),
    Form(
        "history",
        "NODE|ID",
        "who did what to a node or in an operation, and on what grounds",
        "Who asked, who approved and what they were shown, each decision, and the end. That of a "
        f"node goes back further than its operations are kept. {_IDS}",
        ("history node-1", "history lab/node-1", "history 7F3K9Q"),
    ),
    Form(
        "freeze",
        "[CLUSTER] reason …",
        "no new eviction anywhere in the cluster, until thaw",
        "Whoever may ask for a drain may freeze. Operations stop before their next eviction and "
        "wait; questions stay open. Without CLUSTER it is this channel's.",
        ("freeze reason storage is degraded", "freeze lab reason power test"),
    ),
    Form(
        "thaw",
        "[CLUSTER]",
        "end a freeze; what waited goes on by itself",
        "Whoever may decide may thaw.",
        ("thaw", "thaw lab"),
    ),
    Form(
        "who",
        "[NODE]",
        "who may ask, approve, decide and force; and what you may",
        "Without NODE: of each rule of this channel's cluster.",
        ("who", "who node-1"),
    ),
    Form(
        "help",
        "[FORM]",
        "this; with FORM all about one of them",
        "Its flags stand in help drain.",
        ("help", "help drain", "help abort"),
    ),
)


def form_named(name: str) -> Form | None:
    """Return the form that `help NAME` asks for, or None."""
    return next((form for form in FORMS if form.name == name), None)


def help_text(command: str = "/drain") -> str:
    """Return all forms with what they do, as plain text in columns."""
    forms = [(" ".join(filter(None, (f.verb, f.operands))), f.does) for f in FORMS]
    width = max(len(form) for form, _ in forms)
    rows = [f"{command} {form:<{width}}  {does}" for form, does in forms]
    return "\n".join(
        (
            f"{command} alone opens a form. For example: {command} {FORMS[0].examples[0]}",
            "",
            *rows,
            "",
            f"{command} pool=blue takes the nodes with that label, CLUSTER/NODE one elsewhere.",
            f"{command} help {DRAIN} lists the flags.",
        )
    )


def form_text(form: Form, command: str = "/drain") -> str:
    """Return the help of one form: how it is written, what it does, examples, flags."""
    head = " ".join(filter(None, (command, form.verb, form.operands)))
    examples = [f"  {command} {example}" for example in form.examples]
    flags = usage(command).splitlines()[3:] if form.name == DRAIN else []
    if form.name == "plan":
        flags = [f"{command} help {DRAIN} lists the flags."]
    parts = [[head, f"  {form.does}"], textwrap.wrap(form.more, _WIDTH), examples, flags]
    return "\n\n".join("\n".join(part) for part in parts if part)
