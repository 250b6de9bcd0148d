"""WebSocket handshakes that open nothing: where no WebSocket is served, and those that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from mockllm.server import websocket_output
from mockllm.server.exchange_end import SERVER_FAILED
from mockllm.server.player import DrainableSink, Player
from tests.server.control.live_server import EXAMPLE, Steered, steered
from tests.server.raw_client import Raw
from tests.waiting import until

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


def journal_headers(server: Steered, number: int) -> dict[str, str]:
    shown = server.call("GET", f"/api/requests/{number}").json["response"]["headers"]
    return {each["name"].lower(): each["value"] for each in shown}


def test_journal_has_the_headers_of_an_open_websocket(server: Steered) -> None:
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in HANDSHAKE.items())
    with Raw(server.port) as raw:
        raw.send(b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n%b\r\n" % lines)
        opened = raw.answer()
        assert opened.status == 101
        (entry,) = server.call("GET", "/api/requests?limit=1").json["requests"]
        assert journal_headers(server, entry["id"]) == opened.headers


def test_journal_has_no_close_frame_of_a_handshake(tmp_path: Path) -> None:
    closes = "modifiers: [{match: {api: handshake}, faults: [{close: {after: {time: 50ms}, code: 1001}}]}]"
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in HANDSHAKE.items())
    with steered(tmp_path, {"a.yaml": EXAMPLE, "b.yaml": closes}) as server, Raw(server.port) as raw:
        raw.send(b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n%b\r\n" % lines)
        assert raw.answer().status == 101
        (entry,) = server.call("GET", "/api/requests?limit=1").json["requests"]
        assert entry["modifiers"] == ["b.yaml:modifiers[0]"]
        assert b"\x88\x02\x03\xe9" in raw.to_the_end()
        assert server.call("GET", f"/api/requests/{entry['id']}").json["response"]["chunks"] == []


def test_failure_of_the_server_is_no_client_that_left(
    server: Steered, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail(player: Player, sink: DrainableSink) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(websocket_output, "wait_for_player", fail)
    lines = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    message = b'{"type": "response.create", "model": "gpt-5", "input": "hi"}'
    with Raw(server.port) as raw:
        raw.send(f"GET /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n{lines}\r\n".encode())
        assert raw.answer().status == 101
        raw.send(b"\x81" + bytes([0x80 | len(message)]) + bytes(4) + message)
        entry = until(lambda: [each for each in server.app.journal if each.method == "WS response.create"])[0]
    assert (entry.end_reason, entry.notes[-1]) == ("close", SERVER_FAILED)
    assert "a mistake of ours" in capfd.readouterr().err


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


@pytest.mark.parametrize(
    "wrong", [{"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Version": ""}, {"Connection": "close"}]
)
def test_wrong_handshake_is_a_400_that_says_why(server: Steered, wrong: dict[str, str]) -> None:
    answer = server.call("GET", "/v1/realtime?model=m", headers={**HANDSHAKE, **wrong})
    assert answer.status == 400
    assert "Sec-WebSocket-Key" in answer.text
    (entry,) = server.call("GET", "/api/requests?limit=1").json["requests"]
    assert journal_headers(server, entry["id"]) == answer.headers
    assert entry["status"] == 400
    assert "handshake is wrong" in entry["notes"][0]


@pytest.mark.parametrize("version", ["1", "8"])
def test_handshake_of_another_version_is_a_426(server: Steered, version: str) -> None:
    answer = server.call(
        "GET", "/v1/realtime?model=m", headers={**HANDSHAKE, "Sec-WebSocket-Version": version}
    )
    assert answer.status == 426
    assert answer.headers["sec-websocket-version"] == "13"
    (entry,) = server.call("GET", "/api/requests?limit=1").json["requests"]
    assert entry["status"] == 426
    assert journal_headers(server, entry["id"]) == answer.headers


def test_handshake_of_older_http_is_a_400(server: Steered) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    with Raw(server.port) as raw:
        answer = raw.send(f"GET /v1/realtime?model=m HTTP/1.0\r\n{lines}\r\n".encode()).answer()
    assert answer.status == 400
    assert "it needs HTTP/1.1" in answer.text


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/v1/realtime?model=m", {"Sec-WebSocket-Key": b"\xff3JJHMbDL1EzLkh9GBhXDw=="}),
        ("/v1/realtime?model=m", {"Sec-WebSocket-Version": b"\xff13"}),
        ("/ws", {"Sec-WebSocket-Key": b"\xff3JJHMbDL1EzLkh9GBhXDw=="}),
        ("/ws", {"Upgrade": b"\x82websocket"}),
    ],
)
def test_handshake_of_no_ascii_is_a_400(
    server: Steered, path: str, wrong: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {name: text.encode() for name, text in HANDSHAKE.items()} | wrong
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in headers.items())
    with Raw(server.port) as raw:
        head = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n%b\r\n" % (path.encode(), lines)
        answer = raw.send(head).answer()
    assert answer.status == 400
    assert "WebSocket handshake" in answer.text
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/realtime?model=m",
        "/openai/realtime",
        "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
    ],
)
def test_websocket_without_handshake_is_named_as_one(server: Steered, method: str, path: str) -> None:
    answer = server.call(method, path)
    assert answer.status == 404
    assert answer.json["error"]["message"].endswith(
        "). The path is a WebSocket: send the request with an upgrade."
    )
