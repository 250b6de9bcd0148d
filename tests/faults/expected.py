"""What each fault of the connection, of HTTP and of streams must do, compared with the response without it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from mockllm.core.rendering.aws_event_stream import read_frames, write_bytes_event, write_event
from mockllm.core.rendering.plan import EventStep, Plan, RawStep, ResponseHead
from mockllm.core.rendering.recorded_plan import framing_of
from tests.faults.matrix_cell import (
    ANY,
    CHUNKS,
    Expect,
    Fault,
    Not,
    Plain,
    ReceivedResponse,
    Row,
    readable,
    written,
)

HALF = len(CHUNKS) // 2
UNSTREAMED: Row = lambda plain: Not("the response is not streamed")  # noqa: E731
ARRAY = Not("only server-sent events have comments")


def cut(end: str) -> Row:
    """In the middle of the chunks, and the connection ends so."""

    def row(plain: Plain) -> Expect:
        return Expect(plain.body[: plain.behind(HALF)], end, complete=False)  # type: ignore[arg-type]

    return row


def same(plain: Plain) -> Expect:
    return Expect(plain.body)


def slowly(seconds: float) -> Row:
    return lambda plain: Expect(plain.body, took=seconds)


def events(change: Callable[[Plain, list[bytes], list[int]], bytes]) -> Row:
    """A stream whose events are changed."""
    return lambda plain: Expect(change(plain, plain.events, plain.says))


def joined(plain: Plain, kept: list[bytes]) -> bytes:
    """Events in another order or number, framed anew, as far as an array is concerned."""
    if not plain.array:
        return b"".join(kept)
    return b"[" + b"\n,\r\n".join(map(plain.payload, kept)) + b"\n]"


# --- connection ----------------------------------------------------------------------------------


def unanswered(end: str) -> Row:
    return lambda plain: Expect(b"", end, (), complete=False, framed="nothing")  # type: ignore[arg-type]


def slow_close(plain: Plain) -> Expect:
    return Expect(plain.body, "fin", took=0.06, complete=False, framed="connection")


def at_rate(rate: float) -> Row:
    """Nothing of the last slice waits, so that one slice (a twentieth of a second) is not counted."""
    return lambda plain: Expect(plain.body, took=len(plain.body) / rate - 0.05)


CONNECTION = {
    "reset": Fault(cut("rst"), cut("rst")),
    "close": Fault(cut("fin"), cut("fin")),
    "silence": Fault(cut("silent"), cut("silent")),
    "slow_close": Fault(slow_close, slow_close, {"for": "60ms"}),
    "bandwidth": Fault(at_rate(20_000), at_rate(20_000), {"bytes_per_second": 20_000}),
    "slow_headers": Fault(slowly(0.06), slowly(0.06), {"for": "60ms"}),
    "no_response": Fault(unanswered("rst"), unanswered("rst")),
}


# --- http ----------------------------------------------------------------------------------------


def headers(change: Callable[[list[str]], list[str]]) -> Row:
    def row(plain: Plain) -> Expect:
        first, *lines = plain.seen.lines
        return Expect(plain.body, lines=(first, *change(lines)))

    return row


def typed(lines: list[str]) -> list[str]:
    """The header moves to the end of those that are fixed, which is where the rule's id follows."""
    kept = [line for line in lines if not line.lower().startswith("content-type:")]
    at = next(n for n, line in enumerate(kept) if line.startswith("x-mockllm-rule"))
    return [*kept[:at], "content-type: text/html; charset=utf-8", *kept[at:]]


def encoded(lines: list[str]) -> list[str]:
    at = next(n for n, line in enumerate(lines) if line.startswith("x-mockllm-rule"))
    return [*lines[:at], "content-encoding: gzip", *lines[at:]]


def too_long(plain: Plain) -> Expect:
    def check(seen: ReceivedResponse) -> None:
        assert seen.headers("content-length") == [str(len(plain.body) + 10)]

    return Expect(plain.body, "fin", complete=False, framed="length", check=check)


def no_chunk(plain: Plain) -> Expect:
    body = plain.body[: plain.behind(HALF)]
    return Expect(body, "fin", complete=False, framed="chunks", broken=b"no size")


