"""Compression of responses while they are sent."""

from __future__ import annotations

import gzip
import zlib

import pytest

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.gzip import accepts_coding, decompressed_frames, exceeds_maximum, gzipped
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    StepOutsideHttpChunks,
    WaitStep,
)

HEAD = ResponseHead(200, (("content-type", "x"),))


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, False), ("", False), ("gzip", True), ("GZIP, deflate", True), ("x-gzip", True), ("br", False),
        ("gzip;q=0", False), ("gzip; q=0.0", False), ("gzip;q=0.5", True), ("*", True), ("*;q=0", False),
        ("gzip;q=0, *", False), ("identity", False),
    ],
)  # fmt: skip
def test_wants_reads_accept_encoding(accepted: str | None, expected: bool) -> None:
    assert accepts_coding({} if accepted is None else {"accept-encoding": accepted}) is expected


def test_packed_events_decompress_on_arrival() -> None:
    steps = (EventStep(b"one", 1, "chunk"), WaitStep(1.0, 1), EventStep(b"two", 2, "chunk"))
    plan = gzipped(Plan(HEAD, steps, Framing.JSON_ARRAY, 0.5))
    reader = zlib.decompressobj(wbits=31)
    read = [step if isinstance(step, WaitStep) else reader.decompress(step.data) for step in plan.steps]  # type: ignore[union-attr]
    assert read == [b"[one", WaitStep(1.0, 1), b"\n,\r\ntwo", b"\n]"]
    assert reader.eof
    assert plan.delay == 0.5
    assert dict(plan.head.headers) == {
        "content-type": "x", "content-encoding": "gzip", "vary": "accept-encoding",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([("vary", "Origin")], "Origin, accept-encoding"),
        ([("Vary", "Origin, X-Team"), ("vary", "Cookie")], "Origin, X-Team, Cookie, accept-encoding"),
        ([("vary", "*")], "*"),
        ([("Vary", "Origin, Accept-Encoding")], "Origin, Accept-Encoding"),
        ([("vary", "Accept-Encoding"), ("vary", "Origin")], "Accept-Encoding, Origin"),
        ([("vary", " , Origin,")], "Origin, accept-encoding"),
        ([("vary", "")], "accept-encoding"),
    ],
)
def test_packed_response_varies_by_encoding_too(sent: list[tuple[str, str]], expected: str) -> None:
    """RFC 9110, section 12.5.5: one name of each header by which a response varies, or `*`."""
    for head in (ResponseHead(200, tuple(sent)), ResponseHead(200, (), tuple(sent))):
        headers = gzipped(Plan(head, (RawStep(b"x", 0),))).head.headers
        assert [value for name, value in headers if name.lower() == "vary"] == [expected]


def test_packed_cut_is_not_closed() -> None:
    plan = gzipped(Plan(HEAD, (EventStep(b"one", 1, "chunk"), CutStep("reset", 1)), Framing.SSE))
    assert plan.steps[-1] == CutStep("reset", 1)
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(sent_bytes(plan)) == b"data: one\n\n"
    assert not reader.eof
    ended = gzipped(Plan(HEAD, (EventStep(b"one", 1, "chunk"), CutStep("end", 1)), Framing.SSE))
    assert gzip.decompress(sent_bytes(ended)) == b"data: one\n\n"


@pytest.mark.parametrize(
    "plan",
    [
        Plan(HEAD, ()),
        Plan(HEAD, (WaitStep(1, 0),)),
        Plan(ResponseHead(200, (("Content-Encoding", "br"),)), (RawStep(b"x", 0),)),
        Plan(ResponseHead(200, (), (("Content-Length", "3"),)), (RawStep(b"x", 0),)),
        Plan(HEAD, (RawStep(b"x", 0), StepOutsideHttpChunks(b"y", 0))),
    ],
    ids=["no steps", "no bytes", "coded already", "a length of its own", "bytes beside the body"],
)
def test_packed_leaves_coded_and_empty_bodies(plan: Plan) -> None:
    assert gzipped(plan) is plan


def test_unpacked_supports_each_coding() -> None:
    raw = zlib.compressobj(wbits=-15)
    cases = {
        "gzip": gzip.compress(b"hello", mtime=0),
        "deflate": zlib.compress(b"hello"),
        " X-Gzip": gzip.compress(b"hello", mtime=0),
    }
    for coding, data in cases.items():
        assert b"".join(decompressed_frames(coding, [b"", data[:3], data[3:]]) or ()) == b"hello"
    assert b"".join(decompressed_frames("deflate", [raw.compress(b"hello") + raw.flush()]) or ()) == b"hello"
    raw = zlib.compressobj(wbits=-15)
    assert b"".join(decompressed_frames(" Deflate", [raw.compress(b"hello") + raw.flush()]) or ()) == b"hello"
    assert decompressed_frames("br", [b"x"]) is None
    assert decompressed_frames("gzip", [b"no gzip"]) is None


BOMB = gzip.compress(bytes((32 << 20) + 1), mtime=0)


def test_decompressed_beyond_maximum_is_none() -> None:
    halves = [BOMB[:10_000], BOMB[10_000:]]
    assert decompressed_frames("gzip", halves) is None
    assert exceeds_maximum("gzip", halves)


@pytest.mark.parametrize(("maximum", "fits"), [(99, False), (100, True)])
def test_maximum_counts_all_frames(maximum: int, fits: bool) -> None:
    data = gzip.compress(bytes(100), mtime=0)
    plain = decompressed_frames("gzip", [data[:12], data[12:14], data[14:]], maximum)
    assert (plain is not None) is fits
    assert b"".join(plain or ()) == (bytes(100) if fits else b"")


@pytest.mark.parametrize(
    ("coding", "data"),
    [("gzip", gzip.compress(b"hello")), ("gzip", b"no gzip"), ("br", BOMB)],
    ids=["short", "invalid", "unknown coding"],
)
def test_other_data_does_not_exceed_maximum(coding: str, data: bytes) -> None:
    assert not exceeds_maximum(coding, [data])
