"""The parsing of durations, probabilities and chunk sizes, and the distributions of drawn numbers.

Separate from `core.values`, because command line, pack parameters and scenarios all parse them. All times are
seconds.
"""

from __future__ import annotations

import math
import re
from random import Random
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

_SECONDS: Final = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?) ?(us|µs|ms|s|m|h)", re.ASCII)
_PARTS: Final = re.compile(rf"(?:{_DURATION.pattern}\s*)+", re.ASCII)
_DURATIONS: Final = '"300ms", "2s" or "1m"'
_BARE: Final = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
MAX_DURATION: Final = 31_536_000.0
"""One year: longer waits are typing mistakes, and infinities would stop a timer."""


def parse_duration(text: str) -> float:
    """Return the seconds of `300ms`, `0.1ms`, `2s`, `1m` … Raise ValueError with a valid form."""
    text = text.strip()
    match = _DURATION.fullmatch(text)
    if match is None:
        if _BARE.fullmatch(text):
            raise ValueError(f'{text} has no unit; write "300ms", "2s" or "1m"')
        if _DURATION.fullmatch(text.removeprefix("-")):
            raise ValueError(f'"{_short(text)}" is negative; a duration is 0s or more')
        meant = _meant_duration(text.lower())
        raise ValueError(f'"{_short(text)}" is not a duration; write {meant or _DURATIONS}')
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > MAX_DURATION:
        raise ValueError(f"{_short(text)} is longer than a year")
    return seconds


def _meant_duration(text: str) -> str | None:
    """Return the duration that `1m30s` or a unit in capital letters means, in quotes."""
    if len(text) > 40 or not _PARTS.fullmatch(text):
        return None
    parts = _DURATION.findall(text)
    if len(parts) == 1:
        return f'"{text}"'
    return f'"{sum(float(number) * _SECONDS[unit] for number, unit in parts):g}s"'


def parse_probability(value: str | float | int) -> float:
    """Return a number from 0 to 1 for `5%`, `0.05` or `"0.05"`. Raise ValueError with a valid form."""
    if isinstance(value, str):
        text = value.strip()
        percent = text.endswith("%")
        number = text[:-1].rstrip() if percent else text
        if not _BARE.fullmatch(number):
            raise ValueError(f'"{_short(text)}" is not a probability; write "5%" or 0.05')
        chance = float(number) / 100 if percent else float(number)
    else:
        chance = float(value)
    if not 0 <= chance <= 1:
        meant = f'"{chance:g}%"' if 1 < chance <= 100 and "%" not in str(value) else '"5%" or 0.05'
        raise ValueError(f"{value} is not between 0 and 1; write {meant}")
    return chance


ChunkUnit: TypeAlias = Literal["characters", "tokens", "words", "sentences"]
_UNITS: Final[dict[str, ChunkUnit]] = {
    form: unit for unit in get_args(ChunkUnit) for form in (unit, unit.removesuffix("s"))
}
_CHUNK_SIZE: Final = re.compile(r"(\d{1,9})(?: ?([a-z]+))?", re.ASCII)


class ChunkSize(Struct, frozen=True):
    """The size of a chunk: `count` of `unit`."""

    count: int
    unit: ChunkUnit


def parse_chunk_size(value: str | int) -> ChunkSize:
    """Parse `4 tokens`, `10 characters`, `1 word` or `2 sentences`; a bare number is characters. Raise ValueError."""
    match = _CHUNK_SIZE.fullmatch(str(value).strip())
    unit = _UNITS.get(match[2] or "characters") if match else None
    if match is None or unit is None:
        raise ValueError(
            f'"{_short(str(value))}" is not a chunk size; '
            'write "4 tokens", "10 characters", "1 word" or "2 sentences"'
        )
    count = int(match[1])
    if count < 1:
        raise ValueError('the size of a chunk is at least 1; write "1 token"')
    return ChunkSize(count, unit)


class Uniform(Struct, frozen=True):
    """Numbers from `low` to `high`, equally likely."""

    low: float
    high: float

    def draw(self, random: Random) -> float:
        return max(0.0, random.uniform(self.low, self.high))


class Normal(Struct, frozen=True):
    """The normal distribution; a negative number becomes 0."""

    mean: float
    stddev: float

    def draw(self, random: Random) -> float:
        return max(0.0, random.gauss(self.mean, self.stddev))


_Z99: Final = 2.3263478740408408
"""The standard normal's 99th percentile."""


class LogNormal(Struct, frozen=True):
    """The log-normal distribution of real latencies: half of all draws are below `median`, 99 of 100 below `p99`."""

    median: float
    p99: float

    def draw(self, random: Random) -> float:
        return self.median * math.exp(random.gauss(0.0, 1.0) * math.log(self.p99 / self.median) / _Z99)


class Exponential(Struct, frozen=True):
    """The exponential distribution: the gaps between independent events, `mean` on average."""

    mean: float

    def draw(self, random: Random) -> float:
        return random.expovariate(1.0) * max(0.0, self.mean)


class Empirical(Struct, frozen=True):
    """One of the measured values, equally likely."""

    values: tuple[float, ...]

    def draw(self, random: Random) -> float:
        return max(0.0, random.choice(self.values))


class Integers(Struct, frozen=True):
    """Whole numbers from `low` to `high`, both included, equally likely."""

    low: int
    high: int

    def draw(self, random: Random) -> float:
        return float(max(0, random.randint(self.low, self.high)))


class BoundedDistribution(Struct, frozen=True):
    """A distribution whose draws below `least` are `least`, and those above `most` are `most`."""

    inner: Normal | LogNormal | Exponential
    least: float = 0.0
    most: float = math.inf

    def draw(self, random: Random) -> float:
        return min(max(self.inner.draw(random), self.least), self.most)


Distribution: TypeAlias = (
    Uniform | Integers | Normal | LogNormal | Exponential | BoundedDistribution | Empirical
)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
