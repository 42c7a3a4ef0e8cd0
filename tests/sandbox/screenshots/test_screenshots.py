"""Pictures of what people read: of every golden file, as the local Slack draws it."""

import shutil
from pathlib import Path

import pytest

from sandbox.local_slack import LocalSlackMissingError, install
from sandbox.screenshots.camera import CHROMIUM, WIDTHS, camera
from sandbox.screenshots.surfaces import (
    GOLDEN,
    IMAGES,
    drawable,
    of_the_documents,
    surfaces_of,
)

LARGEST = 200_000  # bytes of a picture in the documents


def test_every_golden_file_of_slack_has_pictures_by_names_of_their_own() -> None:
    found = [surface for file in sorted(GOLDEN.glob("*.json")) for surface in surfaces_of(file)]
    names = [surface.name for surface in found]
    assert len(set(names)) == len(names)
    assert {surface.kind for surface in found} == {"message", "modal", "home"}
    seen = {name.split("-")[0] for name in names}
    assert {file.stem for file in GOLDEN.glob("*.json")} - seen == {"pages"}


def test_the_pictures_of_the_documents_are_there_and_small() -> None:
    wanted = {f"{surface.name}-{w}.png" for surface in of_the_documents() for w in WIDTHS}
    there = {file.name: file.stat().st_size for file in IMAGES.glob("*.png")}
    assert wanted | {"demo.png"} == set(there)
    assert max(there.values()) < LARGEST


def test_moments_groups_and_channels_are_drawn_as_slack_shows_them() -> None:
    text = (
        "<!subteam^S0SRE> in <#C01OPS> at <!date^1789999740^{time}|14:09 UTC>, since "
        "<!date^1789999740^{date_short_pretty} at {time}|2026-09-21 14:09 UTC>, says <@U01ANA>"
    )
    shown = drawable({"text": text})["text"]
    assert shown == "@sre in #ops at 14:09, since today at 14:09, says <@U01ANA>"


def test_a_message_a_dialog_and_a_home_tab_are_photographed_in_two_widths(tmp_path: Path) -> None:
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"there is no {CHROMIUM} (Debian: apt-get install chromium)")
    try:
        install()
    except LocalSlackMissingError as error:
        pytest.skip(str(error))
    by_kind = {surface.kind: surface for surface in of_the_documents()}
    with camera() as taking:
        for surface in by_kind.values():
            wide, narrow = (_width(file) for file in taking.take(surface, tmp_path))
            assert narrow <= WIDTHS["phone"] < wide <= WIDTHS["desktop"]


def _width(file: Path) -> int:
    head = file.read_bytes()[:24]
    assert head.startswith(b"\x89PNG"), file
    return int.from_bytes(head[16:20], "big")
