"""Each provider's response where a limit refuses: true figures, a true wait, and the members beside them."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import loads
from mockllm.core.limits.limit_data import Cost, Limit
from mockllm.core.limits.rate_limiter import RateLimiter
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.provider_facts import limit_failure

NOON = 1_800_000_000.0
REQUEST = Request(method="POST", path="/", headers={}, raw=b"{}")
IDENTITY = ResponseIdentity(Ids(0, "", 0), NOON)


def used(limit: Limit, tokens: int, count: int = 1) -> RateLimiter:
    limiter = RateLimiter(limit)
    for _ in range(count):
        limiter.charge(NOON, Cost(tokens))
    return limiter


def refusal(provider: str, limiter: RateLimiter, tokens: int) -> Failure:
    verdict = limiter.check(NOON, Cost(tokens))
    assert not verdict.allowed
    return limit_failure(provider, verdict, limiter.status(NOON), tokens, "gpt-4o", NOON)


WHOSE = "for gpt-4o in organization org-mockllm on "
MORE = " Visit https://platform.openai.com/account/rate-limits to learn more."


@pytest.mark.parametrize(
    ("limiter", "tokens", "bound", "message"),
    [
        pytest.param(
            used(Limit("token-bucket", tokens=30000), 29753), 494, "tokens",
            f"Rate limit reached {WHOSE}tokens per min (TPM): Limit 30000, Used 29753, Requested 494. "
            "Please try again in 494ms.", id="tokens, as it was recorded",
        ),
        pytest.param(
            used(Limit("fixed-window", 3), 9, 3), 9, "requests",
            f"Rate limit reached {WHOSE}requests per min (RPM): Limit 3, Used 3, Requested 1. "
            "Please try again in 1m0s.", id="requests",
        ),
        pytest.param(
            used(Limit("sliding-window", 1, window=86400.0), 9), 9, "requests",
            f"Rate limit reached {WHOSE}requests per day (RPD): Limit 1, Used 1, Requested 1. "
            "Please try again in 24h0m0s.", id="by the day",
        ),
        pytest.param(
            used(Limit("fixed-window", 1, window=10.0), 9), 9, "requests",
            f"Rate limit reached {WHOSE}requests per 10s: Limit 1, Used 1, Requested 1. "
            "Please try again in 10s.", id="in a window that has no name",
        ),
        pytest.param(
            used(Limit("fixed-window", tokens=30000), 0), 31538, "tokens",
            f"Request too large {WHOSE}tokens per min (TPM): Limit 30000, Requested 31538. The input or "
            "output tokens must be reduced in order to run successfully.", id="more than there ever are",
        ),
        pytest.param(
            used(Limit("fixed-window", 9, concurrent=1), 0), 5, "requests",
            f"Rate limit reached {WHOSE}requests under way. Please try again in 1s.", id="too many under way",
        ),
        pytest.param(
            RateLimiter(Limit("always")), 5, "requests",
            "Rate limit reached for gpt-4o in organization org-mockllm. Please try again in 1s.",
            id="without a figure",
        ),
    ],
)  # fmt: skip
def test_openai_refusal_names_bound(limiter: RateLimiter, tokens: int, bound: str, message: str) -> None:
    failure = refusal("openai", limiter, tokens)
    assert failure.message == message + MORE
    plan = CHAT.error(failure, REQUEST, IDENTITY)
    (body,) = plan.steps
    assert isinstance(body, EventStep)
    error = loads(body.payload)["error"]
    assert (error["type"], error["code"], error["param"]) == (bound, "rate_limit_exceeded", None)
    assert plan.head.status == 429


def test_openai_refusal_has_remaining_of_both_bounds() -> None:
    failure = refusal("openai", used(Limit("fixed-window", 1, window=10.0), 9), 9)
    headers = dict(CHAT.error(failure, REQUEST, IDENTITY).head.headers)
    assert headers["retry-after"] == "10"
    assert headers["x-ratelimit-limit-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"] == "10s"
    assert int(headers["x-ratelimit-remaining-tokens"]) > 1_000_000


def test_anthropic_refusal_has_remaining_of_all_bounds() -> None:
    failure = refusal("anthropic", used(Limit("token-bucket", tokens=60), 50), 30)
    headers = dict(MESSAGES.error(failure, REQUEST, IDENTITY).head.headers)
    assert headers["retry-after"] == "20"
    assert headers["anthropic-ratelimit-tokens-remaining"] == "10"
    assert headers["anthropic-ratelimit-tokens-reset"] == "2027-01-15T08:00:50Z"
    assert headers["anthropic-ratelimit-requests-remaining"] != "0"
    assert headers["x-should-retry"] == "true"


@pytest.mark.parametrize(
    "limit", [Limit("always", retry_after=3.0), Limit("random", probability=1.0, retry_after=3.0)]
)
def test_refusal_without_figure_has_zero_remaining_requests(limit: Limit) -> None:
    failure = refusal("openai", RateLimiter(limit), 9)
    headers = dict(CHAT.error(failure, REQUEST, IDENTITY).head.headers)
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-reset-requests"]) == ("0", "3s")
    failure = refusal("anthropic", RateLimiter(limit), 9)
    headers = dict(MESSAGES.error(failure, REQUEST, IDENTITY).head.headers)
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert headers["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:00:03Z"
    assert headers["anthropic-ratelimit-tokens-remaining"] != "0"


def test_refusal_of_too_many_at_once_leaves_remaining_requests() -> None:
    failure = refusal("openai", used(Limit("fixed-window", concurrent=1), 0), 5)
    assert dict(failure.headers)["x-ratelimit-remaining-requests"] == "9999"
    failure = refusal("anthropic", used(Limit("fixed-window", concurrent=1), 0), 5)
    assert dict(failure.headers)["anthropic-ratelimit-requests-remaining"] == "3999"


@pytest.mark.parametrize(
    ("limiter", "tokens", "quota"),
    [
        (used(Limit("fixed-window", 1, window=86400.0), 9), 9, ("requests", 1, 86400.0)),
        (used(Limit("token-bucket", tokens=60), 50), 30, ("tokens", 60, 60.0)),
        (used(Limit("token-bucket", tokens=60), 0), 90, ("tokens", 60, 60.0)),
        (RateLimiter(Limit("always")), 9, None),
        (used(Limit("fixed-window", 3, concurrent=1), 9), 9, None),
    ],
)
def test_failure_has_refused_quota(
    limiter: RateLimiter, tokens: int, quota: tuple[str, int, float] | None
) -> None:
    assert refusal("gemini", limiter, tokens).exceeded_limit == quota


@pytest.mark.parametrize(("provider", "headers"), [("groq", 3), ("gemini", 0), ("deepseek", 0)])
def test_refusal_of_other_provider_has_usual_error(provider: str, headers: int) -> None:
    failure = refusal(provider, used(Limit("fixed-window", 1), 9), 9)
    assert (failure.type, failure.message, failure.retry_after) == ("rate_limit", None, 60.0)
    assert len(failure.headers) == headers


@pytest.mark.parametrize(
    ("limit", "cost", "words"),
    [
        (
            Limit("token-bucket", input_tokens=30_000),
            Cost(20_000),
            "of 30,000 input tokens per minute (org: ",
        ),
        (
            Limit("token-bucket", output_tokens=8_000),
            Cost(6_000, 0.0, 6_000),
            "of 8,000 output tokens per minute (org: ",
        ),
    ],
)
def test_anthropic_names_the_exceeded_part(limit: Limit, cost: Cost, words: str) -> None:
    limiter = RateLimiter(limit)
    limiter.charge(NOON, cost)
    verdict = limiter.check(NOON, cost)
    failure = limit_failure(
        "anthropic", verdict, limiter.status(NOON), cost.tokens, "claude-sonnet-4-6", NOON
    )
    assert failure.message is not None
    assert words in failure.message
    assert ", model: claude-sonnet-4-6)" in failure.message
    openai_failure = limit_failure("openai", verdict, limiter.status(NOON), cost.tokens, "gpt-4o", NOON)
    assert openai_failure.message is not None
    assert "on tokens per min (TPM)" in openai_failure.message
