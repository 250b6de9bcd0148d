"""Every distribution, played on a virtual clock: right mean and quantiles, of what is drawn once for each response
(`ttft`) and of what is drawn for each gap (`itl`, `jitter`); then slowdown, and what a chunk's size does to time.

Samples are large and seeded, so that nothing here is luck. Tolerances are four standard errors: of the mean, and
of the share of a sample that lies at or below a quantile, which is the same for every distribution.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from statistics import NormalDist, fmean

import pytest

from tests.language.virtual_server import (
    cases,
    chat_request,
    diagnostics_of,
    raw_request,
    respond_all,
    respond_once,
)

STREAM = chat_request(stream=True)
ANSWERS, GAPS = 1_000, 10_000
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


@dataclass(frozen=True)
class Shape:
    """A distribution as statistics know it, in seconds."""

    mean: float
    deviation: float
    quantile: Callable[[float], float]


def lognormal(median: float, p99: float) -> Shape:
    sigma = log(p99 / median) / NormalDist().inv_cdf(0.99)
    mean = median * exp(sigma**2 / 2)
    return Shape(
        mean,
        mean * sqrt(exp(sigma**2) - 1),
        lambda share: median * exp(sigma * NormalDist().inv_cdf(share)),
    )


UNIFORM = Shape(1.5, 1 / sqrt(12), lambda share: 1 + share)
SHAPES: list[tuple[str, str, Shape]] = [
    ("a range is uniform", "[1s, 2s]", UNIFORM),
    ("uniform", "{uniform: [1s, 2s]}", UNIFORM),
    ("normal", "{normal: {mean: 1s, stddev: 100ms}}", Shape(1.0, 0.1, NormalDist(1.0, 0.1).inv_cdf)),
    ("lognormal", "{lognormal: {median: 300ms, p99: 2s}}", lognormal(0.3, 2.0)),
    ("lognormal, narrow", "{lognormal: {median: 50ms, p99: 60ms}}", lognormal(0.05, 0.06)),
    ("exponential", "{exponential: {mean: 200ms}}", Shape(0.2, 0.2, lambda share: -0.2 * log(1 - share))),
]


def assert_shape(sample: Sequence[float], shape: Shape) -> None:
    size = len(sample)
    assert fmean(sample) == pytest.approx(shape.mean, abs=4 * shape.deviation / sqrt(size))
    for share in QUANTILES:
        below = sum(each <= shape.quantile(share) for each in sample) / size
        assert below == pytest.approx(share, abs=4 * sqrt(share * (1 - share) / size))


def first_chunks(pace: str) -> list[float]:
    """Return the time of the first chunk of each of many responses."""
    return [
        response.chunk_times[0]
        for response in respond_all(f"rules: [{{reply: a, pace: {pace}}}]", *[STREAM] * ANSWERS)
    ]


def gaps(pace: str, files: dict[str, str] | None = None) -> list[float]:
    """Return the gaps of one long stream."""
    yaml = f"rules: [{{reply: {{text: {{tokens: {GAPS + 1}}}}}, pace: {pace}}}]"
    chunk_times = respond_once({"a.yaml": yaml, **(files or {})}, STREAM).chunk_times
    result = [later - earlier for earlier, later in pairwise(chunk_times)]
    assert len(result) == GAPS
    return result


@cases("drawn, shape", SHAPES)
def test_delay_and_ttft_are_drawn_once_per_response(drawn: str, shape: Shape) -> None:
    assert_shape(first_chunks(f"{{ttft: {drawn}}}"), shape)


@cases("drawn, shape", SHAPES)
def test_itl_is_drawn_for_each_gap(drawn: str, shape: Shape) -> None:
    assert_shape(gaps(f"{{itl: {drawn}}}"), shape)


MEASURED = [0.05, 0.05, 0.08, 0.3, 2.0]


@pytest.mark.parametrize("written", ["[50ms, 50ms, 80ms, 0.3s, 2s]", "measured.txt"])
def test_measured_values_are_drawn_by_frequency(written: str) -> None:
    result = gaps(f"{{itl: {{empirical: {written}}}}}", {"measured.txt": "50ms 50ms, 80ms\n0.3s\n\n2s\n"})
    assert {round(each, 3) for each in result} == set(MEASURED)
    for value in set(MEASURED):
        share = MEASURED.count(value) / len(MEASURED)
        came = sum(round(each, 3) == value for each in result) / GAPS
        assert came == pytest.approx(share, abs=4 * sqrt(share * (1 - share) / GAPS))


def test_normal_below_zero_is_zero() -> None:
    result = gaps("{itl: {normal: {mean: 100ms, stddev: 100ms}}}")
    below = NormalDist(0.1, 0.1).cdf(0.0)
    assert min(result) == 0.0
    assert sum(each < 1e-6 for each in result) / GAPS == pytest.approx(
        below, abs=4 * sqrt(below * (1 - below) / GAPS)
    )


@cases("drawn, speed", [("a range", "[40, 80]", (40, 80)), ("a number", "50", (50, 50))])
def test_tokens_per_second_is_drawn_once_per_response(drawn: str, speed: tuple[int, int]) -> None:
    low, high = speed
    yaml = f"rules: [{{reply: {{text: {{tokens: 9}}}}, pace: {{tokens_per_second: {drawn}}}}}]"
    result = []
    for response in respond_all(yaml, *[STREAM] * ANSWERS):
        waits = [later - earlier for earlier, later in pairwise(response.chunk_times)]
        assert waits == pytest.approx([waits[0]] * 8, abs=3e-6)
        result.append(8 / response.chunk_times[-1])
    assert fmean(result) == pytest.approx((low + high) / 2, abs=4 * (high - low) / sqrt(12 * ANSWERS) + 1e-3)


def test_jitter_is_uniform_and_added() -> None:
    assert_shape(
        [gap - 0.1 for gap in gaps("{itl: 100ms, jitter: 50ms}")],
        Shape(0.025, 0.05 / sqrt(12), lambda share: 0.05 * share),
    )


def test_jitter_can_be_distribution() -> None:
    assert_shape(
        [gap - 0.1 for gap in gaps("{itl: 100ms, jitter: {exponential: {mean: 20ms}}}")],
        Shape(0.02, 0.02, lambda share: -0.02 * log(1 - share)),
    )


def test_jitter_leaves_first_chunk() -> None:
    assert set(first_chunks("{ttft: 1s, jitter: 500ms}")) == {1.0}


@pytest.mark.parametrize("factor", [0, 0.5, 6])
def test_slowdown_multiplies_draws(factor: float) -> None:
    pace = "ttft: [1s, 2s], itl: {exponential: {mean: 20ms}}, jitter: 5ms"
    yaml = "rules: [{reply: {text: {tokens: 500}}, pace: {%s}}]"
    plain = respond_once(yaml % pace, STREAM).chunk_times
    slow = respond_once(yaml % f"{pace}, slowdown: {factor}", STREAM).chunk_times
    assert slow == pytest.approx([moment * factor for moment in plain], abs=1e-3 + 6e-6 * factor)


TEXT = "One two. Three four five! Six?"


@cases(
    "size, chunks",
    [
        ("characters", "10 characters", ["One two. T", "hree four ", "five! Six?"]),
        ("tokens", "3 tokens", ["One two.", " Three four five", "! Six?"]),
        ("words", "2 words", ["One two.", " Three four", " five! Six?"]),
        ("sentences", "1 sentence", ["One two.", " Three four five!", " Six?"]),
        ("two sentences", "2 sentences", ["One two. Three four five!", " Six?"]),
        ("a bare number is characters", "20", ["One two. Three four ", "five! Six?"]),
    ],
)
def test_chunk_size_sets_chunks_and_gaps(size: str, chunks: list[str]) -> None:
    yaml = f"rules: [{{reply: {TEXT!r}, pace: {{ttft: 1s, itl: 100ms, chunk_size: {size}}}}}]"
    response = respond_once(yaml, STREAM)
    assert response.chunks == chunks
    assert response.chunk_times == pytest.approx([1 + 0.1 * place for place in range(len(chunks))])


@pytest.mark.parametrize("size", ["1 token", "4 tokens", "7 tokens", "3 words", "2 sentences"])
def test_tokens_per_second_is_independent_of_chunk_size(size: str) -> None:
    """But for the first chunk, which comes with `ttft`. (Characters may cut a token in two, which counts twice.)"""
    yaml = "rules: [{reply: {text: {tokens: 400}}, pace: {tokens_per_second: 100, chunk_size: %s}}]"
    whole = respond_once(yaml % "1 token", STREAM).chunk_times[-1]
    assert whole == pytest.approx(3.99)
    assert respond_once(yaml % size, STREAM).chunk_times[-1] == pytest.approx(whole, rel=0.25)


def test_waits_depend_on_seed() -> None:
    yaml = "rules: [{reply: {text: {tokens: 50}}, pace: {ttft: [1s, 2s], itl: {exponential: {mean: 20ms}}}}]"
    chunk_times = [respond_once(yaml, STREAM, seed=seed).chunk_times for seed in (0, 0, 1)]
    assert chunk_times[0] == chunk_times[1] != chunk_times[2]


@pytest.mark.parametrize(
    "size", ["1 characters", "4 characters", "10 characters", "2 words", "3 tokens", "1 sentences"]
)
def test_text_duration_depends_on_tokens_only(size: str) -> None:
    text = "Certainly! Here is what I found: there are 12 ways to go about it, and the first is usual. " * 4
    response = respond_once(
        f"""
        rules: [{{reply: "{text}", pace: {{tokens_per_second: 50, chunk_size: {size}}}}}]
        """,
        chat_request(stream=True, stream_options={"include_usage": True}),
    )
    tokens = json.loads(response.events[-2].data)["usage"]["completion_tokens"]
    shares = tokens / len(text) * len(response.chunks[0]) / 50  # the first chunk has no gap
    assert response.took == pytest.approx(tokens / 50 - shares, abs=2 / 50)


def test_image_part_takes_no_time() -> None:
    response = respond_once(
        """
        rules:
          - reply: {parts: [{text: one}, {images: [{data: aGk=}]}, {text: " two"}]}
            pace: {tokens_per_second: 4}
        """,
        raw_request(
            "/v1beta/models/gemini-2.5-flash-image:streamGenerateContent",
            {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
            query="alt=sse",
        ),
    )
    assert response.took == pytest.approx(0.25)


def test_itl_beside_tokens_per_second_has_diagnostic() -> None:
    assert diagnostics_of("rules: [{reply: x, pace: {itl: 1s, tokens_per_second: 4}}]") == [
        "rules[0].pace: itl and tokens_per_second are one setting; write one of them"
    ]


@pytest.mark.parametrize("bare", ["2", "0.5", '"100"'])
@pytest.mark.parametrize(
    "key", ["delay: %s", "pace: {ttft: %s}", "pace: {itl: %s}", "pace: {jitter: %s}", "delay: [1s, %s]"]
)
def test_bare_number_for_duration_has_diagnostic(bare: str, key: str) -> None:
    (message,) = diagnostics_of(f"rules: [{{reply: x, {key % bare}}}]")
    assert 'write "300ms", "2s" or "1m"' in message


@pytest.mark.parametrize(
    ("chance", "fine"), [("5%", True), ("0.05", True), ("5", False), ("'101%'", False), ("often", False)]
)
def test_probability_forms(chance: str, fine: bool) -> None:
    assert bool(diagnostics_of(f"rules: [{{reply: x, chance: {chance}}}]")) is not fine


def test_drawn_speed_is_never_unlimited() -> None:
    pace = "{tokens_per_second: {normal: {mean: 40, stddev: 40}}}"
    yaml = f"rules: [{{reply: {{text: {{tokens: 9}}}}, pace: {pace}}}]"
    took = [response.chunk_times[-1] for response in respond_all(yaml, *[STREAM] * 50)]
    assert max(took) == pytest.approx(80)
    assert min(took) > 8 / 400
