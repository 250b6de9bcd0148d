"""A WebSocket handshake where no WebSocket is served: 426, and the connection stays usable."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.server.control.live_server import EXAMPLE, Steered, steered

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": EXAMPLE}) as built:
        yield built


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/completions?model=m"])
def test_handshake_gets_426_and_connection_stays_open(server: Steered, path: str) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", path, headers=HANDSHAKE)
    response = connection.getresponse()
    assert response.status == 426
    assert response.getheader("upgrade") == "HTTP/1.1"
    assert response.getheader("connection") == "Upgrade"
    assert b"No WebSocket is served at /v1/" in response.read()
    socket = connection.sock
    connection.request("GET", "/v1/models", headers={"Authorization": "Bearer any"})
    assert connection.getresponse().status == 200
    assert connection.sock is socket
    connection.close()


def test_handshake_is_no_unmatched_request(server: Steered) -> None:
    server.call("GET", "/v1/messages", headers=HANDSHAKE)
    (entry,) = server.call("GET", "/api/requests?limit=1").json["requests"]
    assert (entry["status"], entry["missed"], entry["notes"]) == (426, False, ["no WebSocket is served"])
