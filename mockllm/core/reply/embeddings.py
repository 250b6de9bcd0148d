"""The result of an embeddings call that a rule specifies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.text_vectors import Vector, near, unit, vector


class TextVectors(Struct, frozen=True):
    """The vectors of inputs. `by_text` has the vector of an input, or a text that the input is similar to. All other
    inputs are similar to `similar_to`; without it, their vectors are computed. `cosine`: how similar."""

    by_text: Mapping[str, Vector | str] = field(default_factory=dict)
    similar_to: str | None = None
    cosine: float = 0.9

    def of(self, text: str, compute: Callable[[str], Vector]) -> Vector:
        """Return the vector of an input."""
        return self._of(text, self.by_text.get(text, self.similar_to), compute, frozenset((text,)))

    def _of(
        self, text: str, known: Vector | str | None, compute: Callable[[str], Vector], seen: frozenset[str]
    ) -> Vector:
        """Return the vector of a text. `seen` are the texts whose vectors depend on it."""
        if known is None:
            return compute(text)
        if not isinstance(known, str):
            return known
        if known in seen:  # two texts that name each other
            return compute(text)
        anchor = self._of(known, self.by_text.get(known), compute, seen | {known})
        own = compute(text)
        if len(own) != len(anchor):  # a stated vector has its own number of dimensions
            own = vector(text, len(anchor))
        return near(unit(anchor), own, self.cosine) if any(anchor) else anchor


class EmbeddingResult(Struct, frozen=True):
    """The content of a response to an embeddings call: the vectors in turn, one for each input.

    `model` and `input_tokens` None: the values of the request. `extras`, by dialect, are merged into the top level
    of the response.
    """

    vectors: Sequence[Vector]
    """For the inputs in turn; empty: `chosen` decides."""
    model: str | None = None
    input_tokens: int | None = None
    extras: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    chosen: TextVectors | None = None
    """The vectors by input, where each input has its own."""

    def of(self, texts: Sequence[str], compute: Callable[[str], Vector]) -> list[Vector]:
        """Return the vector of each input. `compute` returns the call's own vector of a text."""
        if self.chosen is not None:
            return [self.chosen.of(text, compute) for text in texts]
        return [self.vectors[number % len(self.vectors)] for number in range(len(texts))]


COMPUTED: Final = EmbeddingResult((), chosen=TextVectors())
"""The result of a call without a rule: it computes the vectors from its inputs."""