def truncated(plain: Plain) -> Expect:
    return Expect(plain.body[: plain.behind(HALF)])


def page(plain: Plain) -> Expect:
    title = f"502 {HTTPStatus(502).phrase}"
    body = (
        f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>This page is no answer of an API.</p></body>\n</html>\n"
    )
    return instead(plain, title, "content-type: text/html; charset=utf-8", body.encode())


def elsewhere(plain: Plain) -> Expect:
    return instead(plain, "302 Found", "location: /login", b"")


def instead(plain: Plain, status: str, line: str, body: bytes) -> Expect:
    """Of the response's own head only what the server itself adds is left."""
    own = re.compile(r"(?i)x-mockllm|date|access-control-allow|access-control-expose-headers: \*$")
    kept = [each for each in plain.seen.lines if own.match(each)]
    return Expect(body, lines=(f"HTTP/1.1 {status}", line, *kept), framed="length")


HTTP = {
    "content_type": Fault(headers(typed), headers(typed)),
    "content_length": Fault(too_long, too_long),
    "bad_headers": Fault(
        headers(lambda lines: [*lines, "this line is no header"]),
        headers(lambda lines: [*lines, "this line is no header"]),
    ),
    "broken_chunking": Fault(no_chunk, no_chunk),
    "truncate": Fault(truncated, truncated),
    "bad_gzip": Fault(headers(encoded), headers(encoded)),
    "html_page": Fault(page, page),
    "redirect": Fault(elsewhere, elsewhere),
}


# --- stream --------------------------------------------------------------------------------------


def malformed(plain: Plain, events: list[bytes], says: list[int]) -> bytes:
    first = events[says[0]]
    broken = first.replace(plain.payload(first), b'{"broken": ')
    if plain.binary:
        name = next(read_frames(first)).name
        broken = FRAMES[plain.encoded](EventStep(b'{"broken": ', 1, "chunk", name))
    return b"".join(events[: says[0]]) + broken + (b"\n]" if plain.array else b"")


def duplicate(plain: Plain, events: list[bytes], says: list[int]) -> bytes:
    at = says[0]
    return joined(plain, [*events[: at + 1], events[at], *events[at + 1 :]])


def drop(plain: Plain, events: list[bytes], says: list[int]) -> bytes:
    return joined(plain, [event for number, event in enumerate(events) if number != says[0]])


def reorder(plain: Plain, events: list[bytes], says: list[int]) -> bytes:
    kept = list(events)
    kept[says[0]], kept[says[1]] = kept[says[1]], kept[says[0]]
    return joined(plain, kept)


