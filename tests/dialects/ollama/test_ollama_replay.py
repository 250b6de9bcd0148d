"""Recorded lines of JSON are replayed as they arrived, and can be changed."""

from __future__ import annotations

from tests.language.virtual_server import raw_request, respond_once

RECORDED = """
validation: off
rules:
  - match: {path: /api/chat}
    replay:
      headers: {content-type: application/x-ndjson}
      frames:
        - at: 100ms
          data: |
            {"model":"m","message":{"role":"assistant","content":"Forty"},"done":false}
        - at: 250ms
          data: |
            {"model":"m","message":{"role":"assistant","content":" two"},"done":false}
            {"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}
"""
SENT = raw_request("/ollama/api/chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}]})


def test_recorded_lines_are_replayed_at_their_times() -> None:
    response = respond_once(RECORDED, SENT)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [at for at, _ in response.timed_bytes] == [0.1, 0.25, 0.25]
    assert response.bytes.count(b"\n") == 3


def test_fault_finds_the_chunk_of_a_recorded_line() -> None:
    faulty = RECORDED + "    faults: [{stall: {for: 1s, after: {chunks: 1}}}]\n"
    first, *others = (at for at, _ in respond_once(faulty, SENT).timed_bytes)
    assert (first, min(others) >= 1.1) == (0.1, True)


def test_pace_spreads_the_lines_of_a_stream() -> None:
    rule = "rules: [{reply: {chunks: [a, b, c]}, pace: {ttft: 1s, itl: 100ms}}]"
    assert [at for at, _ in respond_once(rule, SENT).timed_bytes][:3] == [1.0, 1.1, 1.2]
