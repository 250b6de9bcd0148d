"""POST /v1/embeddings: vectors of texts or tokens, as numbers or packed in base64 (the default of SDKs)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.request import Message, Request
from mockllm.core.text_vectors import NumberList, Vector, packed, shortened, vector
from mockllm.dialects.dialect import EmbeddingDialect, ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.headers import BODY_HEADERS, body_plan
from mockllm.dialects.openai.request_fields import TokenInput, count_inputs, input_message, is_token_list
from mockllm.dialects.openai.validators import (
    Check,
    check_fields,
    check_length,
    check_readable,
    integer,
    one_of,
    refuse,
    string,
)

DEFAULT_MODEL: Final = "text-embedding-3-small"
DEFAULT_SIZE: Final = 1536
"""The dimensions of a model that is not in the table."""
SIZES: Final = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
    "mistral-embed": 1024,
    "pplx-embed-v1-0.6b": 1024,
    "pplx-embed-v1-4b": 2560,
}
SNAPSHOTS: Final = {"text-embedding-ada-002": "text-embedding-ada-002-v2"}
FIXED_SIZE_MODELS: Final = frozenset({"text-embedding-ada-002"})
"""Models whose vectors cannot be shortened."""
MAX_INPUTS: Final = 2048
"""The maximum number of inputs of one request; further inputs are not embedded, also where no check ran."""
INVALID_INPUT_MESSAGE: Final = (
    "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
)


class OpenAiEmbeddingsRequest(Request):
    """A request that contains texts or tokens instead of messages."""

    dialect = "openai"
    api = "embeddings"
    evaluates = True
    documented_fields = frozenset({"dimensions", "encoding_format", "input", "model", "user"})

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @cached_property
    def inputs(self) -> tuple[TokenInput, ...]:
        """The inputs to embed: texts, or the numbers of tokens."""
        value = self.fields.get("input")
        if type(value) is str:
            return (value,)
        if type(value) is not list:
            return ()
        if is_token_list(value):
            return (value,)
        return tuple(entry for entry in value[:MAX_INPUTS] if type(entry) is str or is_token_list(entry))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """All inputs as one message of the user."""
        return (input_message(self.inputs),) if self.inputs else ()

    @cached_property
    def input_tokens(self) -> int:
        return count_inputs(self.inputs)

    @cached_property
    def dimensions(self) -> Json:
        """The requested size of a vector, as the client sent it."""
        return self.fields.get("dimensions")

    @cached_property
    def vector_components(self) -> int:
        size = vector_size(self.model or DEFAULT_MODEL, self.dimensions)
        return size * len(self.inputs) + sum(map(len, self.inputs)) // 4


def _check_input(value: Json) -> Failure | None:
    """Accept a text, a list of tokens, or a list of either; none of them is empty."""
    if type(value) is list and not is_token_list(value):
        texts = all(type(entry) is str and entry for entry in value)
        if value and (texts or all(is_token_list(entry) for entry in value)):
            return check_length(value, "input", 1, MAX_INPUTS)
    elif value and type(value) in (str, list):
        return None
    return refuse(INVALID_INPUT_MESSAGE)


VectorForm: TypeAlias = Callable[[Vector], Json]
VectorForms: TypeAlias = Mapping[str | None, VectorForm]
"""How a vector is written, by `encoding_format`; None is the form where a request has no format."""


def _base64(components: Vector) -> str:
    return b64encode(packed(components)).decode()


VECTOR_FORMS: Final[VectorForms] = {None: NumberList, "float": NumberList, "base64": _base64}
FIELDS: Final[dict[str, Check]] = {"model": string, "dimensions": integer(1), "user": string}


def check(request: Request, forms: VectorForms = VECTOR_FORMS) -> Failure | None:
    error = check_readable(request)
    if error is not None:
        return error
    body = request.fields
    model = body.get("model")
    if model is None:
        return refuse("you must provide a model parameter")
    formats = {"encoding_format": one_of(*filter(None, forms))}
    error = check_fields(body, {**FIELDS, **formats}) or _check_input(body.get("input"))
    return error or _check_size(model, body.get("dimensions"))


def _check_size(model: str, dimensions: int | None) -> Failure | None:
    if dimensions is None:
        return None
    if model in FIXED_SIZE_MODELS:
        return refuse("This model does not support specifying dimensions.")
    maximum = SIZES.get(model, dimensions)
    if dimensions > maximum:
        return refuse(
            f"Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to {maximum}."
        )
    return None


def vector_size(model: str, dimensions: Json) -> int:
    """Return the number of components of a vector: as requested, else the model's own."""
    if type(dimensions) is int and 0 < dimensions <= MAX_DIMENSIONS:
        return dimensions
    return SIZES.get(model, DEFAULT_SIZE)


def input_text(value: TokenInput) -> str:
    """Return the text of an input; token numbers are separated by spaces."""
    return value if isinstance(value, str) else " ".join(map(str, value))


def embed_input(text: str, model: str, dimensions: Json) -> tuple[float, ...]:
    """Return the vector of one input's text. The model's own vector is shortened to the requested size where the
    size is smaller."""
    own, size = SIZES.get(model, DEFAULT_SIZE), vector_size(model, dimensions)
    return shortened(vector(text, max(own, size)), size)


MAX_DIMENSIONS: Final = 16_384
"""The maximum number of dimensions of a vector of an unknown model."""


class OpenAiEmbeddings(OpenAiCall, EmbeddingDialect):
    """The vectors, in the order of the inputs."""

    request_class = OpenAiEmbeddingsRequest
    vector_forms: VectorForms = VECTOR_FORMS
    default_name: str = DEFAULT_MODEL
    """The model of a request that names none."""

    def check(self, request: Request) -> Failure | None:
        return check(request, self.vector_forms)

    def vector_form(self, request: Request) -> VectorForm:
        """Return how the request's vectors are written."""
        form = text_of(request.fields.get("encoding_format"))
        return self.vector_forms.get(form) or self.vector_forms[None]

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, OpenAiEmbeddingsRequest)
        model, size = request.model or self.default_name, request.dimensions
        vectors = result.of(
            list(map(input_text, request.inputs)), lambda text: embed_input(text, model, size)
        )
        shown = result.model or SNAPSHOTS.get(model, model)
        tokens = request.input_tokens if result.input_tokens is None else result.input_tokens
        write = self.vector_form(request)
        data = [
            {"object": "embedding", "index": number, "embedding": write(entry)}
            for number, entry in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = {"object": "list", "data": data, "model": shown, "usage": usage}
        return body_plan({**body, **result.extras.get(self.name, {})}, identity, BODY_HEADERS)