def cut_event(plain: Plain, events: list[bytes], says: list[int]) -> bytes:
    event = events[says[0]]
    return b"".join(events[: says[0]]) + event[: len(event) // 2]


def cut_utf8(plain: Plain) -> Expect | Not:
    if plain.encoded:
        return Not("the bytes of its events are in base64")
    assert not plain.events[plain.says[1]].isascii()
    return Expect(plain.body, took=0.1)


def bad_checksum(plain: Plain) -> Expect | Not:
    if not plain.binary:
        return Not("only the frames of a binary event stream have checksums")
    events, at = plain.events, plain.says[0]
    damaged = events[at][:-1] + bytes([events[at][-1] ^ 1])
    return Expect(b"".join([*events[:at], damaged, *events[at + 1 :]]))


def no_terminator(plain: Plain) -> Expect | Not:
    if plain.array:
        return Expect(plain.body.removesuffix(b"\n]"))
    last = plain.events[-1]
    if any(mark in readable(last) for mark in (b"[DONE]", b'"message_stop"', b"event: response.completed")):
        return Expect(plain.body.removesuffix(last))
    return Not("only the end of the response ends this stream")


FRAMES = {False: write_event, True: write_bytes_event}
"""What writes a binary frame; where the bytes of events are in base64, too."""
DRIP = 50
"""Bytes at a time."""
FINISHES = re.compile(
    rb'"(?:finish_reason|stop_reason|finishReason|stopReason|done_reason)": ?"'
    rb'|event: response\.completed|data: \{"type":"response\.completed"'
)
"""Matches an event with a finish reason."""
NO_FINISH = "add the protocol's member with the finish reason to FINISHES in tests/faults/expected.py"


def no_finish(plain: Plain) -> Expect:
    """Every event but those that state why it ends; where such a one has a chunk too, only that is left."""

    def check(seen: ReceivedResponse) -> None:
        assert FINISHES.search(readable(plain.body)), NO_FINISH
        assert not FINISHES.search(readable(seen.body))
        other = replace(plain, seen=seen)
        assert len(other.says) == len(CHUNKS)
        assert len(plain.events) - len(other.events) in (0, 1)

    return Expect(ANY, check=check)


def uncounted(body: bytes) -> bytes:
    """Without the tokens so far, which Gemini reports in each chunk by the usage of the non-streaming response."""
    return re.sub(rb'("(?:candidates|total)TokenCount": )\d+', rb"\1", body)


def has_error(plain: Plain, seen: ReceivedResponse) -> bool:
    """Whether a decoder of the protocol finds an error: vendors have their own errors, and decoders of them."""
    framing = framing_of(seen.headers("content-type")[0], seen.body, streamed=plain.streamed)
    plan = Plan(ResponseHead(seen.status, ()), (RawStep(seen.body, 0),), framing)
    found = (dialect.decode(plan) for dialect in plain.dialects)
    return any(decoded is not None and decoded.error for decoded in found)


def error_event(plain: Plain) -> Expect:
    def check(seen: ReceivedResponse) -> None:
        reported, came = uncounted(plain.body[: plain.behind(HALF)]), uncounted(seen.body)
        assert came.startswith(reported)
        error = came[len(reported) :]
        assert has_error(plain, seen)
        assert written(CHUNKS[HALF]) not in error
        assert b"[DONE]" not in error
        assert b"message_stop" not in readable(error)

    return Expect(ANY, check=check)


def error_instead(plain: Plain) -> Expect:
    def check(seen: ReceivedResponse) -> None:
        assert seen.status in (503, 529)
        assert has_error(plain, seen)
        assert written("".join(CHUNKS)) not in seen.body

    return Expect(ANY, lines=ANY, check=check)


def dripping(plain: Plain) -> Expect:
    """A millisecond between two parts."""
    return Expect(plain.body, took=(len(plain.body) // DRIP - 1) * 0.001)


def flood(plain: Plain) -> Expect | Not:
    if plain.array or plain.ndjson or plain.binary:
        return ARRAY
    at = plain.behind(HALF)
    end = b"\r\n" if plain.crlf else b"\n"
    return Expect(plain.body[:at] + (b": keep-alive" + end + end) * 3 + plain.body[at:])


def crlf(plain: Plain) -> Expect | Not:
    if plain.array or plain.ndjson or plain.binary:
        return Not("the response is not a stream of server-sent events")
    if plain.crlf:
        return Not("its lines end with CRLF already")
    return Expect(plain.body.replace(b"\n", b"\r\n"))


STREAM = {
    "malformed": Fault(events(malformed), UNSTREAMED),
    "duplicate": Fault(events(duplicate), UNSTREAMED),
    "drop": Fault(events(drop), UNSTREAMED),
    "reorder": Fault(events(reorder), UNSTREAMED),
    "cut_event": Fault(events(cut_event), UNSTREAMED),
    "cut_utf8": Fault(cut_utf8, UNSTREAMED),
    "bad_checksum": Fault(bad_checksum, UNSTREAMED),
    "no_terminator": Fault(no_terminator, UNSTREAMED),
    "no_finish": Fault(no_finish, UNSTREAMED),
    "error_event": Fault(error_event, error_instead),
    "stall": Fault(slowly(0.06), slowly(0.06), {"for": "60ms"}),
    "drip": Fault(dripping, dripping, {"size": DRIP}),
    "comment_flood": Fault(flood, UNSTREAMED, {"count": 3}),
    "crlf": Fault(crlf, UNSTREAMED),
    "coalesce": Fault(slowly(0.03), UNSTREAMED, {"events": 2}, {"ttft": "0ms", "itl": "10ms"}),
}
