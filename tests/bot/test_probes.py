import http.client
import json
import socket

import pytest

from bot.probes import Probes, judged
from bot.settings import Address

ANYWHERE = Address("127.0.0.1", 0)


def ask(address: Address, path: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_process_that_answers_is_alive_also_while_it_is_not_ready() -> None:
    with Probes(ANYWHERE, {"redis": lambda: "away"}) as probes:
        assert ask(probes.address, "/healthz")[0] == 200
        status, said = ask(probes.address, "/readyz")
    assert status == 503
    assert said == {"status": "not ready", "redis": "away"}


def test_it_is_ready_when_nothing_is_wrong_and_becomes_so_without_a_restart() -> None:
    wrong = ["away"]
    checks = {"redis": lambda: wrong[0], "slack": lambda: ""}
    with Probes(ANYWHERE, checks) as probes:
        assert ask(probes.address, "/readyz")[0] == 503
        wrong[0] = ""
        assert ask(probes.address, "/readyz?verbose") == (
            200,
            {"status": "ready", "redis": "ok", "slack": "ok"},
        )


def test_a_check_that_fails_is_not_ready_and_names_only_the_kind_of_error() -> None:
    def broken() -> str:
        raise RuntimeError("redis://:hunter2@h")

    assert judged({"redis": broken}) == {"redis": "could not be checked (RuntimeError)"}


def test_other_paths_are_not_there() -> None:
    with Probes(ANYWHERE, {}) as probes:
        assert ask(probes.address, "/")[0] == 404
        assert ask(probes.address, "/healthz/../metrics")[0] == 404


def test_a_client_that_says_nothing_keeps_nobody_waiting() -> None:
    with (
        Probes(ANYWHERE, {}) as probes,
        socket.create_connection(probes.address, timeout=5),
    ):
        assert ask(probes.address, "/healthz")[0] == 200


def test_the_address_is_free_again_afterwards() -> None:
    with Probes(ANYWHERE, {}) as probes:
        address = probes.address
    with Probes(address, {}) as probes:
        assert probes.address == address


def test_an_address_in_use_is_an_error() -> None:
    with Probes(ANYWHERE, {}) as probes, pytest.raises(OSError, match="in use"):
        Probes(probes.address, {})
