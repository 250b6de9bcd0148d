"""`limit` on modifiers: what answers tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.limiting import HI, at, gemini, limited, statuses, vendor
from tests.language.playing import Game, ask, chat, claude, play

TOLD = {
    "openai": (chat, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    "anthropic": (claude, "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining"),
    "groq": (vendor("groq/openai"), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    "together": (vendor("together"), "x-ratelimit-limit", "x-ratelimit-remaining"),
    "mistral": (vendor("mistral"), "x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute"),
    "xai": (vendor("xai"), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
}
COUNTED = {
    "fixed-window": [2, 1, 0, 0],
    "sliding-window": [2, 1, 0, 0],
    "token-bucket": [2, 1, 0, 0],
    "leaky-bucket": [2, 1, 0, 0],
    "after-n": [2, 1, 0, 0],
}


@pytest.mark.parametrize("provider", TOLD)
@pytest.mark.parametrize("strategy", COUNTED)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_what_is_left_is_told_on_every_answer(strategy: str, provider: str, streamed: bool) -> None:
    asked, limit, remaining = TOLD[provider]
    yaml = limited(
        f"strategy: {strategy}, requests: 3", f"rules: [{{reply: hi, stream: {str(streamed).lower()}}}]"
    )
    heard = play(yaml, *[at(0, asked)] * 4)
    assert statuses(heard) == [200, 200, 200, 429]
    assert [int(each.headers[remaining]) for each in heard] == COUNTED[strategy]
    assert {each.headers[limit] for each in heard} == {"3"}
    assert len([name for name, _ in heard[0].answer.plan.head.headers if name == remaining]) == 1


@pytest.mark.parametrize(
    "settings",
    [
        f"strategy: {strategy}, requests: 2, window: 7s"
        for strategy in ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
    ],
)
@pytest.mark.parametrize("asked", [chat, claude, vendor("groq/openai"), vendor("mistral")])
def test_who_waits_as_long_as_is_told_passes(settings: str, asked: Any) -> None:
    game = Game(limited(settings))
    now, refused = 0.0, 0
    for _ in range(12):
        heard = game.hear(at(now, asked))
        if heard.status == 429:
            refused += 1
            now += float(heard.headers["retry-after"])
            assert game.hear(at(now, asked)).status == 200
        now += 0.3
    assert refused


def test_gemini_tells_in_its_body() -> None:
    heard = play(limited("strategy: fixed-window, requests: 1, window: 7s"), gemini(), at(2, gemini))[1]
    details = heard.json["error"]["details"]
    assert details[-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "5s"}
    assert "retry-after" not in heard.headers


@pytest.mark.parametrize(
    "asked", [chat, claude, gemini, vendor("groq/openai"), vendor("mistral"), vendor("deepseek")]
)
def test_a_request_that_never_passes_is_told_no_time(asked: Any) -> None:
    heard = play(limited("strategy: token-bucket, tokens: 1"), asked())[0]
    assert (heard.status, heard.answer.error) == (429, "rate_limit")
    assert not {"retry-after", "retry-after-ms"} & heard.headers.keys()
    assert b"retryDelay" not in heard.bytes
    assert b"try again in" not in heard.bytes.lower()
    assert b"retry in" not in heard.bytes.lower()


def test_with_no_requests_allowed_none_ever_passes() -> None:
    heard = play(limited("strategy: fixed-window, requests: 0"), gemini())[0]
    assert (
        heard.message
        == "Request too large for model gemini-2.5-flash: it takes 1 request, more than the limit."
    )


def test_those_that_know_no_time_tell_a_constant() -> None:
    for settings in ("strategy: always", "strategy: always, retry_after: 30s"):
        wait = "30" if "30s" in settings else "1"
        for asked in (chat, claude):
            assert play(limited(settings), asked())[0].headers["retry-after"] == wait


def test_the_tightest_limit_is_told() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - limit: {{strategy: fixed-window, requests: 5, window: 1m}}
          - limit: {{strategy: token-bucket, requests: 2, tokens: 5000, window: 1h}}
        """
    heard = play(yaml, chat())[0].headers
    assert (heard["x-ratelimit-limit-requests"], heard["x-ratelimit-limit-tokens"]) == ("2", "5000")


def test_of_a_refusal_the_figures_of_what_refused_it() -> None:
    yaml = f"""
        {HI}
        modifiers:
          - limit: {{strategy: fixed-window, requests: 2, window: 1m}}
          - limit: {{strategy: fixed-window, tokens: 100, window: 1h}}
        """
    heard = play(yaml, chat(), chat(max_tokens=92))[1]
    assert heard.json["error"]["type"] == "tokens"
    assert "Limit 100, Used 8, Requested 100" in heard.message
    assert heard.headers["x-ratelimit-limit-requests"] == "2"


def test_a_scenarios_own_headers_win() -> None:
    yaml = f"""
        {HI}
        modifiers: [{{limit: {{strategy: after-n, requests: 1}}, headers: {{X-RateLimit-Remaining-Requests: mine}}}}]
        """
    for heard in play(yaml, chat(), chat()):
        assert heard.headers["x-ratelimit-remaining-requests"] == "mine"


def test_without_a_limit_what_is_plausible_is_told() -> None:
    yaml = limited("strategy: fixed-window, tokens: 1000")
    assert play(yaml, chat())[0].headers["x-ratelimit-limit-requests"] == "10000"


def test_outside_of_every_protocol_it_is_said_plainly() -> None:
    yaml = limited("strategy: always", match="{path: /other}")
    assert play(yaml, ask("/other", {}))[0].status == 429
