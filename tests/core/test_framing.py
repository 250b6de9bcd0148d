"""How an event becomes bytes."""

from __future__ import annotations

import pytest

from mockllm.core.framing import FRAMERS, frame
from mockllm.core.plan import Data, Framing, Head, Plan, Raw


@pytest.mark.parametrize(
    ("framing", "event", "framed"),
    [
        (Framing.PLAIN, None, b"{}"),
        (Framing.SSE, None, b"data: {}\n\n"),
        (Framing.SSE, "ping", b"event: ping\ndata: {}\n\n"),
        (Framing.SSE_CRLF, None, b"data: {}\r\n\r\n"),
        (Framing.SSE_CRLF, "ping", b"event: ping\r\ndata: {}\r\n\r\n"),
        (Framing.NDJSON, None, b"{}\n"),
    ],
)
def test_an_event(framing: Framing, event: str | None, framed: bytes) -> None:
    assert frame(Data(b"{}", 0, "say", event), framing) == framed


@pytest.mark.parametrize("framing", Framing)
def test_raw_bytes_are_never_framed(framing: Framing) -> None:
    assert framing in FRAMERS
    assert frame(Raw(b"x", 0), framing) == b"x"


def test_all_but_plain_is_a_stream() -> None:
    assert [each.name for each in Framing if not Plan(Head(200, ()), (), each).streamed] == ["PLAIN"]


def test_headers_of_the_same_name_are_replaced_in_any_case() -> None:
    head = Head(200, (("Content-Type", "a"), ("x-a", "1"), ("X-A", "2")))
    assert head.with_headers((("x-A", "3"), ("x-b", "4"))).headers == (
        ("Content-Type", "a"),
        ("x-A", "3"),
        ("x-b", "4"),
    )
