"""Each part of aiohttp that the server uses beyond aiohttp's documented interface. A test fails with the name of a
part that a release of aiohttp has changed.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Sized
from pathlib import Path
from typing import Any

import pytest
from aiohttp import StreamReader, http_writer, streams, web_request, web_ws
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import WebSocketReader, WebSocketWriter
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.tcp_helpers import tcp_keepalive
from aiohttp.web import BaseRequest, WebSocketResponse
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mockllm.server import aiohttp_internals
from mockllm.server.aiohttp_internals import HttpProtocol, set_heartbeat, write_frames_to
from mockllm.server.connection_errors import has_read_http2_preface
from mockllm.server.connection_factory import HTTP2_PREFACE
from mockllm.server.frame_masking import WRONG_FRAME
from mockllm.server.server_limits import ServerLimits
from tests.tools import OLDER_AIOHTTP

ATTRIBUTES = {
    BaseProtocol: ["_drain_helper", "_loop", "_paused", "_reading_paused", "transport", "writing_paused"],
    HttpRequestParser: ["feed_data", "set_upgraded"],
    StreamReader: ["_buffer", "is_eof", "read_nowait", "readany", "set_exception", "total_bytes"],
    RawRequestMessage: [
        "_replace", "chunked", "compression", "headers", "method", "path", "should_close", "upgrade", "url",
        "version",
    ],
    WebSocketResponse: ["_cancel_heartbeat", "_heartbeat", "_reset_heartbeat", "_writer"],
    WebSocketWriter: ["transport"],
}  # fmt: skip


async def built(kind: type) -> object:
    """An instance, made as the server or aiohttp's parser makes it."""
    loop = asyncio.get_running_loop()
    protocol = HttpProtocol(loop, ServerLimits())
    if kind is BaseProtocol:
        return protocol
    if kind is HttpRequestParser:
        return protocol._requests_parser
    if kind is WebSocketResponse:
        return WebSocketResponse(heartbeat=60.0)
    if kind is WebSocketWriter:
        return WebSocketWriter(protocol, asyncio.Transport())
    requests = protocol.feed_parser(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    return requests[0][kind is StreamReader]


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, names in ATTRIBUTES.items() for name in names],
    ids=[f"{kind.__name__}.{name}" for kind, names in ATTRIBUTES.items() for name in names],
)
def test_aiohttp_attribute_used_by_the_server_exists(kind: type, name: str) -> None:
    assert hasattr(asyncio.run(built(kind)), name), f"aiohttp has changed {kind.__name__}.{name}"


PROVIDED = {name for name in dir(HttpProtocol) if not name.startswith("__")}
CALLERS = {
    "aiohttp.streams": (streams, r"_protocol\.(\w+)"),
    "aiohttp.http_writer": (http_writer, r"(?<!_)protocol\.(\w+)|self\._protocol\.(\w+)"),
    "aiohttp.web_ws": (web_ws, r"\brequest\._?protocol\.(\w+)|req\._protocol\.(\w+)"),
}
NOT_USED = {"max_field_size", "max_headers"}
"""Attributes that aiohttp reads for forms alone."""


@pytest.mark.parametrize("name", CALLERS)
def test_protocol_attribute_used_by_aiohttp_is_provided(name: str) -> None:
    module, pattern = CALLERS[name]
    found = re.findall(pattern, inspect.getsource(module))
    used = {each for group in found for each in ([group] if isinstance(group, str) else group) if each}
    assert used, f"{name} uses its protocol in another way"
    assert used <= PROVIDED, f"{name} uses {', '.join(sorted(used - PROVIDED))} of its protocol"


def test_web_request_protocol_attributes_are_provided() -> None:
    source = inspect.getsource(web_request.BaseRequest)
    used = set(re.findall(r"(?<![_.])protocol\.(\w+)|self\._protocol\.(\w+)", source))
    names = {name for pair in used for name in pair if name} - NOT_USED
    assert names <= PROVIDED, f"BaseRequest uses {', '.join(sorted(names - PROVIDED))} of its protocol"


