"""The result of an embeddings call that a rule specifies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.text_vectors import Vector


class EmbeddingResult(Struct, frozen=True):
    """The content of a response to an embeddings call: the vectors in turn, one for each input.

    `model` and `input_tokens` None: the values of the request. `extras`, by dialect, are merged into the top level
    of the response.
    """

    vectors: Sequence[Vector]
    model: str | None = None
    input_tokens: int | None = None
    extras: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def of(self, count: int) -> list[Vector]:
        """Return so many vectors."""
        return [self.vectors[number % len(self.vectors)] for number in range(count)]
