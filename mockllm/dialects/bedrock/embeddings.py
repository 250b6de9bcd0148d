"""POST /model/{model}/invoke with a model of embeddings: the bodies of Titan, Cohere and Nova.

The bodies and the headers are from recordings of January to August 2026. Titan's body of images follows the service's
documentation ("Inference request parameters and response fields for foundation models"). Messages have the wording of
public reports on malformed bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import unquote

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of, object_of, text_of
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.request import Request
from mockllm.core.text_vectors import Vector, vector, written
from mockllm.dialects.bedrock.converse_check import check_readable
from mockllm.dialects.bedrock.converse_request import BedrockRequest
from mockllm.dialects.bedrock.errors import LATENCY, error_plan, json_plan
from mockllm.dialects.cohere.lookups import TYPES, in_form
from mockllm.dialects.cohere.request import embedding_inputs
from mockllm.dialects.dialect import EmbeddingDialect, ResponseIdentity
from mockllm.dialects.embedded_texts import EmbeddedTexts

EMBEDDING_MODELS: Final = frozenset({
    "amazon.nova-2-multimodal-embeddings-v1:0", "amazon.titan-embed-image-v1", "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", "cohere.embed-multilingual-v3",
    "cohere.embed-v4:0"
})  # fmt: skip
MAX_INPUTS: Final = 96
"""The most texts of one request to Cohere's models."""


class EmbeddingForm(Struct, frozen=True):
    """The bodies of one family of models. `required`: a body has one member of each group. `sizes`: the allowed
    dimensions, the default first; `size_path`: the members that lead to the requested one."""

    required: tuple[tuple[str, ...], ...]
    inputs: Callable[[dict[str, Json]], Sequence[str]]
    sizes: tuple[int, ...]
    size_path: tuple[str, ...]
    body: Callable[[BedrockEmbeddingsRequest, list[Vector], int, ResponseIdentity], dict[str, Json]]


class BedrockEmbeddingsRequest(EmbeddedTexts, BedrockRequest):
    """A body with texts, or images in base64, whose bytes count as text."""

    api = "embeddings"

    @cached_property
    def model(self) -> str | None:
        """The model: the path's variables are parts of its name."""
        return unquote(self.path.removeprefix("/model/").removesuffix("/invoke"))

    @cached_property
    def body_form(self) -> EmbeddingForm:
        return next(form for part, form in FORMS if part in (self.model or ""))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.body_form.inputs(self.fields)[:MAX_INPUTS])

    @cached_property
    def requested_size(self) -> Json:
        """The dimensions that the body names; None where it names none."""
        value: Json = self.fields
        for member in self.body_form.size_path:
            value = object_of(value).get(member)
        return value

    @cached_property
    def dimensions(self) -> int:
        requested = self.requested_size
        return (
            requested
            if type(requested) is int and requested in self.body_form.sizes
            else self.body_form.sizes[0]
        )


def _titan_inputs(fields: dict[str, Json]) -> Sequence[str]:
    texts = (text_of(fields.get(name)) for name in ("inputText", "inputImage"))
    joined = "\n".join(text for text in texts if text is not None)
    return (joined,) if joined else ()


def _titan_body(
    request: BedrockEmbeddingsRequest, vectors: list[Vector], tokens: int, identity: ResponseIdentity
) -> dict[str, Json]:
    (values,) = vectors or [vector("", request.dimensions)]
    body: dict[str, Json] = {"embedding": written(values), "inputTextTokenCount": tokens}
    named = [kind for kind in list_of(request.fields.get("embeddingTypes")) if kind in ("float", "binary")]
    if named == ["binary"]:
        del body["embedding"]
    if "embed-text-v2" in (request.model or ""):
        # The service packs no bits: each is a number, 0 or 1.
        forms = {"float": written(values), "binary": [int(value > 0) for value in values]}
        body["embeddingsByType"] = {kind: forms[str(kind)] for kind in named or ["float"]}
    return body


