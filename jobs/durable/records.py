"""What Redis holds of a workflow and a question, read into frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Token:
    """The fencing token of an activation: every write carries it."""

    group: str
    id: str
    epoch: int
    nonce: str

    def arguments(self) -> dict[str, Any]:
        """Return it as the scripts want it."""
        return {"group": self.group, "id": self.id, "epoch": self.epoch, "nonce": self.nonce}


@dataclass(frozen=True)
class Flag:
    """An abort, a pause or a freeze: who, when (ms), why."""

    by: str
    at: int
    reason: str

    @classmethod
    def read(cls, raw: str | None) -> "Flag | None":
        """Read the stored form; None or an empty text is no flag."""
        if not raw:
            return None
        stored = json.loads(raw)
        return cls(stored["by"], int(stored["at"]), stored["reason"])


@dataclass(frozen=True)
class Flags:
    """The flags of a workflow; `freeze` is its whole group's."""

    abort: Flag | None = None
    pause: Flag | None = None
    freeze: Flag | None = None

    @property
    def held(self) -> bool:
        """Whether nothing new may begin: paused, or frozen."""
        return self.pause is not None or self.freeze is not None

    @classmethod
    def read(cls, reply: Mapping[str, Any]) -> "Flags":
        """Read them from a script's reply or a workflow's hash."""
        return cls(*(Flag.read(reply.get(flag)) for flag in ("abort", "pause", "freeze")))


@dataclass(frozen=True)
class FreezeRecord:
    """A freeze of the whole group, and who ended it: None while it lasts. Evidence is opaque."""

    frozen: Flag
    evidence: str = ""
    thawed: Flag | None = None
    thaw_evidence: str = ""

    @classmethod
    def read(cls, freeze: str, thaw: str | None = None) -> "FreezeRecord":
        """Read the stored forms."""
        frozen = Flag.read(freeze)
        if frozen is None:
            raise ValueError("a freeze without a word of who froze")
        evidence = json.loads(freeze).get("evidence") or ""
        ended = (json.loads(thaw).get("evidence") or "") if thaw else ""
        return cls(frozen, evidence, Flag.read(thaw), ended)


@dataclass(frozen=True)
class StepRecord:
    """A stored step: `status` is ok, failed or aborted; `value` is JSON text.

    Of a wait `won` names what fired, and `questions` gives the ids of those asked, by their names.
    """

    fingerprint: str
    status: str
    value: str | None
    at: int
    won: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, raw: str) -> "StepRecord":
        """Read the stored form."""
        stored = json.loads(raw)
        return cls(
            stored["fp"], stored["status"], stored.get("value"), int(stored["at"]),
            stored.get("won", ""), stored.get("questions") or {},
        )  # fmt: skip


@dataclass(frozen=True)
class WorkflowRecord:
    """A workflow as it stands. Times in ms since the epoch; `view` and `progress` are JSON.

    `given_up` says that a person aborted it when it was stuck.
    """

    group: str
    id: str
    name: str
    state: str
    epoch: int
    input: Any
    root: str
    parent: str | None
    created: int
    ended: int
    generation: int
    version: int
    old_lease: int
    flags: Flags
    view: Any
    progress: Any
    result: Any
    crash: str
    owner: str
    log_base: int
    given_up: bool

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.state in {"done", "failed", "aborted"}

    @classmethod
    def read(cls, group: str, id: str, raw: Mapping[str, str]) -> "WorkflowRecord":
        """Read a workflow's hash."""
        return cls(
            group=group,
            id=id,
            name=raw["name"],
            state=raw["state"],
            epoch=int(raw["epoch"]),
            input=json.loads(raw["input"]),
            root=raw["root"],
            parent=raw.get("parent"),
            created=int(raw["created"]),
            ended=int(raw.get("ended", 0)),
            generation=int(raw["generation"]),
            version=int(raw.get("version", 0)),
            old_lease=int(raw.get("old_lease", 0)),
            flags=Flags.read(raw),
            view=json.loads(raw.get("view", "null")),
            progress=json.loads(raw.get("progress", "null")),
            result=json.loads(raw.get("result", "null")),
            crash=raw.get("crash", ""),
            owner=raw.get("owner", ""),
            log_base=int(raw.get("log_base", 0)),
            given_up="given_up" in raw,
        )


@dataclass(frozen=True)
class Member:
    """A workflow that waits for a question, or that `left` it; and what it asks (JSON)."""

    workflow: str
    payload: Any
    left: bool = False


@dataclass(frozen=True)
class QuestionRecord:
    """A question as it stands. Votes and waits as stored: `{choice, by, at, note…}`.

    `members` are those that it was asked of, the first at first: more than one where one cause
    keeps several waiting. `workflow` and `payload` are those of the first that still waits.
    """

    group: str
    id: str
    workflow: str
    root: str
    kind: str
    state: str
    payload: Any
    members: tuple[Member, ...]
    choices: tuple[str, ...]
    votes_needed: Mapping[str, int]
    roles_needed: Mapping[str, Mapping[str, int]]
    votes: tuple[Mapping[str, Any], ...]
    waits: tuple[Mapping[str, Any], ...]
    reminded: tuple[str, ...]
    opened_at: int
    stop_at: int
    winner: Mapping[str, Any] | None
    closed_because: str
    closed_at: int
    superseded_by: str
    superseded_because: str
    version: int

    @classmethod
    def read(cls, group: str, id: str, raw: Mapping[str, str]) -> "QuestionRecord":
        """Read a question's hash."""
        members = _members(raw)
        return cls(
            group=group,
            id=id,
            workflow=raw["wf"],
            root=raw["root"],
            kind=raw["kind"],
            state=raw["state"],
            payload=next(m.payload for m in members if m.workflow == raw["wf"]),
            members=members,
            choices=tuple(json.loads(raw["choices"])),
            votes_needed=json.loads(raw["votes_needed"]),
            roles_needed=json.loads(raw.get("roles_needed", "{}")),
            votes=tuple(json.loads(raw["votes"])),
            waits=tuple(json.loads(raw["waits"])),
            reminded=tuple(json.loads(raw["reminded"])),
            opened_at=int(raw["opened_at"]),
            stop_at=int(raw["stop_at"]),
            winner=json.loads(raw["winner"]) if "winner" in raw else None,
            closed_because=raw.get("closed_because", ""),
            closed_at=int(raw.get("closed_at", 0)),
            superseded_by=raw.get("superseded_by", ""),
            superseded_because=raw.get("superseded_because", ""),
            version=int(raw["version"]),
        )


def _members(raw: Mapping[str, str]) -> tuple[Member, ...]:
    stored = json.loads(raw["members"]) if "members" in raw else [{"wf": raw["wf"]}]
    return tuple(
        Member(
            workflow=each["wf"],
            payload=json.loads(raw.get(f"payload|{each['wf']}", raw["payload"])),
            left=bool(each.get("left")),
        )
        for each in stored
    )
