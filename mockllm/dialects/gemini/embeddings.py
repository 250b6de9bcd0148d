"""embedContent and batchEmbedContents, and Vertex AI's predict: vectors of contents."""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.reply.embeddings import COMPUTED, EmbeddingResult
from mockllm.core.request.messages import MessagePart
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.text_vectors import shortened, vector, written
from mockllm.core.tokens import estimate
from mockllm.dialects.dialect import EmbeddingDialect, ResponseIdentity
from mockllm.dialects.gemini.content_check import CONTENT
from mockllm.dialects.gemini.generate_check import GeminiDialect, check_readable, first_problem
from mockllm.dialects.gemini.generate_request import GeminiRequest, list_of
from mockllm.dialects.gemini.media_tokens import (
    Modalities,
    media_of,
    media_tokens,
    modality_details,
    prompt_details,
)
from mockllm.dialects.gemini.validators import (
    INTEGER,
    STRING,
    GeminiRequestProblem,
    MessageShape,
    Repeated,
    check_shape,
    integer_of,
)
from mockllm.dialects.gemini.wire_format import JSON, indented

DEFAULT_SIZE: Final = 3072
"""The dimensions of a model that is not in the table."""
SIZES: Final = dict.fromkeys(
    ("text-embedding-004", "text-embedding-005", "text-multilingual-embedding-002", "embedding-001"), 768
)
UNCOUNTED: Final = ("gemini-embedding-001", "text-", "embedding-")
"""The models of texts alone, by the beginnings of their names: the Gemini API counts no tokens of them (recordings of
March to August 2026)."""
MEDIUM_TOKENS: Final = 258
"""The tokens of an image, as recorded, and here of each other medium."""
MAX_REQUESTS: Final = 100
MAX_INSTANCES: Final = 250
"""The maximum number of inputs of one call; further inputs are not embedded, also where no check ran."""
_EMBED: Final = MessageShape("EmbedContentRequest", {"content": CONTENT, "outputDimensionality": INTEGER})
_INSTANCE: Final = MessageShape("Instance", {"content": STRING})
_BATCH: Final = MessageShape(
    "BatchEmbedContentsRequest",
    {**_EMBED.fields, "requests": Repeated(_EMBED), "instances": Repeated(_INSTANCE)},
)


class GeminiEmbeddingsRequest(GeminiRequest):
    """POST …/models/{model}:embedContent, :batchEmbedContents and :predict."""

    api = "embeddings"
    evaluates = True

    @cached_property
    def call(self) -> str:
        return self.path.rpartition(":")[2]

    @cached_property
    def entries(self) -> tuple[dict[str, Json], ...]:
        """The inputs to embed, each with its settings."""
        message = self.message
        match self.call:
            case "batchEmbedContents":
                entries = [_with_settings(entry) for entry in list_of(message.get("requests"))[:MAX_REQUESTS]]
            case "predict":
                settings = object_of(message.get("parameters"))
                entries = [
                    {**settings, "content": {"parts": [{"text": object_of(entry).get("content")}]}}
                    for entry in list_of(message.get("instances"))[:MAX_INSTANCES]
                ]
            case _:
                entries = [] if message.get("content") is None else [_with_settings(message)]
        return tuple(object_of(entry) for entry in entries)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """All texts as one message of the user."""
        parts: list[MessagePart] = [TextPart(text) for text in self.texts]
        return (Message("user", tuple(parts)),) if parts else ()

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts to embed; media become an empty text."""
        return tuple(
            "\n".join(
                part["text"]
                for part in map(object_of, list_of(object_of(entry.get("content")).get("parts")))
                if type(part.get("text")) is str
            )
            for entry in self.entries
        )

    @cached_property
    def media(self) -> Modalities:
        """The tokens of the inputs' media by modality."""
        contents = [entry.get("content") for entry in self.entries]
        return media_tokens(media_of(contents), self.model, MEDIUM_TOKENS)

    @cached_property
    def input_tokens(self) -> int:
        return sum(map(estimate, self.texts)) + sum(tokens for _, tokens in self.media)

    @cached_property
    def vector_components(self) -> int:
        size = SIZES.get(self.model or "", DEFAULT_SIZE)
        return size * len(self.entries) + sum(map(len, self.texts)) // 4


