"""What is photographed: messages, dialogs and home tabs of golden files; pure but for reading."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

__all__ = ["GOLDEN", "IMAGES", "Kind", "Surface", "drawable", "of_the_documents", "surfaces_of"]

Json = dict[str, Any]
Kind = Literal["message", "modal", "home"]

_ROOT = Path(__file__).parents[2]
GOLDEN = _ROOT / "tests" / "bot" / "messages" / "golden"
IMAGES = _ROOT / "docs" / "images"
_SHOWN = {
    "approval-q_approval": "request",
    "blocked-parent": "progress",
    "blocked-q_node_17_block": "block",
    "modals-force": "force",
    "drained-finish": "finish",
    "life_fence_lost-q_node_17_fence_lost": "fence-lost",
    "home": "home",
}
_NO_SURFACE = {"pages"}  # JSON for pagers, not for Slack
_DATE = re.compile(r"<!date\^\d+\^[^|<>]*\|([^<>]*?)(?: UTC)?>")
_DAY = re.compile(r"<!date\^\d+\^\{date_short_pretty\}[^|<>]*\|[\d-]+ ([\d:]+)[^<>]*>")
_GROUP = re.compile(r"<!subteam\^S0(\w+)>")
_CHANNEL = re.compile(r"<#\w+>")
_GROUPS = {"SRE": "@sre", "ONCALL": "@sre-oncall", "PAY": "@payments"}


@dataclass(frozen=True)
class Surface:
    """One of them, named after its golden file and what it is there."""

    name: str
    kind: Kind
    view: Json


def surfaces_of(file: Path) -> list[Surface]:
    """Return what a golden file holds, in its order; log lines of a thread are left out."""
    if file.stem in _NO_SURFACE:
        return []
    found = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(found, list):
        several = [one for one in found if not str(one.get("key", "")).startswith("log:")]
        return [_surface(file.stem, number, one) for number, one in enumerate(several)]
    if found.get("type") == "home":
        return [Surface(file.stem, "home", found)]
    return [Surface(f"{file.stem}-{name}", "modal", view) for name, view in found.items()]


def of_the_documents() -> list[Surface]:
    """Return those that docs/messages.md shows, named after what they show."""
    files = dict.fromkeys(GOLDEN / f"{name.split('-')[0]}.json" for name in _SHOWN)
    by_name = {surface.name: surface for file in files for surface in surfaces_of(file)}
    return [replace(by_name[name], name=shown) for name, shown in _SHOWN.items()]


def _surface(stem: str, number: int, one: Json) -> Surface:
    if one.get("type") == "home":
        return Surface(f"{stem}-{number}", "home", one)
    key = re.sub(r"\W+", "_", str(one["key"]))
    return Surface(f"{stem}-{key}", "message", one)


def drawable(view: Json) -> Json:
    """Return blocks and all with what the local Slack does not draw as Slack shows it.

    Those are moments, user groups and names of channels.
    """
    words = json.dumps(view, ensure_ascii=False)
    words = _DAY.sub(r"today at \1", words)
    words = _DATE.sub(r"\1", words)
    words = _GROUP.sub(lambda found: _GROUPS.get(found[1], "@group"), words)
    return dict(json.loads(_CHANNEL.sub("#ops", words)))
