"""Texts as vectors: unit length, the same for the same text, and nearer the more of their letters two share.

No model: each run of three characters points in a few directions that its hash chooses, and a text is the sum
of them. Enough for a search to find the sentence that was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import sqrt
from random import Random
from struct import pack, unpack
from typing import Final
from zlib import crc32

from msgspec import Struct, field

from mockllm.core.json.codec import Json

_RUN: Final = 3
_DIRECTIONS: Final = 8
"""How many components a run of characters has a share in."""
_GRAIN: Final = 0.15
"""How long what is a text's alone is, against all that it shares with others: no component is zero, and two
texts are never quite the same."""


LARGEST: Final = 3.4028234663852886e38
"""The largest number of single precision: what a vector may hold."""
Vector = tuple[float, ...]


class EmbeddingResult(Struct, frozen=True):
    """What a rule has an embeddings call say: these vectors in turn, one for each input. `model` and
    `input_tokens` None: as the call says them by itself. `extras`, by dialect, are merged into the answer's top
    level."""

    vectors: Sequence[Vector]
    model: str | None = None
    input_tokens: int | None = None
    extras: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def of(self, count: int) -> list[Vector]:
        """So many of them."""
        return [self.vectors[number % len(self.vectors)] for number in range(count)]


@lru_cache(maxsize=256)
def vector(text: str, size: int) -> tuple[float, ...]:
    """The direction of a text in so many dimensions, in single precision."""
    counted = Counter(_runs(text))
    made = [0.0] * size
    for run, count in counted.items():
        state = crc32(run.encode("utf-8", "surrogatepass"))
        weight = sqrt(count)
        for _ in range(_DIRECTIONS):
            state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF
            made[(state >> 33) % size] += weight if state >> 32 & 1 else -weight
    length = sqrt(sum(each * each for each in made)) or 1.0
    seed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    random = Random(int.from_bytes(seed, "big"))  # noqa: S311 - a text's own grain, the same each time
    grain = length * _GRAIN * sqrt(3 / size)
    return unit([each + grain * (2 * random.random() - 1) for each in made])


def shortened(whole: tuple[float, ...], size: int) -> tuple[float, ...]:
    """The first dimensions of a vector, as models shorten theirs: of unit length again."""
    return whole if size == len(whole) else unit(whole[:size])


def unit(components: list[float] | tuple[float, ...]) -> tuple[float, ...]:
    """The same direction of length 1, in single precision."""
    length = sqrt(sum(each * each for each in components))
    form = f"<{len(components)}f"
    return unpack(form, pack(form, *[each / length for each in components]))


def written(components: tuple[float, ...]) -> list[float]:
    """The numbers with as many digits as single precision has, for JSON."""
    return [float(f"{each:.9g}") for each in components]


def packed(components: tuple[float, ...]) -> bytes:
    """Little-endian single precision."""
    return pack(f"<{len(components)}f", *components)


def _runs(text: str) -> list[str]:
    padded = f" {' '.join(text.lower().split())} "
    return [padded[start : start + _RUN] for start in range(len(padded) - _RUN + 1)]
