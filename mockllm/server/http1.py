"""HTTP/1.x as bytes: the head of a response, and HTTP chunks.

A response is written in as few writes as its timing allows. Head and body of a small cached response are joined here,
those of others in `single_write.py` and `player.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.utils import formatdate
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from mockllm.core.rendering.placeholders import PlaceholderStep
from mockllm.core.rendering.plan import (
    PHRASES,
    BodyEnd,
    EventStep,
    Framing,
    Headers,
    HeadLayout,
    Plan,
    RawStep,
)
from mockllm.core.rendering.prerendered_response import PrerenderedResponse

LAST_HTTP_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
ALLOW_CORS: Final = "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n"
"""Header lines of responses to requests that the engine reads, and to preflights, unless `--no-cors`. Handshakes that
open a WebSocket or are malformed, and the server's own 500, have none. Web pages may call the provider routes, but
not the control API."""
MAX_PRERENDERED: Final = 128 * 1024
"""Larger responses are written as plans."""
MAX_REPEATED_TIME: Final = 32 * 1024
"""A larger response has no `BodyOfSecond`, which stores its bytes again."""
MAX_RESPONSE_HEADS: Final = 4096
"""Cached heads of responses, and cached responses whose affixes are stored. Where more rules respond
one after another, a request costs 36 µs instead of 21."""
MAX_AFFIX_BYTES: Final = 64 * 1024 * 1024
"""Bytes of the cached responses whose affixes are stored, about: they may have left the response cache. With more,
all affixes are deleted."""
MAX_HEAD_BYTES: Final = 8 * 1024 * 1024
"""Bytes of the cached heads, about. With more, all are deleted: a template may put a client's text into a header."""

_STATUS_LINES: Final = {
    **{status: f"HTTP/1.1 {status} {phrase}\r\n" for status, phrase in PHRASES.items()},
    529: "HTTP/1.1 529 Overloaded\r\n",
}
_LINE_BREAKS_TO_SPACES: Final = dict.fromkeys((0x00, 0x0A, 0x0D), " ")


class MalformedBody(Exception):
    """The body has HTTP chunks or an end that HTTP does not allow; the message says what is wrong."""


