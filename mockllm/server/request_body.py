"""Reads a request's body within bounds: its size before and after inflating, its silences, its nesting.

aiohttp's own reading is not used: it inflates without a bound on memory and waits for ever.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import Final

from aiohttp import StreamReader
from aiohttp.web import RequestPayloadError

from mockllm.core.failure import Failure
from mockllm.server.connection import BrokenBody, IncomingRequest
from mockllm.server.deadlines import Deadlines
from mockllm.server.server_limits import ServerLimits
from mockllm.server.socket_sink import SocketSink

SMALL: Final = 16 * 1024
"""Of smaller bodies aiohttp's flow control never hears."""
_INFLATE_SLICE: Final = 1024 * 1024
"""So much is decompressed at once, and before the loop has its turn."""
FIRST_SLICE: Final = 1024
_LAST_SLICE: Final = 64 * 1024
"""How much of a member the decompressor is given at its start, and at most."""
_CALL: Final = 4096
"""The time that a call of the decompressor takes beside its bytes, as bytes."""
MAX_MEMBERS: Final = 10_000
"""How many members a gzip body may have."""
_GZIP: Final = b"\x1f\x8b"
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_AUTOMATIC: Final = zlib.MAX_WBITS | 32  # a gzip or a zlib header


class BodyRejected(Exception):
    """The body is not taken. `failure` is what its sender is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


async def read_body(
    incoming: IncomingRequest, sink: SocketSink, limits: ServerLimits, deadlines: Deadlines
) -> bytes:
    """The body, inflated. Raises Unacceptable; ConnectionError or cancellation where the client has left."""
    body = incoming.body
    headers = incoming.message.headers
    if not body.is_eof() or body.total_bytes > limits.body:
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limits.body:
            raise _too_large(limits)
        if headers.get("expect", "").lower() == "100-continue":
            sink.go_on()
        raw = await _received(incoming, limits, deadlines)
    else:
        raw = body.read_nowait()
    encoding = headers.get("content-encoding")
    if encoding is not None and raw:
        raw = await inflated(raw, encoding, limits.body)
    return shallow(raw, limits)


def ready_body(incoming: IncomingRequest, limits: ServerLimits) -> bytes | None:
    """The body where it is all there and plain, as deep as it may be; None where `read_body` has more to do."""
    body = incoming.body
    if not body.is_eof() or body.total_bytes > limits.body or "content-encoding" in incoming.message.headers:
        return None
    return _taken(body)


def _taken(body: StreamReader) -> bytes:
    """A body that has come as a whole. Of a small one in one piece aiohttp's books need not be kept: it cannot
    have made the connection pause."""
    if type(body) is StreamReader and len(body._buffer) == 1 and body.total_bytes < SMALL:
        return body._buffer.popleft()
    return body.read_nowait()


def shallow(raw: bytes, limits: ServerLimits) -> bytes:
    """The body. Raises Unacceptable where it is nested too deep."""
    if raw.count(b"[") + raw.count(b"{") > limits.depth and too_deep(raw, limits.depth):
        message = f"The JSON body is nested deeper than {limits.depth} levels."
        raise BodyRejected(Failure("bad_request", 400, message))
    return raw


async def _received(incoming: IncomingRequest, limits: ServerLimits, deadlines: Deadlines) -> bytes:
    """The rest of the body, piece by piece, given up after a silence."""
    body = incoming.body
    pieces: list[bytes] = []
    size = 0
    silence = _Silence(body, limits.body_idle, deadlines)
    try:
        while piece := await body.readany():
            pieces.append(piece)
            size += len(piece)
            if size > limits.body:
                raise _too_large(limits)
    except TimeoutError:
        message = f"No more of the request's body came for {limits.body_idle:g} s."
        raise BodyRejected(Failure("timeout", 408, message)) from None
    except (BrokenBody, RequestPayloadError) as exc:
        raise BodyRejected(Failure("bad_request", 400, f"The body's framing is broken: {exc}")) from None
    finally:
        silence.cancel()
    return b"".join(pieces)


class _Silence:
    """Fails a body that says nothing for so long. One deadline, moved on when it finds progress."""

    __slots__ = ("_body", "_deadline", "_deadlines", "_seconds", "_seen")

    def __init__(self, body: StreamReader, seconds: float, deadlines: Deadlines) -> None:
        self._body = body
        self._seconds = seconds
        self._deadlines = deadlines
        self._listen(deadlines.time())

    def _listen(self, now: float) -> None:
        self._seen = self._body.total_bytes
        self._deadline = self._deadlines.at(now + self._seconds, self._look)

    def _look(self, now: float) -> None:
        if self._body.total_bytes == self._seen:
            self._body.set_exception(TimeoutError())
        else:
            self._listen(now)

    def cancel(self) -> None:
        self._deadline.cancel()


def _too_large(limits: ServerLimits) -> BodyRejected:
    message = f"The request body is larger than {limits.body} bytes."
    return BodyRejected(Failure("request_too_large", 413, message))


async def inflated(raw: bytes, encoding: str, bound: int) -> bytes:
    """`raw` without its Content-Encoding, never holding more than `bound` bytes of it and a slice; the loop
    has its turn between slices. Raises Unacceptable."""
    name = encoding.strip().lower()
    if name == "identity":
        return raw
    if name not in ("gzip", "x-gzip", "deflate"):
        message = f"Content-Encoding {name[:40]!r} is not supported: send gzip, deflate or none."
        raise BodyRejected(Failure("bad_request", 415, message))
    try:
        return await _inflated(
            raw, _RAW_DEFLATE if name == "deflate" and raw[0] & 15 != 8 else _AUTOMATIC, bound
        )
    except zlib.error as exc:
        message = f"The body is not what Content-Encoding {name!r} says: {exc}"
        raise BodyRejected(Failure("bad_request", 400, message)) from None


async def _inflated(raw: bytes, wbits: int, bound: int) -> bytes:
    """Decompress all members. A decompressor copies what it does not use of its input, so it is given slices: small
    ones at the start of a member, which may be its end, too."""
    view, position, slice_size = memoryview(raw), 0, FIRST_SLICE
    engine = zlib.decompressobj(wbits)
    pieces: list[bytes] = []
    size = work = 0
    members = 1
    while True:
        given = view[position : position + slice_size]
        piece = engine.decompress(given, min(_INFLATE_SLICE, bound - size + 1))
        pieces.append(piece)
        size += len(piece)
        if size > bound:
            message = f"The inflated body is larger than {bound} bytes."
            raise BodyRejected(Failure("request_too_large", 413, message))
        position += len(given) - len(engine.unused_data if engine.eof else engine.unconsumed_tail)
        slice_size = min(2 * slice_size, _LAST_SLICE)
        if engine.eof:
            if raw[position : position + 2] != _GZIP:
                return b"".join(pieces)
            members += 1
            if members > MAX_MEMBERS:
                raise BodyRejected(
                    Failure("bad_request", 400, f"The gzip body has more than {MAX_MEMBERS:,} members.")
                )
            engine, slice_size = zlib.decompressobj(_AUTOMATIC), FIRST_SLICE
        elif position == len(raw) and len(piece) < _INFLATE_SLICE:
            raise zlib.error("it ends too early")
        work += len(given) + len(piece) + _CALL
        if work >= _INFLATE_SLICE:
            work = 0
            await asyncio.sleep(0)


_BRACKETS_ONLY: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_STRINGS: Final[re.Pattern[bytes]] = re.compile(rb'"[^"]*"')


def too_deep(raw: bytes, depth: int) -> bool:
    """Whether a JSON text nests deeper than `depth`. Exact, and at the speed of bytes: where the brackets are
    not too few anyway, strings are struck out and then the innermost pairs, level by level."""
    if raw.count(b"[") + raw.count(b"{") <= depth or raw.lstrip()[:1] not in (b"{", b"["):
        return False
    rest = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_BRACKETS_ONLY, _OTHERS)
    rest = _STRINGS.sub(b"", rest.replace(b'""', b""))
    for _ in range(depth):
        without = rest.replace(b"[]", b"")
        if len(without) == len(rest):
            break
        rest = without
    return rest.count(b"[") > depth or b"[]" in rest
