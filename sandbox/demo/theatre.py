"""What the script sees and does: people in Slack, pods and nodes in the cluster, and its checks."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.cluster import Cluster
from sandbox.slack import Delivery, Slack

T = TypeVar("T")
OPS = "ops"
PATIENCE = 20.0  # seconds until something that must happen counts as failed


class CheckFailed(AssertionError):  # noqa: N818  (it says what it is)
    """Something did not hold; the text says what was expected and what was seen."""


@dataclass
class Theatre:
    """People, cluster and checks. Every check is printed, and counts."""

    slack: Slack
    cluster: Cluster
    checks: int = 0
    started: float = field(default_factory=time.monotonic)

    # -- telling -----------------------------------------------------------------------------

    def act(self, title: str) -> None:
        """Print where the story is."""
        print(f"\n[{time.monotonic() - self.started:5.1f} s] {title}", flush=True)

    def check(self, what: str, held: object, seen: object = "") -> None:
        """Print and count a check; raises :class:`CheckFailed` if it did not hold."""
        if not held:
            raise CheckFailed(f"{what}: seen {seen!r}")
        self.checks += 1
        print(f"    ok  {what}", flush=True)

    def note(self, what: str) -> None:
        """Print what was seen, and is nothing to check."""
        print(f"        {what}", flush=True)

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until there is something; that is a check as well."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = look()
            if found:
                self.check(what, held=True)
                return found
            time.sleep(0.03)
        raise CheckFailed(f"{what}: not within {PATIENCE:g} s")

    # -- people ------------------------------------------------------------------------------

    def drain(self, who: str, text: str) -> tuple[str, Delivery]:
        """Type `/drain …`; returns the operation's short id and the delivery."""
        delivery = self.slack.slash(who, OPS, "/drain", text)
        found = re.search(r"op ([0-9A-Z]{6})", delivery.shown or "")
        self.check(f"@{who} types /drain {text} and is told the operation's id", found, delivery)
        return (found[1] if found else ""), delivery

    def parent(self, node: str) -> dict[str, Any] | None:
        """Return the latest parent message about a node."""
        for message in reversed(self.slack.messages(OPS)):
            alone = message.get("thread_ts") in {None, message["ts"]}
            if alone and node in str(message.get("blocks")):
                return message
        return None

    def bars(self, node: str) -> str:
        """Return the line of a node in the latest parent message about it."""
        message = self.parent(node) or {}
        lines = [line for b in message.get("blocks", []) for line in _lines(b)]
        return next(
            (line for line in lines if line.startswith(f"{node} ") and set(line) & set("█░")), ""
        )

    def with_button(self, operation: str, action: str) -> dict[str, Any]:
        """Wait for the message of an operation that has a button."""

        def look() -> dict[str, Any] | None:
            for message in reversed(self.slack.messages(OPS)):
                blocks = str(message["blocks"])
                if operation in blocks and f"'{action}'" in blocks:
                    return message
            return None

        return self.until(f"op {operation} has the button {action}", look)

    def question(self, node: str) -> dict[str, Any] | None:
        """Return the question about a node that still has buttons."""
        for message in reversed(self.slack.messages(OPS)):
            asks = "Decision needed" in message["text"] and node in message["text"]
            if asks and any(b["type"] == "actions" for b in message["blocks"]):
                return message
        return None

    def approval(self, operation: str) -> dict[str, Any] | None:
        """Return the message that asks for an operation's approval."""
        for message in reversed(self.slack.messages(OPS)):
            blocks = str(message["blocks"])
            if operation in blocks and "decide:approve" in blocks:
                return message
        return None

    def asked(self, node: str) -> dict[str, Any]:
        """Wait for the question about a node."""
        return self.until(f"a question about {node} appears", lambda: self.question(node))

    def settled(self, ts: str, words: str) -> dict[str, Any]:
        """Wait until a question's message has lost its buttons and says how it ended."""

        def look() -> dict[str, Any] | None:
            message = self.message(ts)
            asks = any(block["type"] == "actions" for block in message["blocks"])
            said = words.lower() in str(message["blocks"]).lower()
            return message if said and not asks else None

        return self.until(f"the question lost its buttons and says “{words}”", look)

    def message(self, ts: str) -> dict[str, Any]:
        """Return a message of the channel by its ts."""
        return next(m for m in self.slack.messages(OPS) if m["ts"] == ts)

    def told_alone(self, who: str, words: str, *and_of: str) -> None:
        """Wait until a person alone is told something, and of whom, by their ids."""
        wanted = [word.lower() for word in (words, *and_of)]

        def look() -> bool:
            told = [message["text"].lower() for message in self.slack.ephemerals(who)]
            return any(all(word in text for word in wanted) for text in told)

        names = f", and of {', '.join(and_of)}" if and_of else ""
        try:
            self.until(f"@{who} alone is told “{words}”{names}", look)
        except CheckFailed as failed:
            told = [message["text"] for message in self.slack.ephemerals(who)[-3:]]
            raise CheckFailed(f"{failed}; was told {told}") from failed

    def finished(self, short_id: str, words: str) -> None:
        """Wait for the message that an operation has ended."""

        def look() -> bool:
            told = [m for m in self.slack.messages(OPS) if short_id in str(m["blocks"])]
            over = not any("operation:abort" in str(m["blocks"]) for m in told)
            return over and any(words.lower() in str(m).lower() for m in told)

        self.until(f"op {short_id} ends: “{words}”", look)

    # -- cluster -----------------------------------------------------------------------------

    def pods(self, node: str) -> dict[str, str]:
        """Return the pods on a node but for its DaemonSet's: name -> uid."""
        return {
            pod["metadata"]["name"]: pod["metadata"]["uid"]
            for pod in self.cluster.list("Pod", node=node)
            if pod["metadata"]["namespace"] != "kube-system"
        }

    def cordoned(self, node: str) -> bool:
        """Whether a node is cordoned."""
        found = self.cluster.get("Node", "", node)
        return bool(found and found["spec"].get("unschedulable"))

    def check_drained(self, node: str, before: dict[str, str]) -> None:
        """Check that a node is empty and cordoned, and that only its pods went, by their uids."""
        self.check(f"{node} is empty but for its DaemonSet", not self.pods(node), self.pods(node))
        self.check(f"{node} is cordoned", self.cordoned(node))
        went = {entry.object_uid for entry in self.carried_out() if entry.node == node}
        self.check(f"exactly the {len(before)} pods of {node} went", went == set(before.values()))

    def carried_out(self) -> list[Any]:
        """Return the evictions and deletions of pods that were accepted."""
        return [
            entry
            for entry in self.cluster.requests()
            if entry.carried_out
            and entry.resource in {"pods", "pods/eviction"}
            and entry.verb in {"create", "delete"}
            and entry.status is not None
            and entry.status < 300  # noqa: PLR2004  HTTP's success
        ]

    def check_uids(self) -> None:
        """Check that no request went to another pod than the one that was meant."""
        wrong = [e for e in self.carried_out() if e.uid_precondition != e.object_uid]
        self.check("every eviction and deletion carried its pod's own uid", not wrong, wrong)


def _lines(block: dict[str, Any]) -> list[str]:
    text = block.get("text")
    return str(text["text"]).splitlines() if isinstance(text, dict) else []
