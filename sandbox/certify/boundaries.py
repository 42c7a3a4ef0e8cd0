"""What a boundary is, and how one is known again in the next run; pure.

Ids, hosts, pids and chance differ from run to run: what is left of a command when these are taken
out is its shape.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "Boundary",
    "Phase",
    "kubernetes_shape",
    "redis_shape",
    "slack_shape",
    "without_chance",
]

Phase = Literal["before", "after"]

# In this order: a question's id looks like an operation's with more behind it.
_CHANCE = (
    (re.compile(r"drainbot-(slot|keeper|watcher|client)-[\w.-]+"), r"\1"),
    (re.compile(r"demo-q-[0-9a-z]{12}"), "QUESTION"),
    (re.compile(r"demo-[0-9a-z]{6}(?![0-9a-z-]*\.)(?=\W|-|$)"), "OP"),
    (re.compile(r"demo-[0-9a-z]{6}"), "OP"),
    (re.compile(r"rq:job:OP[-0-9]*"), "rq:job:OP"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UID"),
)
_KEYLESS = frozenset({"CLIENT", "INFO", "TIME", "PING", "SCRIPT", "CONFIG"})
_WAITING = frozenset({"BLMOVE", "XREAD"})
_LONGEST = 90


@dataclass(frozen=True, order=True)
class Boundary:
    """One place to die at.

    `process` is supervisor, slot, keeper, watcher or bot; `client` redis, kubernetes or slack;
    `shape` what was asked, without chance; `site` the nearest code of ours that asked; `step` the
    workflow's name and step where a slot ran one; `phase` before it is sent or after its answer.
    """

    process: str
    client: str
    shape: str
    site: str
    step: str
    phase: Phase

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Boundary":
        """Read one that a process has noted."""
        return cls(**{name: raw[name] for name in cls.__dataclass_fields__})

    def __str__(self) -> str:
        at = f" in {self.step}" if self.step else ""
        return f"{self.process}: {self.phase} {self.client} {self.shape} at {self.site}{at}"


def without_chance(text: str) -> str:
    """Return a text with what differs from run to run taken out of it."""
    for pattern, word in _CHANCE:
        text = pattern.sub(word, text)
    return text


def redis_shape(command: Sequence[Any], *, script: str = "", answer: Any = None) -> str:
    """Return the shape of a command; `script` is the name of the Lua script that it runs.

    `answer` is looked at where a command waits for something to happen: what comes after "nothing"
    is another place than what comes after something.
    """
    name = _text(command[0]).upper()
    if script:
        return f"script {script}"
    words = [name]
    if name in {"EVALSHA", "EVAL"}:
        words = ["script", *map(_text, command[3:4])]
    elif name.startswith("SCRIPT"):
        pass  # its text is no place
    elif name == "XREAD":
        words.append(_after(command, "STREAMS"))
    elif name in _KEYLESS:
        words += [_text(part) for part in command[1:2] if isinstance(part, str)]
    elif len(command) > 1:
        words.append(_text(command[1]))
    shape = without_chance(" ".join(words))[:_LONGEST]
    if name in _WAITING and answer is not None:
        return f"{shape} → {'something' if answer else 'nothing'}"
    return shape


def kubernetes_shape(method: str, path: str, query: Mapping[str, str] | None) -> str:
    """Return the shape of a request: pods by name, because the story's keep theirs."""
    asked = query or {}
    verb = "WATCH" if asked.get("watch") else method
    chosen = asked.get("fieldSelector", "")
    return without_chance(f"{verb} {path}{f' {chosen}' if chosen else ''}")[:_LONGEST]


def slack_shape(method: str, arguments: Mapping[str, Any]) -> str:
    """Return the shape of a call: which message it is, by the key in its metadata."""
    metadata = arguments.get("metadata")
    payload = metadata.get("event_payload", {}) if isinstance(metadata, Mapping) else {}
    key = str(payload.get("key", ""))
    in_thread = " (thread)" if arguments.get("thread_ts") and not key else ""
    return without_chance(f"{method} {key}".strip() + in_thread)[:_LONGEST]


def _after(command: Sequence[Any], word: str) -> str:
    texts = [_text(part) for part in command]
    found = [index for index, text in enumerate(texts) if text.upper() == word]
    return texts[found[0] + 1] if found and found[0] + 1 < len(texts) else ""


def _text(part: Any) -> str:
    return part.decode(errors="replace") if isinstance(part, bytes) else str(part)
