"""How events become bytes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mockllm.core.framing import FORMS, framed
from mockllm.core.plan import Cut, Data, Framing, Head, Plan, Raw, Step, Wait

ONE, TWO = Data(b"{1}", 1, "say"), Data(b"{2}", 2, "say", "named")
HEAD = Head(200, ())


def sent(framing: Framing, *steps: Step) -> Sequence[object]:
    return list(framed(Plan(HEAD, steps, framing)))


@pytest.mark.parametrize(
    ("framing", "bytes_sent"),
    [
        (Framing.PLAIN, [b"{1}", b"{2}"]),
        (Framing.SSE, [b"data: {1}\n\n", b"event: named\ndata: {2}\n\n"]),
        (Framing.SSE_CRLF, [b"data: {1}\r\n\r\n", b"event: named\r\ndata: {2}\r\n\r\n"]),
        (Framing.NDJSON, [b"{1}\n", b"{2}\n"]),
        (Framing.JSON_ARRAY, [b"[{1}", b"\n,\r\n{2}", b"\n]"]),
    ],
)
def test_events(framing: Framing, bytes_sent: list[bytes]) -> None:
    assert sent(framing, ONE, TWO) == bytes_sent


@pytest.mark.parametrize("framing", Framing)
def test_waits_and_raw_bytes_stand_as_they_are(framing: Framing) -> None:
    assert framing in FORMS
    assert sent(framing, Raw(b"x", 0), Wait(1.0, 0)) == [b"x", Wait(1.0, 0)]


@pytest.mark.parametrize("framing", Framing)
def test_what_is_cut_stays_open(framing: Framing) -> None:
    assert sent(framing, ONE, Cut("reset", 1), TWO)[1:] == [Cut("reset", 1)]


def test_all_but_plain_is_a_stream() -> None:
    assert [each.name for each in Framing if not Plan(HEAD, (), each).streamed] == ["PLAIN"]


def test_headers_of_the_same_name_are_replaced_in_any_case() -> None:
    head = Head(200, (("Content-Type", "a"), ("x-a", "1"), ("X-A", "2")))
    merged = head.with_headers((("x-A", "3"), ("x-b", "4")))
    assert merged.headers == (("Content-Type", "a"), ("x-A", "3"), ("x-b", "4"))
