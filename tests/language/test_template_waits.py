"""Waits that a template takes from a request: they are capped."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import chat_request, respond_once


@pytest.mark.parametrize(
    ("message", "query", "took"),
    [
        ("reply: x, delay: '{{ query.x }}s'", "x=100", 60),
        ("reply: x, delay: '{{ query.x }}s'", "x=59", 59),
        ("reply: x, delay: 100s", "", 100),
        ("reply: x, pace: {ttft: '{{ query.x }}s'}", "x=100", 60),
        ("reply: a b, pace: {itl: '{{ query.x }}s'}", "x=100", 60),
        ("reply: {chunks: [a, {wait: '{{ query.x }}s'}, b]}", "x=100", 60),
        ("reply: {chunks: [a, {wait: 100s}, b]}", "", 100),
        ("reply: a b, pace: {itl: 1s, slowdown: '{{ query.x }}'}", "x=100", 60),
        ("reply: a b, pace: {itl: 100s, slowdown: 2}", "", 200),
        ("reply: {chunks: [a, {wait: 1s}, b]}, pace: {slowdown: '{{ query.x }}'}", "x=100", 60),
        ("reply: a b, pace: {tokens_per_second: '{{ query.x }}'}", "x=0.001", 60),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_waits_from_request_are_capped(message: str, query: str, took: float, stream: bool) -> None:
    assert respond_once(f"rules: [{{{message}}}]", chat_request(query=query, stream=stream)).took == took


def test_cap_of_waits_is_option() -> None:
    yaml = "rules: [{reply: x, delay: '{{ query.x }}s'}]"
    assert respond_once(yaml, chat_request(query="x=100"), max_wait=5.0).delay == 5.0
