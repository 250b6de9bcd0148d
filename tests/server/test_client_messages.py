"""The messages of a WebSocket's client: within the bounds of the server, whatever the client sends or reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from threading import Thread
from typing import cast

import pytest
from aiohttp import WSMessage, WSMsgType
from aiohttp.web import WebSocketResponse
from websockets.sync.connection import Connection

from mockllm.core.rendering.websocket_frames import CLOSE, read_frames
from mockllm.server import client_messages
from mockllm.server.client_messages import BoundedMessages, ClientMessages
from mockllm.server.server_limits import ServerLimits
from mockllm.server.socket_sink import SocketSink
from tests.live import Live, live
from tests.server.raw_client import Raw
from tests.server.test_closed_sockets import closed_by
from tests.server.test_websocket_handshake import HANDSHAKE
from tests.server.test_websocket_recorder import opened
from tests.waiting import PATIENCE

REALTIME = "/v1/realtime?model=gpt-realtime"
UPDATE = {"type": "session.update", "session": {"type": "realtime"}}


class ReadyMessages:
    """A WebSocket of which messages have come. Reading them does not suspend the task."""

    close_code = 1000

    def __init__(self, *types: WSMsgType) -> None:
        self.left = [WSMessage(type, b"x", None) for type in (*types, WSMsgType.CLOSED)]
        self.pongs: list[bytes] = []

    async def receive(self) -> WSMessage:
        return self.left.pop(0)

    async def pong(self, data: bytes) -> None:
        self.pongs.append(data)


class FullSink:
    """The sink of a client that does not read until `read` is set."""

    def __init__(self) -> None:
        self.read = asyncio.Event()

    @property
    def full(self) -> bool:
        return not self.read.is_set()

    async def drained(self) -> None:
        await self.read.wait()


def read(socket: ReadyMessages) -> ClientMessages:
    return ClientMessages(cast(WebSocketResponse, socket))


@pytest.mark.parametrize("type", [WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG])
def test_other_tasks_run_between_ready_messages(type: WSMsgType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_messages, "SLICE", 0)
    socket = ReadyMessages(*[type] * 5)
    left: list[int] = []

    async def look() -> None:
        while socket.left:
            left.append(len(socket.left))
            await asyncio.sleep(0)

    async def stated() -> None:
        looking = asyncio.ensure_future(look())
        async for _ in read(socket):
            pass
        await looking

    asyncio.run(stated())
    assert left == [6, 5, 4, 3, 2, 1]


def test_pings_get_pongs_and_are_no_messages() -> None:
    socket = ReadyMessages(WSMsgType.PING, WSMsgType.BINARY, WSMsgType.PONG, WSMsgType.PING)

    async def stated() -> list[WSMsgType]:
        return [message.type async for message in read(socket)]

    assert asyncio.run(stated()) == [WSMsgType.BINARY]
    assert socket.pongs == [b"x", b"x"]


def test_no_message_is_read_while_the_client_reads_nothing() -> None:
    async def stated() -> None:
        sink, socket = FullSink(), ReadyMessages(WSMsgType.TEXT)
        messages = BoundedMessages(cast(WebSocketResponse, socket), cast(SocketSink, sink), ServerLimits())
        reading = asyncio.ensure_future(messages.__anext__())
        await asyncio.sleep(0)
        assert len(socket.left) == 2
        sink.read.set()
        await reading
        assert len(socket.left) == 1

    asyncio.run(stated())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("messages")
    (folder / "a.yaml").write_text("rules: [{reply: Hi.}]", encoding="utf-8")
    with live(folder) as running:
        yield running


@pytest.mark.parametrize("parts", [(b"\x81\x02{}",), (b"\x81", b"\x02{}")], ids=["whole", "in parts"])
def test_frame_without_a_mask_closes_the_socket(server: Live, parts: Sequence[bytes]) -> None:
    lines = "".join(f"{name}: {text}\r\n" for name, text in HANDSHAKE.items())
    with Raw(server.port) as raw:
        raw.send(f"GET {REALTIME} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode()).answer(head_only=True)
        for part in parts:
            raw.send(part)
        *_, last = read_frames(raw.to_the_end())
    assert (last.opcode, last.payload[:2]) == (CLOSE, (1002).to_bytes(2, "big"))


def updates(text: str) -> bytes:
    return json.dumps({**UPDATE, "x": "TEXT"}).replace('"TEXT"', text).encode()


@pytest.mark.parametrize(
    "path",
    [
        REALTIME,
        "/v1/responses",
        "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
    ],
)
@pytest.mark.parametrize(
    ("items", "option"),
    [
        ("[]," * 100_001, "--max-containers"),
        ("1," * 500_001, "--max-values"),
        ("[" * 101 + "]" * 101 + ",", "100 levels"),
    ],
    ids=["containers", "values", "depth"],
)
def test_message_of_too_many_values_closes_the_socket(
    server: Live, path: str, items: str, option: str
) -> None:
    with opened(server.url, path) as socket:
        socket.send(updates(f"[{items}1]").decode())
        code, reason = closed_by(socket) or (0, "")
    assert code == 1009
    assert option in reason


def test_client_that_reads_late_gets_all_messages(server: Live) -> None:
    count, text = 3000, updates('"' + "a" * 4000 + '"').decode()
    with opened(server.url, REALTIME) as socket:
        sending = Thread(target=_send, args=(socket, text, count))
        sending.start()
        types = [json.loads(socket.recv(PATIENCE))["type"] for _ in range(count + 1)]
        sending.join()
    assert types == ["session.created", *["session.updated"] * count]


def _send(socket: Connection, text: str, count: int) -> None:
    for _ in range(count):
        socket.send(text)
