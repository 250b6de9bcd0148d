"""countTokens: the estimate of what a prompt would cost."""

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
from mockllm.dialects.gemini.generate_request import GenerateRequest, camelised, held
from mockllm.dialects.gemini.headers import JSON
from mockllm.dialects.gemini.json_format import page


class GeminiCountRequest(GenerateRequest):
    """POST …/models/{model}:countTokens: contents, or a whole generateContent request."""

    api = "count_tokens"
    generates = False

    @lazy
    def said(self) -> dict[str, Json]:
        """The request that is counted."""
        fields = held(camelised(self.fields))
        inner = fields.get("generateContentRequest")
        return inner if type(inner) is dict else fields


class GeminiCountTokens:
    """The dialect object of this call."""

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
        """Vertex AI counts characters beside tokens: all but spaces."""
        assert isinstance(request, GeminiCountRequest)
        tokens = request.input_tokens
        body: dict[str, Json] = {"totalTokens": tokens}
        if request.vertex:
            body["totalBillableCharacters"] = _characters(request)
        body["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": tokens}]
        return Plan(ResponseHead(200, JSON), (EventStep(page(body) + b"\n", 0, "body"),))


def _characters(request: Request) -> int:
    texts = [part.text for message in request.messages for part in message.parts if type(part) is TextPart]
    return sum(len("".join(text.split())) for text in (*texts, request.system or ""))
