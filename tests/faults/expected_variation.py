"""What each legal variation must do, compared with the response without it."""

from __future__ import annotations

from tests.faults.expected import UNSTREAMED, events
from tests.faults.matrix_cell import Expect, Fault, Not, Plain


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


VARIATION = {
    "header_form": Fault(lower, lower),
    "no_space": Fault(dense, UNSTREAMED),
}
