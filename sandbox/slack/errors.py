"""What goes wrong in the stand-in, by who is told.

- :class:`ApiError`: an app's call is refused, as Slack words it.
- :class:`PersonError`: a person can't do that in Slack's window at all (press what isn't there).
"""

from typing import Any

__all__ = ["ApiError", "PersonError"]


class ApiError(Exception):
    """A Web API answer with ``ok: false``; ``more`` are further fields of that answer."""

    def __init__(self, code: str, *, messages: list[str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages or []
        self.more = more

    def answer(self) -> dict[str, Any]:
        """Return the body as Slack sends it."""
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            body["errors"] = self.messages
            body["response_metadata"] = {"messages": [f"[ERROR] {m}" for m in self.messages]}
        return body


class PersonError(Exception):
    """What a person wanted to do isn't possible in Slack's window."""
