"""A node's mode as annotations, for workloads that can see the Node and not Redis.

`drainbot.dev/mode-seq` counts the changes. It **stays on the node when the others go**, as the
token does (:mod:`jobs.drain.fence`): else who looks now and then would take a drain that came and
went for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION, PREFIX, TOKEN, Patch, readable, token_of
from jobs.modes import Mode

MODE = PREFIX + "mode"
MODE_SINCE = PREFIX + "mode-since"
MODE_BY = PREFIX + "mode-by"
MODE_WHY = PREFIX + "mode-why"
MODE_SEQ = PREFIX + "mode-seq"
_LONGEST_WHY = 500  # characters: all annotations of an object together may have 256 KiB


@dataclass(frozen=True, slots=True)
class ModeShown:
    """A mode as a node shows it, after `seq` changes; `since` in ms since the epoch."""

    mode: str
    seq: int
    since: int = 0
    by: str = ""
    why: str = ""


def mode_marks(shown: ModeShown) -> dict[str, str | None]:
    """Return the annotations to write; None removes one. An accepting node keeps the count only."""
    seq = {MODE_SEQ: str(shown.seq)}
    if shown.mode == Mode.ACCEPTING:
        return {MODE: None, MODE_SINCE: None, MODE_BY: None, MODE_WHY: None, **seq}
    return {
        MODE: shown.mode,
        MODE_SINCE: readable(shown.since),
        MODE_BY: shown.by or None,
        MODE_WHY: shown.why[:_LONGEST_WHY] or None,
        **seq,
    }


def mode_patch(
    node: Node, shown: ModeShown, *, uid: str, token: int, owner: str, before: str
) -> Patch | None:
    """Decide what to write so that a node shows its mode; None where nothing is to be written.

    It is told by what the record of the node says, under its counter: `owner` has the node, and
    had it from `before`, whose mark becomes the owner's. Nothing is written on another node of that
    name, or over another's mark or a higher counter.
    """
    marked = node.annotations.get(OPERATION, "")
    if node.uid != uid or token_of(node) > token or marked not in {"", owner, before}:
        return None
    taken_over = {OPERATION: owner} if owner and marked and marked != owner else {}
    if not taken_over and mode_shown(node.annotations) == (shown.mode, shown.seq):
        return None
    marks = {
        key: value
        for key, value in mode_marks(shown).items()
        if value is not None or key in node.annotations
    }
    return Patch(node.resource_version, {**marks, **taken_over, TOKEN: str(token)})


def given_back(node: Node, patch: Patch) -> Patch:
    """Return the patch that gives a node back, with its mode gone too: it accepts from then on."""
    mode, seq = mode_shown(node.annotations)
    if MODE not in node.annotations or seq < 0:
        return patch
    steps = 1 if mode == Mode.RETURNING else 2  # every other mode goes by way of returning
    gone = dict.fromkeys(k for k in (MODE, MODE_SINCE, MODE_BY, MODE_WHY) if k in node.annotations)
    return replace(patch, annotations={**patch.annotations, **gone, MODE_SEQ: str(seq + steps)})


def mode_shown(annotations: Mapping[str, str]) -> tuple[str, int]:
    """Return the mode that annotations show, and how many changes led there.

    A node without them is accepting, after none. A count that is no number makes the mode one that
    nobody knows, so that whoever reads it halts.
    """
    mode = annotations.get(MODE, Mode.ACCEPTING.value)
    seq = annotations.get(MODE_SEQ, "0")
    if not (seq.isascii() and seq.isdigit()):
        return f"{mode}, {MODE_SEQ}={seq}", -1
    return mode, int(seq)
