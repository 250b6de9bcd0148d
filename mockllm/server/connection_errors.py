"""The responses of a connection itself, to bytes that are not a request and to clients that are not served."""

from __future__ import annotations

from typing import Final

from mockllm.core.rendering.plan import PHRASES, Headers
from mockllm.server.aiohttp_internals import HttpProcessingError, LineTooLong

TOO_LONG: Final = "The target or a header is longer than is taken here (--max-target, --max-header)."
BAD_REQUEST_LINE: Final = "Bad request line: expected METHOD TARGET HTTP/1.1"
_AT_PREFACE: Final = "Pause on PRI/Upgrade"
_REASONS: Final = {
    "Bad status line": BAD_REQUEST_LINE,
    "Invalid HTTP version": BAD_REQUEST_LINE,  # of aiohttp 3.13, as the next one
    "Expected HTTP/, RTSP/ or ICE/": BAD_REQUEST_LINE,
    _AT_PREFACE: BAD_REQUEST_LINE,  # the preface of HTTP/2 in the middle of a connection
    "Too many headers received": "There are more headers than are taken here (--max-headers).",
}
"""The reasons for some messages of the parser, which says `status line` of the first line of any message."""
_RESPONSE: Final = (
    b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"%bConnection: close\r\n\r\n%b"
)


def error_bytes(status: int, text: str, date: bytes, more: Headers = ()) -> bytes:
    """Return an error response, which closes the connection. `date` is the line of its head, and `more` are further
    headers."""
    body = f"{text}\n".encode("utf-8", "replace")
    lines = date + b"".join([f"{name}: {value}\r\n".encode() for name, value in more])
    return _RESPONSE % (status, PHRASES[status].encode(), len(body), lines, body)


def has_read_http2_preface(error: HttpProcessingError) -> bool:
    """Return whether the parser stopped because it has read the preface of HTTP/2, in one part or in several."""
    return error.message.startswith(_AT_PREFACE)


def status_and_reason(error: HttpProcessingError) -> tuple[int, str]:
    """Return the status and the reason for bytes that the parser refuses."""
    if isinstance(error, LineTooLong):
        return 431, TOO_LONG
    reason = " ".join((error.message or "").split("\n", 1)[0].split()).rstrip(":")
    reason = reason or "not a request of HTTP/1.1"
    reason = _REASONS.get(reason, reason)
    if " " not in reason:  # the parser repeats the target
        reason = "The request's target is no path."
    return 400, reason