class DateLine:
    """The Date header, formatted once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._line = ""
        self._bytes = b""

    def at(self, now: float) -> str:
        """Return the line; `now` is in seconds since the epoch."""
        if int(now) != self._second:
            self._second = int(now)
            self._line = f"Date: {formatdate(self._second, usegmt=True)}\r\n"
            self._bytes = self._line.encode()
        return self._line

    def bytes_at(self, now: float) -> bytes:
        if int(now) != self._second:
            self.at(now)
        return self._bytes


class HttpConstraints(NamedTuple):
    """How a request, or a server that stops, constrains the HTTP message of a response."""

    head_only: bool = False
    """A HEAD request: the head of the response and none of its body."""
    http10: bool = False
    """No HTTP chunks: a response of unknown length ends with the connection."""
    ends_connection: bool = False
    """The connection is not used again, whatever the response is."""


NO_CONSTRAINTS: Final = HttpConstraints()


class SerializedHead(NamedTuple):
    """The head as bytes, and how HTTP marks the end of the body."""

    data: bytes
    http_chunked: bool
    bodiless: bool
    """Whether the response has no body: by its status, or since the request is HEAD."""
    keep_alive: bool


class PartialHead(NamedTuple):
    """A head without its per-response headers (`ResponseHead`), its date and its length."""

    start: str
    """The status line and the fixed headers, without a `transfer-encoding`."""
    end: str
    """What follows the date and the length, with the empty line."""
    date_missing: bool
    """Whether the date is to be added."""
    length_missing: bool
    """Whether the length is to be added."""
    http_chunked: bool
    bodiless: bool
    keep_alive: bool


def serialize_head(
    plan: Plan, constraints: HttpConstraints, date: str, cors_lines: str = ""
) -> SerializedHead:
    """Return the head of the plan's response. `cors_lines` are added at its end, unless the plan has the first of
    these headers itself.

    The plan's `content-length`, `connection` and `date` are sent unchanged, so that a scenario can send wrong ones. A
    fixed `transfer-encoding` is left out: this module writes its own. A `content-length` also switches HTTP chunks
    off, unless `Delivery.body_end` is `http_chunks`. Without one, the length of a non-streaming response counts all
    its steps, also those after a cut.
    """
    head, delivery = plan.head, plan.delivery
    partial_head = _partial_head(
        head.status, head.fixed, plan.streamed, constraints, cors_lines, delivery.body_end
    )
    text = partial_head.start
    for name, value in head.per_response_headers:
        text += _line(name, value)
    if partial_head.date_missing:
        text += date
    if partial_head.length_missing:
        text += f"Content-Length: {body_length(plan)}\r\n"
    text += partial_head.end
    raw = _encoded(text)
    if delivery.extra_head_lines:
        raw = raw[:-2] + delivery.extra_head_lines + b"\r\n"
    if delivery.head_layout is not None:
        raw = _with_layout(raw, delivery.head_layout)
    return SerializedHead(raw, partial_head.http_chunked, partial_head.bodiless, partial_head.keep_alive)


def _with_layout(raw: bytes, layout: HeadLayout) -> bytes:
    """Return the head with its headers in another legal layout."""
    first, *lines = raw[:-4].split(b"\r\n")
    if layout.reversed:
        lines.reverse()
    if layout.case != "usual":
        pairs = (line.partition(b":") for line in lines)
        lines = [
            (name.lower() if layout.case == "lower" else name.upper()) + colon + value
            for name, colon, value in pairs
        ]
    return b"\r\n".join([first, *lines, b"", b""])


class BodyOfSecond:
    """The body of a prerendered response with the present time, in whole seconds, filled in: each event of a stream
    has it. To fill it in takes 7 µs, and saves half a microsecond of each response with 18 chunks. So the second
    response with the same time does it."""

    __slots__ = ("_body", "_prerendered", "_step", "_time", "_value_index")

    def __init__(self, prerendered: PrerenderedResponse, body: PlaceholderStep, value_index: int) -> None:
        self._prerendered = prerendered
        self._body = body
        self._value_index = value_index
        self._time = b""
        self._step: PlaceholderStep | None = None

    def step(self, values: Sequence[bytes]) -> PlaceholderStep:
        """Return the body with the time that these values have."""
        time = values[self._value_index]
        if time != self._time:
            self._time, self._step = time, None
            return self._body
        if self._step is None:
            self._step = self._prerendered.body_with(self._value_index, time)
        return self._step


class ResponseAffixes(NamedTuple):
    """The bytes around the body of a prerendered response.

    `header_value_indexes` has the names of headers that differ in each response, with the indexes of their values.
    `before` is the text before these headers and the date, `after` the text after the length, if there is one.
    `body_of_second` fills the body's time, where the body has it many times.
    """

    body_step: PlaceholderStep
    before: bytes
    header_value_indexes: Sequence[tuple[bytes, int]]
    after: bytes
    http_chunked: bool
    body_of_second: BodyOfSecond | None


def prerendered_bytes(
    prerendered: PrerenderedResponse,
    values: Sequence[bytes],
    date: bytes,
    cors_lines: str = "",
    limit_headers: Headers = (),
) -> bytes | None:
    """Return head and body of a prerendered response that is sent at once, to an ordinary request: the same bytes as
    `serialize_head` and the body. `limit_headers` replace headers of the same names. Return None if
    it is large, delayed or of several steps, ends the connection, or has its own date or length. None too if its body
    is empty or begins with a placeholder."""
    if prerendered.size > MAX_PRERENDERED:
        return None
    if not limit_headers:
        affixes = _affixes(prerendered, cors_lines)
    else:
        affixes = _affixes(prerendered, cors_lines, *[name for name, _ in limit_headers])
    if affixes is None:
        return None
    body_step, before, header_value_indexes, after, http_chunked, body_of_second = affixes
    for name, value_index in header_value_indexes:
        before += b"%b: %b\r\n" % (name, values[value_index])
    if limit_headers:
        before += _encoded(_lines(limit_headers))
    if body_of_second is not None:
        body_step = body_of_second.step(values)
    body = body_step.filled_bytes(values)
    length = len(body)
    if length > MAX_PRERENDERED:  # a generated tool call may be long
        return None
    if http_chunked:
        return b"%b%b%b%x\r\n%b\r\n0\r\n\r\n" % (before, date, after, length, body)
    return b"%b%bContent-Length: %d\r\n%b%b" % (before, date, length, after, body)


class StoredBytes:
    """Counts the bytes of what a cache has stored since it was cleared, also of what was evicted."""

    __slots__ = ("_clear_cache", "_count", "_limit")

    def __init__(self, limit: int, clear_cache: Callable[[], object]) -> None:
        self._limit = limit
        self._clear_cache = clear_cache
        self._count = 0

    def add(self, size: int) -> None:
        """Count a new entry. Clear the cache before it where there are more bytes than the limit."""
        if self._count + size > self._limit:
            self.clear()
        self._count += size

    def clear(self) -> None:
        """Clear the cache."""
        self._clear_cache()
        self._count = 0


@lru_cache(maxsize=MAX_RESPONSE_HEADS)
def _affixes(prerendered: PrerenderedResponse, cors_lines: str, *replaced: str) -> ResponseAffixes | None:
    """Return the affixes of the body, without the headers of these names.

    Cached by response, since a cached response is sent many times. The key has the response: `forget_prerendered`
    deletes it."""
    _affix_bytes.add(2 * prerendered.size)  # the response, and its `BodyOfSecond`
    body_step = prerendered.undelayed_body
    names = {name.lower() for name in replaced}
    fixed = tuple(pair for pair in prerendered.fixed if pair[0].lower() not in names)
    partial_head = _partial_head(
        prerendered.status, fixed, prerendered.framing is not Framing.PLAIN, NO_CONSTRAINTS, cors_lines
    )
    # exactly one of the two marks the end of the body: its length, or HTTP chunks
    simple = (
        partial_head.date_missing
        and partial_head.keep_alive
        and (partial_head.length_missing != partial_head.http_chunked)
    )
    # a body that is empty, or begins with a placeholder, is written as a plan
    if body_step is None or not simple or not body_step.parts[0]:
        return None
    time_index = prerendered.repeated_time_index
    per_response = [pair for pair in prerendered.header_value_indexes if pair[0].lower() not in names]
    header_value_indexes = tuple((name.encode("latin-1"), value_index) for name, value_index in per_response)
    return ResponseAffixes(
        body_step,
        _encoded(partial_head.start),
        header_value_indexes,
        _encoded(partial_head.end),
        partial_head.http_chunked,
        None
        if time_index is None or prerendered.size > MAX_REPEATED_TIME
        else BodyOfSecond(prerendered, body_step, time_index),
    )


def forget_prerendered() -> None:
    """Delete what is stored of prerendered responses and heads, so that they do not outlive their engine."""
    _affix_bytes.clear()
    _head_bytes.clear()


_affix_bytes: Final = StoredBytes(MAX_AFFIX_BYTES, _affixes.cache_clear)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


# the cache of response heads: each rule has one, since `x-mockllm-rule` names it
@lru_cache(maxsize=MAX_RESPONSE_HEADS)
def _partial_head(
    status: int,
    headers: Headers,
    streamed: bool,
    constraints: HttpConstraints,
    cors_lines: str,
    body_end: BodyEnd = "usual",
) -> PartialHead:
    """Return a head without its per-response headers, its date and its length."""
    start = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    header_values: dict[str, str] = {}
    for name, value in headers:
        header_values[name.lower()] = value
        if name.lower() != "transfer-encoding":
            start += _line(name, value)
    _head_bytes.add(2 * len(start))  # in the key and in the value
    end = ""
    never_has_body = status == 204 or status < 200
    length_known = body_end == "usual" and (not streamed or "content-length" in header_values)
    http_chunked = not (length_known or constraints.http10 or body_end == "connection_end")
    if http_chunked and not never_has_body:
        end += "Transfer-Encoding: chunked\r\n"
    bodiless = never_has_body or status == 304 or constraints.head_only
    keep_alive = not constraints.ends_connection and (length_known or bodiless or http_chunked)
    if "connection" in header_values:
        keep_alive = keep_alive and "close" not in header_values["connection"].lower()
    elif not keep_alive:
        end += "Connection: close\r\n"
    elif constraints.http10:
        end += "Connection: keep-alive\r\n"
    if cors_lines.partition(":")[0].lower() not in header_values:
        end += cors_lines
    length_missing = (
        length_known and "content-length" not in header_values and not never_has_body and status != 304
    )
    return PartialHead(
        start, end + "\r\n", "date" not in header_values, length_missing, http_chunked, bodiless, keep_alive
    )


_head_bytes: Final = StoredBytes(MAX_HEAD_BYTES, _partial_head.cache_clear)


def _lines(headers: Headers) -> str:
    """Return header lines, at least one, as `_line` writes each."""
    if "".join(chain.from_iterable(headers)).isprintable():
        return "\r\n".join(map(": ".join, headers)) + "\r\n"
    return "".join([_line(name, value) for name, value in headers])


def _line(name: str, value: str) -> str:
    """Return one header line. A value from a template cannot start another header: a character that would end the
    line becomes a space."""
    line = f"{name}: {value}"
    return (line if line.isprintable() else line.translate(_LINE_BREAKS_TO_SPACES)) + "\r\n"


def body_length(plan: Plan) -> int:
    """Return the number of bytes in the body of a non-streaming response."""
    total = 0
    for step in plan.steps:
        total += (
            len(step.payload) if type(step) is EventStep else len(step.data) if type(step) is RawStep else 0
        )
    return total


def http_chunk(data: bytes) -> bytes:
    """Return one chunk of chunked transfer coding (RFC 9112, section 7.1); `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)
