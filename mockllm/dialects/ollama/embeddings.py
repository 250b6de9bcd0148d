"""POST /api/embed: vectors of texts; POST /api/embeddings, which older clients call: the vector of one text."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.request import Request
from mockllm.core.text_vectors import NumberList
from mockllm.dialects.dialect import EmbeddingDialect, ResponseIdentity
from mockllm.dialects.ollama.check import EMBED, check_fields, check_options
from mockllm.dialects.ollama.encoder import LOAD_DURATION, PROMPT_TOKEN_DURATION
from mockllm.dialects.ollama.errors import OllamaCall
from mockllm.dialects.ollama.models import json_plan
from mockllm.dialects.ollama.request import DEFAULT_MODEL, OllamaEmbeddingsRequest


class OllamaEmbeddings(OllamaCall, EmbeddingDialect):
    """The vectors, in the order of the inputs."""

    request_class = OllamaEmbeddingsRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, OllamaEmbeddingsRequest)
        error = self.check_readable(request) or check_fields(request.fields, EMBED, "EmbedRequest")
        if error is not None:
            return error
        value = None if request.single else request.fields.get("input")
        if not (
            value is None
            or type(value) is str
            or (type(value) is list and all(type(entry) is str for entry in value))
        ):
            return Failure("bad_request", message="invalid input type")
        return check_options(request.fields)

    def embed(self, result: EmbeddingResult, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, OllamaEmbeddingsRequest)
        values, extras = list(map(NumberList, request.vectors(result))), result.extras.get(self.name, {})
        if request.single:
            return json_plan({"embedding": values[0] if values else [], **extras})
        counted = request.input_tokens if result.input_tokens is None else result.input_tokens
        body: dict[str, Json] = {
            "model": result.model or request.model or DEFAULT_MODEL,
            "embeddings": values,
            "total_duration": LOAD_DURATION + counted * PROMPT_TOKEN_DURATION,
            "load_duration": LOAD_DURATION,
            "prompt_eval_count": counted,
        }
        return json_plan({**body, **extras})
