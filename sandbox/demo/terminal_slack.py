"""Slack as text: messages with numbered buttons, commands typed, forms asked line by line.

It stands in for the browser where the local Slack can't be had, on the sandbox's own Slack.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.demo.keys import TypingError
from sandbox.demo.live_dates import DATE, moment
from sandbox.slack import Delivery, PersonError, Slack, Workspace
from sandbox.slack.blockkit import elements_of

__all__ = ["Form", "TerminalSlack", "buttons_of", "called", "changed", "plain", "rendered"]

Json = dict[str, Any]
Names = Mapping[str, str]

_TOKEN = re.compile(r"<([^<>]*)>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_BACK = "back"


def plain(text: str, names: Names) -> str:
    """Return mrkdwn as a terminal shows it: people by name, moments in local time, no markup."""
    bare = _BOLD.sub(
        r"\1", _TOKEN.sub(lambda match: _token(match[1], names), DATE.sub(moment, text))
    )
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(inside: str, names: Names) -> str:
    target, _, label = inside.partition("|")
    kind, key = target[:1], target[1:].removeprefix("subteam^")
    if kind in {"@", "#", "!"}:
        return f"{'#' if kind == '#' else '@'}{label.lstrip('@#') or names.get(key, key)}"
    return label or target


def buttons_of(blocks: Sequence[Json]) -> list[Json]:
    """Return the buttons of a message, in the order in which they are shown."""
    return [one for block in blocks for one in elements_of(block) if one["type"] == "button"]


def called(button: Json, blocks: Sequence[Json]) -> str:
    """Return what tells a button from the others: its action_id, or its text where that is shared.

    An action_id is alone in its block only.
    """
    ids = [one["action_id"] for one in buttons_of(blocks)]
    action = str(button["action_id"])
    return action if ids.count(action) == 1 else str(button["text"]["text"])


def rendered(blocks: Sequence[Json], names: Names, numbers: Mapping[str, int]) -> list[str]:
    """Return a message's lines; `numbers` has each button's, by what it is :func:`called`."""
    lines: list[str] = []
    for block in blocks:
        match block["type"]:
            case "header":
                lines.append(f"# {block['text']['text']}")
            case "section":
                lines += plain(block.get("text", {}).get("text", ""), names).splitlines()
            case "context":
                words = " ".join(one.get("text", "") for one in block["elements"])
                lines.append(f"({plain(words, names)})")
            case "divider":
                lines.append("---")
            case _:
                pass
        shown = [
            f"[{numbers[called(one, blocks)]}] {one['text']['text']}"
            for one in buttons_of([block])
            if called(one, blocks) in numbers
        ]
        if shown:
            lines.append("  ".join(shown))
    return lines


def changed(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the lines that are new, without those that only tell the time (`as of …`)."""
    old = set(before)
    return [line for line in now if line not in old and "as of " not in line]


@dataclass
class Form:
    """An open modal, asked line by line. `answers` go by block_id; "" is left out."""

    title: str
    inputs: list[tuple[str, str]]
    required: frozenset[str]
    answers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, view: Json) -> "Form":
        """Return the form of a modal as `Slack.modals` shows it."""
        blocks = [block for block in view["blocks"] if block["type"] == "input"]
        return cls(
            title=view["title"]["text"],
            inputs=[(block["block_id"], block["label"]["text"]) for block in blocks],
            required=frozenset(b["block_id"] for b in blocks if not b.get("optional")),
        )

    @property
    def asks(self) -> str:
        """What is to be typed next, or "" when all is filled in."""
        for id, label in self.inputs:
            if id not in self.answers:
                return f"{label}{'' if id in self.required else ' (or just Enter)'}:"
        return ""

    def take(self, line: str) -> str:
        """Take an answer; returns what is wrong with it, or ""."""
        id, label = next((id, label) for id, label in self.inputs if id not in self.answers)
        if not line and id in self.required:
            return f"{label}: this is needed."
        self.answers[id] = line
        return ""

    def again(self, errors: Mapping[str, str]) -> list[str]:
        """Ask again what was wrong; returns what to say of it."""
        for id in errors:
            self.answers.pop(id, None)
        return [str(error) for error in errors.values()]


