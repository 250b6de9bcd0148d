"""Vectors of texts: of unit length, equal for equal texts, and closer the more letters two texts share.

There is no model: the hash of each run of three characters selects a few directions, and a text's vector is their
sum. This suffices for a search to find the most similar sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from math import sqrt
from operator import mul
from random import Random
from struct import pack, unpack
from typing import Final
from zlib import crc32

from msgspec import Struct

from mockllm.core.text_cache import text_cache

_RUN: Final = 3
_DIRECTIONS: Final = 8
"""The number of components that a run of characters changes."""
_NOISE: Final = 0.15
"""The length of a text's own noise relative to its vector: no component is zero, and two texts are never equal."""


MAX_CHARACTERS: Final = 65_536
"""The characters of a text that select directions: its runs take 100 bytes each. A model reads fewer."""
LARGEST: Final = 3.4028234663852886e38
"""The largest number of single precision, and of a vector's components."""
Vector = tuple[float, ...]


@text_cache(64)  # clients embed the same query again
def vector(text: str, size: int) -> tuple[float, ...]:
    """Return the direction of a text in so many dimensions, in single precision."""
    result = [0.0] * size
    for run, count in Counter(_runs(text)).items():
        weight = sqrt(count)
        for state in _states(run):
            result[(state >> 33) % size] += weight if state >> 32 & 1 else -weight
    length = _length(result) or 1.0
    seed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    random = Random(int.from_bytes(seed, "big")).random  # noqa: S311 - noise of the text, equal each time
    noise = length * _NOISE * sqrt(3 / size)
    return unit([component + noise * (2 * random() - 1) for component in result])


@lru_cache(4096)  # texts of one language share most runs of characters
def _states(run: str) -> tuple[int, ...]:
    """Return a generator's states for a run of characters: each determines a component and its sign."""
    states = [crc32(run.encode("utf-8", "surrogatepass"))]
    for _ in range(_DIRECTIONS):
        states.append((states[-1] * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF)
    return tuple(states[1:])


def _length(components: Sequence[float]) -> float:
    return sqrt(sum(map(mul, components, components)))


def shortened(whole: tuple[float, ...], size: int) -> tuple[float, ...]:
    """Return the first dimensions of a vector at unit length, as models shorten their vectors."""
    return whole if size == len(whole) else unit(whole[:size])


def unit(components: Sequence[float]) -> tuple[float, ...]:
    """Return the vector at length 1, in single precision."""
    length = _length(components)
    form = f"<{len(components)}f"
    return unpack(form, pack(form, *[component / length for component in components]))


def written(components: tuple[float, ...]) -> list[float]:
    """Return the numbers for JSON, with the digits of single precision."""
    return list(map(float, ("%.9g " * len(components) % components).split()))  # one call formats all


class NumberList(Struct, frozen=True):
    """A vector in JSON. Its numbers are written when the JSON is serialized. The numbers of all vectors of a
    response at once take 60 MB, and the interpreter needs 20 ms to free them."""

    vector: Vector

    def json_value(self) -> list[float]:
        """Return what `written` returns."""
        return written(self.vector)


def packed(components: tuple[float, ...]) -> bytes:
    """Return the numbers as little-endian single precision."""
    return pack(f"<{len(components)}f", *components)


def _bytes(components: Vector, least: int) -> list[int]:
    """Return each component as an integer of a byte; `least` is the smallest one, -128 or 0."""
    return [max(-128, min(127, round(component * 127))) + 128 + least for component in components]


def _bits(components: Vector, least: int) -> list[int]:
    """Return a bit for each component, packed in integers of a byte."""
    starts = range(0, len(components), 8)
    return [
        sum((component > 0) << 7 - number for number, component in enumerate(components[start : start + 8]))
        + least
        for start in starts
    ]


QUANTIZED: Final[Mapping[str, Callable[[Vector], list[int]]]] = {
    "int8": partial(_bytes, least=-128),
    "uint8": partial(_bytes, least=0),
    "binary": partial(_bits, least=-128),
    "ubinary": partial(_bits, least=0),
}
"""The forms of a vector as integers, by the names that several providers have for them."""


def _runs(text: str) -> list[str]:
    padded = f" {' '.join(text[:MAX_CHARACTERS].lower().split())} "
    return [padded[start : start + _RUN] for start in range(len(padded) - _RUN + 1)]


SIMILARITY_SIZE: Final = 1536
"""The dimensions in which texts are compared: those of a small embedding model."""
MAX_COMPARED_CHARACTERS: Final = 8_192
"""The characters of a text that are compared: a client chooses its length."""


def similarity(left: str, right: str) -> float:
    """Return the cosine of two texts' vectors: 1 for equal texts, about 0 for texts without common runs."""
    one, other = (vector(text[:MAX_COMPARED_CHARACTERS], SIMILARITY_SIZE) for text in (left, right))
    return float(sum(map(mul, one, other)))


def near(anchor: Vector, own: Vector, cosine: float) -> Vector:
    """Return the unit vector of this cosine with `anchor`, in the plane of both; `anchor` where they are parallel."""
    along = sum(map(mul, anchor, own))
    across = [component - along * fixed for component, fixed in zip(own, anchor, strict=True)]
    length = _length(across)
    if length < PARALLEL:
        return anchor
    part = sqrt(1 - cosine * cosine) / length
    return unit([cosine * fixed + part * component for fixed, component in zip(anchor, across, strict=True)])


PARALLEL: Final = 1e-6
"""The length below which a vector across another one is nothing but rounding."""
