"""Vectors, similarities and ranks of texts, as Hugging Face's servers have them (TEI), and its pipelines of a model.

From the types of `huggingface_hub` (2.4: `FeatureExtractionInput`, `SentenceSimilarityInput`) and the calls of its
`InferenceClient`; /rerank from the documentation of TEI. There is no recording.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import count_of, object_of, text_of, texts
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.request import Request
from mockllm.core.text_vectors import SIMILARITY_SIZE, NumberList, similarity
from mockllm.dialects.dialect import EmbeddingDialect, OwnResponseDialect, ResponseIdentity
from mockllm.dialects.embedded_texts import EmbeddedTexts
from mockllm.dialects.huggingface.errors import InferenceCall, invalid
from mockllm.dialects.openai.request_fields import ModelRequest
from mockllm.dialects.vendors.errors import head

SIZE: Final = 384
"""The components of a vector: those of all-MiniLM-L6-v2, the usual model of these calls."""
MAX_DIMENSIONS: Final = 16_384
MAX_INPUTS: Final = 2048
"""The most texts of one request that are read: a bound of this server."""


class TextsRequest(EmbeddedTexts, ModelRequest):
    """The base of these requests, whose path names the model."""

    @cached_property
    def model(self) -> str | None:
        return self.path_variables.get("model")


class FeatureExtractionRequest(TextsRequest):
    """A text, or several (`inputs`)."""

    api = "embeddings"

    @property
    def single(self) -> bool:
        """Whether the response is one vector: a pipeline's for one text. TEI's /embed has a list in any case."""
        return type(self.fields.get("inputs")) is str and not self.path.endswith("/embed")

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        value = self.fields.get("inputs")
        return (value,) if type(value) is str else tuple(texts(value))[:MAX_INPUTS]

    @cached_property
    def dimensions(self) -> int:
        return min(count_of(self.fields.get("dimensions")) or SIZE, MAX_DIMENSIONS)


class SentenceSimilarityRequest(TextsRequest):
    """A sentence, and those that it is compared with."""

    api = "sentence_similarity"

    @cached_property
    def dimensions(self) -> int:
        return SIMILARITY_SIZE

    @cached_property
    def source(self) -> str:
        return text_of(object_of(self.fields.get("inputs")).get("source_sentence")) or ""

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(texts(object_of(self.fields.get("inputs")).get("sentences")))[:MAX_INPUTS]


class TextRankingRequest(TextsRequest):
    """A question (`query`) and the texts that are ranked by it."""

    api = "rerank"

    @cached_property
    def dimensions(self) -> int:
        return SIMILARITY_SIZE

    @cached_property
    def source(self) -> str:
        return text_of(self.fields.get("query")) or ""

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(texts(self.fields.get("texts")))[:MAX_INPUTS]


class TextsCall(InferenceCall):
    """The base of these calls, whose response is a list."""

    generates = False

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, TextsRequest)
        return self.check_readable(request) or (
            None if request.inputs else invalid("`inputs` cannot be empty")
        )

    def list_plan(self, content: Json, identity: ResponseIdentity) -> Plan:
        return Plan(head(self.vendor, identity, "application/json"), (EventStep(dumps(content), 0, "body"),))


class FeatureExtraction(TextsCall, EmbeddingDialect):
    """A vector for each text."""

    request_class: type[TextsRequest] = FeatureExtractionRequest

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, FeatureExtractionRequest)
        listed = list(map(NumberList, request.vectors(result)))
        return self.list_plan(listed[0] if request.single and listed else listed, identity)


class SentenceSimilarity(TextsCall, OwnResponseDialect):
    """How similar each sentence is to the source, from -1 to 1."""

    api = "sentence_similarity"
    request_class: type[TextsRequest] = SentenceSimilarityRequest

    def scores(self, request: Request) -> list[float]:
        assert isinstance(request, SentenceSimilarityRequest | TextRankingRequest)
        return [round(similarity(request.source, text), 8) for text in request.inputs]

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return self.list_plan(self.scores(request), identity)


class TextRanking(SentenceSimilarity):
    """The texts by their relevance, the most relevant first."""

    api = "rerank"
    request_class: type[TextsRequest] = TextRankingRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, TextRankingRequest)
        scores = self.scores(request)
        order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
        returns_text = request.fields.get("return_text") is True
        ranked = [
            {
                "index": place,
                "score": scores[place],
                **({"text": request.inputs[place]} if returns_text else {}),
            }
            for place in order
        ]
        return self.list_plan(ranked, identity)