class TerminalSlack:
    """One person at a time in one channel. Not for several threads."""

    def __init__(self, slack: Slack, workspace: Workspace, channel: str) -> None:
        self._slack = slack
        self._channel = channel
        self._people = [user.name for user in workspace.users]
        self.names: Names = {
            **{user.id: user.name for user in workspace.users},
            **{group.id: group.handle for group in workspace.groups},
            **{app.bot_user: app.name for app in workspace.apps},
            **{channel.id: channel.name for channel in workspace.channels},
        }
        self.who = self._people[0]
        self._shown: dict[str, list[str]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._told_alone: set[str] = set()
        self._form: Form | None = None
        self._home: tuple[str, str] | None = None  # whose was asked for, and what was there

    @property
    def prompt(self) -> str:
        """What stands before the line that is typed."""
        return f"{self._form.title} > " if self._form else f"@{self.who} > "

    # -- looking -----------------------------------------------------------------------------

    def look(self) -> list[str]:
        """Return what is new in the channel, its threads, and for any one person alone."""
        lines: list[str] = []
        for message in self._messages():
            lines += self._news(message)
        for person in self._people:
            for message in self._slack.ephemerals(person):
                if message["ts"] not in self._told_alone:
                    self._told_alone.add(message["ts"])
                    lines += _framed(f"only @{person} sees", self._lines(message))
        if self._form is None:
            lines += self._opened()
        return [*lines, *self._looked_home()]

    def _looked_home(self) -> list[str]:
        """Return the home tab that somebody asked for, once the app has published it."""
        if self._home is None:
            return []
        who, before = self._home
        if self._published(who) == before:
            return []
        self._home = None
        view = self._slack.home(who) or {"blocks": []}
        return _framed(f"home tab of @{who}", rendered(view["blocks"], self.names, {}))

    def _messages(self) -> list[Json]:
        found: dict[str, Json] = {}
        for message in self._slack.messages(self._channel):
            replies = message.get("reply_count")
            several = self._slack.thread(self._channel, message["ts"]) if replies else [message]
            found.update({one["ts"]: one for one in several})
        return [found[ts] for ts in sorted(found)]

    def _news(self, message: Json) -> list[str]:
        ts, before = message["ts"], self._shown.get(message["ts"])
        now = self._shown[ts] = self._lines(message)
        reply = message.get("thread_ts") not in {None, ts}
        where = f"#{self._channel}{', in the thread' if reply else ''}"
        if before is None:
            return _framed(where, now)
        new = changed(before, now)
        return _framed(f"{where}, edited", new) if new else []

    def _lines(self, message: Json) -> list[str]:
        blocks = message.get("blocks", [])
        # A number is given once: what was read as 3 never presses something else.
        names = [called(one, blocks) for one in buttons_of(blocks)]
        numbers = {
            name: self._numbers.setdefault((message["ts"], name), len(self._numbers) + 1)
            for name in names
        }
        return rendered(blocks, self.names, numbers) or [plain(message["text"], self.names)]

    def _opened(self) -> list[str]:
        views = self._slack.modals(self.who)
        if not views:
            return []
        view = views[-1]
        form = Form.of(view)
        shown = rendered(view["blocks"], self.names, {})
        if not form.inputs:
            self._slack.close(self.who)
            return _framed(f"{form.title}, for @{self.who}", shown)
        self._form = form
        asks = [f"(type `{_BACK}` to close it)", form.asks]
        return _framed(f"{form.title}, for @{self.who}", [*shown, *asks])

    # -- doing -------------------------------------------------------------------------------

    def typed(self, line: str) -> list[str] | None:
        """Do what was typed; returns what to show, None if it is no business of Slack's.

        Raises :class:`sandbox.demo.keys.TypingError` for what Slack's window would not do.
        """
        try:
            if self._form is not None:
                return self._fill_in(self._form, line)
            if line.startswith("/"):
                command, _, text = line.partition(" ")
                told = self._slack.slash(self.who, self._channel, command, text.strip())
                return _warning(told)
            if line.isascii() and line.isdecimal():
                return self._press(int(line))
        except PersonError as error:
            raise TypingError(str(error)) from error
        words = line.split()
        if words[:1] == ["as"]:
            return self._become(words[1].lstrip("@") if words[1:] else "")
        if words == ["home"]:
            self._home = (self.who, self._published(self.who))
            self._slack.open_home(self.who)
            return []
        return None

    def _published(self, who: str) -> str:
        """Return which version of somebody's home tab is there, "" before the first."""
        return str((self._slack.home(who) or {}).get("hash", ""))

    def _press(self, number: int) -> list[str]:
        key = next((key for key, given in self._numbers.items() if given == number), None)
        if key is None:
            raise TypingError(f"There is no button {number} now.")
        ts, name = key
        return _warning(self._slack.click(self.who, self._channel, ts, name))

    def _become(self, name: str) -> list[str]:
        if name not in self._people:
            raise TypingError(f"Here are {', '.join(self._people)}: `as {self._people[-1]}`.")
        self.who = name
        return [f"You are @{name} now."]

    def _fill_in(self, form: Form, line: str) -> list[str]:
        if line == _BACK:
            self._form = None
            self._slack.close(self.who)
            return ["Closed; nothing was sent."]
        wrong = form.take(line)
        if wrong or form.asks:
            return [*([wrong] if wrong else []), form.asks]
        self._form = None
        told = self._slack.submit(self.who, {k: v for k, v in form.answers.items() if v})
        views = self._slack.modals(self.who)
        errors = views[-1].get("errors") if views else None
        if errors:
            self._form = form
            return [*form.again(errors), form.asks]
        if views:
            # The window would stay open; here its next lines would be taken for answers.
            self._slack.close(self.who)
        return [told.shown] if told.shown else ["Sent."]


def _warning(told: Delivery) -> list[str]:
    """Return what Slack itself says of a delivery; what the app says is a message, looked at."""
    return [] if told.acknowledged or not told.shown else [told.shown]


def _framed(where: str, lines: Sequence[str]) -> list[str]:
    return [f"┌ {where}", *(f"│ {line}" for line in lines)]
