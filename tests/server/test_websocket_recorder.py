"""A WebSocket forwarded to its provider: what passes is stored, and replayed message for message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from aiohttp import ClientWebSocketResponse, WebSocketError, WSMessage, WSMsgType
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.sync.server import ServerConnection, serve

from mockllm.core.rendering.websocket_frames import close_frame
from mockllm.server import websocket_recorder
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import end_exchange
from mockllm.server.proxied_turns import ProxiedTurns
from mockllm.server.websocket_recorder import MAX_RECORDED, MessageLog
from tests.live import live
from tests.server.recording import KEY, closed_address, files, recording
from tests.waiting import PATIENCE, until

SCENARIO = f"""
rules:
  - {{name: leak, match: {{user: leak}}, reply: "The key is {KEY}."}}
  - {{name: refused, match: {{api: handshake, headers: {{x-refused: "1"}}}}, error: permission}}
  - {{name: over, match: {{user: over}}, reply: Bye., faults: [{{close: {{after: {{chunks: 1}}, code: 4000, reason: Over.}}}}]}}
  - {{reply: "One, two.", pace: {{itl: 1ms}}}}
"""  # noqa: E501
CREATE = {"type": "response.create", "model": "gpt-5"}


def opened(url: str, path: str = "/v1/responses", **headers: str) -> Connection:
    address = f"ws{url.removeprefix('http')}{path}"
    own = {"Authorization": f"Bearer {KEY}", **headers}
    return connect(address, additional_headers=own, open_timeout=PATIENCE, close_timeout=PATIENCE)


def turn(socket: Connection, input: Any, **fields: Any) -> list[str | bytes]:
    """Send a request, and return the messages up to the end of its response."""
    socket.send(json.dumps({**CREATE, "input": input, **fields}))
    messages: list[str | bytes] = []
    while not messages or json.loads(messages[-1])["type"] not in ("response.completed", "error"):
        messages.append(socket.recv(PATIENCE))
    return messages


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path / "a.yaml"


def test_recorded_socket_is_replayed_message_for_message(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with live(scenario) as provider, recording(out, openai=provider.url) as (url, recorder, stated):
        with opened(url) as socket:
            reported = [turn(socket, "hi"), turn(socket, "again")]
        (file,) = files(out)
        until(lambda: any("WebSocket forwarded to openai, " in line for line in stated))
    assert (recorder.written, recorder.failed) == (1, 0)
    assert "WS response.create" in stated[0]
    text = file.read_text(encoding="utf-8")
    assert KEY not in text
    assert "close: 1000" in text
    with live(file) as replaying:
        with opened(replaying.url) as socket:
            assert [turn(socket, "hi"), turn(socket, "again")] == reported
        assert "handshake-" in replaying.line(lambda line: "WS response.create" in line)


def test_close_of_the_provider_is_recorded_with_its_code(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def over(url: str) -> tuple[int | None, str | None]:
        with opened(url) as socket:
            socket.send(json.dumps({**CREATE, "input": "over"}))
            with suppress(ConnectionClosed):
                list(socket)
            return socket.close_code, socket.close_reason

    with live(scenario) as provider, recording(out, openai=provider.url) as (url, _, _):
        assert over(url) == (4000, "Over.")
        (file,) = files(out)
    with live(file) as replaying:
        assert over(replaying.url) == (4000, "Over.")


def test_reason_of_the_client_reaches_the_provider(tmp_path: Path) -> None:
    closes: list[tuple[int | None, str | None]] = []

    def receive_end(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            socket.recv(PATIENCE)
        closes.append((socket.close_code, socket.close_reason))

    with provider_of(receive_end) as address, recording(tmp_path / "out", other=address) as (url, _, _):
        with opened(url, "/events") as socket:
            socket.close(4321, "Enough.")
        until(lambda: closes)
    assert closes == [(4321, "Enough.")]


def test_broken_connection_of_the_provider_is_replayed(tmp_path: Path) -> None:
    def break_off(socket: ServerConnection) -> None:
        socket.send("hello")
        socket.socket.shutdown(SHUT_RDWR)

    def end(url: str) -> Any:
        with opened(url, "/events") as socket:
            assert socket.recv(PATIENCE) == "hello"
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(PATIENCE)
            return closed.value.rcvd

    with provider_of(break_off) as address, recording(tmp_path / "out", other=address) as (url, _, _):
        assert end(url) is None
        (file,) = files(tmp_path / "out")
    assert "close: 1006" in file.read_text(encoding="utf-8")
    with live(file) as replaying:
        assert end(replaying.url) is None


@contextmanager
def provider_of(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    """Serve WebSockets by this function; the address."""
    with serve(handler, "127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


def test_second_socket_of_the_same_handshake_is_a_step(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with live(scenario) as provider, recording(out, openai=provider.url) as (url, recorder, _):
        for number, word in enumerate(("one", "two"), 1):
            with opened(url) as socket:
                turn(socket, word)
            until(lambda wanted=number: recorder.written == wanted)  # type: ignore[misc]
        (file,) = files(out)
    assert "sequence:" in file.read_text(encoding="utf-8")


def test_key_in_a_message_is_masked(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with live(scenario) as provider, recording(out, openai=provider.url) as (url, _, stated):
        with opened(url) as socket:
            turn(socket, "leak")
        (file,) = files(out)
        until(lambda: any("looks like a key" in line for line in stated))
    assert KEY not in file.read_text(encoding="utf-8")


def test_forwarded_handshake_has_no_cors_headers(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    def end(app: App, exchange: Exchange, *rest: Any) -> None:
        ended.append(exchange.sends_cors_headers)
        end_exchange(app, exchange, *rest)

    monkeypatch.setattr(websocket_recorder, "end_exchange", end)
    with live(scenario) as provider, recording(tmp_path / "out", openai=provider.url) as (url, _, _):
        with opened(url) as socket:
            assert socket.response is not None
            assert "access-control-allow-origin" not in socket.response.headers
        until(lambda: ended)
    assert ended == [False]


def test_refused_handshake_has_the_providers_status(scenario: Path, tmp_path: Path) -> None:
    with live(scenario) as provider, recording(tmp_path / "out", openai=provider.url) as (url, recorder, _):
        with pytest.raises(InvalidStatus) as refused:
            opened(url, **{"x-refused": "1"})
        assert refused.value.response.status_code == 403
        assert recorder.failed == recorder.written == 0


def test_silent_provider_is_a_502(tmp_path: Path) -> None:
    with closed_address() as nowhere, recording(tmp_path / "out", openai=nowhere) as (url, _, _):
        with pytest.raises(InvalidStatus) as refused:
            opened(url)
        assert refused.value.response.status_code == 502


def test_too_many_bytes_pass_and_are_not_recorded(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_recorder, "MAX_RECORDED", 100)
    with (
        live(scenario) as provider,
        recording(tmp_path / "out", openai=provider.url) as (url, recorder, stated),
    ):
        with opened(url) as socket:
            assert turn(socket, "hi")
        until(lambda: recorder.failed == 1)
        until(lambda: any("not recorded" in line for line in stated))
    assert not (tmp_path / "out").exists()


def test_log_of_many_empty_messages_is_bounded() -> None:
    turns = cast(ProxiedTurns, SimpleNamespace(add=lambda message: None))
    log = MessageLog(lambda: 0.0, turns, stores=True)
    for _ in range(MAX_RECORDED // 100):
        log.add(b"", from_client=True)
    assert (log.too_large, log.messages) == (True, [])


def test_many_messages_of_a_provider_let_other_tasks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of those that have come suspends the task that passes them on."""
    monkeypatch.setattr(websocket_recorder, "SLICE", -1.0)
    came = [WSMessage(WSMsgType.TEXT, "", None)] * 100

    async def receive() -> WSMessage:
        return came.pop() if came else WSMessage(WSMsgType.CLOSED, None, None)

    async def iterations() -> int:
        sink = Mock(full=False)
        upstream = cast(ClientWebSocketResponse, SimpleNamespace(receive=receive, close_code=1000))
        passing = asyncio.create_task(websocket_recorder._from_upstream(upstream, sink, Mock()))
        count = 0
        while not passing.done():
            await asyncio.sleep(0)
            count += 1
        assert sink.write.call_count == 100
        return count

    assert asyncio.run(iterations()) >= 100


