"""Numbers of a request that no scenario file may have: infinite ones, those beyond 64 bits, and
token counts whose sum would be."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import chat_request, diagnostics_of, respond_once


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


MOST = 2**53 - 1
COUNTS = [
    "reply: {text: x, usage: {input_tokens: N, output_tokens: N}}",
    "reply: x, faults: [{wrong_usage: {input_tokens: N, output_tokens: N}}]",
]


@pytest.mark.parametrize("rule", COUNTS)
def test_token_count_is_at_most_an_exact_number(rule: str) -> None:
    template = f"rules: [{{{rule.replace('N', repr('{{ query.n }}'))}}}]"
    assert respond_once(template, chat_request(query=f"n={MOST}")).status == 200
    over = respond_once(template, chat_request(query=f"n={MOST + 1}"))
    assert over.status == 400
    assert f"is not at most {MOST}" in over.json["error"]["message"]


@pytest.mark.parametrize("rule", COUNTS)
def test_token_count_of_a_file_has_the_same_maximum(rule: str) -> None:
    assert diagnostics_of(f"rules: [{{{rule.replace('N', str(MOST))}}}]") == []
    assert diagnostics_of(f"rules: [{{{rule.replace('N', str(MOST + 1))}}}]")
