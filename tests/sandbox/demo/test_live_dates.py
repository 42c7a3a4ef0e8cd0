"""Moments in the local Slack's messages, and its own address."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.demo.live_dates import DATE, dated, moment
from sandbox.slack import Slack, demo_workspace, running
from sandbox.slack.house_rules import SWITCH

AT = 1_790_000_000


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two hours east of UTC."""
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"at <!date^{AT}^{{time}}|14:13 UTC>.", "at 16:13."),
        (f"as of <!date^{AT}^{{time_secs}}|14:13:20 UTC>", "as of 16:13:20"),
        (f"<!date^{AT}^{{time}}^https://example.com|x>", "16:13"),
        ("<!date^soon^{time}|x> <@U0ANA>", "<!date^soon^{time}|x> <@U0ANA>"),
    ],
)
def test_a_moment_is_shown_in_local_time(text: str, shown: str) -> None:
    assert DATE.sub(moment, text) == shown


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    monkeypatch.delenv(SWITCH)  # words of these tests, not the bot's
    with running(demo_workspace(), rate_limits=False) as server:
        yield server


@pytest.mark.usefixtures("elsewhere")
def test_the_relay_puts_it_in_and_passes_the_rest_on(slack: Slack) -> None:
    token = slack.workspace().apps[0].bot_token
    words = f"checked <!date^{AT}^{{time}}|14:13 UTC> “ü”"
    with dated(slack.api_url) as url:
        assert url.startswith("http://127.0.0.1:")
        client = WebClient(token=token, base_url=url)
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": words}}]
        answer = client.chat_postMessage(channel="C0OPS", text=words, blocks=blocks)
        assert answer["ok"]
        (message,) = slack.messages("ops")
        assert message["text"] == "checked 16:13 “ü”"
        assert message["blocks"][0]["text"]["text"] == "checked 16:13 “ü”"
        with pytest.raises(SlackApiError, match="channel_not_found"):
            client.chat_postMessage(channel="C0NOWHERE", text="x")
        stranger = WebClient(token="xoxb-nobody", base_url=url)
        with pytest.raises(SlackApiError, match="invalid_auth"):
            stranger.auth_test()


def test_the_page_is_said_to_be_where_it_is() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = b'{"ok":true,"url":"http://sandbox.slack.local/"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as page:
        threading.Thread(target=page.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{page.server_port}/"
        with dated(f"{address}api/") as url:
            assert WebClient(token="xoxb-x", base_url=url).auth_test()["url"] == address
        page.shutdown()


def test_where_nothing_answers_the_relay_says_so() -> None:
    with (
        dated("http://127.0.0.1:9/api/") as url,
        pytest.raises(SlackApiError, match="Connection refused"),
    ):
        WebClient(token="xoxb-x", base_url=url).auth_test()
