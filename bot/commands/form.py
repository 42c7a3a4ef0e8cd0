"""The form of a drain: who may fill it in, which options it offers them, and what it says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.ask import Asked, drain
from bot.commands.desk import Desk, Place
from bot.commands.hints import meant
from bot.commands.pools import allowed, pools_of
from bot.messages.form import FLAGS_FIELD, NODES, OPTIONS, REASON, TYPED, RequestForm
from bot.messages.modal_parts import Errors
from jobs.authorization import Action, Allowed, Denied, Target, labels_of, may
from jobs.models import ClusterNode, DrainOptions, DrainRequest, Principal, Refused
from jobs.options import (
    COMMAND_FLAGS,
    FLAGS,
    DrainCommand,
    Flag,
    UsageError,
    options_from,
    parse_drain,
    parse_tokens,
    rights_needed,
    split_node,
)

__all__ = ["Offer", "ask_by_form", "offer"]

_UID = "uid:"
_NOBODY = "x"  # a node's place in what is read for its flags alone
# With which value a flag that needs the force right is tried out.
_TRIED = {"grace-period": "0"}


@dataclass(frozen=True)
class Offer:
    """What a form offers somebody: the clusters, and the flags that they may use somewhere.

    `switches` take no value.
    """

    clusters: tuple[str, ...]
    switches: tuple[Flag, ...]
    flags: tuple[Flag, ...]


def offer(desk: Desk, principal: Principal, place: Place) -> Offer | Refused:
    """Return what the person may ask for, or why they may ask for nothing, and who may.

    A courtesy: what counts is the judgement of what is submitted. Raises
    :class:`jobs.errors.StateUnavailable`.
    """
    asked, refused = [], None
    for cluster in desk.client.clusters():
        for node in (pool.nodes[0] for pool in pools_of(desk, cluster) if pool.nodes):
            target = Target(cluster=cluster, nodes={node.name: node.labels}, channel=place.channel)
            answer = may(principal, Action.REQUEST, target, desk.policy)
            if isinstance(answer, Allowed):
                asked.append((cluster, node))
            elif refused is None:
                refused = Refused(reason=answer.reason, who_may=answer.who_may)
    if not asked:
        return refused or Refused(reason="No node is known yet: no worker has reported.")
    usable = [flag for flag in FLAGS if _usable(desk, principal, flag, asked, place)]
    plan = next(flag for flag in COMMAND_FLAGS if flag.field == "plan_only")
    off = [f for f in usable if not f.metavar and not DrainOptions.model_fields[f.field].default]
    rest = [flag for flag in usable if flag not in off]
    return Offer(tuple(dict.fromkeys(c for c, _ in asked)), (plan, *off), tuple(rest))


def ask_by_form(
    desk: Desk, principal: Principal, form: RequestForm, *, dedup: str
) -> Asked | Errors:
    """Ask for what was filled in, as :func:`bot.commands.drain` does; or say what is wrong where.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    if form.channel not in desk.policy.channels:
        return {NODES: "The policy doesn't allow commands from this channel. Nothing was started."}
    command = _understood(desk, form)
    if not isinstance(command, DrainCommand):
        return command
    names = TYPED if form.typed else NODES
    try:
        asked = drain(desk, principal, command, Place(form.cluster, form.channel), dedup=dedup)
    except UsageError as error:
        return {names: str(error)}
    if isinstance(asked.answer, Refused):
        options = OPTIONS if _needing(form.switches) else FLAGS_FIELD
        blamed = options if _for_options(desk, principal, asked.request) else names
        return {blamed: asked.answer.reason}
    return asked


def _usable(
    desk: Desk,
    principal: Principal,
    flag: Flag,
    asked: Sequence[tuple[str, ClusterNode]],
    place: Place,
) -> bool:
    if not flag.needs_right:
        return True
    options = options_from({flag.field: _TRIED.get(flag.name, "true")})
    return any(
        allowed(
            desk, principal, Action.REQUEST, cluster, node, channel=place.channel, options=options
        )
        for cluster, node in asked
    )


def _understood(desk: Desk, form: RequestForm) -> DrainCommand | Errors:
    errors: Errors = {}
    chosen = _chosen(desk, form, errors)
    typed = _typed(desk, form, errors)
    flags = _flags(form, errors)
    reason = ""
    try:
        reason = parse_tokens([_NOBODY, "--reason", form.reason]).reason if form.reason else ""
    except UsageError as error:
        errors[REASON] = str(error)
    if not (chosen or typed or errors):
        errors[NODES] = "Choose a node here, or type its name below."
    if chosen and typed and not typed.nodes:
        errors[TYPED] = "Name nodes or their labels, not both."
    if errors or not flags:
        return errors
    return DrainCommand(
        nodes=tuple(dict.fromkeys((*chosen, *(typed.nodes if typed else ())))),
        pairs=typed.pairs if typed else (),
        options=flags.options,
        reason=reason,
        plan_only=flags.plan_only,
    )


def _chosen(desk: Desk, form: RequestForm, errors: Errors) -> tuple[str, ...]:
    """Return the chosen nodes as CLUSTER/NODE; one whose name was too long came as its uid."""
    names = []
    for value in form.chosen:
        cluster, name = split_node(value)
        if name.startswith(_UID):
            there = desk.nodes.of(cluster).nodes if cluster in desk.client.clusters() else ()
            name = next((n.name for n in there if n.uid == name.removeprefix(_UID)), "")
        if not name:
            errors[NODES] = "One of these nodes is gone: choose again."
        names.append(f"{cluster}/{name}")
    return tuple(names)


def _typed(desk: Desk, form: RequestForm, errors: Errors) -> DrainCommand | None:
    words = re.sub(r"[,;\s]+", " ", form.typed).strip()  # a column of a table, say
    if not words:
        return None
    try:
        read = parse_drain(words)
    except UsageError as error:
        known = form.cluster in desk.client.clusters()
        errors[TYPED] = meant(error, desk.nodes.of(form.cluster)) if known else str(error)
        return None
    if read.reason or read.selector or read.plan_only or read.options != DrainOptions():
        errors[TYPED] = "Only names or labels here: flags and the reason have fields of their own."
    return read


def _flags(form: RequestForm, errors: Errors) -> DrainCommand | None:
    known = {f"--{flag.name}" for flag in (*FLAGS, *COMMAND_FLAGS) if not flag.metavar}
    if not known.issuperset(form.switches):
        errors[OPTIONS] = "This form is from another version: close it, and open it anew."
        return None
    try:
        read = parse_drain(" ".join([_NOBODY, *form.switches, form.flags]))
    except UsageError as error:
        errors[FLAGS_FIELD] = str(error)
        return None
    if read.nodes != (_NOBODY,) or read.reason:
        errors[FLAGS_FIELD] = "Only flags here: nodes and the reason have fields of their own."
    return read


def _needing(switches: Sequence[str]) -> bool:
    return any(f"--{flag.name}" in switches for flag in FLAGS if flag.needs_right)


def _for_options(desk: Desk, principal: Principal, request: DrainRequest) -> bool:
    """Whether a request is refused for its options alone."""
    target = Target(
        cluster=request.cluster,
        nodes=labels_of(desk.nodes.of(request.cluster), request.nodes),
        channel=request.channel,
        options=request.options,
    )
    plain = target.model_copy(update={"options": DrainOptions()})
    return (
        bool(rights_needed(request.options))
        and isinstance(may(principal, Action.REQUEST, target, desk.policy), Denied)
        and isinstance(may(principal, Action.REQUEST, plain, desk.policy), Allowed)
    )