@pytest.mark.parametrize(
    ("end", "code", "written"),
    [
        (WSMessage(WSMsgType.CLOSE, 4000, "Over."), 4000, close_frame(4000, "Over.")),
        (WSMessage(WSMsgType.CLOSE, 0, ""), 1000, close_frame(1000, "")),
        (WSMessage(WSMsgType.ERROR, WebSocketError(1007, "bad"), None), 1007, close_frame(1007, "")),
        (WSMessage(WSMsgType.ERROR, OSError(), None), 1006, None),
        (WSMessage(WSMsgType.CLOSED, None, None), 1006, None),
    ],
    ids=["code", "no code", "wrong frame", "error", "no close frame"],
)
def test_close_frame_counts_where_the_reply_to_it_fails(
    end: WSMessage, code: int, written: bytes | None
) -> None:
    """A provider may close the connection at once. aiohttp's own code is 1006 then."""

    async def receive() -> WSMessage:
        return end

    async def pass_on() -> None:
        upstream = cast(ClientWebSocketResponse, SimpleNamespace(receive=receive, close_code=1006))
        await websocket_recorder._from_upstream(upstream, sink, log)

    sink, log = Mock(full=False), Mock()
    asyncio.run(pass_on())
    assert [call.args[0] for call in sink.write.call_args_list] == ([] if written is None else [written])
    assert log.add.call_args.kwargs["close"] == code


def test_close_frame_without_a_code_is_a_normal_end(tmp_path: Path) -> None:
    closes: list[int | None] = []

    def receive_end(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            socket.recv(PATIENCE)
        closes.append(socket.close_code)

    with (
        provider_of(receive_end) as address,
        recording(tmp_path / "out", other=address) as (url, _, _),
        opened(url, "/events") as socket,
    ):
        socket.socket.sendall(bytes([0x88, 0x80, 0, 0, 0, 0]))
        until(lambda: closes)
    assert closes == [1000]


def test_socket_of_an_unknown_path_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(
        """
rules:
  - match: {path: /events}
    replay:
      messages:
        - {at: 0s, data: hello}
        - {at: 1ms, from: client, base64: AAEC}
        - {at: 2ms, base64: //79}
        - {at: 3ms, data: bye}
        - {at: 3ms, close: 1000}
"""
    )
    with (
        live(tmp_path / "b.yaml") as provider,
        recording(tmp_path / "out", other=provider.url) as (url, _, _),
    ):
        _talk(url)
        (file,) = files(tmp_path / "out")
    with live(file) as replaying:
        _talk(replaying.url)


def _talk(url: str) -> None:
    with opened(url, "/events") as socket:
        assert socket.recv(PATIENCE) == "hello"
        socket.send(b"\0\1\2")
        assert [socket.recv(PATIENCE), socket.recv(PATIENCE)] == [b"\xff\xfe\xfd", "bye"]
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE)
