"""POST /api/chat and /api/generate: a Reply as one object, or as lines of JSON that are one object each (NDJSON).

The last line contains the reason, the token counts and the durations, in nanoseconds. From recordings of 2024 to
2026, and the types of the `ollama` package (0.6.3). Calls arrive whole, with arguments as an object, and end with
`stop`.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Choice, Reply
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import Format
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, function_tools, without_empty
from mockllm.dialects.ollama.check import CHAT, GENERATE, check_generation
from mockllm.dialects.ollama.decoder import decode
from mockllm.dialects.ollama.encoder import (
    NDJSON,
    OLLAMA_LAYOUT,
    ContentForm,
    OllamaEncoder,
    supported_reply,
    whole,
)
from mockllm.dialects.ollama.errors import JSON, OllamaCall
from mockllm.dialects.ollama.logprobs import choice_logprobs
from mockllm.dialects.ollama.request import (
    DEFAULT_MODEL,
    GenerationRequest,
    OllamaChatRequest,
    OllamaGenerateRequest,
)


class OllamaGeneration(OllamaCall):
    """The base of both calls."""

    api: str
    generates = True
    capabilities = ProtocolCapabilities(
        tool_choice=False,
        choices=False,
        refusal=False,
        chunked_calls=False,
        invalid_arguments=False,
        cache_read=False,
        cache_write=False,
        reasoning=False,
        unsupported_parts=frozenset({"citations", "images"}),
        framings=frozenset({Framing.NDJSON}),
    )
    decode = staticmethod(decode)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, GenerationRequest)
        if request.load_reason is not None:
            return replace(reply, choices=(Choice(()),))
        is_chat = isinstance(request, OllamaChatRequest)
        return supported_reply(reply, calls=is_chat, thinking=not request.omits_thinking)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerationRequest)
        form = ContentForm(reply, request, identity)
        if request.load_reason is not None:
            return _loaded(form, request.load_reason)
        choice = reply.choices[0]
        body = form.last(whole(choice, form), choice_logprobs(choice, request.logprobs))
        return Plan(ResponseHead(200, JSON), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerationRequest)
        if request.load_reason is not None:
            return _loaded(ContentForm(reply, request, identity), request.load_reason)
        steps = tuple(encode(OllamaEncoder(reply, request, identity)))
        return Plan(ResponseHead(200, NDJSON), steps, Framing.NDJSON)

    def event_layout(self, request: Request) -> EventLayout:
        return OLLAMA_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, GenerationRequest)
        return request.omits_thinking, request.load_reason, request.logprobs


class OllamaChat(OllamaGeneration):
    """POST /api/chat."""

    api = "chat"
    request_class = OllamaChatRequest

    def check(self, request: Request) -> Failure | None:
        return self.check_readable(request) or check_generation(request.fields, CHAT, "ChatRequest")

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Write a request; the protocol has no tool choice and one choice."""
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        own = {
            "messages": system + request.turns,
            "tools": function_tools(request),
        }
        return _wire("/api/chat", request, own)


class OllamaGenerate(OllamaGeneration):
    """POST /api/generate."""

    api = "generate"
    capabilities = replace(
        OllamaGeneration.capabilities, unsupported_parts=frozenset({"citations", "images", "tool_calls"})
    )
    request_class = OllamaGenerateRequest

    def check(self, request: Request) -> Failure | None:
        return self.check_readable(request) or check_generation(request.fields, GENERATE, "GenerateRequest")

    def encoding_key(self, request: Request) -> Hashable:
        """Return a key with the request itself, because the context has the tokens of the prompt."""
        return super().encoding_key(request), value_or_digest(request.raw)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Write a request with a prompt; the call has no tools."""
        return _wire("/api/generate", request, {"prompt": request.user, "system": request.system})


def _loaded(form: ContentForm, reason: str) -> Plan:
    """Return the response to a request without content, which is one object even where a stream is the default
    (`GenerateHandler` and `ChatHandler` of Ollama's `server/routes.go`)."""
    body = form.object({"content": ""}, done=True, done_reason=reason)
    return Plan(ResponseHead(200, JSON), (EventStep(dumps(body), 0, "body"),))


def _wire(path: str, request: NeutralRequest, own: dict[str, Json]) -> WireRequest:
    """Return the request. It declines a stream, which is the default, unless it wants one."""
    options = without_empty({"num_predict": request.max_tokens, "stop": list(request.stop)})
    body = {
        "model": request.model or DEFAULT_MODEL,
        **without_empty({**own, "format": _format(request.response_format), "options": options or None}),
        "stream": request.stream is True,
    }
    return WireRequest(path, request.headers(), body)


def _format(format: Format | None) -> Json:
    if format is None or format.kind == "text":
        return None
    return "json" if format.kind == "json" else format.schema
