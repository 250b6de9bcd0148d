"""How events become bytes: server-sent events with LF or CRLF, newline-delimited JSON, a JSON array, or none.

Decided when a plan is written, since what stands before the first event, between two and behind the last
depends on which are left. Sources: WHATWG HTML section 9.2 (server-sent events); Google's endpoints end
lines with CRLF, and write the array as `[{…}`, `,` and `]` on lines of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from mockllm.core.plan import Cut, Data, Framing, Plan, Raw, Wait


@dataclass(frozen=True, slots=True)
class Form:
    """How one framing writes each event, and what it puts around them."""

    each: Callable[[Data], bytes]
    opening: bytes = b""
    between: bytes = b""
    closing: bytes = b""


def _bare(step: Data) -> bytes:
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


FORMS: Final[dict[Framing, Form]] = {
    Framing.PLAIN: Form(_bare),
    Framing.SSE: Form(_sse),
    Framing.SSE_CRLF: Form(_sse_crlf),
    Framing.NDJSON: Form(_ndjson),
    Framing.JSON_ARRAY: Form(_bare, b"[", b"\n,\r\n", b"\n]"),
}


def framed(plan: Plan) -> Iterator[bytes | Wait | Cut]:
    """The plan's steps in order, those that say something as their bytes. One more where the framing closes
    what it opened; a stream that is cut stays open."""
    form = FORMS[plan.framing]
    each, before, closing = form.each, form.opening, b""
    for step in plan.steps:
        if type(step) is Data:
            yield before + each(step)
            before, closing = form.between, form.closing
        elif type(step) is Raw:
            yield step.data
        else:
            yield step  # type: ignore[misc]
            if type(step) is Cut:
                return
    if closing:
        yield closing
