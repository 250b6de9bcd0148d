"""POST /v1/embeddings: vectors of texts or of tokens, as numbers or packed in base64 (which SDKs ask for)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, pretty
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.embeddings import EmbeddingResult, packed, shortened, vector, written
from mockllm.core.request.request import Message, OtherPart, Part, Request, TextPart
from mockllm.core.tokens import estimate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.check import check_readable
from mockllm.dialects.openai.errors import error_plan
from mockllm.dialects.openai.headers import WHOLE_HEAD, head
from mockllm.dialects.openai.request_helpers import text_of
from mockllm.dialects.openai.validators import Check, integer, length, refuse, string, word

DEFAULT_MODEL: Final = "text-embedding-3-small"
SIZE: Final = 1536
"""The dimensions of a model that is not in the table."""
SIZES: Final = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
SNAPSHOTS: Final = {"text-embedding-ada-002": "text-embedding-ada-002-v2"}
FIXED: Final = frozenset({"text-embedding-ada-002"})
"""Models that are not shortened."""
MOST: Final = 2048
"""How many inputs one request may have; no more are embedded, also where nobody checks."""
WRONG_INPUT: Final = (
    "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
)


class OpenAiEmbeddingsRequest(Request):
    """A request that brings texts or tokens instead of messages."""

    dialect = "openai"
    api = "embeddings"

    @lazy
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @lazy
    def inputs(self) -> tuple[str | list[int], ...]:
        """Each thing to embed: a text, or the numbers of its tokens."""
        given = self.fields.get("input")
        if type(given) is str:
            return (given,)
        if type(given) is not list:
            return ()
        if given and all(type(each) is int for each in given):
            return (given,)
        return tuple(each for each in given[:MOST] if type(each) is str or _tokens(each))

    @lazy
    def messages(self) -> tuple[Message, ...]:
        """All inputs as one message of the user."""
        parts: list[Part] = [
            TextPart(each) if type(each) is str else OtherPart("tokens") for each in self.inputs
        ]
        return (Message("user", tuple(parts)),) if parts else ()

    @lazy
    def input_tokens(self) -> int:
        return sum(estimate(each) if isinstance(each, str) else len(each) for each in self.inputs)


def _tokens(value: Json) -> bool:
    return type(value) is list and bool(value) and all(type(each) is int for each in value)


def _input(value: Json, path: str) -> Failure | None:
    """A text, some tokens, or a list of either; none of them empty."""
    if type(value) is list and not _tokens(value):
        texts = all(type(each) is str and each for each in value)
        if value and (texts or all(_tokens(each) for each in value)):
            return length(value, path, 1, MOST)
    elif value and type(value) in (str, list):
        return None
    return refuse(WRONG_INPUT)


FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "dimensions": integer(1),
    "encoding_format": word("float", "base64"),
    "user": string,
}


def check(request: Request) -> Failure | None:
    """The first thing that is wrong with the body."""
    wrong = check_readable(request)
    if wrong is not None:
        return wrong
    body = request.fields
    model = body.get("model")
    if model is None:
        return refuse("you must provide a model parameter")
    for name, field in FIELDS.items():
        if body.get(name) is not None:
            wrong = field(body[name], name)
            if wrong is not None:
                return wrong
    return _input(body.get("input"), "input") or _size(model, body.get("dimensions"))


def _size(model: str, wanted: int | None) -> Failure | None:
    if wanted is None:
        return None
    if model in FIXED:
        return refuse("This model does not support specifying dimensions.")
    most = SIZES.get(model, wanted)
    if wanted > most:
        return refuse(f"Invalid value for 'dimensions' = {wanted}. Must be less than or equal to {most}.")
    return None


def embedded(value: str | list[int], model: str, wanted: Json) -> tuple[float, ...]:
    """The vector of one input. A model's own size is shortened to the wanted one, where it can be."""
    size = SIZES.get(model, SIZE)
    text = value if isinstance(value, str) else " ".join(map(str, value))
    if type(wanted) is not int or not 0 < wanted <= LONGEST:
        return vector(text, size)
    return shortened(vector(text, size), wanted) if wanted <= size else vector(text, wanted)


LONGEST: Final = 16_384
"""So many dimensions are made at most, of a model that nobody knows."""


class OpenAiEmbeddings:
    """The vectors, in the order of the inputs."""

    name = "openai"
    api = "embeddings"
    generates = False
    request = OpenAiEmbeddingsRequest

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        return self.embed(None, request, stamp)

    def embed(self, said: EmbeddingResult | None, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, OpenAiEmbeddingsRequest)
        model, fields, tokens = request.model or DEFAULT_MODEL, request.fields, request.input_tokens
        shown = SNAPSHOTS.get(model, model)
        extras: Mapping[str, Json] = {}
        if said is None:
            made = [embedded(each, model, fields.get("dimensions")) for each in request.inputs]
        else:
            made, shown = said.of(len(request.inputs)), said.model or shown
            tokens = tokens if said.input_tokens is None else said.input_tokens
            extras = said.extras.get(self.name, {})
        coded = fields.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": number,
                "embedding": b64encode(packed(each)).decode() if coded else written(each),
            }
            for number, each in enumerate(made)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = {"object": "list", "data": data, "model": shown, "usage": usage, **extras}
        return Plan(head(200, WHOLE_HEAD, stamp), (EventStep(pretty(body) + b"\n", 0, "body"),))
