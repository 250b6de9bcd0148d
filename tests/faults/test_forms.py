"""The forms that a fault has beside its default one, and its other places: on one call streamed and whole, and on a
stream that is a JSON array. The matrix has the rest.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import pytest

from mockllm.dialects.neutral_request import NeutralRequest
from tests.faults.expected import HALF, UNSTREAMED, cut_event, same, unanswered
from tests.faults.live_bench import Bench
from tests.faults.matrix_cell import ANY, CHUNKS, Expect, Fault, Plain, ReceivedResponse, Row
from tests.faults.test_matrix import columns

REQUESTED = {name: requested for name, (_, requested) in columns(NeutralRequest()).items()}
CHAT = ["openai-chat streamed", "openai-chat whole"]
ARRAY = "gemini-generate array"


def too_short(plain: Plain) -> Expect:
    """What is left over comes behind, before the connection's next response."""
    return Expect(plain.body[:-10], framed="length", broken=plain.body[-10:])


def of_unknown_length(plain: Plain) -> Expect:
    return Expect(plain.body, "fin", complete=False, framed="connection")


def short_chunk(plain: Plain) -> Expect:
    at = plain.behind(HALF)
    rest = plain.body[at:]
    half = len(rest) // 2
    return Expect(
        plain.body[: at + half], "fin", complete=False, framed="chunks", broken=rest[half:] + b"\r\n"
    )


def unpacked(data: bytes) -> tuple[bytes, bool]:
    """What can be unpacked, and whether anything was wrong with the rest."""
    packer, reported = zlib.decompressobj(wbits=31), b""
    try:
        for at in range(len(data)):
            reported += packer.decompress(data[at : at + 1])
    except zlib.error:
        return reported, True
    return reported, False


def packed(*, bad: bool) -> Row:
    def row(plain: Plain) -> Expect:
        def check(seen: ReceivedResponse) -> None:
            reported, wrong = unpacked(seen.body)
            assert plain.body.startswith(reported)
            assert wrong == bad
            assert (reported == plain.body) == bad
            assert seen.headers("content-encoding") == ["gzip"]

        return Expect(ANY, lines=ANY, framed="length" if not plain.streamed else "chunks", check=check)

    return row


def head(line: str) -> Row:
    return lambda plain: Expect(plain.body, lines=(*plain.seen.lines, line))


def in_event(end: str) -> Row:
    def row(plain: Plain) -> Expect:
        return Expect(cut_event(plain, plain.events, plain.says), end, complete=False)  # type: ignore[arg-type]

    return row


def later(plain: Plain) -> Expect:
    return Expect(plain.body, took=0.05)


def up_to(size: int, end: str = "rst") -> Row:
    def row(plain: Plain) -> Expect:
        return Expect(plain.body[:size], end, complete=False)  # type: ignore[arg-type]

    return row


def behind(chunks: int) -> Row:
    def row(plain: Plain) -> Expect:
        return Expect(plain.body[: plain.behind(chunks)], "rst", complete=False)

    return row


def in_time(chunks: int) -> Row:
    """A stream as far as it was sent by then; of a non-streaming response not a byte of the body."""

    def row(plain: Plain) -> Expect:
        return Expect(plain.body[: plain.behind(chunks)] if plain.streamed else b"", "rst", complete=False)

    return row


def events(count: int) -> Row:
    return lambda plain: Expect(b"".join(plain.events[:count]), "rst", complete=False)


