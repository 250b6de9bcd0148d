"""Frames that cost the server more than the client: so many at once, so many in a second."""

from __future__ import annotations

from mockllm.server.http2.flood_guard import BURST, FloodGuard


def test_burst_is_allowed_and_no_more() -> None:
    guard = FloodGuard(10, 0.0)
    assert [guard.allows(0.0) for _ in range(BURST + 1)] == [True] * BURST + [False]


def test_tokens_return_with_time() -> None:
    guard = FloodGuard(10, 0.0)
    for _ in range(BURST):
        guard.allows(0.0)
    assert [guard.allows(1.0) for _ in range(11)] == [True] * 10 + [False]


def test_tokens_are_never_more_than_a_burst() -> None:
    guard = FloodGuard(10, 0.0)
    assert [guard.allows(1e6) for _ in range(BURST + 1)][-1] is False
