"""`limit` on modifiers: headers and bodies that report it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.limit_files import HI, gemini_request, limit_file, request_at, statuses, vendor_request
from tests.language.virtual_server import (
    VirtualServer,
    chat_request,
    claude_request,
    raw_request,
    respond_all,
)

STATED = {
    "openai": (chat_request, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    "anthropic": (
        claude_request,
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
    ),
    "groq": (vendor_request("groq/openai"), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    "together": (vendor_request("together"), "x-ratelimit-limit", "x-ratelimit-remaining"),
    "mistral": (
        vendor_request("mistral"),
        "x-ratelimit-limit-req-minute",
        "x-ratelimit-remaining-req-minute",
    ),
    "xai": (vendor_request("xai"), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
}
COUNTED = {
    "fixed-window": [2, 1, 0, 0],
    "sliding-window": [2, 1, 0, 0],
    "token-bucket": [2, 1, 0, 0],
    "leaky-bucket": [2, 1, 0, 0],
    "after-n": [2, 1, 0, 0],
}


@pytest.mark.parametrize("provider", STATED)
@pytest.mark.parametrize("strategy", COUNTED)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.covering
def test_limit_headers_on_every_response(strategy: str, provider: str, streamed: bool) -> None:
    sent, limit, remaining = STATED[provider]
    yaml = limit_file(
        f"strategy: {strategy}, requests: 3", f"rules: [{{reply: hi, stream: {str(streamed).lower()}}}]"
    )
    responses = respond_all(yaml, *[request_at(0, sent)] * 4)
    assert statuses(responses) == [200, 200, 200, 429]
    assert [int(each.headers[remaining]) for each in responses] == COUNTED[strategy]
    assert {each.headers[limit] for each in responses} == {"3"}
    assert len([name for name, _ in responses[0].planned.plan.head.headers if name == remaining]) == 1


@pytest.mark.parametrize(
    "settings",
    [
        f"strategy: {strategy}, requests: 2, window: 7s"
        for strategy in ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
    ],
)
@pytest.mark.parametrize(
    "sent", [chat_request, claude_request, vendor_request("groq/openai"), vendor_request("mistral")]
)
def test_limit_client_that_waits_retry_after_passes(settings: str, sent: Any) -> None:
    server = VirtualServer(limit_file(settings))
    now, refused = 0.0, 0
    for _ in range(12):
        response = server.respond(request_at(now, sent))
        if response.status == 429:
            refused += 1
            now += float(response.headers["retry-after"])
            assert server.respond(request_at(now, sent)).status == 200
        now += 0.3
    assert refused


def test_limit_refusal_of_gemini_is_in_body() -> None:
    responses = respond_all(
        limit_file("strategy: fixed-window, requests: 1, window: 7s"),
        gemini_request(),
        request_at(2, gemini_request),
    )[1]
    details = responses.json["error"]["details"]
    assert details[-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "5s"}
    assert "retry-after" not in responses.headers


@pytest.mark.parametrize(
    "sent",
    [
        chat_request,
        claude_request,
        gemini_request,
        vendor_request("groq/openai"),
        vendor_request("mistral"),
        vendor_request("deepseek"),
    ],
)
def test_limit_refusal_for_ever_has_no_retry_after(sent: Any) -> None:
    responses = respond_all(limit_file("strategy: token-bucket, tokens: 1"), sent())[0]
    assert (responses.status, responses.planned.error) == (429, "rate_limit")
    assert not {"retry-after", "retry-after-ms"} & responses.headers.keys()
    assert b"retryDelay" not in responses.bytes
    assert b"try again in" not in responses.bytes.lower()
    assert b"retry in" not in responses.bytes.lower()


def test_limit_of_zero_requests_never_passes() -> None:
    responses = respond_all(limit_file("strategy: fixed-window, requests: 0"), gemini_request())[0]
    assert (
        responses.message
        == "Request too large for model gemini-2.5-flash: it takes 1 request, more than the limit."
    )


def test_limit_without_time_has_constant_retry_after() -> None:
    for settings in ("strategy: always", "strategy: always, retry_after: 30s"):
        wait = "30" if "30s" in settings else "1"
        for sent in (chat_request, claude_request):
            assert respond_all(limit_file(settings), sent())[0].headers["retry-after"] == wait


def test_limit_headers_have_tightest_limit() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - limit: {{strategy: fixed-window, requests: 5, window: 1m}}
          - limit: {{strategy: token-bucket, requests: 2, tokens: 5000, window: 1h}}
        """
    responses = respond_all(yaml, chat_request())[0].headers
    assert (responses["x-ratelimit-limit-requests"], responses["x-ratelimit-limit-tokens"]) == ("2", "5000")


def test_limit_refusal_headers_are_of_refusing_limit() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - limit: {{strategy: fixed-window, requests: 2, window: 1m}}
          - limit: {{strategy: fixed-window, tokens: 100, window: 1h}}
        """
    responses = respond_all(yaml, chat_request(), chat_request(max_tokens=92))[1]
    assert responses.json["error"]["type"] == "tokens"
    assert "Limit 100, Used 8, Requested 100" in responses.message
    assert responses.headers["x-ratelimit-limit-requests"] == "2"


def test_limit_headers_are_overridden_by_scenario() -> None:
    yaml = f"""
        {HI}
        modifiers: [{{limit: {{strategy: after-n, requests: 1}}, headers: {{X-RateLimit-Remaining-Requests: mine}}}}]
        """
    for response in respond_all(yaml, chat_request(), chat_request()):
        assert response.headers["x-ratelimit-remaining-requests"] == "mine"


def test_limit_headers_without_limit_are_plausible() -> None:
    yaml = limit_file("strategy: fixed-window, tokens: 1000")
    assert respond_all(yaml, chat_request())[0].headers["x-ratelimit-limit-requests"] == "10000"


def test_limit_refusal_outside_of_protocols_is_429() -> None:
    yaml = limit_file("strategy: always", match="{path: /other}")
    assert respond_all(yaml, raw_request("/other", {}))[0].status == 429
