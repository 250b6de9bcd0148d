"""POST /v2/embed and /v2/rerank, and the same calls of version 1.

From recordings of 2024 to 2026, and the types of the `cohere` package (7.3).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence, Set
from typing import ClassVar, Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.request import Request
from mockllm.core.text_vectors import QUANTIZED, Vector, packed, written
from mockllm.dialects.cohere.errors import CohereCall, error_plan_v1, head, required, uuid
from mockllm.dialects.cohere.parameter_ranges import check_embedding, check_ranking
from mockllm.dialects.cohere.request import CohereEmbedRequest, CohereRerankRequest, RankedDocuments
from mockllm.dialects.dialect import EmbeddingDialect, ResponseIdentity

TYPES: Final = ("float", *QUANTIZED, "base64")
_WORD: Final = re.compile(r"\w+")


def body_plan(body: dict[str, Json], identity: ResponseIdentity) -> Plan:
    return Plan(head(200, "application/json", identity), (EventStep(dumps(body), 0, "body"),))


def meta(version: str, **billed: Json) -> dict[str, Json]:
    return {"api_version": {"version": version}, "billed_units": billed}


def in_form(values: Vector, kind: str) -> Json:
    """Return a vector in one of the forms of `embedding_types`."""
    if kind == "base64":
        return b64encode(packed(values)).decode()
    if kind in QUANTIZED:
        return QUANTIZED[kind](values)
    return written(values)


class CohereEmbed(CohereCall, EmbeddingDialect):
    """POST /v2/embed: a vector for each input, in each form that the request names."""

    request_class: type[Request] = CohereEmbedRequest
    version: ClassVar[str] = "2"
    required_fields: ClassVar[Mapping[str, type]] = {"model": str, "input_type": str}

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CohereEmbedRequest)
        failure = self.check_readable(request) or required(request.fields, **self.required_fields)
        if failure is not None:
            return failure
        if not request.inputs:
            return Failure(
                "bad_request", message="invalid request: one of texts, images or inputs is required"
            )
        unknown = [kind for kind in request.types if kind not in TYPES]
        if unknown:
            return Failure("bad_request", message=f"invalid request: unknown embedding type {unknown[0]}")
        return check_embedding(request.fields)

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CohereEmbedRequest)
        vectors, extras = request.vectors(result), result.extras.get(self.name, {})
        tokens = request.input_tokens if result.input_tokens is None else result.input_tokens
        embeddings = {kind: [in_form(each, kind) for each in vectors] for kind in request.types}
        texts = request.fields.get("texts")
        images = {"image_tokens": 0} if (request.model or "").startswith("embed-v4") else {}
        by_type = self.version == "2" or request.fields.get("embedding_types") is not None
        body: dict[str, Json] = {
            "id": uuid(identity, ""),
            "texts": texts if type(texts) is list else [],
            "embeddings": embeddings if by_type else embeddings["float"],
            "meta": meta(self.version, input_tokens=tokens, **images),
            "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
        }
        return body_plan({**body, **extras}, identity)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def relevance(wanted: Set[str], document: str) -> float:
    """Return how relevant a document is, from 0 to 1: how many of the wanted words it has."""
    found = _words(document)
    shared = len(wanted & found) / len(wanted) if wanted else 0.0
    return round(0.05 + 0.9 * shared + 0.04 * len(wanted & found) / (1 + len(found)), 8)


def ranking(request: RankedDocuments) -> list[tuple[int, float]]:
    """Return the places of the documents with their relevance, the most relevant first."""
    wanted = _words(request.question)
    scores = [relevance(wanted, each) for each in request.documents]
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    return [(place, scores[place]) for place in order[: request.top]]


def search_units(documents: Sequence[str]) -> int:
    """Return the billed units: one for each hundred documents."""
    return -(-len(documents) // 100)


class CohereRerank(CohereCall):
    """POST /v2/rerank: the documents by their relevance, the most relevant first."""

    api = "rerank"
    request_class: type[Request] = CohereRerankRequest
    version: ClassVar[str] = "2"
    required_fields: ClassVar[Mapping[str, type]] = {"model": str, "query": str, "documents": list}

    def check(self, request: Request) -> Failure | None:
        failure = self.check_readable(request) or required(request.fields, **self.required_fields)
        return failure or check_ranking(request.fields)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CohereRerankRequest)
        results = [
            {"index": place, "relevance_score": score, **self.document(request, place)}
            for place, score in ranking(request)
        ]
        billed = meta(self.version, search_units=search_units(request.documents))
        return body_plan({"id": uuid(identity, ""), "results": results, "meta": billed}, identity)

    def document(self, request: CohereRerankRequest, place: int) -> dict[str, Json]:
        """Return the member of a result with its document; version 2 has none."""
        return {}


class CohereV1Embed(CohereEmbed):
    """POST /v1/embed: a list of vectors, unless the request names their forms."""

    version = "1"
    required_fields: ClassVar[Mapping[str, type]] = {}
    error = staticmethod(error_plan_v1)


class CohereV1Rerank(CohereRerank):
    """POST /v1/rerank, which returns the documents on request."""

    version = "1"
    required_fields: ClassVar[Mapping[str, type]] = {"query": str, "documents": list}
    error = staticmethod(error_plan_v1)

    def document(self, request: CohereRerankRequest, place: int) -> dict[str, Json]:
        if request.fields.get("return_documents") is not True:
            return {}
        sent = request.fields["documents"][place]
        return {"document": sent if type(sent) is dict else {"text": request.documents[place]}}