class GeminiEmbeddings(GeminiDialect, EmbeddingDialect):
    """The dialect of these calls."""

    request_class: type[Request] = GeminiEmbeddingsRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GeminiEmbeddingsRequest)
        return check_readable(request) or first_problem(lambda: _check(request))

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, GeminiEmbeddingsRequest)
        body = (
            _predictions_body(request, result)
            if request.call == "predict"
            else _embeddings_body(request, result)
        )
        body |= result.extras.get(self.name, {})
        return Plan(ResponseHead(200, JSON), (EventStep(indented(body) + b"\n", 0, "body"),))


def _with_settings(entry: Json) -> dict[str, Json]:
    """Return an input with its settings, which are beside the content or (google-genai from 3.4 on) in a config."""
    own = {name: value for name, value in object_of(entry).items() if value is not None}
    return {**object_of(own.get("embedContentConfig")), **own}


def _check(request: GeminiEmbeddingsRequest) -> None:
    message = request.message
    check_shape("", message, _BATCH)
    if request.call == "batchEmbedContents" and len(list_of(message.get("requests"))) > MAX_REQUESTS:
        raise GeminiRequestProblem(
            f"* BatchEmbedContentsRequest.requests: at most {MAX_REQUESTS} requests can be in one batch\n"
        )
    count = len(list_of(message.get("instances"))) if request.call == "predict" else 0
    if count > MAX_INSTANCES:
        raise GeminiRequestProblem(f"{MAX_INSTANCES} instance(s) is allowed per prediction. Actual: {count}")
    if not request.entries:
        name = "content" if request.call == "embedContent" else "requests"
        raise GeminiRequestProblem(
            f"* {request.call[0].upper()}{request.call[1:]}Request.{name}: {name} is not specified\n"
        )
    for entry in request.entries:
        size = entry.get("outputDimensionality")
        if size is not None and not 1 <= _size(request, entry) <= DEFAULT_SIZE:
            raise GeminiRequestProblem(f"output_dimensionality must be in the range [1, {DEFAULT_SIZE}].")


def _size(request: GeminiEmbeddingsRequest, entry: dict[str, Json]) -> int:
    size = integer_of(entry.get("outputDimensionality"))
    return SIZES.get(request.model or "", DEFAULT_SIZE) if size is None else size


def _values(request: GeminiEmbeddingsRequest, result: EmbeddingResult) -> list[list[float]]:
    full_size = SIZES.get(request.model or "", DEFAULT_SIZE)
    if result is not COMPUTED:
        sizes = {_size(request, entry) for entry in request.entries}
        size = min(max(sizes.pop() if len(sizes) == 1 else full_size, 1), full_size)
        chosen = result.of(request.texts, lambda text: shortened(vector(text, full_size), size))
        return [written(values) for values in chosen]
    return [
        written(shortened(vector(text, full_size), min(max(_size(request, entry), 1), full_size)))
        for text, entry in zip(request.texts, request.entries, strict=True)
    ]


def _embeddings_body(request: GeminiEmbeddingsRequest, result: EmbeddingResult) -> dict[str, Json]:
    tokens = request.input_tokens if result.input_tokens is None else result.input_tokens
    details = modality_details(prompt_details(tokens, request.media))
    body: dict[str, Json] = {"embeddings": [{"values": values} for values in _values(request, result)]}
    if request.call == "embedContent":
        body = {"embedding": body["embeddings"][0] if body["embeddings"] else {"values": []}}
    model = request.model or ""
    uncounted = model.endswith("-preview") or (model.startswith(UNCOUNTED) and not request.vertex)
    if uncounted and result.input_tokens is None:
        return body  # as recorded, unless the scenario counts the tokens
    if request.vertex or request.call == "embedContent":
        usage = {"promptTokenCount": tokens, "promptTokensDetails": details, "totalTokenCount": tokens}
    else:
        usage = {"promptTokenCount": tokens, "promptTokenDetails": details}
    return {**body, "usageMetadata": usage}


def _predictions_body(request: GeminiEmbeddingsRequest, result: EmbeddingResult) -> dict[str, Json]:
    predictions = [
        {"embeddings": {"statistics": {"truncated": False, "token_count": estimate(text)}, "values": values}}
        for text, values in zip(request.texts, _values(request, result), strict=True)
    ]
    characters = sum(len("".join(text.split())) for text in request.texts)
    return {"predictions": predictions, "metadata": {"billableCharacterCount": characters}}
