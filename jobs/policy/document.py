"""A YAML file that people write: read into plain data, and every mistake given its line.

The nodes are composed and walked here, not loaded, because a loaded mapping has lost its lines
and silently keeps the last of two equal keys. Only YAML's plain types pass (the safe loader's).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jobs.errors import ConfigError
from jobs.ids import quoted

__all__ = ["Document", "FileError", "Location", "Mistake", "key_of", "read_document", "read_text"]

Location = tuple[str | int, ...]  # the keys and indices that lead to a value

_TAG = "tag:yaml.org,2002:"
_PLAIN = {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null")}
# Aliases may repeat a part; a small file that unfolds into more than this is an accident or worse.
_MOST_VALUES = 50_000


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake: the line (from 1), the key such as `rules[0].approve.votes`, and the words."""

    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}"
        return f"{where}, {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class FileError(ConfigError):
    """A file that people write has mistakes; `mistakes` holds all of them, by line.

    Without any, the file itself could not be read, and the text says why.
    """

    def __init__(self, summary: str, mistakes: Iterable[Mistake] = ()) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n  ".join((summary, *map(str, self.mistakes))))


@dataclass(slots=True)
class Document:
    """The data of a file, the line of each value, and the mistakes of the YAML itself."""

    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, where: Location) -> int:
        """Return the line of the value there, or of the nearest value around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def wrong(self, where: Location, message: str) -> None:
        """Note a mistake; a second one about the same value adds nothing for the reader."""
        mistake = Mistake(self.line(where), key_of(where), message)
        if all((known.line, known.key) != (mistake.line, mistake.key) for known in self.mistakes):
            self.mistakes.append(mistake)


def key_of(where: Location) -> str:
    """Return a location as people write it: `rules[0].approve.votes`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".")


def read_text(path: Path, error: type[FileError], hint: str) -> str:
    """Return a file's text, or raise `error` with why not and `hint`, what to do about it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise error(f"{path} can't be read: {problem.strerror}. {hint}") from problem
    except UnicodeDecodeError as problem:
        raise error(f"{path} can't be read: it is not UTF-8 text. {hint}") from problem


def read_document(text: str) -> Document:
    """Read YAML. Never raises: what is wrong with it is in `mistakes`."""
    document = Document()
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            document.data = _Walk(loader, document).value(root, ())
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        said = ": ".join(filter(None, (problem.context, problem.problem)))
        line = mark.line + 1 if mark else 1
        document.mistakes.append(Mistake(line, "", f"this is not YAML: {said}"))
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        document.mistakes.append(Mistake(line, "", f"this is not YAML: {problem.reason}"))
    except RecursionError:
        document.mistakes.append(Mistake(1, "", "it is nested too deeply"))
    return document


class _Walk:
    """Turns nodes into data once, keeping the line of each."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._around: list[yaml.Node] = []
        self._seen = 0

    def value(self, node: yaml.Node, where: Location) -> Any:
        self._document.lines.setdefault(where, node.start_mark.line + 1)
        self._seen += 1
        if self._seen > _MOST_VALUES or any(node is outer for outer in self._around):
            self._document.wrong(where, "an alias that unfolds without end; write it out")
            return None
        self._around.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self._mapping(node, where)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return [self.value(item, (*where, i)) for i, item in enumerate(node.value)]
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node, where)
        finally:
            self._around.pop()
        self._document.wrong(where, f"{quoted(node.tag)} has no meaning here; remove the tag")
        return None

    def _mapping(self, node: yaml.MappingNode, where: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != f"{_TAG}str":
                name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "…"
                said = f"{quoted(name)} is not text; a key that YAML takes for another type "
                self._document.mistakes.append(
                    Mistake(line, key_of(where), f"{said}needs quotes, and << is not understood")
                )
                continue
            key = key_node.value.encode("utf-8", "replace").decode()
            if key in data:
                first = self._document.line((*where, key))
                said = f"the key stands here twice; the first is on line {first}"
                self._document.mistakes.append(Mistake(line, key_of((*where, key)), said))
                continue
            self._document.lines[(*where, key)] = line
            data[key] = self.value(value_node, (*where, key))
        return data

    def _scalar(self, node: yaml.ScalarNode, where: Location) -> Any:
        if any("\ud800" <= char <= "\udfff" for char in node.value):  # half of a character
            self._document.wrong(where, f"{quoted(node.value)} is broken text")
            return None
        if node.tag == f"{_TAG}timestamp":  # nothing here is a date: 2026-01-02 is a label's text
            return node.value
        if node.tag not in _PLAIN:
            self._document.wrong(where, f"{quoted(node.tag)} has no meaning here; remove the tag")
            return None
        try:
            return self._loader.construct_object(node)
        except ValueError:  # such as `!!int many`, or more digits than Python reads
            self._document.wrong(where, f"{quoted(node.value)} can't be read")
            return None
