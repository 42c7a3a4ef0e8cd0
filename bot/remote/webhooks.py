"""Webhooks over the HTTP API."""

from urllib.parse import quote

from bot.remote.wire import Reply, Wire
from jobs.models import Decided, Refused, Webhook

__all__ = ["RemoteWebhooks"]


class RemoteWebhooks:
    """What the command line does with webhooks, as the token's person."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def make(self, question: str, choice: str, seconds: int) -> tuple[str, int] | Decided | Refused:
        """Make one: its path, and when it expires (ms)."""
        path = f"/questions/{quote(question, safe='')}/webhooks"
        reply = self._wire.send("POST", path, {"choice": choice, "expires_in": seconds})
        if not reply.failed:
            return str(reply.body["path"]), int(reply.body["expires_at"])
        return reply.decided() if "outcome" in reply.body else reply.refused()

    def all(self, cluster: str) -> tuple[Webhook, ...] | Refused:
        """Return those that are open or ended in the last week."""
        reply = self._wire.send("GET", f"/clusters/{quote(cluster, safe='')}/webhooks")
        if reply.failed:
            return reply.refused()
        return tuple(Reply(200, each).read(Webhook) for each in reply.body["webhooks"])

    def revoke(self, cluster: str, id: str) -> Webhook | Refused:
        """Take one back; returns how it stands then."""
        path = f"/clusters/{quote(cluster, safe='')}/webhooks/{quote(id, safe='')}"
        reply = self._wire.send("DELETE", path)
        return reply.refused() if reply.failed else Reply(200, reply.body["webhook"]).read(Webhook)
