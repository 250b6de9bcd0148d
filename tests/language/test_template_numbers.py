"""Numbers of a request that no scenario file may have: infinite ones, and those beyond 64 bits."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import chat_request, respond_once


@pytest.mark.parametrize(
    ("rule", "query"),
    [
        ("reply: {text: x, usage: {output_tokens: '{{ query.n }}'}}", "n=18446744073709551616"),
        ("reply: x, faults: [{wrong_usage: {total_tokens: '{{ query.n }}'}}]", "n=18446744073709551616"),
        ("reply: x, faults: [{wrong_usage: {total_tokens: '{{ query.n }}'}}]", "n=-9223372036854775809"),
        ("reply: x, faults: [{bandwidth: {bytes_per_second: '{{ query.n }}'}}]", "n=inf"),
        ("reply: a b, pace: {itl: 1s, slowdown: '{{ query.n }}'}", "n=inf"),
        ("reply: a b, pace: {itl: 1s, slowdown: '{{ query.n }}'}", "n=1e999"),
        ("reply: a b, pace: {tokens_per_second: '{{ query.n }}'}", "n=nan"),
    ],
)
def test_number_beyond_json_in_request_is_400(rule: str, query: str) -> None:
    response = respond_once(f"rules: [{{{rule}}}]", chat_request(query=query))
    assert response.status == 400
    assert "query parameter 'n' does not fit" in response.json["error"]["message"]
