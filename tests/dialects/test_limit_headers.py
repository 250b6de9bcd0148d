"""Rate-limit headers of each provider, from the state of a limit; names and forms as recorded."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from mockllm.core.limits.limit_data import METERED_BOUNDS, BoundStatus, Cost, Limit, LimitStatus, MeteredBound
from mockllm.core.limits.rate_limiter import RateLimiter
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.openai.headers import go_duration
from mockllm.dialects.provider_facts import limit_headers
from mockllm.dialects.providers import REGISTERED
from mockllm.dialects.rate_limit_headers import milliseconds, seconds

TELLING = [provider.name for provider in REGISTERED if provider.limit_headers is not None]
NOON = 1_800_000_000.25
BOTH = LimitStatus(BoundStatus(60, 59, 1.0, 60.0), BoundStatus(40_000, 39_988, 0.0181, 60.0))
OPENAI = (
    ("x-ratelimit-limit-requests", "60"),
    ("x-ratelimit-limit-tokens", "40000"),
    ("x-ratelimit-remaining-requests", "59"),
    ("x-ratelimit-remaining-tokens", "39988"),
    ("x-ratelimit-reset-requests", "1s"),
    ("x-ratelimit-reset-tokens", "19ms"),
)


@pytest.mark.parametrize(
    ("provider", "headers"),
    [
        pytest.param("openai", OPENAI, id="OpenAI: durations as Go writes them"),
        pytest.param("groq", OPENAI, id="Groq: as OpenAI"),
        pytest.param(
            "azure",
            (
                *OPENAI[:4],
                ("x-ratelimit-reset-requests", "1000"),
                ("x-ratelimit-reset-tokens", "19"),
                ("x-ratelimit-renewalperiod-requests", "60"),
                ("x-ratelimit-renewalperiod-tokens", "60"),
            ),
            id="Azure: milliseconds and seconds without a unit",
        ),
        pytest.param("xai", OPENAI[:4], id="xAI: without a reset"),
        pytest.param(
            "together",
            (
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-limit-tokens", "40000"),
                ("x-ratelimit-remaining", "59"),
                ("x-ratelimit-remaining-tokens", "39988"),
                ("x-ratelimit-reset", "1"),
            ),
            id="Together: seconds without a unit",
        ),
        pytest.param(
            "mistral",
            (
                ("x-ratelimit-limit-req-minute", "60"),
                ("x-ratelimit-limit-tokens-minute", "40000"),
                ("x-ratelimit-remaining-req-minute", "59"),
                ("x-ratelimit-remaining-tokens-minute", "39988"),
            ),
            id="Mistral: by the minute, without a reset",
        ),
        pytest.param(
            "anthropic",
            tuple(
                (f"anthropic-ratelimit-{name}-{fact}", value)
                for name, values in (
                    ("input-tokens", ("40000", "39988", "2027-01-15T08:00:01Z")),
                    ("output-tokens", ("40000", "39988", "2027-01-15T08:00:01Z")),
                    ("requests", ("60", "59", "2027-01-15T08:00:02Z")),
                    ("tokens", ("40000", "39988", "2027-01-15T08:00:01Z")),
                )
                for fact, value in zip(("limit", "remaining", "reset"), values, strict=True)
            ),
            id="Anthropic: the time of the reset, rounded up to seconds",
        ),
        pytest.param("gemini", (), id="Gemini: none"),
        pytest.param("vertex", (), id="Vertex: none"),
        pytest.param("deepseek", (), id="DeepSeek: none"),
        pytest.param(None, (), id="outside every protocol none"),
    ],
)
def test_headers(provider: str | None, headers: Headers) -> None:
    assert limit_headers(provider, BOTH, NOON) == headers


@pytest.mark.parametrize(
    ("status", "values"),
    [
        pytest.param(
            LimitStatus(
                None, None, BoundStatus(30_000, 29_000, 2.0, 60.0), BoundStatus(8_000, 2_000, 45.0, 60.0)
            ),
            ["30000", "29000", "8000", "2000", "38000", "31000"],
            id="their sum is the limit of all tokens",
        ),
        pytest.param(
            LimitStatus(None, None, BoundStatus(30_000, 29_000, 2.0, 60.0)),
            ["30000", "29000", "30000", "29000"],
            id="one of them",
        ),
        pytest.param(
            LimitStatus(None, BoundStatus(9, 3, 2.0, 60.0), BoundStatus(5, 1, 2.0, 60.0)),
            ["5", "1", "9", "3", "9", "3"],
            id="one of them, and all",
        ),
    ],
)
def test_anthropic_reports_input_and_output_apart(status: LimitStatus, values: list[str]) -> None:
    headers = limit_headers("anthropic", status, NOON)
    assert [value for name, value in headers if not name.endswith("reset")] == values


def test_other_providers_report_tokens_with_least_left() -> None:
    status = LimitStatus(
        None, None, BoundStatus(30_000, 29_000, 2.0, 60.0), BoundStatus(8_000, 2_000, 45.0, 60.0)
    )
    assert dict(limit_headers("openai", status, NOON)) == {
        "x-ratelimit-limit-tokens": "8000",
        "x-ratelimit-remaining-tokens": "2000",
        "x-ratelimit-reset-tokens": "45s",
    }


@pytest.mark.parametrize("provider", TELLING)
def test_missing_bound_has_no_headers(provider: str) -> None:
    requests = dict(limit_headers(provider, LimitStatus(BOTH.requests), NOON))
    tokens = dict(limit_headers(provider, LimitStatus(None, BOTH.tokens), NOON))
    assert limit_headers(provider, LimitStatus(), NOON) == ()
    assert requests or tokens
    assert {**requests, **tokens} == dict(limit_headers(provider, BOTH, NOON))
    assert not requests.keys() & tokens.keys()


FULL = LimitStatus(
    BoundStatus(1103, 1051, 13.0, 60.0),
    BoundStatus(2203, 2113, 29.0, 61.0),
    BoundStatus(3301, 3209, 37.0, 62.0),
    BoundStatus(4409, 4327, 43.0, 63.0),
)
"""Each number is different."""
BOUND_WORDS = (
    ("input", "input_tokens"),
    ("output", "output_tokens"),
    ("token", "tokens"),
    ("req", "requests"),
)
QUANTITY_WORDS = ("remaining", "reset", "limit")


def sources(provider: str) -> dict[str, set[tuple[MeteredBound, str]]]:
    """Return the bounds and quantities on which the value of each header depends."""
    usual = dict(limit_headers(provider, FULL, NOON))
    found: dict[str, set[tuple[MeteredBound, str]]] = {name: set() for name in usual}
    for bound in METERED_BOUNDS:
        bound_status = FULL.bound_status(bound)
        assert bound_status is not None
        for quantity in ("limit", "remaining", "reset", "window"):
            other = replace(bound_status, **{quantity: getattr(bound_status, quantity) + 7})
            changed = limit_headers(provider, replace(FULL, **{bound: other}), NOON)
            for name, value in changed:
                if value != usual[name]:
                    found[name].add((bound, quantity))
    return found


@pytest.mark.parametrize("provider", TELLING)
def test_header_has_the_quantity_of_its_name(provider: str) -> None:
    usual, found = dict(limit_headers(provider, FULL, NOON)), sources(provider)
    for name, pairs in found.items():
        ((bound, quantity),) = pairs
        words = re.sub("rate-?limit", "", name)
        named = next((named for word, named in BOUND_WORDS if word in words), bound)
        amount = next((word for word in QUANTITY_WORDS if word in words), quantity)
        assert (bound, quantity) == (named, amount), name
        if quantity in ("limit", "remaining"):
            assert usual[name] == str(getattr(FULL.bound_status(bound), quantity)), name
    shown = [next(iter(pairs)) for pairs in found.values()]
    assert len(set(shown)) == len(shown), "two headers have the same quantity"


def test_headers_count_down_and_recover() -> None:
    limiter = RateLimiter(Limit("fixed-window", 3, 100, window=60.0))
    reported = []
    for now in (NOON, NOON + 1.5, NOON + 2.0, NOON + 61.0):
        limiter.charge(now, Cost(10))
        reported.append(limit_headers("openai", limiter.status(now), now)[2:5])
    assert [[value for _, value in each] for each in reported] == [
        ["2", "90", "1m0s"], ["1", "80", "58.5s"], ["0", "70", "58s"], ["2", "90", "1m0s"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("time", "go", "whole", "milli"),
    [
        (0.0, "0s", "0", "0"),
        (0.006, "6ms", "1", "6"),
        (0.0061, "7ms", "1", "7"),
        (1.2, "1.2s", "2", "1200"),
        (360.0, "6m0s", "360", "360000"),
        (71.339, "1m11.339s", "72", "71339"),
        (0.9999, "1s", "1", "1000"),
        (3600.0, "1h0m0s", "3600", "3600000"),
    ],
)
def test_times_are_rounded_up(time: float, go: str, whole: str, milli: str) -> None:
    assert (go_duration(time), seconds(time), milliseconds(time)) == (go, whole, milli)
