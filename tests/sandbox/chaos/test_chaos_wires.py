"""What can be done to a wire, seen from both of its ends."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis
import urllib3

from sandbox import redis as sandbox_redis
from sandbox.chaos.wires import Wires, wiring


@dataclass
class Far:
    """A server at the far end, and what reached it."""

    port: int = 0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def far() -> Iterator[Far]:
    end = Far()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            end.asked.append(self.command)
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"done")

        do_POST = do_GET  # noqa: N815  the library's name

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    end.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield end
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def wires() -> Iterator[Wires]:
    with wiring(seed=1) as laid:
        yield laid


def ask(port: int, method: str = "GET", within: float = 10) -> bytes:
    pool = urllib3.PoolManager(retries=False, timeout=within)
    try:
        return pool.request(method, f"http://127.0.0.1:{port}/").data
    finally:
        pool.clear()


def read_on(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def test_a_wire_that_is_well_passes_everything_on(far: Far, wires: Wires) -> None:
    port = wires.lay("w", [far.port])
    assert ask(port) == ask(port, "POST") == b"done"
    assert wires.lost == 0


def test_a_lost_reply_is_lost_after_the_act_and_only_for_what_changes_something(
    far: Far, wires: Wires
) -> None:
    port = wires.lay("w", [far.port])
    wires.lose("w", 1)
    assert ask(port) == b"done"
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask(port, "POST")
    assert far.asked == ["GET", "POST"]
    assert wires.lost == 1
    assert ask(port, "POST") == b"done"


def test_a_script_whose_reply_is_lost_has_run_and_the_client_asks_again(wires: Wires) -> None:
    with sandbox_redis.running(appendfsync="no") as server:
        port = wires.lay("w", [server.port])
        with redis.Redis(port=port) as client:
            script = client.register_script("return redis.call('INCR', 'ran')")
            script()
            wires.lose("w", 1)
            script()
            assert client.get("ran") == b"3"
            assert wires.lost == 1


def test_a_wire_that_is_cut_lets_nobody_through_until_it_is_healed(far: Far, wires: Wires) -> None:
    port = wires.lay("w", [far.port])
    with socket.create_connection(("127.0.0.1", port)) as open_one:
        open_one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert open_one.recv(1)
        wires.cut("w", again=True)
        open_one.settimeout(10)
        with pytest.raises(ConnectionResetError):
            read_on(open_one)
    with pytest.raises(urllib3.exceptions.HTTPError):
        ask(port)
    wires.heal("w")
    assert ask(port) == b"done"


def test_what_a_silent_wire_held_back_arrives_when_it_is_healed(far: Far, wires: Wires) -> None:
    port = wires.lay("w", [far.port])
    wires.silence("w")
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert far.asked == []
        wires.heal("w")
        one.settimeout(10)
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
    assert far.asked == ["POST"]


def test_a_slow_wire_is_late_but_loses_nothing(far: Far, wires: Wires) -> None:
    port = wires.lay("w", [far.port])
    wires.slow("w", 0.5)
    began = time.monotonic()
    assert ask(port) == b"done"
    assert time.monotonic() > began
    assert far.asked == ["GET"]


def test_a_wire_to_several_takes_whoever_is_there(far: Far, wires: Wires) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()[1]
    port = wires.lay("w", [nobody, far.port])
    assert [ask(port) for _ in range(4)] == [b"done"] * 4
