"""Takes the pictures: the local Slack gets the blocks by its Web API, and a browser looks at it."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from playwright.sync_api import Browser, Page, sync_playwright

from sandbox import local_slack
from sandbox.local_slack import LocalSlack
from sandbox.screenshots.surfaces import Json, Surface, drawable
from sandbox.slack import App, Channel, User, Workspace

__all__ = ["CHROMIUM", "WIDTHS", "Camera", "camera"]

CHROMIUM = "/usr/bin/chromium"
WIDTHS = {"desktop": 1280, "phone": 390}
"""What it is looked at in, in pixels. A phone shows the conversation alone."""

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
_PEOPLE = (("U01ANA", "ana"), ("U02BOB", "bo"), ("U03CY", "cy"))  # those of the golden files
_ALONE = ".sidebar, .topbar, .channel-header, .composer { display: none !important; }"
_STILL = ".msg-hover-actions, .msg-time, .msg-edited { display: none !important; }"
_MARGIN = 12  # px around it
_WIDEST = 740  # px: beyond that a message of the local Slack is empty
_TALL = 2400  # px: a whole surface is seen without scrolling


class Camera:
    """A running local Slack and a browser beside it."""

    def __init__(self, slack: LocalSlack, browser: Browser, triggers: list[str]) -> None:
        self._slack = slack
        self._browser = browser
        self._triggers = triggers

    def take(self, surface: Surface, directory: Path) -> list[Path]:
        """Photograph it at each of :data:`WIDTHS`; returns the files."""
        return [
            self._taken(surface, directory / f"{surface.name}-{device}.png", width, device)
            for device, width in WIDTHS.items()
        ]

    def _taken(self, surface: Surface, file: Path, width: int, device: str) -> Path:
        self._slack.reset()
        page = self._browser.new_page(viewport={"width": width, "height": _TALL})
        page.goto(self._slack.url)
        page.wait_for_selector(".composer-input", state="attached")
        selector = self._shown(page, surface)
        page.add_style_tag(content=_STILL + (_ALONE if device == "phone" else ""))
        x, y, across, down = _box(page, selector)
        left, top = max(x - _MARGIN, _box(page, ".main")[0]), max(y - _MARGIN, 0)
        right = min(x + across + _MARGIN, width, left + _WIDEST)
        height = y + down + _MARGIN - top
        page.screenshot(
            path=file,
            clip={"x": left, "y": top, "width": right - left, "height": height},
            animations="disabled",
        )
        page.close()
        return file

    def _shown(self, page: Page, surface: Surface) -> str:
        """Let the local Slack show it; returns where in the page it is."""
        view = drawable(surface.view)
        if surface.kind == "message":
            words = {"channel": "C0OPS", "text": view["text"], "blocks": view["blocks"]}
            ts = self._call("chat.postMessage", words)["ts"]
            return f".msg[data-ts='{ts}']"
        if surface.kind == "home":
            self._call("views.publish", {"user_id": _PEOPLE[0][0], "view": view})
            page.click(".sidebar-item:has-text('drainbot')")
            return ".home-inner"
        self._slack.command("ana", "ops", "/drain")
        self._call("views.open", {"trigger_id": self._triggers[-1], "view": view})
        return ".modal"

    def _call(self, method: str, arguments: Json) -> Json:
        token = self._slack.workspace.apps[0].bot_token
        request = urllib.request.Request(  # noqa: S310  an address of our own, on loopback
            f"{self._slack.api_url}{method}",
            json.dumps(arguments).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
            told: Json = json.load(answer)
        if not told.get("ok"):
            raise RuntimeError(f"the local Slack refused {method}: {told.get('error')}")
        return told


@contextmanager
def camera() -> Iterator[Camera]:
    """Start everything for as long as the context lasts.

    Raises :class:`sandbox.local_slack.LocalSlackMissingError` where that can't be had.
    """
    triggers: list[str] = []
    with (
        _app(triggers) as address,
        local_slack.running(_workspace(address)) as slack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield Camera(slack, browser, triggers)
        browser.close()


def _box(page: Page, selector: str) -> tuple[float, float, float, float]:
    """Return where in the page something is, and its size."""
    box = page.locator(selector).last.bounding_box()
    if box is None:
        raise RuntimeError(f"the local Slack does not show {selector}")
    return box["x"], box["y"], box["width"], box["height"]


def _workspace(address: str) -> Workspace:
    ids = frozenset({"U0DRAINBOT", *(id for id, _ in _PEOPLE)})
    return Workspace(
        users=tuple(User(id=id, name=name, real_name=name) for id, name in _PEOPLE),
        channels=(Channel(id="C0OPS", name="ops", members=ids),),
        apps=(App(request_url=address),),
    )


@contextmanager
def _app(triggers: list[str]) -> Iterator[str]:
    """Be an app that takes everything and notes the trigger ids: a dialog opens by one only."""

    class App(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            triggers.extend(parse_qs(body).get("trigger_id", []))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
