"""Entries of requests that came in one read: their head and body are split when an entry is made."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.engine import PlannedResponse
from mockllm.server.exchange import NO_HEADERS, Exchange
from mockllm.server.journal.entry import headers_and_body

HEAD = (
    b"POST /v1/x HTTP/1.1\r\nHost: a:1\r\nX-Two:  spaced \r\nx-two: again\r\n"
    b"X-Odd: \xff\xc3\xa9\r\nX-None:\r\n\r\n"
)
HEADERS = [("Host", "a:1"), ("X-Two", "spaced"), ("x-two", "again"), ("X-Odd", "\udcffé"), ("X-None", "")]


def ended(raw: bytes, body: int | None) -> Exchange:
    """An exchange whose body is so many bytes at the end of `raw`, or all of it."""
    exchange = Exchange(response=PlannedResponse(Plan(ResponseHead(200, ()), ()), None), ended=True)
    if body is None:
        exchange.headers, exchange.raw = {"a": "b"}, raw
    else:
        exchange.headers, exchange.received, exchange.body_length = NO_HEADERS, raw, body
    return exchange


@pytest.mark.parametrize("body", [b"", b"{}", b"a\r\n\r\nb: c"], ids=["none", "some", "like a head"])
def test_headers_and_body_received_together_are_split(body: bytes) -> None:
    headers, raw = headers_and_body(ended(HEAD + body, len(body)))
    assert list(headers.items()) == HEADERS
    assert raw == body
    assert headers["X-TWO"] == "spaced"


def test_headers_and_body_empty_chunk_is_no_header() -> None:
    headers, raw = headers_and_body(ended(HEAD + b"0\r\n\r\n", 0))
    assert list(headers.items()) == HEADERS
    assert raw == b""


def test_headers_and_body_split_before_are_unchanged() -> None:
    assert headers_and_body(ended(b"{}", None)) == ({"a": "b"}, b"{}")
