"""Framed bytes read back: what is written as events comes back as them, and nothing that was cut off."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.rendering.prerendered_response import joined_steps

HEAD = ResponseHead(200, ())


@pytest.mark.parametrize("framing", list(Framing))
def test_parsing_inverts_framing(framing: Framing) -> None:
    steps = (
        EventStep(b'{"a":1}', 0, "open"),
        WaitStep(1.0, 0),
        EventStep(b'{"b":2}', 1, "end"),
        CutStep("close", 1),
    )
    wanted: list[Event] = [(b'{"a":1}', None), (b'{"b":2}', None)]
    if framing in (Framing.PLAIN, Framing.BYTES):
        wanted = [(b'{"a":1}{"b":2}', None)]
    if framing in (Framing.AWS_EVENT_STREAM, Framing.AWS_EVENT_STREAM_BYTES):
        wanted = [(data, "chunk") for data, _ in wanted]  # where an event has no name
    assert list(events(Plan(HEAD, steps, framing))) == wanted


@pytest.mark.parametrize("framing", [Framing.SSE, Framing.SSE_CRLF])
def test_sse_event_has_its_name(framing: Framing) -> None:
    plan = Plan(HEAD, (EventStep(b"x", 0, "open", "ping"), EventStep(b"y", 0, "open")), framing)
    assert list(events(plan)) == [(b"x", "ping"), (b"y", None)]


CASES: dict[str, tuple[tuple[Step, ...], list[Event]]] = {
    "a comment is none": ((RawStep(b": hello\n\n", 0), EventStep(b"x", 0, "chunk")), [(b"x", None)]),
    "raw bytes may be one": ((RawStep(b"data: raw\n\n", 0),), [(b"raw", None)]),
    "one that is cut off is none": (
        (EventStep(b"x", 0, "chunk"), RawStep(b"data: half\n", 0)),
        [(b"x", None)],
    ),
    "several lines of data are one text": ((RawStep(b"data: a\ndata:b\n\n", 0),), [(b"a\nb", None)]),
    "a name without data is none": ((RawStep(b"event: x\n\ndata: y\n\n", 0),), [(b"y", None)]),
    "lines may end with a carriage return": (
        (RawStep(b"data: a\r\rdata: b\r\r", 0),),
        [(b"a", None), (b"b", None)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_sse_events_follow_the_standard(name: str) -> None:
    steps, wanted = CASES[name]
    assert list(events(Plan(HEAD, steps, Framing.SSE))) == wanted


ONE, TWO = EventStep(b"{\n}", 1, "chunk"), EventStep(b'{"b":[2]}', 2, "chunk")
ARRAYS: dict[str, tuple[tuple[Step, ...], bytes]] = {
    "of one event": ((ONE,), b"[{\n}\n]"),
    "of two": ((ONE, WaitStep(1.0, 1), TWO), b'[{\n}\n,\r\n{"b":[2]}\n]'),
    "with bytes of one's own, which count for nothing": (
        (RawStep(b" ", 0), ONE, RawStep(b" ", 1), TWO),
        b' [{\n} \n,\r\n{"b":[2]}\n]',
    ),
    "that is cut stays open": ((ONE, CutStep("reset", 1)), b"[{\n}"),
    "of nothing is nothing": ((WaitStep(1.0, 0),), b""),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_json_array_returns_complete_items(name: str) -> None:
    steps, written = ARRAYS[name]
    plan = Plan(HEAD, steps, Framing.JSON_ARRAY)
    assert sent_bytes(plan) == written
    assert list(events(plan)) == [(step.payload, None) for step in steps if isinstance(step, EventStep)]


@pytest.mark.parametrize("name", ARRAYS)
def test_raw_steps_are_not_framed_again(name: str) -> None:
    steps, written = ARRAYS[name]
    once = Plan(HEAD, tuple(joined_steps(Plan(HEAD, steps, Framing.JSON_ARRAY))), Framing.JSON_ARRAY)
    assert sent_bytes(once) == written


def test_json_array_ends_at_invalid_json() -> None:
    broken = Plan(HEAD, (ONE, EventStep(b'{"broken": ', 2, "chunk"), TWO), Framing.JSON_ARRAY)
    assert list(events(broken)) == [(ONE.payload, None)]


def test_ndjson_skips_empty_lines() -> None:
    assert list(events(Plan(HEAD, (RawStep(b"{}\n\n[]\nhalf", 0),), Framing.NDJSON))) == [
        (b"{}", None),
        (b"[]", None),
    ]
