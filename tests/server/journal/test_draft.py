"""Notes of what came as one piece: its head and body are told apart when somebody asks."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.engine import PlannedResponse
from mockllm.server.journal.draft import NO_HEADERS, JournalDraft

HEAD = (
    b"POST /v1/x HTTP/1.1\r\nHost: a:1\r\nX-Two:  spaced \r\nx-two: again\r\n"
    b"X-Odd: \xff\xc3\xa9\r\nX-None:\r\n\r\n"
)
HEADERS = [("Host", "a:1"), ("X-Two", "spaced"), ("x-two", "again"), ("X-Odd", "\udcffé"), ("X-None", "")]


def note(raw: bytes, body: int | None) -> JournalDraft:
    facts = (
        0.0,
        "POST",
        "/v1/x",
        {"a": "b"} if body is None else NO_HEADERS,
        raw,
        "",
        None,
        None,
        None,
        None,
    )
    return JournalDraft(*facts, PlannedResponse(Plan(ResponseHead(200, ()), ()), None), 0.0, 0.0, body=body)


@pytest.mark.parametrize("said", [b"", b"{}", b"a\r\n\r\nb: c"], ids=["none", "some", "like a head"])
def test_what_came_as_one_is_parted(said: bytes) -> None:
    headers, raw = note(HEAD + said, len(said)).parted()
    assert list(headers.items()) == HEADERS
    assert raw == said
    assert headers["X-TWO"] == "spaced"


def test_chunks_of_nothing_behind_the_head_are_no_headers() -> None:
    headers, raw = note(HEAD + b"0\r\n\r\n", 0).parted()
    assert list(headers.items()) == HEADERS
    assert raw == b""


def test_what_was_parted_already_stays() -> None:
    assert note(b"{}", None).parted() == ({"a": "b"}, b"{}")
