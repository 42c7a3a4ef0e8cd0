"""The form that `/drain` alone opens: nodes, why, options; and what was filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages.blocks import section
from bot.messages.message import BlockDict
from bot.messages.modal_parts import (
    carried,
    chosen,
    input_block,
    modal,
    plain,
    text_input,
    typed,
)
from bot.messages.style import MRKDWN
from bot.messages.text import clip, count, label, size
from jobs.models import ClusterNode
from jobs.options import Flag

__all__ = [
    "CLUSTER",
    "FLAGS_FIELD",
    "NODES",
    "NODES_SELECT",
    "OPTIONS",
    "REASON",
    "REQUEST_MODAL",
    "TYPED",
    "RequestForm",
    "node_options",
    "read_request",
    "request_modal",
]

REQUEST_MODAL = "drainbot_request"
NODES_SELECT = "drainbot_nodes"
NODES, TYPED, CLUSTER, REASON = "nodes", "typed", "cluster", "reason"
OPTIONS, FLAGS_FIELD = "options", "flags"
_MOST_OPTIONS = 100  # of a select: https://docs.slack.dev/reference/block-kit/block-elements
_LONGEST_VALUE = 150
_SHOWN_LABELS = 3


@dataclass(frozen=True)
class RequestForm:
    """A form as it was filled in.

    `chosen` are values of :func:`node_options`; `switches` flags such as `--force`; `cluster` is
    that of typed names; `view` the form's own id, the same however often it is submitted.
    """

    chosen: tuple[str, ...] = ()
    typed: str = ""
    cluster: str = ""
    reason: str = ""
    switches: tuple[str, ...] = ()
    flags: str = ""
    channel: str = ""
    view: str = ""


def request_modal(
    cluster: str,
    clusters: Sequence[str],
    switches: Sequence[Flag],
    flags: Sequence[Flag],
    *,
    channel: str,
) -> BlockDict:
    """Return the form. `cluster` is the channel's own of all `clusters`.

    `switches` and `flags` are those that the person may use: without a value, and with one.
    """
    blocks = [section([f"What happens is told in {MRKDWN.person(channel)}."]), *_where()]
    if len(clusters) > 1:
        blocks.append(_cluster_field(cluster, clusters))
    blocks += [
        text_input(REASON, "Why", required=False, many_lines=True),
        _options_field(switches),
        text_input(
            FLAGS_FIELD,
            "Other flags",
            required=False,
            placeholder="--timeout=30m --canary=1 --soak=10m",
            hint=f"There are: {', '.join(f'--{flag.name}' for flag in flags)}." if flags else "",
        ),
    ]
    carries = {"ch": channel, "cl": cluster}
    return modal(REQUEST_MODAL, "Drain nodes", blocks, submit="Ask", carries=carries)


def read_request(view: Mapping[str, Any]) -> RequestForm:
    """Read a submission of :func:`request_modal` (the payload's `view`); never raises."""
    kept = carried(view)
    return RequestForm(
        chosen=chosen(view, NODES),
        typed=typed(view, TYPED),
        cluster=next(iter(chosen(view, CLUSTER)), "") or str(kept.get("cl", "")),
        reason=typed(view, REASON),
        switches=chosen(view, OPTIONS),
        flags=typed(view, FLAGS_FIELD),
        channel=str(kept.get("ch", "")),
        view=str(view.get("root_view_id") or view.get("id") or ""),
    )


def node_options(
    found: Mapping[str, tuple[Sequence[ClusterNode], int]],
) -> dict[str, list[BlockDict]]:
    """Return what the nodes' select offers, as Slack wants it.

    `found` has for each cluster the nodes that are shown, at most 100 in all, and how many match.
    Several clusters, or more nodes than are shown, are told in the headings of groups.
    """
    several = len(found) > 1
    shown = {cluster: nodes for cluster, (nodes, _) in found.items() if nodes}
    options = {
        cluster: [_option(cluster, node, several=several) for node in nodes]
        for cluster, nodes in shown.items()
    }
    whole = all(len(nodes) == total for nodes, total in found.values())
    if whole and not several:
        return {"options": [option for each in options.values() for option in each]}
    if not options:
        return {"options": []}
    return {
        "option_groups": [
            {"label": plain(_heading(cluster, len(each), found[cluster][1]), 75), "options": each}
            for cluster, each in options.items()
        ]
    }


def _where() -> list[BlockDict]:
    select: BlockDict = {
        "type": "multi_external_select",
        "action_id": NODES_SELECT,
        "min_query_length": 0,
        "placeholder": plain("Type a part of a name, or a label such as pool=blue", 150),
    }
    hint = "At most 100 are shown: type more of the name."
    return [
        input_block(NODES, "Nodes", select, hint=hint),
        text_input(
            TYPED,
            "Or type them",
            required=False,
            many_lines=True,
            longest=3000,
            placeholder="node-1 node-2, or all that have labels such as pool=blue",
        ),
    ]


def _cluster_field(cluster: str, clusters: Sequence[str]) -> BlockDict:
    named = [cluster, *(each for each in clusters if each != cluster)] if cluster else [*clusters]
    options = [{"text": plain(each, 75), "value": each} for each in named[:_MOST_OPTIONS]]
    select: BlockDict = {"type": "static_select", "action_id": "value", "options": options}
    if cluster:
        select["initial_option"] = options[0]
    return input_block(CLUSTER, "Cluster of the names that are typed", select)


def _options_field(switches: Sequence[Flag]) -> BlockDict:
    boxes: BlockDict = {
        "type": "checkboxes",
        "action_id": "value",
        "options": [
            {
                "text": plain(f"--{flag.name}", 75),
                "value": f"--{flag.name}",
                "description": plain(flag.help, 75),
            }
            for flag in switches
        ],
    }
    return input_block(OPTIONS, "Options", boxes)


def _option(cluster: str, node: ClusterNode, *, several: bool) -> BlockDict:
    value = f"{cluster}/{node.name}"
    if len(value) > _LONGEST_VALUE:
        value = f"{cluster}/uid:{node.uid}"  # no node's name has a colon
    name = f"{cluster}/{node.name}" if several else node.name
    option: BlockDict = {"text": plain(_middle_out(name, 75), 75), "value": value}
    state = _state(node)
    return {**option, "description": plain(state, 75)} if state else option


def _middle_out(name: str, limit: int) -> str:
    """Shorten a name in its middle: nodes' names differ at their ends."""
    if size(name) <= limit:
        return name
    return f"{name[: limit // 2]}…{name[-(limit // 2) :]}"


def _state(node: ClusterNode) -> str:
    said = [node.mode] if node.mode != "accepting" else []
    said += ["cordoned"] if node.cordoned and not said else []
    said += ["not ready"] if not node.ready else []
    own = [f"{key}={value}" for key, value in sorted(node.labels.items()) if "/" not in key]
    return label(" · ".join([*said, " ".join(own[:_SHOWN_LABELS])]).strip(" ·"), 75)


def _heading(cluster: str, shown: int, total: int) -> str:
    if shown == total:
        return clip(f"{cluster}: {count(total, 'node')}", 75)
    return clip(f"{cluster}: {shown} of {total} nodes, type more of the name", 75)