@pytest.mark.parametrize(
    "argument",
    [
        {"max_line_size": 8_190}, {"max_field_size": 8_190}, {"max_headers": 128},
        {"payload_exception": ValueError}, {"auto_decompress": False},
    ],
    ids=lambda argument: next(iter(argument)),
)  # fmt: skip
def test_request_parser_takes_this_argument(argument: dict[str, Any]) -> None:
    """It states no signature, and refuses an argument that it does not know."""

    async def parse(**arguments: Any) -> int:
        protocol = HttpProtocol(asyncio.get_running_loop(), ServerLimits())
        parser = HttpRequestParser(protocol, asyncio.get_running_loop(), 2**16, **arguments)
        return len(parser.feed_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[0])

    assert asyncio.run(parse(**argument)) == 1
    with pytest.raises(TypeError):
        asyncio.run(parse(unknown=1))


def test_stream_writer_takes_protocol_and_loop() -> None:
    parameters = list(inspect.signature(StreamWriter).parameters.values())
    assert [parameter.name for parameter in parameters[:2]] == ["protocol", "loop"]
    assert all(parameter.default is not parameter.empty for parameter in parameters[2:])


def test_websocket_reader_returns_whether_it_refuses_frames() -> None:
    """`frame_masking.py` uses it in place of aiohttp's protocol."""

    async def fed() -> tuple[object, object]:
        loop = asyncio.get_running_loop()
        queue = WebSocketDataQueue(HttpProtocol(loop, ServerLimits()), 2**16, loop=loop)
        reader = WebSocketReader(queue, 1024, False, *([] if OLDER_AIOHTTP else [True]))
        fed = reader.feed_data(b"\x89\x80abcd"), reader.feed_data(WRONG_FRAME)[0]
        reader.feed_eof()
        return fed

    assert asyncio.run(fed()) == ((False, b""), True)


def test_base_request_takes_its_parts_in_this_order() -> None:
    names = list(inspect.signature(BaseRequest.__init__).parameters)[1:7]
    assert names == ["message", "payload", "protocol", "payload_writer", "task", "loop"]


def test_message_is_copied_with_each_of_these_fields_replaced() -> None:
    message = asyncio.run(built(RawRequestMessage))
    assert isinstance(message, RawRequestMessage)
    others: dict[str, Any] = {
        "method": "GET", "path": "/other", "headers": CIMultiDictProxy(CIMultiDict(a="b")), "raw_headers": (),
        "should_close": not message.should_close, "compression": "gzip", "upgrade": True, "chunked": True,
        "url": URL("/other"),
    }  # fmt: skip
    copied = message._replace(**others)
    assert {name: getattr(copied, name) for name in others} == others
    assert copied.version == message.version


def test_websocket_response_closes_by_this_method() -> None:
    assert list(inspect.signature(web_ws.WebSocketResponse._close_transport).parameters) == ["self"]


def test_websocket_response_without_heartbeat_begins_none() -> None:
    async def begins() -> bool:
        response = WebSocketResponse(heartbeat=60.0)
        set_heartbeat(response, None)
        response._reset_heartbeat()
        return response._heartbeat_cb is not None

    assert not asyncio.run(begins()), "aiohttp begins heartbeats in another way"


def test_websocket_response_with_a_new_heartbeat_expects_no_pong() -> None:
    async def expects() -> bool:
        response = WebSocketResponse(heartbeat=60.0)
        response._loop = asyncio.get_running_loop()
        response._pong_response_cb = response._loop.call_later(30.0, response._pong_not_received)
        set_heartbeat(response, 60.0)
        assert response._heartbeat_cb is not None
        return response._pong_response_cb is not None

    assert not asyncio.run(expects()), "aiohttp waits for pongs in another way"


def test_websocket_response_writes_its_pings_to_this_transport() -> None:
    written: list[bytes] = []

    class Output(asyncio.Transport):
        def is_closing(self) -> bool:
            return False

        def write(self, data: bytes | bytearray | memoryview) -> None:
            written.append(bytes(data))

    async def ping() -> None:
        response = WebSocketResponse()
        protocol = HttpProtocol(asyncio.get_running_loop(), ServerLimits())
        response._writer = WebSocketWriter(protocol, asyncio.Transport())
        write_frames_to(response, Output())
        await response.ping(b"x")

    asyncio.run(ping())
    assert b"".join(written) == b"\x89\x01x", "aiohttp writes the frames of a WebSocket in another way"


