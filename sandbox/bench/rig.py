"""What the benches stand on: a stage with bot and workers, and deliveries as Slack signs them."""

import hashlib
import hmac
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

import sandbox.slack
from jobs.policy import load_policy
from jobs.service import Service, open_client
from sandbox.bench.figures import tell
from sandbox.cluster import Cluster, Scenario, running
from sandbox.demo.stage import POLICY, Stage, http_delivery, standing
from sandbox.slack import App, Slack

START_LIMIT = 20.0


@dataclass
class Rig:
    """A stage, its cluster and its Slack."""

    stage: Stage
    cluster: Cluster
    slack: Slack
    app: App
    address: str
    client: Service

    def pool(self, size: int) -> urllib3.PoolManager:
        """Return connections for that many deliveries at once."""
        return urllib3.PoolManager(maxsize=size, block=False, retries=False)

    def signed(self, fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Return a body and its headers, signed as Slack does (v0)."""
        body = urlencode(fields)
        at = str(int(time.time()))
        key = self.app.signing_secret.encode()
        digest = hmac.new(key, f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return body.encode(), {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={digest}",
        }

    def command(self, text: str, trigger: str) -> dict[str, str]:
        """Return the fields of `/drain TEXT`, typed by Ana."""
        return {
            "token": "x", "team_id": "T0SANDBOX", "team_domain": "sandbox",
            "channel_id": "C0OPS", "channel_name": "ops", "user_id": "U0ANA", "user_name": "ana",
            "command": "/drain", "text": text, "api_app_id": self.app.id,
            "response_url": f"{self.slack.url}/none", "trigger_id": trigger,
        }  # fmt: skip

    def wait_for(self, words: str, text: str) -> None:
        """Type a command until its answer has some words."""
        end = time.monotonic() + START_LIMIT
        while words not in (self.slack.slash("ana", "ops", "/drain", text).shown or ""):
            if time.monotonic() > end:
                raise RuntimeError(f"/drain {text} never answered {words!r}")
            time.sleep(0.05)


@contextmanager
def rig(
    scenario: Scenario,
    defaults: str = "",
    *,
    tokens: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Rig]:
    """Yield a rig with a bot and no worker; `defaults` replaces those of the demo's policy.

    `tokens` are lines for the policy's tokens, `settings` more of the bot's.
    """
    with (
        tempfile.TemporaryDirectory(prefix="drainbot-") as directory,
        running(scenario) as cluster,
        sandbox.slack.running(sandbox.slack.demo_workspace(), rate_limits=False) as slack,
    ):
        kubeconfig = cluster.kubeconfig(Path(directory) / "kubeconfig")
        policy = Path(directory) / "policy.yaml"
        text = POLICY.read_text()
        kept = [line for line in text.splitlines() if not line.startswith("defaults:")]
        place = kept.index("tokens:") + 1
        kept[place:place] = tokens
        policy.write_text("\n".join([*kept, f"defaults: {{{defaults}}}", ""]))
        guardrails = Path(directory) / "guardrails.yaml"
        guardrails.write_text("max_nodes_away: 1000\nmax_evictions_per_second: 10000\n")
        with standing(kubeconfig, tell, policy=policy, guardrails=guardrails) as stage:
            app = slack.workspace().apps[0]
            delivery, address = http_delivery(slack.api_url, app.bot_token, app.signing_secret)
            slack.configure(request_url=address)
            stage.start_bot({**delivery, **(settings or {})}).wait_for_line(
                "bot_started", within_s=START_LIMIT
            )
            client = open_client(stage.redis.url, load_policy(policy), timeout=5)
            yield Rig(stage, cluster, slack, app, address, client)


def click(value: dict[str, str], action: str, message: dict[str, Any]) -> dict[str, str]:
    """Return the fields of a press of a button, by Bo."""
    payload = {
        "type": "block_actions",
        "team": {"id": "T0SANDBOX", "domain": "sandbox"},
        "user": {"id": "U0BO", "name": "bo", "team_id": "T0SANDBOX"},
        "api_app_id": "A0DRAINBOT",
        "token": "x",
        "trigger_id": f"t{time.time_ns()}",
        "channel": {"id": "C0OPS", "name": "ops"},
        "message": message,
        "container": {
            "type": "message", "message_ts": message["ts"], "channel_id": "C0OPS",
            "is_ephemeral": False,
        },
        "response_url": "http://127.0.0.1:9/none",
        "actions": [
            {
                "type": "button", "action_id": action, "block_id": "b", "value": json.dumps(value),
                "action_ts": str(time.time()),
            }
        ],
    }  # fmt: skip
    return {"payload": json.dumps(payload)}