PACE = {"itl": "40ms", "ttft": "0ms"}
FORMS: dict[str, tuple[str, Fault]] = {
    "a length that is too short": ("content_length", Fault(too_short, too_short, {"form": "too_short"})),
    "no length": ("content_length", Fault(of_unknown_length, of_unknown_length, {"form": "missing"})),
    "a chunk longer than its size": ("broken_chunking", Fault(short_chunk, short_chunk, {"form": "too_short"})),
    "half of a gzip": ("bad_gzip", Fault(packed(bad=False), packed(bad=False), {"form": "truncated"})),
    "a gzip with a wrong checksum": ("bad_gzip", Fault(packed(bad=True), packed(bad=True), {"form": "bad_checksum"})),
    "a second content-type": (
        "bad_headers",
        Fault(head("Content-Type: text/plain"), head("Content-Type: text/plain"), {"form": "duplicate"}),
    ),
    "no answer and a FIN": ("no_response", Fault(unanswered("fin"), unanswered("fin"), {"then": "close"})),
    "no answer at all": ("no_response", Fault(unanswered("silent"), unanswered("silent"), {"then": "silence"})),
    "an event cut by a FIN": ("cut_event", Fault(in_event("fin"), UNSTREAMED, {"then": "close"})),
    "an event cut by a RST": ("cut_event", Fault(in_event("rst"), UNSTREAMED, {"then": "reset"})),
    "an event in two parts": ("cut_event", Fault(later, UNSTREAMED, {"then": "go_on", "pause": "50ms"})),
    "before the first chunk": ("reset", Fault(behind(0), behind(0), {"after": {"chunks": 0}})),
    "behind the last chunk": ("reset", Fault(behind(4), behind(4), {"after": {"chunks": 4}})),
    "behind three quarters": ("reset", Fault(behind(3), behind(3), {"after": {"fraction": "75%"}})),
    "rounded down": ("reset", Fault(behind(2), behind(2), {"after": {"fraction": "74%"}})),
    "behind no byte": ("reset", Fault(up_to(0), up_to(0), {"after": {"bytes": 0}})),
    "behind some bytes": ("reset", Fault(up_to(100), up_to(100), {"after": {"bytes": 100}})),
    "in the midst of time": ("reset", Fault(in_time(2), in_time(2), {"after": {"time": "60ms"}}, PACE)),
    "a stall by the byte": ("stall", Fault(later, later, {"after": {"bytes": 100}, "for": "50ms"})),
    "a drawn place": ("stall", Fault(later, later, {"after": {"fraction": ["10%", "90%"]}, "for": "50ms"})),
    "many drops": ("drop", Fault(lambda plain: Expect(dropped(plain)), UNSTREAMED, {"count": 9})),
    "byte by byte": ("drip", Fault(same, same, {"every": "0.1ms"})),
}  # fmt: skip


def dropped(plain: Plain) -> bytes:
    kept = [event for number, event in enumerate(plain.events) if number not in plain.says]
    if not plain.array:
        return b"".join(kept)
    return b"[" + b"\n,\r\n".join(map(plain.payload, kept)) + b"\n]" if kept else b""


@pytest.mark.parametrize("column", [*CHAT, ARRAY])
@pytest.mark.parametrize(("name", "row"), FORMS.values(), ids=FORMS)
def test_fault_form_has_expected_effect(name: str, row: Fault, column: str, bench: Bench) -> None:
    bench.play(name, row, REQUESTED[column], streamed=column != CHAT[1])


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_fault_point_after_events(count: int, bench: Bench) -> None:
    row = Fault(events(count), UNSTREAMED, {"after": {"events": count}})
    bench.play("reset", row, REQUESTED[CHAT[0]], streamed=True)


BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "chunks": ({"chunks": 5}, "the response has only 4 chunks"),
    "events": ({"events": 99}, "the response has only"),
    "bytes": ({"bytes": 99_999}, "the response has only"),
    "time": ({"time": "9s"}, "the response takes only 0 s"),
}


@pytest.mark.parametrize(("after", "reason"), BEYOND.values(), ids=BEYOND)
def test_fault_point_beyond_the_end_is_reported(after: dict[str, Any], reason: str, bench: Bench) -> None:
    requested = REQUESTED[CHAT[0]]
    plain = bench.seen({"reply": {"chunks": list(CHUNKS)}}, requested)
    came = bench.seen({"reply": {"chunks": list(CHUNKS)}, "faults": [{"reset": {"after": after}}]}, requested)
    assert replace(came, took=0.0) == replace(plain, took=0.0)
    assert f"reset not applied: {reason}" in bench.line()


ERRORS: dict[str, dict[str, Any]] = {
    "an error": {"error": "overloaded"},
    "plain HTTP": {"match": {"path": "*"}, "http": {"body": {"a": "b" * 100}}},
}


@pytest.mark.parametrize("says", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize(
    ("after", "part"), [({"fraction": "50%"}, 0.5), ({"bytes": 0}, 0.0), ({"time": "0s"}, 1.0)]
)
def test_errors_and_plain_http_have_byte_points(
    says: dict[str, Any], after: dict[str, Any], part: float, bench: Bench
) -> None:
    plain = bench.seen(says, REQUESTED[CHAT[0]])
    came = bench.seen({**says, "faults": [{"close": {"after": after}}]}, REQUESTED[CHAT[0]])
    assert came.body == plain.body[: int(len(plain.body) * part)]
    assert came.end == "fin" or part == 1.0
    assert came.headers("content-length") == [str(len(plain.body))]


@pytest.mark.parametrize("says", ERRORS.values(), ids=ERRORS)
def test_errors_and_plain_http_have_no_chunks(says: dict[str, Any], bench: Bench) -> None:
    bench.seen({**says, "faults": [{"close": {"after": {"chunks": 1}}}, "error_event"]}, REQUESTED[CHAT[0]])
    assert bench.line().endswith(
        "[close not applied: the response has no chunks; error_event not applied: the response is not a reply]"
    )
