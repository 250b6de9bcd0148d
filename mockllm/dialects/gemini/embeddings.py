"""embedContent and batchEmbedContents, and Vertex AI's predict: vectors of contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.reply.embeddings import EmbeddingResult, shortened, vector, written
from mockllm.core.request.request import Message, Part, Request, TextPart
from mockllm.core.tokens import estimate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.errors import error_plan
from mockllm.dialects.gemini.generate_check import CONTENT, check_readable, refusal
from mockllm.dialects.gemini.generate_request import GeminiRequest, held, listed
from mockllm.dialects.gemini.headers import JSON
from mockllm.dialects.gemini.json_format import page
from mockllm.dialects.gemini.validators import (
    INTEGER,
    STRING,
    GeminiRequestProblem,
    MessageShape,
    Repeated,
    fit,
)

SIZE: Final = 3072
"""The dimensions of a model that is not in the table."""
SIZES: Final = dict.fromkeys(
    ("text-embedding-004", "text-embedding-005", "text-multilingual-embedding-002", "embedding-001"), 768
)
MOST_REQUESTS: Final = 100
MOST_INSTANCES: Final = 250
"""How many things one call may embed; no more are embedded, also where nobody checks."""
_EMBED: Final = MessageShape("EmbedContentRequest", {"content": CONTENT, "outputDimensionality": INTEGER})
_INSTANCE: Final = MessageShape("Instance", {"content": STRING})
_ASKED: Final = MessageShape(
    "BatchEmbedContentsRequest",
    {**_EMBED.fields, "requests": Repeated(_EMBED), "instances": Repeated(_INSTANCE)},
)


class GeminiEmbeddingsRequest(GeminiRequest):
    """POST …/models/{model}:embedContent, :batchEmbedContents and :predict."""

    api = "embeddings"

    @lazy
    def call(self) -> str:
        return self.path.rpartition(":")[2]

    @lazy
    def entries(self) -> tuple[dict[str, Json], ...]:
        """Each thing to embed, with its settings."""
        said = self.said
        match self.call:
            case "batchEmbedContents":
                found = [_configured(each) for each in listed(said.get("requests"))[:MOST_REQUESTS]]
            case "predict":
                settings = held(said.get("parameters"))
                found = [
                    {**settings, "content": {"parts": [{"text": held(each).get("content")}]}}
                    for each in listed(said.get("instances"))[:MOST_INSTANCES]
                ]
            case _:
                found = [_configured(said)] if "content" in said else []
        return tuple(held(each) for each in found)

    @lazy
    def messages(self) -> tuple[Message, ...]:
        """All texts as one message of the user."""
        parts: list[Part] = [TextPart(text) for text in self.texts]
        return (Message("user", tuple(parts)),) if parts else ()

    @lazy
    def texts(self) -> tuple[str, ...]:
        """What is embedded; of media nothing but that they are none."""
        return tuple(
            "\n".join(
                part["text"]
                for part in map(held, listed(held(entry.get("content")).get("parts")))
                if type(part.get("text")) is str
            )
            for entry in self.entries
        )

    @lazy
    def input_tokens(self) -> int:
        return sum(map(estimate, self.texts))


class GeminiEmbeddings:
    """The dialect object of these calls."""

    name: str = "gemini"
    api: str = "embeddings"
    generates: bool = False
    request: type[Request] = GeminiEmbeddingsRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GeminiEmbeddingsRequest)
        return check_readable(request) or refusal(lambda: _check(request))

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        return self.embed(None, request, stamp)

    def embed(self, said: EmbeddingResult | None, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, GeminiEmbeddingsRequest)
        body = _predictions(request, said) if request.call == "predict" else _embedded(request, said)
        if said is not None:
            body |= said.extras.get(self.name, {})
        return Plan(ResponseHead(200, JSON), (EventStep(page(body) + b"\n", 0, "body"),))


def _configured(entry: Json) -> dict[str, Json]:
    """A thing to embed with its settings, which stand beside it or (google-genai from 3.4 on) in a config."""
    return {**held(held(entry).get("embedContentConfig")), **held(entry)}


def _check(request: GeminiEmbeddingsRequest) -> None:
    said = request.said
    fit("", said, _ASKED)
    if request.call == "batchEmbedContents" and len(listed(said.get("requests"))) > MOST_REQUESTS:
        raise GeminiRequestProblem(
            f"* BatchEmbedContentsRequest.requests: at most {MOST_REQUESTS} requests can be in one batch\n"
        )
    count = len(listed(said.get("instances"))) if request.call == "predict" else 0
    if count > MOST_INSTANCES:
        raise GeminiRequestProblem(f"{MOST_INSTANCES} instance(s) is allowed per prediction. Actual: {count}")
    if not request.entries:
        name = "content" if request.call == "embedContent" else "requests"
        raise GeminiRequestProblem(
            f"* {request.call[0].upper()}{request.call[1:]}Request.{name}: {name} is not specified\n"
        )
    for entry in request.entries:
        size = entry.get("outputDimensionality")
        if size is not None and not 1 <= _size(request, entry) <= SIZE:
            raise GeminiRequestProblem(f"output_dimensionality must be in the range [1, {SIZE}].")


def _size(request: GeminiEmbeddingsRequest, entry: dict[str, Json]) -> int:
    wanted = entry.get("outputDimensionality")
    if wanted is not None and INTEGER.fits(wanted):
        return int(wanted)
    return SIZES.get(request.model or "", SIZE)


def _values(request: GeminiEmbeddingsRequest, said: EmbeddingResult | None) -> list[list[float]]:
    if said is not None:
        return [written(each) for each in said.of(len(request.entries))]
    whole = SIZES.get(request.model or "", SIZE)
    return [
        written(shortened(vector(text, whole), min(max(_size(request, entry), 1), whole)))
        for text, entry in zip(request.texts, request.entries, strict=True)
    ]


def _embedded(request: GeminiEmbeddingsRequest, said: EmbeddingResult | None) -> dict[str, Json]:
    tokens = request.input_tokens
    if said is not None and said.input_tokens is not None:
        tokens = said.input_tokens
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    made: dict[str, Json] = {"embeddings": [{"values": values} for values in _values(request, said)]}
    if request.call == "embedContent":
        made = {"embedding": made["embeddings"][0] if made["embeddings"] else {"values": []}}
    if (request.model or "").endswith("-preview"):
        return made  # previews counted nothing
    if request.vertex:
        usage = {"promptTokenCount": tokens, "promptTokensDetails": details, "totalTokenCount": tokens}
    else:
        usage = {"promptTokenCount": tokens, "promptTokenDetails": details}
    return {**made, "usageMetadata": usage}


def _predictions(request: GeminiEmbeddingsRequest, said: EmbeddingResult | None) -> dict[str, Json]:
    predictions = [
        {"embeddings": {"statistics": {"truncated": False, "token_count": estimate(text)}, "values": values}}
        for text, values in zip(request.texts, _values(request, said), strict=True)
    ]
    characters = sum(len("".join(text.split())) for text in request.texts)
    return {"predictions": predictions, "metadata": {"billableCharacterCount": characters}}
