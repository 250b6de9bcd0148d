"""Entries of requests that came in one read: their head and body are split when an entry is made."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from multidict import CIMultiDict
from propcache.api import cached_property

from mockllm.core.redaction import key_hash
from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.secret_masker import MAX_ESCAPES
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from mockllm.engine import PlannedResponse
from mockllm.server.ended_exchange import NO_HEADERS, EndedExchange
from mockllm.server.journal.entry import entry_of, headers_and_body

HEAD = (
    b"POST /v1/x HTTP/1.1\r\nHost: a:1\r\nX-Two:  spaced \r\nx-two: again\r\n"
    b"X-Odd: \xff\xc3\xa9\r\nX-None:\r\n\r\n"
)
HEADERS = [("Host", "a:1"), ("X-Two", "spaced"), ("x-two", "again"), ("X-Odd", "\udcffé"), ("X-None", "")]


def ended(raw: bytes, body: int | None) -> EndedExchange:
    """An exchange whose body is so many bytes at the end of `raw`, or all of it."""
    exchange = EndedExchange(
        response=PlannedResponse(Plan(ResponseHead(200, ()), ()), None), now=1.0, monotonic=1.0
    )
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


@pytest.mark.parametrize("before", [b"\r\n", b"\r\n\r\n", b"\n"])
def test_headers_and_body_after_empty_lines_are_split(before: bytes) -> None:
    headers, raw = headers_and_body(ended(before + HEAD + b"{}", 2))
    assert list(headers.items()) == HEADERS
    assert raw == b"{}"


def test_headers_and_body_split_before_are_unchanged() -> None:
    assert headers_and_body(ended(b"{}", None)) == ({"a": "b"}, b"{}")


# --- keys ------------------------------------------------------------------------------------------

KEY = "sk-test-0123456789abcdefghij"


class OwnHeaderRequest(Request):
    """A request of a protocol with its own header for the key."""

    @cached_property
    def api_key(self) -> str | None:
        return self.headers.get("x-lantern-key")


def exchange_with(headers: Mapping[str, str], target: str, request_class: type[Request]) -> EndedExchange:
    plan = Plan(ResponseHead(200, ()), ())
    exchange = EndedExchange(
        response=PlannedResponse(plan, None), now=1.0, monotonic=1.0, method="POST", target=target
    )
    exchange.headers, exchange.request_class = CIMultiDict(headers), request_class
    return exchange


@pytest.mark.parametrize("call", GENERATING_CALLS, ids=[call.name for call in GENERATING_CALLS])
def test_entry_of_every_call_has_hash_of_key_alone(call: GeneratingCall) -> None:
    """A protocol's own header for the key needs a name that `is_secret` recognizes."""
    wire = call.dialect.build_request(NeutralRequest(api_key=KEY))
    entry = entry_of(1, exchange_with(wire.headers, wire.path, call.dialect.request_class), 1_000_000)
    assert entry.api_key_hash == key_hash(KEY)
    assert KEY not in repr(entry), "name the header in SECRETS of mockllm/core/secret_names.py"


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (b'{"a":"sk-test-\\u0030123456789abcdefghij"}', b'{"a":"%b"}' % (b"*" * (len(KEY) + 5))),
        (b'{"a":"sk-tes\\u0074"}', b'{"a":"sk-tes\\u0074"}'),
        (b"a=sk-test%2D0123456789abcdefghij", b"a=" + b"*" * (len(KEY) + 2)),
    ],
)
def test_key_in_escapes_of_a_body_is_masked(body: bytes, stored: bytes) -> None:
    exchange = exchange_with({"authorization": f"Bearer {KEY}"}, "/v1/x", Request)
    exchange.raw = body
    assert entry_of(1, exchange, 1_000_000).raw == stored


def test_longer_secret_of_headers_is_masked_before_one_of_body() -> None:
    long = "0123456789abcdef-ghijkl"
    exchange = exchange_with({"x-api-key": long, "x-echo": long}, "/v1/x", Request)
    exchange.raw = b'{"api_key":"0123456789abcdef"}'
    assert entry_of(1, exchange, 1_000_000).full_redactor.text(f"a {long} b") == "a REDACTED b"


@pytest.mark.parametrize(("headers", "stored"), [({"authorization": f"Bearer {KEY}"}, False), ({}, True)])
def test_body_with_many_escapes_is_searched_for_no_key(headers: Mapping[str, str], stored: bool) -> None:
    exchange = exchange_with(headers, "/v1/x", Request)
    exchange.raw = b"\\u0041" * (MAX_ESCAPES + 1)
    assert entry_of(1, exchange, 10_000_000).body_stored is stored


def test_key_in_own_header_is_hashed() -> None:
    exchange = exchange_with({"X-Lantern-Key": KEY}, "/v2/talk?a=b", OwnHeaderRequest)
    assert entry_of(1, exchange, 1_000_000).api_key_hash == key_hash(KEY)
    without = exchange_with({}, "/v2/talk", OwnHeaderRequest)
    assert entry_of(1, without, 1_000_000).api_key_hash is None
