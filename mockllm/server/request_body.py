"""Reads a request's body within bounds: its size before and after decompression, and its time.

The `read` of aiohttp's requests is not used: it decompresses without a bound on memory and waits without a bound on
time. A body outside of the bounds is a `Failure`, which becomes the response.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.rendering.gzip import window_bits
from mockllm.server.aiohttp_internals import RawRequestMessage, StreamReader, take_body
from mockllm.server.deadlines import Deadlines
from mockllm.server.http1 import MalformedBody
from mockllm.server.server_limits import ServerLimits
from mockllm.server.socket_sink import SocketSink

_WORK_SLICE: Final = 1024 * 1024
"""Bytes that are decompressed at once, and before other tasks of the loop run."""
FIRST_SLICE: Final = 1024
"""Bytes of a member that the decompressor gets first."""
_MAX_INPUT_SLICE: Final = 64 * 1024
"""The most bytes of a member that the decompressor gets at once."""
_WORK_OF_CALL: Final = 4096
"""The cost of one call of the decompressor, as the number of bytes whose decompression takes the same time."""
MAX_AT_ONCE: Final = 192 * 1024
"""The most bytes of a body that is taken, decided and responded to in one iteration of the loop, without a task. A
longer one may take long to read."""
MAX_MEMBERS: Final = 10_000
"""The most members that a gzip body may have."""
_GZIP: Final = b"\x1f\x8b"


def body_if_complete(body: StreamReader, headers: Mapping[str, str], limits: ServerLimits) -> bytes | None:
    """Return a body that has come as a whole and needs no decompression. None if `read_body` has more to do, or the
    body may take long to read."""
    size = body.total_bytes
    if not body.is_eof() or size > limits.body or size > MAX_AT_ONCE or "content-encoding" in headers:
        return None
    if _unknown_coding(headers) is not None:
        return None
    return take_body(body)


async def read_body(
    body: StreamReader,
    message: RawRequestMessage,
    sink: SocketSink,
    limits: ServerLimits,
    deadlines: Deadlines,
) -> bytes | Failure:
    """Return the body, decompressed. Raises ConnectionError, or is cancelled, if the client has disconnected."""
    raw: bytes | Failure
    headers = message.headers
    coding = _unknown_coding(headers)
    if coding is not None:
        text = f"Transfer-Encoding {coding[:40]!r} is not supported: send chunked or none."
        return Failure("bad_request", 501, text)
    if not body.is_eof() or body.total_bytes > limits.body:
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limits.body:
            return _too_large(limits)
        if headers.get("expect", "").lower() == "100-continue" and message.version >= (1, 1):
            sink.write_continue()
        raw = await _received(body, limits, deadlines)
    else:
        raw = body.read_nowait()
    encoding = headers.get("content-encoding")
    if encoding is not None and raw and isinstance(raw, bytes):
        raw = await decompressed_body(raw, encoding, limits.body)
    return raw


def _unknown_coding(headers: Mapping[str, str]) -> str | None:
    """Return the `Transfer-Encoding` of a body if it is more than chunked, which the parser decodes."""
    coding = headers.get("transfer-encoding")
    return None if coding is None or coding.strip().lower() == "chunked" else coding


async def _received(body: StreamReader, limits: ServerLimits, deadlines: Deadlines) -> bytes | Failure:
    """Return the whole body; a Failure where it is too large, malformed or late."""
    parts: list[bytes] = []
    size = 0
    watch = _BodyWatch(body, limits, deadlines)
    try:
        while part := await body.readany():
            parts.append(part)
            size += len(part)
            if size > limits.body:
                return _too_large(limits)
    except TimeoutError as late:
        return Failure("timeout", 408, str(late))
    except MalformedBody as exc:
        return Failure("bad_request", 400, f"The body's framing is broken: {exc}")
    finally:
        watch.cancel()
    return b"".join(parts)


class _BodyWatch:
    """Fails a body of which no byte comes for some seconds, and one that takes too long in all. It has one deadline,
    which moves on with progress."""

    __slots__ = ("_body", "_deadline", "_deadlines", "_end", "_limits", "_seen")

    def __init__(self, body: StreamReader, limits: ServerLimits, deadlines: Deadlines) -> None:
        self._body = body
        self._limits = limits
        self._deadlines = deadlines
        monotonic = deadlines.time()
        self._end = monotonic + limits.body_time
        self._watch(monotonic)

    def _watch(self, monotonic: float) -> None:
        self._seen = self._body.total_bytes
        self._deadline = self._deadlines.call_at(
            min(monotonic + self._limits.body_idle, self._end), self._check
        )

    def _check(self, monotonic: float) -> None:
        limits = self._limits
        if monotonic >= self._end:
            self._fail(f"The request's body did not come within {limits.body_time:g} s (--body-timeout).")
        elif self._body.total_bytes == self._seen:
            self._fail(f"No more of the request's body came for {limits.body_idle:g} s.")
        else:
            self._watch(monotonic)

    def _fail(self, reason: str) -> None:
        self._body.set_exception(TimeoutError(reason))

    def cancel(self) -> None:
        self._deadline.cancel()


def _too_large(limits: ServerLimits) -> Failure:
    return Failure(
        "request_too_large", 413, f"The request body is larger than {limits.body} bytes (--max-body)."
    )


async def decompressed_body(raw: bytes, encoding: str, bound: int) -> bytes | Failure:
    """Return `raw` without its Content-Encoding. Memory holds at most twice `bound` bytes of it; other tasks of
    the loop run between slices."""
    name = encoding.strip().lower()
    if name == "identity":
        return raw
    if name not in ("gzip", "x-gzip", "deflate"):
        message = f"Content-Encoding {name[:40]!r} is not supported: send gzip, deflate or none."
        return Failure("bad_request", 415, message)
    try:
        return await _decompressed_members(raw, window_bits(name, raw), bound)
    except zlib.error as exc:
        return Failure("bad_request", 400, f"The body is not what Content-Encoding {name!r} says: {exc}")


async def _decompressed_members(raw: bytes, wbits: int, bound: int) -> bytes | Failure:
    """Decompress all members. A decompressor copies the input that it does not use, so it gets slices. They are
    small at the start of a member, which may be its end, too."""
    view, position, slice_size = memoryview(raw), 0, FIRST_SLICE
    decompressor = zlib.decompressobj(wbits)
    parts: list[bytes] = []
    size = work = 0
    members = 1
    while True:
        source = view[position : position + slice_size]
        part = decompressor.decompress(source, min(_WORK_SLICE, bound - size + 1))
        parts.append(part)
        size += len(part)
        if size > bound:
            message = f"The decompressed body is larger than {bound} bytes (--max-body)."
            return Failure("request_too_large", 413, message)
        position += len(source) - len(
            decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
        )
        slice_size = min(2 * slice_size, _MAX_INPUT_SLICE)
        if decompressor.eof:
            if raw[position : position + 2] != _GZIP:
                return b"".join(parts)
            members += 1
            if members > MAX_MEMBERS:
                return Failure("bad_request", 400, f"The gzip body has more than {MAX_MEMBERS:,} members.")
            decompressor, slice_size = zlib.decompressobj(window_bits("gzip", b"")), FIRST_SLICE
        elif position == len(raw) and len(part) < _WORK_SLICE:
            raise zlib.error("it ends too early")
        work += len(source) + len(part) + _WORK_OF_CALL
        if work >= _WORK_SLICE:
            work = 0
            await asyncio.sleep(0)


async def read_rest(body: StreamReader, limits: ServerLimits) -> bool:
    """Read the rest of a refused body for the linger time, so that the client can read the response before the
    connection ends. Return whether the body is complete."""
    try:
        async with asyncio.timeout(limits.linger):
            while not body.is_eof():
                await body.readany()
    except Exception:  # its framing is broken, or it does not come
        return False
    return True
