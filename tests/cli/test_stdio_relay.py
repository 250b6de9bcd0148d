"""What the relay of an MCP server takes from a response."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mockllm.cli.stdio_relay import _messages, _write


def messages_of(parts: Sequence[bytes]) -> list[bytes]:
    """Return the messages of an event stream that comes in these parts."""

    async def iter_any() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async def read() -> list[bytes]:
        return [message async for message in _messages(cast(Any, response))]

    response = SimpleNamespace(
        headers={"content-type": "text/event-stream"}, content=SimpleNamespace(iter_any=iter_any)
    )
    return asyncio.run(read())


@pytest.mark.parametrize(
    ("parts", "messages"),
    [
        ([b"data: 1\n\n"], [b"1"]),
        ([b"data: 1\n\nda", b"ta: 2\r\n\r", b"\n"], [b"1", b"2"]),
        ([b"data: 1\ndata: 2\n\n"], [b"1\n2"]),
        ([b"data: 1\n\ndata: 2\n"], [b"1"]),
        ([b"data: 1\n\n", b"data: 2"], [b"1"]),
        ([b"data: 1\n\n", b"data: 2\n", b"data: 3\n"], [b"1"]),
        ([b"data: 1\n\r"], [b"1"]),
        ([], []),
    ],
)
def test_event_that_the_stream_does_not_end_is_no_message(
    parts: Sequence[bytes], messages: Sequence[bytes]
) -> None:
    assert messages_of(parts) == messages


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            b'{"n": 123456789012345678901234567890, "d": 1.10}',
            b'{"n": 123456789012345678901234567890, "d": 1.10}',
        ),
        (b'{\r\n  "n": 12345678901234567890123\n}\n', b'{    "n": 12345678901234567890123 }'),
        (b'{"text": "\xe2\x80\xa8 \\n"}', b'{"text": "\xe2\x80\xa8 \\n"}'),
        (b"no\njson", b"no json"),
    ],
)
def test_message_is_written_unchanged_in_one_line(
    message: bytes, line: bytes, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    _write(message)
    assert capsysbinary.readouterr().out == line + b"\n"
