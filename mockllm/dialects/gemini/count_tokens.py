"""countTokens: the estimated token count of a prompt."""

from __future__ import annotations

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request, TextPart
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.camel_case import camel_case_fields
from mockllm.dialects.gemini.generate_check import GeminiDialect, check
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.gemini.media_tokens import modality_details, prompt_details
from mockllm.dialects.gemini.wire_format import JSON, indented


class GeminiCountRequest(GenerateRequest):
    """POST …/models/{model}:countTokens: contents, or a complete generateContent request."""

    api = "count_tokens"
    generates = False

    @cached_property
    def message(self) -> dict[str, Json]:
        """The counted request."""
        fields = object_of(camel_case_fields(self.fields))
        inner = fields.get("generateContentRequest")
        return inner if type(inner) is dict else fields


class GeminiCountTokens(GeminiDialect):
    """The dialect of countTokens."""

    api: str = "count_tokens"
    generates: bool = False
    request_class: type[Request] = GeminiCountRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GeminiCountRequest)
        return check(request)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        """Return the count; Vertex AI also counts characters, without spaces."""
        assert isinstance(request, GeminiCountRequest)
        tokens = request.input_tokens
        body: dict[str, Json] = {"totalTokens": tokens}
        if request.vertex:
            body["totalBillableCharacters"] = prompt_characters(request)
        body["promptTokensDetails"] = modality_details(prompt_details(tokens, request.media))
        return Plan(ResponseHead(200, JSON), (EventStep(indented(body) + b"\n", 0, "body"),))


def prompt_characters(request: Request) -> int:
    """Return the characters of a prompt, without spaces, as Vertex AI counts them."""
    texts = [part.text for message in request.messages for part in message.parts if type(part) is TextPart]
    return sum(len("".join(text.split())) for text in (*texts, request.system or ""))