def _cohere_body(
    request: BedrockEmbeddingsRequest, vectors: list[Vector], tokens: int, identity: ResponseIdentity
) -> dict[str, Json]:
    body: dict[str, Json] = {"id": identity.ids.make("", 32, alphabet=HEX)}
    texts = [text for text in list_of(request.fields.get("texts")) if type(text) is str]
    kinds = [str(kind) for kind in list_of(request.fields.get("embedding_types")) if kind in TYPES]
    if not kinds and "embed-v4" in (request.model or ""):
        kinds = ["float"]
    if kinds:
        embeddings: Json = {kind: [in_form(each, kind) for each in vectors] for kind in kinds}
        return {**body, "texts": texts, "embeddings": embeddings, "response_type": "embeddings_by_type"}
    embeddings = [written(each) for each in vectors]
    return {**body, "texts": texts, "embeddings": embeddings, "response_type": "embeddings_floats"}


def _nova_part(fields: dict[str, Json]) -> tuple[str, str]:
    """Return the modality of the input and its content: a text, or the bytes or the address of a file."""
    params = object_of(fields.get("singleEmbeddingParams"))
    for modality in ("text", "image", "video", "audio"):
        if modality in params:
            part = object_of(params[modality])
            source = object_of(part.get("source"))
            where = text_of(source.get("bytes")) or text_of(object_of(source.get("s3Location")).get("uri"))
            return modality, text_of(part.get("value")) or where or ""
    return "text", ""


def _nova_inputs(fields: dict[str, Json]) -> Sequence[str]:
    content = _nova_part(fields)[1]
    return (content,) if content else ()


def _nova_body(
    request: BedrockEmbeddingsRequest, vectors: list[Vector], tokens: int, identity: ResponseIdentity
) -> dict[str, Json]:
    kind = _nova_part(request.fields)[0].upper()
    return {"embeddings": [{"embeddingType": kind, "embedding": written(values)} for values in vectors]}


_TITAN: Final = EmbeddingForm(
    (("inputText",),), _titan_inputs, (1024, 512, 256), ("dimensions",), _titan_body
)
_COHERE: Final = EmbeddingForm(
    (("texts", "images", "inputs"), ("input_type",)), embedding_inputs, (1024,), (), _cohere_body
)
FORMS: Final = (
    ("titan-embed-image", EmbeddingForm(
        (("inputText", "inputImage"),),
        _titan_inputs, (1024, 384, 256), ("embeddingConfig", "outputEmbeddingLength"), _titan_body,
    )),
    ("titan-embed-text-v2", _TITAN),
    ("titan-embed", EmbeddingForm((("inputText",),), _titan_inputs, (1536,), (), _titan_body)),
    ("embed-v4", EmbeddingForm(
        _COHERE.required, embedding_inputs, (1536, 1024, 512, 256), ("output_dimension",), _cohere_body
    )),
    ("multimodal-embeddings", EmbeddingForm(
        (("singleEmbeddingParams",),),
        _nova_inputs, (3072, 1024, 384, 256), ("singleEmbeddingParams", "embeddingDimension"), _nova_body,
    )),
    ("", _COHERE),
)  # fmt: skip
"""The bodies by a part of the model's name; the first one that fits."""


class BedrockEmbeddings(EmbeddingDialect):
    """The vectors of one request."""

    name = "bedrock"
    request_class: type[Request] = BedrockEmbeddingsRequest

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, BedrockEmbeddingsRequest)
        failure = check_readable(request)
        if failure is not None:
            return failure
        form = request.body_form
        absent = next((names[0] for names in form.required if not any(map(request.fields.get, names))), None)
        if absent is not None:
            return _malformed(f"#: required key [{absent}] not found")
        size = request.requested_size if form.size_path else None
        if size is not None and size not in form.sizes:
            return _malformed(f"#/{'/'.join(form.size_path)}: {size} is not a valid enum value")
        return None

    error = staticmethod(error_plan)

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, BedrockEmbeddingsRequest)
        tokens = request.input_tokens if result.input_tokens is None else result.input_tokens
        body = request.body_form.body(request, request.vectors(result), tokens, identity)
        headers = (
            ("x-amzn-bedrock-invocation-latency", str(LATENCY)),
            ("x-amzn-bedrock-input-token-count", str(tokens)),
        )
        return json_plan({**body, **result.extras.get(self.name, {})}, identity, headers)


def _malformed(problem: str) -> Failure:
    message = f"Malformed input request: {problem}, please reformat your input and try again."
    return Failure("bad_request", message=message)
