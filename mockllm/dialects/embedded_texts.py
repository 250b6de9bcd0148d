"""Requests for the vectors of texts, as far as the providers have them in common."""

from __future__ import annotations

from propcache.api import cached_property

from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.text_vectors import Vector, vector
from mockllm.core.tokens import estimate


class EmbeddedTexts(Request):
    """A request with texts to embed, or to compare by their vectors."""

    evaluates = True

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The texts."""
        raise NotImplementedError  # pragma: no cover - abstract

    @cached_property
    def dimensions(self) -> int:
        """The components of a vector, also where the response has none."""
        raise NotImplementedError  # pragma: no cover - abstract

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """All inputs as one message of the user."""
        return (Message("user", tuple(map(TextPart, self.inputs))),) if self.inputs else ()

    @cached_property
    def input_tokens(self) -> int:
        return sum(map(estimate, self.inputs))

    @cached_property
    def vector_components(self) -> int:
        return len(self.inputs) * self.dimensions + sum(map(len, self.inputs)) // 4

    def vectors(self, result: EmbeddingResult) -> list[Vector]:
        """Return the vectors of the inputs."""
        return result.of(self.inputs, lambda text: vector(text, self.dimensions))
