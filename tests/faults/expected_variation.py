"""What each legal variation must do, told of the answer without it."""

from __future__ import annotations

from tests.faults.expected import UNSTREAMED, events
from tests.faults.matrix_cell import ANY, PIECES, Expect, Fault, Not, Plain, Seen, says


def lower(plain: Plain) -> Expect:
    first, *lines = plain.seen.lines
    pairs = (line.partition(":") for line in lines)
    return Expect(plain.body, lines=(first, *(name.lower() + colon + value for name, colon, value in pairs)))


def dense(plain: Plain) -> Expect | Not:
    if plain.array or plain.ndjson or plain.binary:
        return Not("the response is not a stream of server-sent events")

    def change(plain: Plain, events: list[bytes], says: list[int]) -> bytes:
        return b"".join(_dense(event) for event in events)

    return events(change)(plain)


def _dense(event: bytes) -> bytes:
    return b"".join(line.replace(b": ", b":", 1) for line in event.splitlines(keepends=True))


def with_empty(plain: Plain) -> Expect:
    """Two events more, which say an empty text; Bedrock's texts and Gemini's parts say one by their form, too."""

    def check(seen: Seen) -> None:
        other = Plain(seen, streamed=True, endpoint=plain.endpoint)
        assert [says(other.events[at], piece) for at, piece in zip(other.says, PIECES, strict=True)]
        assert len(other.events) == len(plain.events) + 2

    return Expect(ANY, check=check)


ASKED = Not("the response does not show it")
"""The requests of the matrix ask for the counts, where a protocol lets a client ask."""
UNCALLED = Not("the response has no two tool calls in a row")

VARIATION = {
    "header_form": Fault(lower, lower),
    "no_space": Fault(dense, UNSTREAMED),
    "empty_chunks": Fault(with_empty, UNSTREAMED),
    "interleaved_calls": Fault(lambda plain: UNCALLED, UNSTREAMED),
    "unasked_usage": Fault(lambda plain: ASKED, UNSTREAMED),
}
