"""Heads and framing as bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import Placeholders, map_placeholder
from mockllm.core.rendering.plan import (
    CutStep,
    Delivery,
    EventStep,
    Framing,
    HeadLayout,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.rendering.prerendered_response import PrerenderedResponse, prerender_response
from mockllm.server import http1
from mockllm.server.app import App
from mockllm.server.http1 import (
    DateLine,
    HttpConstraints,
    SerializedHead,
    forget_prerendered,
    http_chunk,
    prerendered_bytes,
    serialize_head,
)
from mockllm.server.single_write import single_write
from tests.server.fake_engine import FakeEngine

DATE = "Date: today\r\n"
BODY = EventStep(b"hello", 1, "body")
SSE = Framing.SSE


def plan(*headers: tuple[str, str], status: int = 200, framing: Framing = Framing.PLAIN) -> Plan:
    return Plan(ResponseHead(status, headers), (BODY,), framing)


def lines(built: SerializedHead) -> list[str]:
    head = built.data.decode("latin-1")
    assert head.endswith("\r\n\r\n")
    return head.removesuffix("\r\n\r\n").split("\r\n")


HEADS: dict[str, tuple[Plan, HttpConstraints, list[str], tuple[bool, bool, bool]]] = {
    # plan, constraints, lines, (chunked, bodiless, keep_alive)
    "a non-streaming response": (
        plan(("Content-Type", "x/y")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "Content-Type: x/y", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
    "a stream": (
        plan(framing=SSE),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", DATE[:-2], "Transfer-Encoding: chunked"],
        (True, False, True),
    ),
    "a stream for HTTP/1.0": (
        plan(framing=SSE),
        HttpConstraints(http10=True),
        ["HTTP/1.1 200 OK", DATE[:-2], "Connection: close"],
        (False, False, False),
    ),
    "a non-streaming response for HTTP/1.0 that keeps": (
        plan(),
        HttpConstraints(http10=True),
        ["HTTP/1.1 200 OK", DATE[:-2], "Content-Length: 5", "Connection: keep-alive"],
        (False, False, True),
    ),
    "the connection's last answer": (
        plan(),
        HttpConstraints(ends_connection=True),
        ["HTTP/1.1 200 OK", DATE[:-2], "Content-Length: 5", "Connection: close"],
        (False, False, False),
    ),
    "HEAD of a stream": (
        plan(framing=SSE),
        HttpConstraints(head_only=True),
        ["HTTP/1.1 200 OK", DATE[:-2], "Transfer-Encoding: chunked"],
        (True, True, True),
    ),
    "204": (plan(status=204), HttpConstraints(), ["HTTP/1.1 204 No Content", DATE[:-2]], (False, True, True)),
    "304": (
        plan(status=304),
        HttpConstraints(),
        ["HTTP/1.1 304 Not Modified", DATE[:-2]],
        (False, True, True),
    ),
    "a status without a name": (
        plan(status=599),
        HttpConstraints(),
        ["HTTP/1.1 599 ", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
    "a status of Anthropic's": (
        plan(status=529),
        HttpConstraints(),
        ["HTTP/1.1 529 Overloaded", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
    "a date of its own": (
        plan(("date", "then")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "date: then", "Content-Length: 5"],
        (False, False, True),
    ),
    "a length that lies": (
        plan(("Content-Length", "99")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "Content-Length: 99", DATE[:-2]],
        (False, False, True),
    ),
    "a stream with a length": (
        plan(("Content-Length", "99"), framing=SSE),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "Content-Length: 99", DATE[:-2]],
        (False, False, True),
    ),
    "a transfer encoding of its own is ours to write": (
        plan(("Transfer-Encoding", "chunked")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
    "a connection header of its own": (
        plan(("Connection", "Close")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "Connection: Close", DATE[:-2], "Content-Length: 5"],
        (False, False, False),
    ),
    "a connection header cannot keep what must close": (
        plan(("Connection", "keep-alive")),
        HttpConstraints(ends_connection=True),
        ["HTTP/1.1 200 OK", "Connection: keep-alive", DATE[:-2], "Content-Length: 5"],
        (False, False, False),
    ),
    "a value of two lines becomes one": (
        plan(("X", "a\r\nSet-Cookie: b"), ("Y", "a\0b\n")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "X: a  Set-Cookie: b", "Y: a b ", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
    "a non-streaming response in chunks": (
        replace(plan(), delivery=Delivery(body_end="http_chunks")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", DATE[:-2], "Transfer-Encoding: chunked"],
        (True, False, True),
    ),
    "a non-streaming response in chunks for HTTP/1.0, which has none": (
        replace(plan(), delivery=Delivery(body_end="http_chunks")),
        HttpConstraints(http10=True),
        ["HTTP/1.1 200 OK", DATE[:-2], "Connection: close"],
        (False, False, False),
    ),
    "a non-streaming response that ends with the connection": (
        replace(plan(), delivery=Delivery(body_end="connection_end")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", DATE[:-2], "Connection: close"],
        (False, False, False),
    ),
    "a stream that ends with the connection": (
        replace(plan(framing=SSE), delivery=Delivery(body_end="connection_end")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", DATE[:-2], "Connection: close"],
        (False, False, False),
    ),
    "an answer without a body has no chunks": (
        replace(plan(status=204), delivery=Delivery(body_end="http_chunks")),
        HttpConstraints(),
        ["HTTP/1.1 204 No Content", DATE[:-2]],
        (True, True, True),
    ),
    "lines of no form": (
        replace(plan(("A", "b")), delivery=Delivery(extra_head_lines=b"no header\r\nA: \xff\r\n")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "A: b", DATE[:-2], "Content-Length: 5", "no header", "A: ÿ"],
        (False, False, True),
    ),
    "headers in upper case, reversed": (
        replace(plan(("A", "b: c")), delivery=Delivery(head_layout=HeadLayout("upper", True))),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "CONTENT-LENGTH: 5", DATE[:-2].replace("Date", "DATE"), "A: b: c"],
        (False, False, True),
    ),
    "headers in their order": (
        replace(plan(("A", "b")), delivery=Delivery(head_layout=HeadLayout("usual"))),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "A: b", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
    "headers in lower case": (
        replace(plan(("A", "b")), delivery=Delivery(head_layout=HeadLayout("lower"))),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "a: b", DATE[:-2].replace("Date", "date"), "content-length: 5"],
        (False, False, True),
    ),
    "a value beyond Latin-1 is UTF-8": (
        plan(("X", "…")),
        HttpConstraints(),
        ["HTTP/1.1 200 OK", "X: â\x80¦", DATE[:-2], "Content-Length: 5"],
        (False, False, True),
    ),
}


@pytest.mark.parametrize(("built", "requested", "expected", "framed"), HEADS.values(), ids=HEADS)
def test_heads(
    built: Plan, requested: HttpConstraints, expected: list[str], framed: tuple[bool, bool, bool]
) -> None:
    opened = serialize_head(built, requested, DATE)
    assert lines(opened) == expected
    assert (opened.http_chunked, opened.bodiless, opened.keep_alive) == framed


@pytest.mark.parametrize("value", ["fine", "two\nlines"])
def test_ready_lines_are_at_the_end(value: str) -> None:
    opened = serialize_head(plan(("X", value)), HttpConstraints(), DATE, "A: 1\r\nB: 2\r\n")
    assert lines(opened)[-2:] == ["A: 1", "B: 2"]
    assert f"X: {value.replace(chr(10), ' ')}" in lines(opened)


def test_ready_lines_give_way_to_the_plans_own_header() -> None:
    opened = serialize_head(plan(("a", "own")), HttpConstraints(), DATE, "A: 1\r\nB: 2\r\n")
    assert [line for line in lines(opened) if line[0] in "aAB"] == ["a: own"]


def test_headers_of_one_response_follow_shared_headers() -> None:
    built = Plan(ResponseHead(200, (("X", "a"),), (("Id", "b\n"),)), (BODY,))
    assert lines(serialize_head(built, HttpConstraints(), DATE))[1:4] == ["X: a", "Id: b ", DATE[:-2]]


def test_content_length_counts_bytes_behind_cut() -> None:
    steps = (EventStep(b"ab", 1, "body"), WaitStep(1, 1), CutStep("close", 1), RawStep(b"cde", 1))
    assert "Content-Length: 5" in lines(
        serialize_head(Plan(ResponseHead(200, ()), steps), HttpConstraints(), DATE)
    )


def test_chunk_has_hexadecimal_length() -> None:
    assert http_chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_date_line_changes_once_a_second() -> None:
    dates = DateLine()
    first = dates.at(0.2)
    assert first == "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    assert dates.at(0.9) is first
    assert dates.at(1.0) == "Date: Thu, 01 Jan 1970 00:00:01 GMT\r\n"


# --- prerendered responses -----------------------------------------------------------------------

SEALED: dict[str, tuple[ResponseHead, Framing, bool]] = {
    # head, framing, whether it is so simple
    "a non-streaming response": (ResponseHead(200, (("x", "y"),), (("x-id", "ID"),)), Framing.PLAIN, True),
    "a stream": (ResponseHead(200, (("content-type", "text/event-stream"),)), SSE, True),
    "a name that is no Latin": (ResponseHead(200, (("x", "名"),)), Framing.PLAIN, True),
    "a length of its own": (ResponseHead(200, (("content-length", "3"),)), Framing.PLAIN, False),
    "a date of its own": (ResponseHead(200, (("date", "never"),)), Framing.PLAIN, False),
    "a connection that ends": (ResponseHead(200, (("connection", "close"),)), Framing.PLAIN, False),
    "no body": (ResponseHead(204, ()), Framing.PLAIN, False),
}


def prerendered_response(
    head: ResponseHead, framing: Framing, steps: Sequence[Step] | None = None
) -> tuple[PrerenderedResponse, Sequence[bytes]]:
    """A prerendered response with an id and a time, and the values of its placeholders."""
    placeholders = Placeholders(Ids(0, "", 1), 1.0, 1)
    id = placeholders.ids.make("id-", 8)
    own = tuple((name, id) for name, _ in head.per_response_headers)
    data = EventStep(dumps({"id": id, "at": map_placeholder(int, placeholders.now)}), 1, "body")
    plan = Plan(
        replace(head, per_response_headers=own), (data,) if steps is None else (data, *steps), framing
    )
    prerendered = prerender_response(plan, placeholders)
    return prerendered, prerendered.compute_placeholder_values(Ids(0, "", 7).id_seed, 1_700_000_000, 0)


@pytest.mark.parametrize(("head", "framing", "simple"), SEALED.values(), ids=SEALED)
def test_prerendered_bytes_equal_written_response(head: ResponseHead, framing: Framing, simple: bool) -> None:
    prerendered, reported = prerendered_response(head, framing)
    plan = prerendered.plan(reported)
    found = prerendered_bytes(prerendered, reported, DATE.encode(), "Extra: 1\r\n")
    if simple:
        assert found == single_write(plan, serialize_head(plan, HttpConstraints(), DATE, "Extra: 1\r\n"))
    else:
        assert found is None


ENGINE: Final = FakeEngine({})
STREAM: Final = ResponseHead(200, (("content-type", "text/event-stream"),))


def stream_with_times(count: int) -> PrerenderedResponse:
    """A stream that has a time and an id in each of its events."""
    placeholders = Placeholders(Ids(0, "", 1), 1.0, 1)
    data = dumps({"id": placeholders.ids.make("id-", 8), "at": map_placeholder(int, placeholders.now)})
    events = tuple(EventStep(data, number, "chunk") for number in range(1, count + 1))
    return prerender_response(Plan(STREAM, events, SSE), placeholders)


@pytest.mark.parametrize("count", [7, 8])
def test_prerendered_stream_has_the_time_of_its_second(count: int) -> None:
    prerendered = stream_with_times(count)
    for second in (1_700_000_000, 1_700_000_001, 1_700_000_000):
        for number in (1, 2):
            values = prerendered.compute_placeholder_values(Ids(0, "", number).id_seed, second, 0)
            plan = prerendered.plan(values)
            found = prerendered_bytes(prerendered, values, DATE.encode())
            assert found == single_write(plan, serialize_head(plan, HttpConstraints(), DATE))
            assert found is not None
            assert found.count(b"%d" % second) == count


def test_affixes_of_many_bytes_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    responses = [stream_with_times(8) for _ in range(6)]
    forget_prerendered()
    monkeypatch.setattr(http1._affix_bytes, "_limit", 5 * responses[0].size)
    for prerendered in responses:
        values = prerendered.compute_placeholder_values(Ids(0, "", 1).id_seed, 1_700_000_000, 0)
        assert prerendered_bytes(prerendered, values, DATE.encode()) is not None
        assert 0 < http1._affixes.cache_info().currsize <= 2


def test_heads_of_many_bytes_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_prerendered()
    monkeypatch.setattr(http1._head_bytes, "_limit", 5_000)
    for number in range(6):
        long = plan(("x-echo", f"{number}" * 1_000))
        assert f"{number}" * 1_000 in "".join(lines(serialize_head(long, HttpConstraints(), DATE)))
        assert 0 < http1._partial_head.cache_info().currsize <= 2


@pytest.mark.parametrize("forget", [forget_prerendered, lambda: App(ENGINE).replace_engine(ENGINE)])
def test_forgotten_responses_are_freed(forget: Callable[[], None]) -> None:
    prerendered = stream_with_times(8)
    values = prerendered.compute_placeholder_values(Ids(0, "", 1).id_seed, 1_700_000_000, 0)
    before = sys.getrefcount(prerendered)
    prerendered_bytes(prerendered, values, DATE.encode())
    assert sys.getrefcount(prerendered) > before
    forget()
    assert sys.getrefcount(prerendered) == before


@pytest.mark.parametrize("name", ["x-ratelimit-limit", "x", "X-ID"])
def test_prerendered_bytes_with_more_headers_have_them(name: str) -> None:
    """A header that the response has already is used in place of the added one."""
    prerendered, reported = prerendered_response(*SEALED["a non-streaming response"][:2])
    plan = prerendered.plan(reported)
    plan = replace(plan, head=plan.head.with_per_response_headers(((name, "1"),)))
    found = prerendered_bytes(prerendered, reported, DATE.encode(), limit_headers=((name, "1"),))
    assert found == single_write(plan, serialize_head(plan, HttpConstraints(), DATE))


def test_more_headers_with_line_ends_stay_one_line_each() -> None:
    prerendered, reported = prerendered_response(*SEALED["a non-streaming response"][:2])
    more = (("a", "1\r\nb: 2"), ("c", "3"))
    plan = prerendered.plan(reported)
    plan = replace(plan, head=plan.head.with_per_response_headers(more))
    found = prerendered_bytes(prerendered, reported, DATE.encode(), limit_headers=more)
    assert found == single_write(plan, serialize_head(plan, HttpConstraints(), DATE))
    assert found is not None
    assert b"\r\na: 1  b: 2\r\nc: 3\r\n" in found


@pytest.mark.parametrize(
    "steps",
    [(WaitStep(0.1, 1),), (EventStep(b"x" * 200_000, 2, "chunk"),), (CutStep("close", 1),)],
    ids=["it waits", "it is large", "it is cut"],
)
def test_prerendered_bytes_of_slow_plan_are_none(steps: Sequence[Step]) -> None:
    prerendered, reported = prerendered_response(ResponseHead(200, ()), SSE, steps)
    assert prerendered_bytes(prerendered, reported, DATE.encode()) is None