def test_tcp_keepalive_takes_a_transport() -> None:
    assert len(inspect.signature(tcp_keepalive).parameters) == 1


def test_protocol_reads_whether_writing_is_paused_from_its_slot() -> None:
    async def read() -> tuple[bool, bool]:
        protocol = HttpProtocol(asyncio.get_running_loop(), ServerLimits())
        before = protocol.writing_paused
        protocol.pause_writing()
        return before, protocol.writing_paused

    assert asyncio.run(read()) == (False, True)


def test_parser_errors_have_a_message() -> None:
    assert issubclass(LineTooLong, BadHttpMessage)
    assert issubclass(BadHttpMessage, HttpProcessingError)
    assert BadHttpMessage("what is wrong").message == "what is wrong"


def test_feed_data_returns_requests_upgrade_and_tail() -> None:
    async def fed() -> tuple[Sized, bool, bytes]:
        parser = HttpProtocol(asyncio.get_running_loop(), ServerLimits())._requests_parser
        return parser.feed_data(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n+"
        )

    requests, upgraded, tail = asyncio.run(fed())
    assert len(requests) == 1
    assert upgraded
    assert tail == b"+"


def parser_error(parts: list[bytes]) -> HttpProcessingError | None:
    """The error at the last part; None where there is none."""

    async def error() -> HttpProcessingError | None:
        protocol = HttpProtocol(asyncio.get_running_loop(), ServerLimits())
        for part in parts[:-1]:
            protocol.feed_parser(part)
        try:
            protocol.feed_parser(parts[-1])
        except HttpProcessingError as raised:
            return raised
        return None

    return asyncio.run(error())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([HTTP2_PREFACE], True),
        ([HTTP2_PREFACE[:9], HTTP2_PREFACE[9:]], True),
        ([b"GET / HTTP/1.1\r\na b: c\r\n\r\n"], False),
        ([b"what is this?\r\n\r\n"], False),
    ],
    ids=["the preface", "in two parts", "a header without a name", "no request"],
)
def test_parser_stops_with_this_error_at_the_preface_of_http2(parts: list[bytes], expected: bool) -> None:
    error = parser_error(parts)
    assert error is not None
    assert has_read_http2_preface(error) is expected, "aiohttp's error at the preface has changed"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (
            b"GET / HTTP/9.1\r\nHost: x",
            "Invalid HTTP version:" if OLDER_AIOHTTP else "Bad status line:\n  Invalid HTTP",
        ),
        (b"GET / HTTP/1.1" + b"\r\na: b" * (ServerLimits().headers + 1), "Too many headers received"),
        (b"POST * HTTP/1.1\r\nHost: x", None if OLDER_AIOHTTP else "*"),
        (b"GET / HTTP/1.1\r\na b: c", "Invalid header token:\n\n"),
    ],
    ids=["the first line", "too many headers", "a target that is no path", "an excerpt after the first line"],
)
def test_parser_error_begins_with_this_text(head: bytes, expected: str | None) -> None:
    """`connection_errors.py` reads these texts. None: the parser accepts the request."""
    error = parser_error([head + b"\r\n\r\n"])
    if expected is None:
        assert error is None
    else:
        assert error is not None
        assert error.message.startswith(expected)


def test_request_without_host_is_an_error_of_the_newer_parser() -> None:
    """`reading_connection.py` refuses it where the parser does not."""
    error = parser_error([b"GET / HTTP/1.1\r\n\r\n"])
    assert (error is None) is OLDER_AIOHTTP
    assert error is None or not has_read_http2_preface(error)


def test_parser_error_of_long_target_has_this_class() -> None:
    assert type(parser_error([b"GET /" + b"x" * ServerLimits().target + b" HTTP/1.1\r\n\r\n"])) is LineTooLong


def test_internals_module_is_short_and_alone() -> None:
    path = Path(aiohttp_internals.__file__)
    assert len(path.read_text("utf-8").splitlines()) <= 150
    for other in path.parent.rglob("*.py"):
        if other != path:
            text = other.read_text("utf-8")
            assert not re.search(r"from aiohttp\.(?!web import)", text), other
