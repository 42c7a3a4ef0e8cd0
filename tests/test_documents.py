"""The documents are true: what they name exists, and what exists is named.

`UPDATE_DOCS=1` writes docs/settings.md anew.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import typer.main
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup

from bot.cli import app
from bot.settings import BotSettings, ClientSettings, Settings, WorkerSettings, all_fields
from jobs.drain import fence

ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / "docs" / "settings.md"
FRONT = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
DOCUMENTS = [*FRONT, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ONE_SCREEN = 70  # lines
NO_SETTINGS = {"DRAINBOT_"}
USERS: tuple[tuple[str, type[Settings]], ...] = (
    ("bot", BotSettings),
    ("worker", WorkerSettings),
    ("other commands", ClientSettings),
)
TOP = tuple(f"{p.name}/" for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith("."))

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# -- what the documents name -------------------------------------------------------------------


def links(text: str) -> list[str]:
    return [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]


def code(text: str) -> list[str]:
    """What stands in backticks, and each line of a fenced block."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", rest)]
    return inline + [line for block in blocks for line in block.splitlines()]


def missing_links(text: str, folder: Path) -> list[str]:
    local = [link for link in links(text) if link and "://" not in link]
    return [link for link in local if not (folder / link).exists()]


def missing_paths(text: str) -> list[str]:
    """Paths in backticks that begin with one of our folders and are not there."""
    words = [word for piece in code(text) for word in piece.split() if word.startswith(TOP)]
    return [word for word in words if not (ROOT / word.rstrip(".,:;").rstrip("/")).exists()]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", read(ROOT / "Makefile"), re.MULTILINE))


def unknown_targets(text: str) -> list[str]:
    named = re.findall(r"(?:^|[\s`=])make ([a-z]\w*)", "\n".join(code(text)))
    return [target for target in named if target not in make_targets()]


def cli() -> TyperGroup:
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def unknown_commands(text: str) -> list[str]:
    """Commands of ours in backticks that the command line does not have."""
    return [line for line in code(text) for _ in _unknown(line)]


def _unknown(line: str) -> Iterator[str]:
    for words in re.findall(r"(?:^|\s)drainbot((?: [\w.-]+)+)", line):
        first, *rest = words.split()
        command = cli().commands.get(first)
        if command is None and first != "--help":
            yield words
        if isinstance(command, TyperGroup) and rest and rest[0] not in command.commands:
            yield words


def variables(text: str) -> set[str]:
    named = re.findall(r"\b(?:DRAINBOT|SLACK)_[A-Z_]*\b|\bKUBECONFIG\b", text)
    return set(named) - NO_SETTINGS


# -- the tests -----------------------------------------------------------------------------------


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    missing = missing_links(read(document), document.parent)
    assert missing == []


@every_document
def test_every_path_that_is_named_exists(document: Path) -> None:
    assert missing_paths(read(document)) == []


@every_document
def test_every_target_that_is_named_is_in_the_makefile(document: Path) -> None:
    assert unknown_targets(read(document)) == []


@every_document
def test_every_command_that_is_named_is_on_the_command_line(document: Path) -> None:
    assert unknown_commands(read(document)) == []


@every_document
def test_every_variable_that_is_named_is_a_setting(document: Path) -> None:
    assert variables(read(document)) <= {name for name, _ in all_fields()}


def test_the_changelog_names_every_command() -> None:
    text = read(ROOT / "CHANGELOG.md")
    for name in set(cli().commands) - {"bot", "worker", "policy"}:
        assert re.search(rf"`(drainbot )?{name}`", text), name


@pytest.mark.parametrize("document", FRONT, ids=lambda path: path.name)
def test_what_is_read_first_fits_on_a_screen(document: Path) -> None:
    lines = read(document).splitlines()
    assert len(lines) <= ONE_SCREEN
    assert max(map(len, lines)) <= 110


def test_the_two_commands_stand_in_the_readme() -> None:
    assert {"make demo", "make test"} <= {
        line.split("#")[0].strip() for line in code(read(FRONT[0]))
    }


def test_the_license_is_apache_2_0_in_full() -> None:
    text = read(ROOT / "LICENSE")
    assert "Version 2.0, January 2004" in text
    for number in range(1, 10):
        assert re.search(rf"^   {number}\. ", text, re.MULTILINE)
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_keys_of_the_architecture_are_those_that_the_scripts_document() -> None:
    common = read(ROOT / "jobs" / "durable" / "lua" / "_common.lua")
    documented = set(
        re.findall(r"^--   ([a-z][\w:<>]*(?:, [a-z]\w*)*) +\w+ ", common, re.MULTILINE)
    )
    names = {name for entry in documented for name in entry.split(", ")}
    assert len(names) > 10
    text = read(ROOT / "docs" / "architecture.md")
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_the_marks_on_nodes_are_those_of_the_code() -> None:
    marks = {fence.TOKEN, *fence.OWN}
    text = read(ROOT / "docs" / "architecture.md")
    assert set(re.findall(r"drainbot\.dev/[\w-]+", text)) == marks


def settings_table() -> str:
    """docs/settings.md, made from the models."""
    lines = [
        "# Settings",
        "",
        "By environment variable. Made from `bot/settings.py`; `drainbot --help` says the same.",
        "",
        "| variable | for | meaning | default |",
        "|---|---|---|---|",
    ]
    for variable, field in all_fields():
        users = [name for name, kind in USERS if variable in dict(all_fields(kind))]
        who = "all" if len(users) == len(USERS) else ", ".join(users)
        if field.default is PydanticUndefined:
            default = "required"
        else:
            default = "" if field.default in {None, ""} else f"`{field.default}`"
        lines.append(f"| `{variable}` | {who} | {field.description} | {default} |")
    return "\n".join(lines) + "\n"


def test_the_settings_are_documented_as_they_are() -> None:
    if os.environ.get("UPDATE_DOCS"):
        SETTINGS.write_text(settings_table(), encoding="utf-8")
    assert read(SETTINGS) == settings_table()
    assert variables(read(SETTINGS)) == {name for name, _ in all_fields()}


@pytest.mark.parametrize(
    ("find", "planted", "found"),
    [
        (unknown_targets, "`make tea`", "tea"),
        (unknown_targets, "```sh\nmake lunch X=1\n```", "lunch"),
        (unknown_commands, "`drainbot dance node-1`", "drainbot dance node-1"),
        (unknown_commands, "`drainbot policy\n  burn FILE`", "drainbot policy burn FILE"),
        (missing_paths, "see `jobs/nowhere.py`", "jobs/nowhere.py"),
        (variables, "set `DRAINBOT_MOOD`", "DRAINBOT_MOOD"),
        (lambda text: missing_links(text, ROOT), "[x](docs/none.md#there)", "docs/none.md"),
    ],
)
def test_what_is_wrong_in_a_document_is_found(
    find: Callable[[str], Iterable[str]], planted: str, found: str
) -> None:
    assert list(find(planted)) == [found]
