"""How durations, probabilities, chunk sizes and distributions are read and drawn."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from mockllm.core.quantities.parse import (
    BoundedDistribution,
    ChunkSize,
    Distribution,
    Empirical,
    Exponential,
    Integers,
    LogNormal,
    Normal,
    Uniform,
    parse_chunk_size,
    parse_duration,
    parse_probability,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("0.1ms", 0.0001),
        ("2s", 2.0),
        ("1m", 60.0),
        ("1h", 3600.0),
        ("50us", 0.00005),
        ("50µs", 0.00005),
        ("0s", 0.0),
        (" 1.5 s ", 1.5),
    ],
)
def test_parse_duration_returns_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("300", '300 has no unit; write "300ms", "2s" or "1m"'),
        ("-3.5", '-3.5 has no unit; write "300ms", "2s" or "1m"'),
        ("soon", '"soon" is not a duration; write "300ms", "2s" or "1m"'),
        ("-2s", '"-2s" is negative; a duration is 0s or more'),
        ("1m30s", '"1m30s" is not a duration; write "90s"'),
        ("2S", '"2S" is not a duration; write "2s"'),
        ("", '"" is not a duration; write "300ms", "2s" or "1m"'),
        ("2 days", '"2 days" is not a duration; write "300ms", "2s" or "1m"'),
        ("9" * 400 + "s", "9" * 39 + "… is longer than a year"),
        ("8761h", "8761h is longer than a year"),
    ],
)
def test_parse_duration_of_invalid_text_raises(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_duration(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "chance"),
    [("5%", 0.05), ("0.5 %", 0.005), (0.05, 0.05), ("0.05", 0.05), (0, 0.0), (1, 1.0), ("100%", 1.0)],
)
def test_parse_probability_returns_zero_to_one(value: str | float, chance: float) -> None:
    assert parse_probability(value) == pytest.approx(chance)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("often", '"often" is not a probability; write "5%" or 0.05'),
        ("%", '"%" is not a probability; write "5%" or 0.05'),
        (5, '5 is not between 0 and 1; write "5%"'),
        ("101%", '101% is not between 0 and 1; write "5%" or 0.05'),
        (-0.1, '-0.1 is not between 0 and 1; write "5%" or 0.05'),
        (float("nan"), 'nan is not between 0 and 1; write "5%" or 0.05'),
    ],
)
def test_parse_probability_of_invalid_text_raises(value: str | float, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_probability(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("4 tokens", ChunkSize(4, "tokens")),
        ("1 token", ChunkSize(1, "tokens")),
        ("10 characters", ChunkSize(10, "characters")),
        ("2words", ChunkSize(2, "words")),
        ("1 sentence", ChunkSize(1, "sentences")),
        (7, ChunkSize(7, "characters")),
        ("7", ChunkSize(7, "characters")),
    ],
)
def test_parse_chunk_size_returns_count_and_unit(value: str | int, size: ChunkSize) -> None:
    assert parse_chunk_size(value) == size


@pytest.mark.parametrize("value", ["4 lines", "some tokens", "", "-1 tokens", -1])
def test_parse_chunk_size_of_invalid_text_raises(value: str | int) -> None:
    with pytest.raises(ValueError, match='is not a chunk size; write "4 tokens", "10 characters"'):
        parse_chunk_size(value)


def test_parse_chunk_size_of_zero_raises() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        parse_chunk_size("0 tokens")


def drawn(distribution: Distribution, count: int = 4000) -> list[float]:
    random = Random(1)
    return [distribution.draw(random) for _ in range(count)]


def test_uniform_stays_within_its_ends() -> None:
    values = drawn(Uniform(1.0, 3.0))
    assert min(values) >= 1.0
    assert max(values) <= 3.0
    assert statistics.mean(values) == pytest.approx(2.0, abs=0.05)


def test_integers_reach_both_ends_alike() -> None:
    values = drawn(Integers(0, 2))
    assert set(values) == {0.0, 1.0, 2.0}
    assert all(values.count(value) == pytest.approx(1333, rel=0.1) for value in (0.0, 1.0, 2.0))


def test_normal_has_its_mean_and_deviation() -> None:
    values = drawn(Normal(10.0, 2.0))
    assert statistics.mean(values) == pytest.approx(10.0, abs=0.1)
    assert statistics.stdev(values) == pytest.approx(2.0, rel=0.05)


def test_lognormal_has_its_median_and_its_99th_percentile() -> None:
    values = sorted(drawn(LogNormal(0.3, 2.0), 40_000))
    assert values[20_000] == pytest.approx(0.3, rel=0.05)
    assert values[39_600] == pytest.approx(2.0, rel=0.1)


def test_lognormal_without_spread_is_its_median() -> None:
    assert set(drawn(LogNormal(0.3, 0.3), 5)) == {0.3}


def test_exponential_has_its_mean() -> None:
    assert statistics.mean(drawn(Exponential(0.5))) == pytest.approx(0.5, rel=0.05)


def test_empirical_draws_only_measured_values() -> None:
    assert set(drawn(Empirical((0.1, 0.7)), 100)) == {0.1, 0.7}


def test_draws_stay_within_bounds() -> None:
    found = drawn(BoundedDistribution(Normal(0.3, 0.2), 0.25, 0.35))
    assert (min(found), max(found)) == (0.25, 0.35)
    assert any(0.25 < value < 0.35 for value in found)
    assert max(drawn(BoundedDistribution(Exponential(1.0), most=2.0))) == 2.0
    assert min(drawn(BoundedDistribution(Exponential(1.0), least=0.5))) == 0.5


@pytest.mark.parametrize(
    "distribution",
    [Uniform(-2, -1), Integers(-2, -1), Normal(-5, 0.1), Exponential(-1), Empirical((-1.0,))],
    ids=lambda distribution: type(distribution).__name__,
)
def test_no_draw_is_negative(distribution: Distribution) -> None:
    assert set(drawn(distribution, 20)) == {0.0}
