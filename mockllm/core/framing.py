"""How an event becomes bytes: server-sent events with LF or CRLF, newline-delimited JSON, or nothing at all.

Sources: WHATWG HTML section 9.2 (server-sent events); Google's endpoints end lines with CRLF.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mockllm.core.plan import Data, Framing, Raw


def _plain(step: Data) -> bytes:
    return step.payload


def _sse(step: Data) -> bytes:
    if step.event is None:
        return b"data: %b\n\n" % step.payload
    return b"event: %b\ndata: %b\n\n" % (step.event.encode(), step.payload)


def _sse_crlf(step: Data) -> bytes:
    if step.event is None:
        return b"data: %b\r\n\r\n" % step.payload
    return b"event: %b\r\ndata: %b\r\n\r\n" % (step.event.encode(), step.payload)


def _ndjson(step: Data) -> bytes:
    return step.payload + b"\n"


FRAMERS: Final[dict[Framing, Callable[[Data], bytes]]] = {
    Framing.PLAIN: _plain,
    Framing.SSE: _sse,
    Framing.SSE_CRLF: _sse_crlf,
    Framing.NDJSON: _ndjson,
}


def frame(step: Data | Raw, framing: Framing) -> bytes:
    """The bytes of one step."""
    return step.data if type(step) is Raw else FRAMERS[framing](step)  # type: ignore[arg-type]
