"""countTokens: the estimated token count of a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request, TextPart
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.errors import error_plan
from mockllm.dialects.gemini.generate_check import check, check_readable
from mockllm.dialects.gemini.generate_request import GenerateRequest, camel_case_fields, object_of
from mockllm.dialects.gemini.wire_format import JSON, indented


class GeminiCountRequest(GenerateRequest):
    """POST …/models/{model}:countTokens: contents, or a complete generateContent request."""

    api = "count_tokens"
    generates = False

    @lazy
    def message(self) -> dict[str, Json]:
        """The counted request."""
        fields = object_of(camel_case_fields(self.fields))
        inner = fields.get("generateContentRequest")
        return inner if type(inner) is dict else fields


class GeminiCountTokens:
    """The dialect of this call."""

    name: str = "gemini"
    api: str = "count_tokens"
    generates: bool = False
    request: type[Request] = GeminiCountRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GeminiCountRequest)
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        """Return the count; Vertex AI also counts characters, without spaces."""
        assert isinstance(request, GeminiCountRequest)
        tokens = request.input_tokens
        body: dict[str, Json] = {"totalTokens": tokens}
        if request.vertex:
            body["totalBillableCharacters"] = _characters(request)
        body["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": tokens}]
        return Plan(ResponseHead(200, JSON), (EventStep(indented(body) + b"\n", 0, "body"),))


def _characters(request: Request) -> int:
    texts = [part.text for message in request.messages for part in message.parts if type(part) is TextPart]
    return sum(len("".join(text.split())) for text in (*texts, request.system or ""))
