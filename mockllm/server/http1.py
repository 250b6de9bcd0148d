"""HTTP/1.x as bytes: the head of a response and chunked framing.

Responses leave in as few writes as their timing allows, so head and body are joined here.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from aiohttp import HttpVersion10
from aiohttp.http_parser import RawRequestMessage

from mockllm.core.rendering.placeholders import ByteTemplate
from mockllm.core.rendering.plan import Body, EventStep, Framing, Headers, Plan, RawStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse

END_OF_CHUNKS: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES: Final = {
    **{status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus},
    529: "HTTP/1.1 529 Overloaded\r\n",
}


class DateLine:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._line = ""
        self._bytes = b""

    def at(self, now: float) -> str:
        """`now` in seconds since the epoch."""
        if int(now) != self._second:
            self._second = int(now)
            self._line = f"Date: {formatdate(self._second, usegmt=True)}\r\n"
            self._bytes = self._line.encode()
        return self._line

    def bytes_at(self, now: float) -> bytes:
        if int(now) != self._second:
            self.at(now)
        return self._bytes


class ResponseFraming(NamedTuple):
    """What of a request decides how its answer is framed."""

    head_only: bool = False
    """A HEAD request: the head of the answer and none of its body."""
    http10: bool = False
    """No chunks: an answer of unknown length ends with the connection."""
    close: bool = False
    """The connection is not used again, whatever the answer is."""


ORDINARY: Final = ResponseFraming()


def response_framing(message: RawRequestMessage) -> ResponseFraming:
    """What this request's head decides."""
    head_only, http10 = message.method == "HEAD", message.version == HttpVersion10
    if head_only or http10 or message.should_close:
        return ResponseFraming(head_only, http10, message.should_close)
    return ORDINARY


class RenderedHead(NamedTuple):
    """The head as bytes, and how what follows it is framed."""

    head: bytes
    chunked: bool
    bodiless: bool
    keep_alive: bool


class HeadTemplate(NamedTuple):
    """A head without what differs from answer to answer: its own headers, its date and its length."""

    start: str
    end: str
    dated: bool
    """Whether the date is to be added."""
    measured: bool
    """Whether the length is."""
    chunked: bool
    bodiless: bool
    keep_alive: bool


def render_head(plan: Plan, asked: ResponseFraming, date: str, extra: str = "") -> RenderedHead:
    """The head of the plan's answer. `extra` are ready lines that stand at its end, unless the plan has the
    first of these headers itself.

    A plan's own `content-length`, `connection` and `date` are sent as they stand, so that a scenario may lie
    about them; a length of its own also switches chunks off. Without one, a whole answer's length counts all
    its steps, also those behind a cut.
    """
    head, delivery = plan.head, plan.delivery
    frame = _frame(head.status, head.fixed, plan.streamed, asked, extra, delivery.body)
    text = frame.start
    for name, value in head.unique_headers:
        text += _line(name, value)
    if frame.dated:
        text += date
    if frame.measured:
        text += f"Content-Length: {length(plan)}\r\n"
    text += frame.end
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "replace")
    if delivery.lines:
        raw = raw[:-2] + delivery.lines + b"\r\n"
    return RenderedHead(raw, frame.chunked, frame.bodiless, frame.keep_alive)


class CachedEnvelope(NamedTuple):
    """What stands around the body of one stencil's answers. `own`: the names of its own headers, each with the
    number of the id that it holds. `before` stands before the date, `after` behind what tells the length."""

    piece: ByteTemplate
    before: bytes
    own: Sequence[tuple[bytes, int]]
    after: bytes
    chunked: bool


def prerendered_bytes(
    stencil: PrerenderedResponse, said: Sequence[bytes], date: bytes, extra: str = ""
) -> bytes | None:
    """Head and body of a kept answer that leaves at once, to an ordinary request; the same bytes as `opening`
    and the body. None where it is not so simple."""
    envelope = _envelope(stencil, extra)
    if envelope is None:
        return None
    piece, before, own, after, chunked = envelope
    for name, number in own:
        before += b"%b: %b\r\n" % (name, said[number])
    body = piece.written(said)
    if chunked:
        return b"%b%b%b%x\r\n%b\r\n0\r\n\r\n" % (before, date, after, len(body), body)
    return b"%b%bContent-Length: %d\r\n%b%b" % (before, date, len(body), after, body)


@lru_cache(maxsize=256)
def _envelope(stencil: PrerenderedResponse, extra: str) -> CachedEnvelope | None:
    piece = stencil.alone
    frame = _frame(stencil.status, stencil.fixed, stencil.framing is not Framing.PLAIN, ORDINARY, extra)
    simple = frame.dated and frame.keep_alive and frame.measured is not frame.chunked
    if piece is None or not simple or not piece.parts[0] or stencil.size > SEALED:
        return None
    own = tuple((name.encode("latin-1"), number) for name, number in stencil.unique_headers)
    return CachedEnvelope(piece, _encoded(frame.start), own, _encoded(frame.end), frame.chunked)


SEALED: Final = 128 * 1024
"""Larger answers leave in slices."""


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


@lru_cache(maxsize=256)
def _frame(
    status: int, headers: Headers, streamed: bool, asked: ResponseFraming, extra: str, body: Body = "usual"
) -> HeadTemplate:
    """Most answers of a server have one of a few heads, so these are kept."""
    start = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    own: dict[str, str] = {}
    for name, value in headers:
        own[name.lower()] = value
        if name.lower() != "transfer-encoding":
            start += _line(name, value)
    end = ""
    never = status == 204 or status < 200
    sized = body == "usual" and (not streamed or "content-length" in own)
    chunked = not (sized or asked.http10 or body == "close")
    if chunked and not never:
        end += "Transfer-Encoding: chunked\r\n"
    bodiless = never or status == 304 or asked.head_only
    keep_alive = not asked.close and (sized or bodiless or chunked)
    if "connection" in own:
        keep_alive = keep_alive and "close" not in own["connection"].lower()
    elif not keep_alive:
        end += "Connection: close\r\n"
    elif asked.http10:
        end += "Connection: keep-alive\r\n"
    if extra.partition(":")[0].lower() not in own:
        end += extra
    measured = sized and "content-length" not in own and not never and status != 304
    return HeadTemplate(start, end + "\r\n", "date" not in own, measured, chunked, bodiless, keep_alive)


def _line(name: str, value: str) -> str:
    """One header. A value that came out of a template cannot start a header of its own: what would end its
    line becomes a space."""
    line = f"{name}: {value}"
    return (line if line.isprintable() else line.translate(_NO_CONTROLS)) + "\r\n"


_NO_CONTROLS: Final = dict.fromkeys((0x00, 0x0A, 0x0D), " ")


def length(plan: Plan) -> int:
    """Bytes of a whole answer's body."""
    total = 0
    for step in plan.steps:
        if type(step) is EventStep:
            total += len(step.payload)
        elif type(step) is RawStep:
            total += len(step.data)
    return total


def chunk(data: bytes) -> bytes:
    """One chunk of chunked transfer coding (RFC 9112, section 7.1); `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)
